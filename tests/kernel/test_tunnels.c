/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments, and one datagram in every kind of tunnel: `tunnels: outer` must find the outer flow,
 * `tunnels: inner` the inner one, which counts from its own IP header on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/bed.h"

static struct bed bed;

#define OUT_A "192.0.2.1" /* ends of the tunnel */
#define OUT_B "192.0.2.2"
#define OUT_A6 "2001:db8:1::1"
#define OUT_B6 "2001:db8:1::2"
#define IN_A "10.9.0.1"
#define IN_B "10.9.0.2"
#define IN_A6 "2001:db8:9::1"
#define IN_B6 "2001:db8:9::2"

#define OUTER "queries: []\ntunnels: outer\n"
#define INNER "queries: []\ntunnels: inner\n"

/* The frame makes this one flow, which counts from its ip-th IP header on. */
static void expect(struct frame *f, __u32 ip, const struct bed_key *want)
{
	struct bed_flow flow;

	bed_reset(&bed);
	bed_feed(&bed, f);
	flow = bed_only_flow(&bed);
	bed_expect_key(&flow, want);
	assert_int_equal(flow.flow.bytes, f->bytes - f->ip_at[ip]);
	assert_int_equal(bed_books(&bed, WEIR_OUTSIDE).bytes, f->ip_at[ip]);
	bed_expect_conserved(&bed);
}

/* Finishes a frame whose tunnel is open with an inner IPv4 or IPv6 datagram; tests both ways. */
static void expect_both(struct frame *f, bool six, const struct bed_key *outer)
{
	struct bed_key inner = {IN_A, IN_B, 4321, 8080, .proto = 6};

	if (six) {
		inner.src = IN_A6;
		inner.dst = IN_B6;
		frame_ip6(f, IN_A6, IN_B6);
	} else {
		frame_ip4(f, IN_A, IN_B);
	}
	frame_tcp(f, 4321, 8080, WEIR_TCP_ACK);
	frame_payload(f, 33);
	frame_end(f);
	bed_tables(&bed, OUTER);
	expect(f, 0, outer);
	bed_tables(&bed, INNER);
	expect(f, 1, &inner);
	assert_int_equal(bed_only_flow(&bed).flow.tcp_flags, WEIR_TCP_ACK);
}

static void start(struct frame *f, bool six)
{
	frame_eth(f);
	if (six)
		frame_ip6(f, OUT_A6, OUT_B6);
	else
		frame_ip4(f, OUT_A, OUT_B);
}

static struct bed_key outer_key(bool six, __u8 proto)
{
	return (struct bed_key){six ? OUT_A6 : OUT_A, six ? OUT_B6 : OUT_B, .proto = proto,
				.no_ports = true};
}

static void ip_in_ip_and_6in4_hold_an_inner_flow(void **state)
{
	for (int ways = 0; ways < 4; ways++) {
		struct frame f = {};
		struct bed_key outer = outer_key(ways & 1, ways & 2 ? 41 : 4);

		start(&f, ways & 1);
		expect_both(&f, ways & 2, &outer);
	}
}

static void gre_of_every_header_length_holds_an_inner_flow(void **state)
{
	for (int ways = 0; ways < 32; ways++) {
		struct frame f = {};
		struct bed_key outer = outer_key(ways & 1, 47);

		start(&f, ways & 1);
		frame_gre(&f, ways & 4, ways & 8, ways & 16);
		expect_both(&f, ways & 2, &outer);
	}
}

static void ethernet_in_gre_may_have_tags_of_its_own(void **state)
{
	struct bed_key inner = {IN_A, IN_B, 5, 6, .proto = 17, .vlan = 33};
	struct bed_key outer = outer_key(false, 47);
	struct frame f = {};

	start(&f, false);
	frame_gre(&f, false, true, false);
	frame_eth(&f);
	frame_vlan(&f, 0x8100, 33);
	frame_ip4(&f, IN_A, IN_B);
	frame_udp(&f, 5, 6);
	frame_end(&f);
	bed_tables(&bed, OUTER);
	expect(&f, 0, &outer);
	bed_tables(&bed, INNER);
	expect(&f, 1, &inner);
}

static void vxlan_holds_an_inner_flow(void **state)
{
	for (int ways = 0; ways < 4; ways++) {
		struct frame f = {};
		struct bed_key outer = outer_key(ways & 1, 17);

		outer.no_ports = false;
		outer.sport = 50000;
		outer.dport = 4789;
		start(&f, ways & 1);
		frame_udp(&f, 50000, 4789);
		frame_vxlan(&f, 77);
		frame_eth(&f);
		expect_both(&f, ways & 2, &outer);
	}
}

static void geneve_with_options_holds_an_inner_flow(void **state)
{
	for (int ways = 0; ways < 8; ways++) {
		for (int options = 0; options <= 252; options += 36) {
			struct frame f = {};
			struct bed_key outer = outer_key(ways & 1, 17);

			outer.no_ports = false;
			outer.sport = 50000;
			outer.dport = 6081;
			start(&f, ways & 1);
			frame_udp(&f, 50000, 6081);
			frame_geneve(&f, options);
			if (ways & 4)
				frame_eth(&f);
			expect_both(&f, ways & 2, &outer);
		}
	}
}

static struct bed_key udp_key(bool six, __u16 sport, __u16 dport)
{
	struct bed_key key = outer_key(six, 17);

	key.no_ports = false;
	key.sport = sport;
	key.dport = dport;
	return key;
}

static void vxlan_is_followed_at_the_ports_that_the_configuration_names(void **state)
{
	static const struct {
		const char *yaml;
		__u16 port;
		bool inner;
	} cases[] = {
		{"", 4789, true},
		{"", 8472, true},
		{"", 8473, false},
		{"vxlan_ports: [8473]\n", 8473, true},
		{"vxlan_ports: [8473]\n", 4789, false},
		{"vxlan_ports: []\n", 4789, false},
		{"vxlan_ports: [1, 2, 3, 4, 5, 6, 7, 65535]\n", 65535, true},
		{"vxlan_ports: [1, 2, 3, 4, 5, 6, 7, 65535]\n", 1, true},
		{"vxlan_ports: [53]\n", 53, true},
		{"vxlan_ports: [6081]\n", 6081,
		 true}, /* what is named comes before what is usual */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bed_key outer = udp_key(false, 50000, cases[i].port);
		struct bed_key inner = {IN_A, IN_B, 5, 6, .proto = 17};
		struct frame f = {};
		char yaml[256];

		start(&f, false);
		frame_udp(&f, 50000, cases[i].port);
		frame_vxlan(&f, 77);
		frame_eth(&f);
		frame_ip4(&f, IN_A, IN_B);
		frame_udp(&f, 5, 6);
		frame_end(&f);
		snprintf(yaml, sizeof(yaml), INNER "%s", cases[i].yaml);
		bed_tables(&bed, yaml);
		expect(&f, cases[i].inner, cases[i].inner ? &inner : &outer);
	}
}

static void vxlan_gpe_holds_what_its_next_protocol_says(void **state)
{
	for (int ways = 0; ways < 16; ways++) {
		struct bed_key outer = udp_key(ways & 1, 50000, 4790);
		struct frame f = {};

		start(&f, ways & 1);
		frame_udp(&f, 50000, 4790);
		frame_vxlan_gpe(&f);
		if (ways & 4)
			frame_nsh(&f, 16);
		if (ways & 8)
			frame_eth(&f);
		expect_both(&f, ways & 2, &outer);
	}
}

static void gtp_u_with_options_and_extension_headers_holds_an_inner_flow(void **state)
{
	static const __u8 extensions[][4] = {{0}, {4}, {8, 4}, {4, 4, 12, 16}, {252, 4}};

	for (int ways = 0; ways < 4; ways++) {
		for (__u8 flags = 0; flags < 8; flags++) {
			for (size_t i = 0; i < (flags & 4 ? 5 : 1); i++) {
				struct bed_key outer = udp_key(ways & 1, 2152, 2152);
				struct frame f = {};

				start(&f, ways & 1);
				frame_udp(&f, 2152, 2152);
				frame_gtp(&f, flags, extensions[i]);
				expect_both(&f, ways & 2, &outer);
			}
		}
	}
}

static void erspan_holds_the_frame_that_was_mirrored(void **state)
{
	for (int ways = 0; ways < 4; ways++) {
		for (int type = 1; type <= 3; type++) {
			for (int platform = 0; platform <= (type == 3); platform++) {
				struct bed_key outer = outer_key(ways & 1, 47);
				struct frame f = {};

				start(&f, ways & 1);
				frame_gre(&f, false, false, type > 1);
				if (type == 1)
					frame_ethertype(&f, 0x88be);
				else
					frame_erspan(&f, type, platform);
				frame_eth(&f);
				expect_both(&f, ways & 2, &outer);
			}
		}
	}
}

static void l2tpv3_holds_ethernet_behind_any_cookie(void **state)
{
	for (int ways = 0; ways < 8; ways++) {
		for (__u32 cookie = 0; cookie <= 8; cookie += 4) {
			for (int sublayer = 0; sublayer < 2; sublayer++) {
				bool udp = ways & 4;
				struct bed_key outer = udp ? udp_key(ways & 1, 1701, 1701)
							   : outer_key(ways & 1, 115);
				struct frame f = {};

				start(&f, ways & 1);
				if (udp)
					frame_udp(&f, 1701, 1701);
				frame_l2tp(&f, udp, cookie, sublayer);
				frame_eth(&f);
				expect_both(&f, ways & 2, &outer);
			}
		}
	}
}

/* Control messages, other versions, echo requests, payload that is no IP. */
static void what_only_looks_like_a_tunnel_is_the_outer_flow(void **state)
{
	static const struct {
		__u16 port; /* 0: L2TP over IP */
		__u32 at;   /* from the tunnel's header on */
		__u8 value;
	} cases[] = {
		{2152, 0, 0x10}, {2152, 0, 0x50},  {2152, 1, 1},    {2152, 1, 254},
		{2152, 8, 0x02}, {4790, 0, 0x04},  {4790, 0, 0x1c}, {4790, 3, 9},
		{1701, 0, 0xc8}, {1701, 1, 2},     {4789, 0, 0x00}, {8472, 0, 0x00},
		{6081, 0, 0x40}, {1701, 25, 0x99}, {0, 21, 0x99},
	};

	bed_tables(&bed, INNER);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		__u16 port = cases[i].port;
		struct bed_key outer = port ? udp_key(false, port, port) : outer_key(false, 115);
		struct frame f = {};
		__u32 at;

		start(&f, false);
		if (port)
			frame_udp(&f, port, port);
		at = f.bytes;
		if (port == 2152)
			frame_gtp(&f, 0, NULL);
		else if (port == 4790)
			frame_vxlan_gpe(&f);
		else if (port == 1701 || !port)
			frame_l2tp(&f, port, 4, false);
		else if (port == 6081)
			frame_geneve(&f, 0);
		else
			frame_vxlan(&f, 1);
		if (port != 2152)
			frame_eth(&f);
		frame_ip4(&f, IN_A, IN_B);
		frame_udp(&f, 5, 6);
		frame_end(&f);
		f.data[at + cases[i].at] = cases[i].value;
		if (!port || (port == 1701 && cases[i].at > 16))
			f.data[at + cases[i].at - 1] = 0x99; /* a type that there is not */
		expect(&f, 0, &outer);
	}
}

static void a_tag_in_a_tunnel_without_ip_is_not_the_flows(void **state)
{
	struct bed_key outer = outer_key(false, 47);
	struct frame f = {};

	bed_tables(&bed, INNER);
	start(&f, false);
	frame_gre(&f, false, false, false);
	frame_eth(&f);
	frame_vlan(&f, 0x8100, 33);
	frame_arp(&f);
	frame_end(&f);
	expect(&f, 0, &outer);
}

static void what_no_parser_understands_inside_a_tunnel_is_the_outer_flow(void **state)
{
	struct bed_key gre = outer_key(false, 47), udp = outer_key(false, 17);
	struct frame arp = {}, pptp = {}, plain = {};

	bed_tables(&bed, INNER);
	start(&arp, false);
	frame_gre(&arp, false, false, false);
	frame_eth(&arp);
	frame_arp(&arp);
	frame_end(&arp);
	expect(&arp, 0, &gre);

	start(&pptp, false);
	frame_gre(&pptp, false, true, true);
	frame_ethertype(&pptp, 0x880b);
	pptp.data[pptp.ip_at[0] + 21] = 1; /* version 1 */
	frame_payload(&pptp, 40);
	frame_end(&pptp);
	expect(&pptp, 0, &gre);

	start(&plain, false); /* the port of VXLAN, but no VNI */
	frame_udp(&plain, 50000, 4789);
	frame_proto(&plain, 0);
	frame_payload(&plain, 60);
	plain.data[plain.ip_at[0] + 28] = 0;
	frame_end(&plain);
	udp.no_ports = false;
	udp.sport = 50000;
	udp.dport = 4789;
	expect(&plain, 0, &udp);
}

static void four_layers_are_followed_and_a_fifth_is_too_deep(void **state)
{
	static const char *const src[] = {"10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1",
					  "10.5.0.1"};

	bed_tables(&bed, INNER);
	for (int layers = 1; layers <= 5; layers++) {
		int found = layers < 5 ? layers - 1 : 3;
		struct bed_key want = {src[found], IN_B, .proto = layers < 5 ? 17 : 4};
		struct frame f = {};

		want.sport = layers < 5 ? 5 : 0;
		want.dport = layers < 5 ? 6 : 0;
		want.no_ports = layers == 5;
		frame_eth(&f);
		for (int i = 0; i < layers; i++)
			frame_ip4(&f, src[i], IN_B);
		frame_udp(&f, 5, 6);
		frame_end(&f);
		expect(&f, found, &want);
		assert_int_equal(bed_books(&bed, WEIR_TOO_DEEP).packets, layers == 5);
	}
}

static void an_outer_vlan_stays_the_flows_vlan(void **state)
{
	struct bed_key inner = {IN_A6, IN_B6, 5, 6, .proto = 17, .vlan = 12};
	struct frame f = {};

	bed_tables(&bed, INNER);
	frame_eth(&f);
	frame_vlan(&f, 0x88a8, 12);
	frame_vlan(&f, 0x8100, 13);
	frame_ip4(&f, OUT_A, OUT_B);
	frame_udp(&f, 9, 4789);
	frame_vxlan(&f, 1);
	frame_eth(&f);
	frame_vlan(&f, 0x8100, 14);
	frame_ip6(&f, IN_A6, IN_B6);
	frame_udp(&f, 5, 6);
	frame_end(&f);
	expect(&f, 1, &inner);
}

/* --- Fragments ------------------------------------------------------------------------- */

static struct frame fragment(bool six, __u32 id, __u16 offset, bool more)
{
	struct frame f = {};

	start(&f, six);
	if (six)
		frame_ip6_fragment(&f, id, offset, more);
	else
		frame_ip4_fragment(&f, id, offset, more);
	if (offset)
		frame_proto(&f, 17);
	else
		frame_udp(&f, 2000, 3000);
	frame_payload(&f, 48);
	frame_end(&f);
	return f;
}

static struct frame ping_fragment(bool six, __u16 vlan, __u16 id, __u16 offset)
{
	struct frame f = {};

	frame_eth(&f);
	if (vlan)
		frame_vlan(&f, 0x8100, vlan);
	if (six) {
		frame_ip6(&f, OUT_A6, OUT_B6);
		frame_ip6_fragment(&f, id, offset, true);
	} else {
		frame_ip4(&f, OUT_A, OUT_B);
		frame_ip4_fragment(&f, id, offset, true);
	}
	if (offset)
		frame_proto(&f, six ? 58 : 1);
	else if (six)
		frame_icmp6(&f, 128, 3);
	else
		frame_icmp(&f, 8, 3);
	frame_payload(&f, 48);
	frame_end(&f);
	return f;
}

static struct bed_key ping_key(bool six, bool known)
{
	struct bed_key key = outer_key(six, six ? 58 : 1);

	key.dport = known ? (six ? 128 : 8) * 256 + 3 : 0;
	key.unknown = !known;
	return key;
}

static void later_fragments_have_the_type_and_code_of_the_first(void **state)
{
	bed_tables(&bed, OUTER);
	for (int six = 0; six < 2; six++) {
		struct frame first = ping_fragment(six, 0, 7, 0),
			     later = ping_fragment(six, 0, 7, 7);
		struct bed_key known = ping_key(six, true), unknown = ping_key(six, false);
		struct bed_flow flow;

		expect(&later, 0, &unknown); /* the first is late */
		bed_reset(&bed);
		bed_feed(&bed, &first);
		bed_feed(&bed, &later);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &known);
		assert_int_equal(flow.flow.packets, 2);
		assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets, 0);
		bed_expect_conserved(&bed);
	}
}

/* RFC 8200 4.5: a datagram that is not whole after 60 s is given up. */
static void a_first_fragment_is_remembered_for_a_minute(void **state)
{
	static const struct {
		__s64 after_ns;
		bool known;
	} cases[] = {
		{60 * (__s64)BED_SECOND, true},
		{60 * (__s64)BED_SECOND + 1, false},
		{3600 * (__s64)BED_SECOND, false},
		{-60 * (__s64)BED_SECOND, true}, /* a clock that stepped back */
		{-60 * (__s64)BED_SECOND - 1, false},
	};

	bed_tables(&bed, OUTER);
	for (int six = 0; six < 2; six++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			struct frame first = ping_fragment(six, 0, 7, 0);
			struct frame later = ping_fragment(six, 0, 7, 7);

			bed_reset(&bed);
			bed_feed(&bed, &first);
			bed.now_ns += cases[i].after_ns;
			bed_feed(&bed, &later);
			assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets,
					 !cases[i].known);
			bed_feed(&bed, &first); /* the number comes again */
			bed_feed(&bed, &later);
			assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets,
					 !cases[i].known);
			bed_expect_balance(&bed);
		}
	}
}

static void fragments_of_another_vlan_or_family_are_of_another_datagram(void **state)
{
	static const struct {
		bool first6, later6;
		__u16 first, later;
		bool known;
	} cases[] = {
		{0, 0, 10, 20, false}, {0, 0, 0, 20, false}, {1, 1, 10, 0, false},
		{0, 0, 10, 10, true},  {1, 1, 10, 10, true}, {0, 1, 0, 0, false},
		{1, 0, 0, 0, false},
	};

	bed_tables(&bed, OUTER);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct frame first = ping_fragment(cases[i].first6, cases[i].first, 7, 0);
		struct frame later = ping_fragment(cases[i].later6, cases[i].later, 7, 7);

		bed_reset(&bed);
		bed_feed(&bed, &first);
		bed_feed(&bed, &later);
		assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets, !cases[i].known);
		assert_int_equal(bed_flows(&bed, NULL, 0), 2 - cases[i].known);
	}
}

/* The first leads on through headers that the others do not have. */
static void fragments_of_what_has_more_headers_are_of_one_flow(void **state)
{
	bed_tables(&bed, OUTER);
	for (int six = 0; six < 2; six++) {
		struct frame first = {}, later = {};
		struct bed_key want = outer_key(six, 17);
		struct bed_flow flow;

		want.no_ports = false;
		want.sport = 2000;
		want.dport = 3000;
		start(&first, six);
		start(&later, six);
		if (six) {
			frame_ip6_fragment(&first, 7, 0, true);
			frame_ip6_fragment(&later, 7, 9, false);
		} else {
			frame_ip4_fragment(&first, 7, 0, true);
			frame_ip4_fragment(&later, 7, 9, false);
		}
		frame_extension(&first, six ? 60 : 51, 24);
		frame_udp(&first, 2000, 3000);
		frame_payload(&first, 40);
		frame_end(&first);
		frame_proto(&later, six ? 60 : 51);
		frame_payload(&later, 48);
		frame_end(&later);
		bed_reset(&bed);
		bed_feed(&bed, &first);
		bed_feed(&bed, &later);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &want);
		assert_int_equal(flow.flow.packets, 2);
		bed_expect_balance(&bed);
	}
}

/* A fragment id is used again, with a first fragment too short for ports: the earlier ports do not
 * belong to it. */
static void a_first_fragment_without_a_transport_header_forgets_the_one_before(void **state)
{
	struct frame first = fragment(false, 7, 0, true), later = fragment(false, 7, 7, true);
	struct frame tiny = first;

	tiny.data[tiny.ip_at[0] + 3] = 22;
	tiny.data[tiny.ip_at[0] + 2] = 0;
	bed_tables(&bed, OUTER);
	bed_reset(&bed);
	bed_feed(&bed, &first);
	bed_feed(&bed, &tiny);
	bed_feed(&bed, &later);
	assert_int_equal(bed_books(&bed, WEIR_NO_TRANSPORT).packets, 1);
	assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets, 1);
	assert_int_equal(bed_flow_of_port(&bed, 2000).flow.packets, 1);
	bed_expect_balance(&bed);
}

static void later_fragments_have_the_ports_of_the_first(void **state)
{
	bed_tables(&bed, OUTER);
	for (int six = 0; six < 2; six++) {
		struct frame first = fragment(six, 7, 0, true), middle = fragment(six, 7, 7, true);
		struct frame last = fragment(six, 7, 13, false);
		struct bed_key want = outer_key(six, 17);
		struct bed_flow flow;

		want.no_ports = false;
		want.sport = 2000;
		want.dport = 3000;
		bed_reset(&bed);
		bed_feed(&bed, &first);
		bed_feed(&bed, &middle);
		bed_feed(&bed, &last);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &want);
		assert_int_equal(flow.flow.packets, 3);
		assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets, 0);
		bed_expect_conserved(&bed);
	}
}

static void a_fragment_alone_is_a_flow_without_ports_and_is_noted(void **state)
{
	bed_tables(&bed, OUTER);
	for (int six = 0; six < 2; six++) {
		struct frame first = fragment(six, 7, 0, true), other = fragment(six, 8, 7, false);
		struct bed_key want = outer_key(six, 17);
		struct bed_flow flow;

		want.unknown = true;
		expect(&other, 0, &want);
		flow = bed_only_flow(&bed);
		assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets, 1);
		bed_feed(&bed, &first); /* of another datagram */
		bed_feed(&bed, &other);
		assert_int_equal(bed_flows(&bed, NULL, 0), 2);
		assert_int_equal(bed_flow_of_port(&bed, 0).flow.packets, 2);
		assert_int_equal(bed_flow_of_port(&bed, 0).slot, flow.slot);
		assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets, 2);
	}
}

static void the_do_not_fragment_bit_makes_no_fragment(void **state)
{
	struct bed_key want = {OUT_A, OUT_B, 1, 2, .proto = 17};
	struct frame f = frame_of_udp(OUT_A, OUT_B, 1, 2, 5);

	f.data[f.ip_at[0] + 6] = 0x40;
	bed_tables(&bed, OUTER);
	expect(&f, 0, &want);
}

static void an_atomic_ipv6_fragment_is_a_whole_datagram(void **state)
{
	struct bed_key want = {OUT_A6, OUT_B6, 2000, 3000, .proto = 17};
	struct frame f = fragment(true, 9, 0, false), later = fragment(true, 9, 4, false);

	bed_tables(&bed, OUTER);
	expect(&f, 0, &want);
	bed_feed(&bed, &later); /* its id means nothing to others (RFC 6946) */
	assert_int_equal(bed_books(&bed, WEIR_NO_FIRST_FRAGMENT).packets, 1);
}

static void tunnels_are_not_entered_in_fragments(void **state)
{
	struct bed_key want = outer_key(false, 4);
	struct frame f = {};

	bed_tables(&bed, INNER);
	frame_eth(&f);
	frame_ip4(&f, OUT_A, OUT_B);
	frame_ip4_fragment(&f, 5, 40, true);
	frame_ip4(&f, IN_A, IN_B);
	frame_udp(&f, 1, 2);
	frame_end(&f);
	expect(&f, 0, &want);
}

static int open_bed(void **state)
{
	bed_open(&bed, &(struct meter_options){.flow_size = 64, .replay = true}, OUTER);
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip_in_ip_and_6in4_hold_an_inner_flow),
		cmocka_unit_test(gre_of_every_header_length_holds_an_inner_flow),
		cmocka_unit_test(ethernet_in_gre_may_have_tags_of_its_own),
		cmocka_unit_test(vxlan_holds_an_inner_flow),
		cmocka_unit_test(geneve_with_options_holds_an_inner_flow),
		cmocka_unit_test(vxlan_is_followed_at_the_ports_that_the_configuration_names),
		cmocka_unit_test(vxlan_gpe_holds_what_its_next_protocol_says),
		cmocka_unit_test(gtp_u_with_options_and_extension_headers_holds_an_inner_flow),
		cmocka_unit_test(erspan_holds_the_frame_that_was_mirrored),
		cmocka_unit_test(l2tpv3_holds_ethernet_behind_any_cookie),
		cmocka_unit_test(what_only_looks_like_a_tunnel_is_the_outer_flow),
		cmocka_unit_test(a_tag_in_a_tunnel_without_ip_is_not_the_flows),
		cmocka_unit_test(what_no_parser_understands_inside_a_tunnel_is_the_outer_flow),
		cmocka_unit_test(four_layers_are_followed_and_a_fifth_is_too_deep),
		cmocka_unit_test(an_outer_vlan_stays_the_flows_vlan),
		cmocka_unit_test(later_fragments_have_the_type_and_code_of_the_first),
		cmocka_unit_test(fragments_of_what_has_more_headers_are_of_one_flow),
		cmocka_unit_test(a_first_fragment_is_remembered_for_a_minute),
		cmocka_unit_test(fragments_of_another_vlan_or_family_are_of_another_datagram),
		cmocka_unit_test(
			a_first_fragment_without_a_transport_header_forgets_the_one_before),
		cmocka_unit_test(later_fragments_have_the_ports_of_the_first),
		cmocka_unit_test(a_fragment_alone_is_a_flow_without_ports_and_is_noted),
		cmocka_unit_test(the_do_not_fragment_bit_makes_no_fragment),
		cmocka_unit_test(an_atomic_ipv6_fragment_is_a_whole_datagram),
		cmocka_unit_test(tunnels_are_not_entered_in_fragments),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

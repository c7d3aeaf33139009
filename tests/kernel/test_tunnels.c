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
		cmocka_unit_test(what_no_parser_understands_inside_a_tunnel_is_the_outer_flow),
		cmocka_unit_test(four_layers_are_followed_and_a_fifth_is_too_deep),
		cmocka_unit_test(an_outer_vlan_stays_the_flows_vlan),
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

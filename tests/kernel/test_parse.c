/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One frame of every kind there is, and the flow or the counter it must land in. Frames come from
 * the builder, which was written from the RFCs; what is expected is said here in full. Tunnels are
 * in test_tunnels.c, frames cut short in test_cut.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/bed.h"

static struct bed bed;

#define A4 "10.0.0.1"
#define B4 "10.0.0.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8:ffff::2"

/* Feeds the frame alone: it must make this flow, counting from its first IP header to its end. */
static struct bed_flow expect(struct frame *f, const struct bed_key *want)
{
	__u32 end, ip_bytes;
	struct bed_flow flow;

	frame_end(f);
	end = f->bytes;
	ip_bytes = end - f->ip_at[0];
	bed_reset(&bed);
	bed_feed(&bed, f);
	flow = bed_only_flow(&bed);
	bed_expect_key(&flow, want);
	assert_int_equal(flow.flow.packets, 1);
	assert_int_equal(flow.flow.bytes, ip_bytes);
	assert_int_equal(flow.flow.first_ns, BED_START);
	assert_int_equal(flow.flow.last_ns, BED_START);
	assert_int_equal(bed_books(&bed, WEIR_SEEN_IN).bytes, f->bytes);
	bed_expect_conserved(&bed);
	return flow;
}

static void expect_counter(struct frame *f, enum weir_counter counter)
{
	frame_end(f);
	bed_reset(&bed);
	bed_feed(&bed, f);
	assert_int_equal(bed_flows(&bed, NULL, 0), 0);
	assert_int_equal(bed_books(&bed, counter).packets, 1);
	assert_int_equal(bed_books(&bed, counter).bytes, f->bytes);
	bed_expect_conserved(&bed);
}

static void tcp_over_ipv4_has_its_ports_and_flags(void **state)
{
	for (int flags = 0; flags < 256; flags++) {
		struct frame f = {};
		struct bed_flow flow;

		frame_eth(&f);
		frame_ip4(&f, A4, B4);
		frame_tcp(&f, 1024, 80, flags);
		frame_payload(&f, flags);
		flow = expect(&f, &(struct bed_key){A4, B4, 1024, 80, .proto = 6});
		assert_int_equal(flow.flow.tcp_flags, flags);
	}
}

static void tcp_over_ipv6_has_its_ports_and_addresses(void **state)
{
	struct frame f = {};

	frame_eth(&f);
	frame_ip6(&f, A6, B6);
	frame_tcp(&f, 65535, 1, WEIR_TCP_SYN);
	expect(&f, &(struct bed_key){A6, B6, 65535, 1, .proto = 6});
}

static void udp_sctp_dccp_and_udp_lite_have_ports(void **state)
{
	static const __u8 protos[] = {17, 33, 132, 136};

	for (size_t i = 0; i < sizeof(protos); i++) {
		struct frame four = {}, six = {};

		frame_eth(&four);
		frame_ip4(&four, A4, B4);
		frame_ports(&four, protos[i], 5353, 5354);
		expect(&four, &(struct bed_key){A4, B4, 5353, 5354, .proto = protos[i]});
		frame_eth(&six);
		frame_ip6(&six, A6, B6);
		frame_ports(&six, protos[i], 2905, 3868);
		expect(&six, &(struct bed_key){A6, B6, 2905, 3868, .proto = protos[i]});
	}
}

static void icmp_has_type_and_code_for_a_destination_port(void **state)
{
	struct frame f = {}, six = {};

	frame_eth(&f);
	frame_ip4(&f, A4, B4);
	frame_icmp(&f, 3, 13);
	expect(&f, &(struct bed_key){A4, B4, 0, 3 * 256 + 13, .proto = 1, .no_ports = true});
	frame_eth(&six);
	frame_ip6(&six, A6, B6);
	frame_icmp6(&six, 135, 2);
	expect(&six, &(struct bed_key){A6, B6, 0, 135 * 256 + 2, .proto = 58, .no_ports = true});
}

static void other_protocols_have_flows_without_ports(void **state)
{
	for (int proto = 0; proto < 256; proto++) {
		struct frame f = {};

		if (strchr("\x01\x06\x11\x21\x33\x3a\x84\x88", proto) && proto)
			continue;
		frame_eth(&f);
		frame_ip4(&f, A4, B4);
		frame_proto(&f, proto);
		frame_payload(&f, 40);
		expect(&f, &(struct bed_key){A4, B4, .proto = proto, .no_ports = true});
	}
}

static void ipv4_options_of_every_length_are_skipped(void **state)
{
	for (int bytes = 0; bytes <= 40; bytes += 4) {
		struct frame f = {};

		frame_eth(&f);
		frame_ip4_options(&f, A4, B4, bytes);
		frame_udp(&f, 1000 + bytes, 2000);
		expect(&f, &(struct bed_key){A4, B4, 1000 + bytes, 2000, .proto = 17});
	}
}

static void every_ipv6_extension_header_is_skipped(void **state)
{
	static const __u8 kinds[] = {0, 43, 60, 135, 139, 140};

	for (size_t i = 0; i < sizeof(kinds); i++) {
		for (int bytes = 8; bytes <= 64; bytes += 8) {
			struct frame f = {};

			frame_eth(&f);
			frame_ip6(&f, A6, B6);
			frame_extension(&f, kinds[i], bytes);
			frame_tcp(&f, 4000, 443, WEIR_TCP_ACK);
			expect(&f, &(struct bed_key){A6, B6, 4000, 443, .proto = 6});
		}
	}
}

static void an_authentication_header_counts_its_length_in_words_of_four(void **state)
{
	for (int bytes = 12; bytes <= 64; bytes += 4) {
		struct frame f = {}, four = {};

		frame_eth(&f);
		frame_ip6(&f, A6, B6);
		frame_extension(&f, 51, bytes);
		frame_udp(&f, 4000, 443);
		expect(&f, &(struct bed_key){A6, B6, 4000, 443, .proto = 17});
		frame_eth(&four);
		frame_ip4(&four, A4, B4);
		frame_extension(&four, 51, bytes);
		frame_udp(&four, 4000, 443);
		expect(&four, &(struct bed_key){A4, B4, 4000, 443, .proto = 17});
	}
}

static void a_chain_of_eight_extension_headers_is_followed(void **state)
{
	static const __u8 chain[] = {0, 60, 43, 51, 60, 135, 139, 140};
	struct frame f = {};

	frame_eth(&f);
	frame_ip6(&f, A6, B6);
	for (size_t i = 0; i < sizeof(chain); i++)
		frame_extension(&f, chain[i], 16);
	frame_tcp(&f, 4000, 443, WEIR_TCP_ACK);
	expect(&f, &(struct bed_key){A6, B6, 4000, 443, .proto = 6});
	assert_int_equal(bed_books(&bed, WEIR_TOO_DEEP).packets, 0);
}

static void a_ninth_extension_header_is_too_deep(void **state)
{
	struct frame f = {};

	frame_eth(&f);
	frame_ip6(&f, A6, B6);
	for (int i = 0; i < 9; i++)
		frame_extension(&f, 60, 8);
	frame_tcp(&f, 4000, 443, WEIR_TCP_ACK);
	expect(&f, &(struct bed_key){A6, B6, .proto = 60, .no_ports = true});
	assert_int_equal(bed_books(&bed, WEIR_TOO_DEEP).packets, 1);
}

static void a_header_that_is_the_message_gives_its_own_protocol(void **state)
{
	static const __u8 kinds[] = {135, 139, 140};

	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct frame f = {};

		frame_eth(&f);
		frame_ip6(&f, A6, B6);
		frame_extension(&f, 60, 24);
		frame_extension(&f, kinds[i], 40);
		frame_proto(&f, 59);
		expect(&f, &(struct bed_key){A6, B6, .proto = kinds[i], .no_ports = true});
	}
}

static void no_next_header_is_a_flow_of_its_own(void **state)
{
	struct frame f = {};

	frame_eth(&f);
	frame_ip6(&f, A6, B6);
	frame_extension(&f, 60, 8);
	frame_proto(&f, 59);
	expect(&f, &(struct bed_key){A6, B6, .proto = 59, .no_ports = true});
}

static void vlan_tags_give_the_outermost_id(void **state)
{
	static const __u16 tpid[] = {0x8100, 0x88a8, 0x9100};

	for (int i = 0; i < 3; i++) {
		for (int inner = 0; inner < 2; inner++) {
			struct frame f = {};

			frame_eth(&f);
			frame_vlan(&f, tpid[i], 0xe000 | 100); /* priority 7 */
			if (inner)
				frame_vlan(&f, 0x8100, 200);
			frame_ip4(&f, A4, B4);
			frame_udp(&f, 1, 2);
			expect(&f, &(struct bed_key){A4, B4, 1, 2, .proto = 17, .vlan = 100});
		}
	}
}

static void a_priority_tag_is_no_vlan(void **state)
{
	struct frame f = {};

	frame_eth(&f);
	frame_vlan(&f, 0x8100, 0xa000);
	frame_ip6(&f, A6, B6);
	frame_udp(&f, 1, 2);
	expect(&f, &(struct bed_key){A6, B6, 1, 2, .proto = 17, .vlan = 0});
}

static void tags_are_read_up_to_the_twelfth_header_of_the_link(void **state)
{
	for (int tags = 1; tags <= 13; tags++) {
		struct frame f = {};

		frame_eth(&f);
		for (int i = 0; i < tags; i++)
			frame_vlan(&f, i ? 0x8100 : 0x88a8, 5 + i);
		frame_ip4(&f, A4, B4);
		frame_udp(&f, 1, 2);
		if (tags < 12)
			expect(&f, &(struct bed_key){A4, B4, 1, 2, .proto = 17, .vlan = 5});
		else
			expect_counter(&f, WEIR_NOT_IP);
	}
}

static void snap_gives_an_ethertype_and_other_llc_is_not_ip(void **state)
{
	static const __u8 others[][6] = {
		{0x42, 0x42, 3, 0, 0, 0},          /* spanning tree */
		{0xaa, 0xaa, 3, 0x00, 0x00, 0x0c}, /* Cisco's own numbers */
		{0xaa, 0xab, 3, 0, 0, 0},
		{0xff, 0xff, 0, 34, 0, 0}, /* Novell's */
	};

	for (int tag = 0; tag < 2; tag++) {
		struct frame f = {};

		frame_eth(&f);
		if (tag)
			frame_vlan(&f, 0x8100, 9);
		frame_snap(&f);
		frame_ip6(&f, A6, B6);
		frame_udp(&f, 1, 2);
		expect(&f, &(struct bed_key){A6, B6, 1, 2, .proto = 17, .vlan = tag ? 9 : 0});
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct frame f = {};

		frame_eth(&f);
		frame_snap(&f);
		frame_ip4(&f, A4, B4);
		memcpy(&f.data[14], others[i], sizeof(others[i]));
		expect_counter(&f, WEIR_NOT_IP);
	}
}

/* A frame within another, the outer one's tag being the flow's. */
static void ethernet_in_ethernet_is_stepped_over(void **state)
{
	for (int way = 0; way < 8; way++) {
		struct frame f = {};
		__u16 vlan = way & 1 ? 12 : way & 2 ? 34 : 0;

		frame_eth(&f);
		if (way & 1)
			frame_vlan(&f, 0x88a8, 12);
		if (way & 4)
			frame_pbb(&f, 0x00abcdef);
		else
			frame_fabricpath(&f);
		frame_eth(&f);
		if (way & 2)
			frame_vlan(&f, 0x8100, 34);
		frame_ip4(&f, A4, B4);
		frame_tcp(&f, 1, 2, WEIR_TCP_ACK);
		expect(&f, &(struct bed_key){A4, B4, 1, 2, .proto = 6, .vlan = vlan});
	}
}

static void tags_of_port_extenders_are_stepped_over(void **state)
{
	for (int way = 0; way < 4; way++) {
		struct frame f = {};

		frame_eth(&f);
		if (way & 1)
			frame_vlan(&f, 0x8100, 8);
		frame_tag(&f, way & 2 ? 0x8926 : 0x893f, way & 2 ? 4 : 6);
		frame_ip4(&f, A4, B4);
		frame_udp(&f, 1, 2);
		expect(&f, &(struct bed_key){A4, B4, 1, 2, .proto = 17, .vlan = way & 1 ? 8 : 0});
	}
}

static void a_network_service_header_leads_to_ip_or_ethernet(void **state)
{
	struct frame oam = {};

	for (int context = 0; context <= 40; context += 4) {
		struct frame four = {}, ethernet = {};

		frame_eth(&four);
		frame_nsh(&four, context);
		frame_ip4(&four, A4, B4);
		frame_udp(&four, 1, 2);
		expect(&four, &(struct bed_key){A4, B4, 1, 2, .proto = 17});
		frame_eth(&ethernet);
		frame_nsh(&ethernet, context);
		frame_eth(&ethernet);
		frame_ip6(&ethernet, A6, B6);
		frame_udp(&ethernet, 1, 2);
		expect(&ethernet, &(struct bed_key){A6, B6, 1, 2, .proto = 17});
	}
	frame_eth(&oam);
	frame_nsh(&oam, 0);
	frame_ethertype(&oam, 0x9999); /* has no number as a next protocol */
	frame_payload(&oam, 40);
	expect_counter(&oam, WEIR_NOT_IP);
}

static void mpls_stacks_up_to_eight_labels_lead_to_ip(void **state)
{
	for (int labels = 1; labels <= 8; labels++) {
		struct frame four = {}, six = {};

		frame_eth(&four);
		frame_eth(&six);
		for (int i = 0; i < labels; i++) {
			frame_mpls(&four, 1000 + i);
			frame_mpls(&six, 1000 + i);
		}
		frame_ip4(&four, A4, B4);
		frame_udp(&four, 7, 8);
		expect(&four, &(struct bed_key){A4, B4, 7, 8, .proto = 17});
		frame_ip6(&six, A6, B6);
		frame_udp(&six, 7, 8);
		expect(&six, &(struct bed_key){A6, B6, 7, 8, .proto = 17});
	}
}

/* With a control word and without, with tags and without. */
static void pseudowires_lead_to_the_frame_in_them(void **state)
{
	for (int way = 0; way < 8; way++) {
		struct frame f = {}, arp = {};
		struct bed_key want = {A4, B4, 7, 8, .proto = 17, .vlan = way & 2 ? 21 : 0};

		frame_eth(&f);
		frame_mpls(&f, 1000);
		if (way & 1)
			frame_control_word(&f);
		frame_eth(&f);
		if (way & 2)
			frame_vlan(&f, 0x8100, 21);
		if (way & 4) {
			want.src = A6;
			want.dst = B6;
			frame_ip6(&f, A6, B6);
		} else {
			frame_ip4(&f, A4, B4);
		}
		frame_udp(&f, 7, 8);
		frame_payload(&f, 100);
		expect(&f, &want);
		frame_eth(&arp);
		frame_mpls(&arp, 1000);
		if (way & 1)
			frame_control_word(&arp);
		frame_eth(&arp);
		frame_arp(&arp);
		expect_counter(&arp, WEIR_ARP);
	}
}

/* Of 65536 frames of noise behind a label some 16 would be IPv4 by their first four bits and their
 * header's length, and one or two by a checksum. */
static void noise_behind_labels_is_a_pseudowire(void **state)
{
	__u64 draw = 88172645463325252ull, packets = 20000;

	bed_reset(&bed);
	for (__u64 i = 0; i < packets; i++) {
		struct frame f = {};

		frame_eth(&f);
		frame_mpls(&f, 1000);
		frame_payload(&f, 200);
		for (__u32 at = f.bytes - 200; at < f.bytes; at++) {
			draw ^= draw << 13; /* Marsaglia's xorshift */
			draw ^= draw >> 7;
			draw ^= draw << 17;
			f.data[at] = draw;
		}
		f.data[f.bytes - 200] = (i & 1 ? 0x45 : 0x60) | (i & 2 ? 0 : 0x02);
		bed_feed(&bed, &f);
	}
	assert_in_range(bed_books(&bed, WEIR_PSEUDOWIRE).packets, packets - 5, packets);
	bed_expect_balance(&bed);
}

static void nine_labels_are_not_ip(void **state)
{
	struct frame deep = {};

	frame_eth(&deep);
	for (int i = 0; i < 9; i++)
		frame_mpls(&deep, 16);
	frame_ip4(&deep, A4, B4);
	expect_counter(&deep, WEIR_NOT_IP);
}

static void pppoe_sessions_lead_to_ip(void **state)
{
	struct frame four = {}, six = {}, tagged = {};

	frame_eth(&four);
	frame_pppoe(&four);
	frame_ip4(&four, A4, B4);
	frame_tcp(&four, 7, 8, 0);
	expect(&four, &(struct bed_key){A4, B4, 7, 8, .proto = 6});
	frame_eth(&six);
	frame_pppoe(&six);
	frame_ip6(&six, A6, B6);
	frame_udp(&six, 7, 8);
	expect(&six, &(struct bed_key){A6, B6, 7, 8, .proto = 17});
	for (int v6 = 0; v6 < 2; v6++) { /* RFC 1661 6.5: a protocol of one byte */
		struct frame *f = v6 ? &six : &four;

		memmove(&f->data[20], &f->data[21], --f->bytes - 20);
		bed_reset(&bed);
		bed_feed(&bed, f);
		bed_expect_key(&(struct bed_flow[]){bed_only_flow(&bed)}[0],
			       &(struct bed_key){v6 ? A6 : A4, v6 ? B6 : B4, 7, 8,
						 .proto = v6 ? 17 : 6});
		assert_int_equal(bed_only_flow(&bed).flow.bytes, f->bytes - 21);
	}
	frame_eth(&tagged);
	frame_vlan(&tagged, 0x8100, 7);
	frame_pppoe(&tagged);
	frame_ip4(&tagged, A4, B4);
	frame_udp(&tagged, 7, 8);
	expect(&tagged, &(struct bed_key){A4, B4, 7, 8, .proto = 17, .vlan = 7});
}

static void what_is_not_ip_is_counted_by_name(void **state)
{
	struct frame arp = {}, lldp = {}, lcp = {}, length = {};

	frame_eth(&arp);
	frame_arp(&arp);
	expect_counter(&arp, WEIR_ARP);
	frame_eth(&lldp);
	frame_ethertype(&lldp, 0x88cc);
	frame_payload(&lldp, 50);
	expect_counter(&lldp, WEIR_NOT_IP);
	frame_eth(&lcp);
	frame_pppoe(&lcp);
	frame_ethertype(&lcp, 0xc021);
	frame_payload(&lcp, 10);
	expect_counter(&lcp, WEIR_NOT_IP);
	frame_eth(&length); /* 802.3: spanning tree */
	frame_ethertype(&length, 38);
	frame_payload(&length, 38);
	expect_counter(&length, WEIR_NOT_IP);
}

static void ip_headers_that_contradict_themselves_are_malformed(void **state)
{
	static const struct {
		__u32 at; /* in the IP header */
		__u8 value;
	} wrong4[] = {{0, 0x44}, {0, 0x40}, {0, 0x65}, {0, 0x05}};

	for (size_t i = 0; i < sizeof(wrong4) / sizeof(*wrong4); i++) {
		struct frame f = frame_of_udp(A4, B4, 1, 2, 20);

		f.lengths = 0;
		f.data[f.ip_at[0] + wrong4[i].at] = wrong4[i].value;
		expect_counter(&f, WEIR_MALFORMED);
	}
	for (int length = 1; length < 20; length++) {
		struct frame f = frame_of_udp(A4, B4, 1, 2, 20);

		f.lengths = 0;
		f.data[f.ip_at[0] + 3] = length;
		expect_counter(&f, WEIR_MALFORMED);
	}
	struct frame six = frame_of_udp(A6, B6, 1, 2, 20);

	six.data[six.ip_at[0]] = 0x40;
	expect_counter(&six, WEIR_MALFORMED);
}

static void padding_of_the_link_is_outside_the_flow(void **state)
{
	struct frame f = frame_of_udp(A4, B4, 1, 2, 0);
	__u32 ip_bytes = f.bytes - 14;

	frame_pad(&f, 60);
	bed_reset(&bed);
	bed_feed(&bed, &f);
	assert_int_equal(bed_only_flow(&bed).flow.bytes, ip_bytes);
	assert_int_equal(bed_books(&bed, WEIR_OUTSIDE).bytes, 60 - ip_bytes);
	bed_expect_balance(&bed);
}

static void a_claimed_length_beyond_the_frame_is_not_believed_but_noted(void **state)
{
	struct frame four = frame_of_udp(A4, B4, 1, 2, 10), six = frame_of_udp(A6, B6, 3, 4, 10);

	four.data[four.ip_at[0] + 2] = 0xff;
	six.data[six.ip_at[0] + 4] = 0xff;
	bed_reset(&bed);
	bed_feed(&bed, &four);
	bed_feed(&bed, &six);
	assert_int_equal(bed_flow_of_port(&bed, 1).flow.bytes, four.bytes - 14);
	assert_int_equal(bed_flow_of_port(&bed, 3).flow.bytes, six.bytes - 14);
	assert_int_equal(bed_books(&bed, WEIR_WRONG_LENGTH).packets, 2);
	bed_expect_balance(&bed);
}

static void a_frame_is_as_long_as_what_there_is_of_it_at_least(void **state)
{
	struct frame f = frame_of_udp(A4, B4, 1, 2, 10), arp = {};

	frame_eth(&arp);
	frame_arp(&arp);
	frame_end(&arp);
	bed_reset(&bed);
	for (__u32 wire = 0; wire < f.bytes; wire++)
		assert_int_equal(meter_feed(&bed.m, bed.now_ns, f.data, f.bytes, wire), 0);
	assert_int_equal(meter_feed(&bed.m, bed.now_ns, arp.data, arp.bytes, 1), 0);
	assert_int_equal(bed_only_flow(&bed).flow.packets, f.bytes);
	assert_int_equal(bed_only_flow(&bed).flow.bytes, (f.bytes - 14) * f.bytes);
	assert_int_equal(bed_books(&bed, WEIR_SEEN_IN).bytes, f.bytes * f.bytes + arp.bytes);
	bed_expect_balance(&bed);
}

/* Hardware that makes packets of a large one fills in their lengths itself. */
static void a_length_of_zero_is_the_frames_where_it_can_be_offloaded(void **state)
{
	struct frame tcp = frame_of_tcp(A4, B4, 1, 2, 0), tcp6 = frame_of_tcp(A6, B6, 3, 4, 0);
	struct frame udp = frame_of_udp(A4, B4, 5, 6, 2000);

	frame_payload(&tcp, 4000);
	frame_payload(&tcp6, 4000);
	memset(&tcp.data[tcp.ip_at[0] + 2], 0, 2);
	memset(&udp.data[udp.ip_at[0] + 2], 0, 2);
	memset(&tcp6.data[tcp6.ip_at[0] + 4], 0, 2);
	bed_reset(&bed);
	bed_feed(&bed, &tcp);
	bed_feed(&bed, &tcp6);
	bed_feed(&bed, &udp);
	assert_int_equal(bed_flow_of_port(&bed, 1).flow.bytes, tcp.bytes - 14);
	assert_int_equal(bed_flow_of_port(&bed, 3).flow.bytes, tcp6.bytes - 14);
	assert_int_equal(bed_flow_of_port(&bed, 5).flow.bytes, udp.bytes - 14);
	bed_expect_balance(&bed);
}

static void a_length_of_zero_in_other_ipv4_headers_is_malformed(void **state)
{
	struct frame small = frame_of_udp(A4, B4, 1, 2, 10), icmp = {};

	frame_eth(&icmp);
	frame_ip4(&icmp, A4, B4);
	frame_icmp(&icmp, 8, 0);
	frame_payload(&icmp, 2000);
	frame_end(&icmp);
	small.lengths = icmp.lengths = 0;
	memset(&small.data[small.ip_at[0] + 2], 0, 2);
	memset(&icmp.data[icmp.ip_at[0] + 2], 0, 2);
	expect_counter(&small, WEIR_MALFORMED);
	expect_counter(&icmp, WEIR_MALFORMED);
}

/* RFC 8200 3: the length of the payload is 0, so there is none, whatever the frame is padded with. */
static void an_ipv6_packet_without_payload_has_40_octets(void **state)
{
	static const __u8 next[] = {59, 58, 17, 0, 60, 44};

	for (size_t i = 0; i < sizeof(next); i++) {
		struct frame f = {};
		struct bed_flow flow;

		frame_eth(&f);
		frame_ip6(&f, A6, B6);
		frame_proto(&f, next[i]);
		frame_end(&f);
		frame_pad(&f, 100);
		bed_reset(&bed);
		bed_feed(&bed, &f);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &(struct bed_key){A6, B6, .proto = next[i], .no_ports = true,
							.unknown = next[i] == 58 || next[i] == 17});
		assert_int_equal(flow.flow.bytes, 40);
		assert_int_equal(bed_books(&bed, WEIR_OUTSIDE).bytes, 60);
		bed_expect_balance(&bed);
	}
}

/* RFC 2675, with other options before it. */
static void a_jumbograms_length_is_in_its_option(void **state)
{
	static const __u32 told = 70000;

	for (int before = 0; before <= 24; before += 8) {
		struct frame f = {};
		struct bed_flow flow;
		__u32 at;

		frame_eth(&f);
		frame_ip6(&f, A6, B6);
		frame_extension(&f, 0, 8 + before);
		at = f.bytes - 6 - before;
		for (int i = 0; i < before; i += 8, at += 8)
			f.data[at] = 1, f.data[at + 1] = 6; /* PadN */
		memcpy(&f.data[at], "\xc2\x04\x00\x01\x11\x70", 6);
		frame_tcp(&f, 1, 2, WEIR_TCP_ACK);
		frame_end(&f);
		memset(&f.data[f.ip_at[0] + 4], 0, 2);
		bed_reset(&bed);
		assert_int_equal(meter_feed(&bed.m, bed.now_ns, f.data, f.bytes, told + 54 + 10),
				 0);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &(struct bed_key){A6, B6, 1, 2, .proto = 6});
		assert_int_equal(flow.flow.bytes, told + 40);
		assert_int_equal(bed_books(&bed, WEIR_OUTSIDE).bytes, 14 + 10);
		bed_expect_balance(&bed);
	}
}

/* Ports, flags and the DNS bit are in the packet, not in what it is padded with. */
static void padding_is_no_transport_header(void **state)
{
	for (int proto = 0; proto < 3; proto++) {
		for (__u32 left = 0; left < 20; left++) {
			struct frame f = proto == 0   ? frame_of_tcp(A4, B4, 53, 2, 0xff)
					 : proto == 1 ? frame_of_udp(A4, B4, 53, 2, 12)
						      : frame_of_tcp(A6, B6, 53, 2, 0xff);
			bool v6 = proto == 2, ports = left >= 4;
			struct bed_flow flow;

			f.data[f.ip_at[0] + (v6 ? 5 : 3)] = left + (v6 ? 0 : 20);
			frame_pad(&f, 80);
			bed_reset(&bed);
			bed_feed(&bed, &f);
			flow = bed_only_flow(&bed);
			assert_int_equal(flow.flow.bytes, left + (v6 ? 40 : 20));
			assert_int_equal(flow.flow.key.sport, ports ? __builtin_bswap16(53) : 0);
			assert_int_equal(!(flow.flow.key.flags & WEIR_KEY_NOPORTS), ports);
			assert_int_equal(!(flow.flow.key.flags & WEIR_KEY_UNKNOWN), ports);
			assert_int_equal(flow.flow.tcp_flags, proto != 1 && left >= 14 ? 0xff : 0);
			assert_int_equal(bed_books(&bed, WEIR_NO_TRANSPORT).packets, !ports);
			bed_expect_conserved(&bed);
		}
	}
}

static void the_type_of_service_is_the_first_packets(void **state)
{
	struct frame four = frame_of_udp(A4, B4, 1, 2, 10), six = frame_of_udp(A6, B6, 3, 4, 10);

	bed_reset(&bed);
	four.data[four.ip_at[0] + 1] = 0xb8;
	six.data[six.ip_at[0]] = 0x6b;
	six.data[six.ip_at[0] + 1] = 0x80;
	bed_feed(&bed, &four);
	bed_feed(&bed, &six);
	four.data[four.ip_at[0] + 1] = 0;
	bed_feed(&bed, &four);
	assert_int_equal(bed_flow_of_port(&bed, 1).flow.tos, 0xb8);
	assert_int_equal(bed_flow_of_port(&bed, 3).flow.tos, 0xb8);
}

static void a_capture_goes_out_from_inside_to_outside(void **state)
{
	static const struct {
		const char *src, *dst;
		bool out;
	} ways[] = {{"10.0.0.1", "192.0.2.1", true},  {"192.0.2.1", "10.0.0.1", false},
		    {"10.0.0.1", "10.0.0.2", false},  {"192.0.2.1", "198.51.100.1", false},
		    {"fd00::1", "2001:db8::1", true}, {"2001:db8::1", "fd00::1", false}};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct frame f = frame_of_udp(ways[i].src, ways[i].dst, 1, 2, 10);
		struct bed_flow flow;

		bed_reset(&bed);
		bed_feed(&bed, &f);
		flow = bed_only_flow(&bed);
		assert_int_equal(!!(flow.flow.key.flags & WEIR_KEY_OUT), ways[i].out);
		assert_int_equal(bed_books(&bed, WEIR_SEEN_OUT).packets, ways[i].out);
		assert_int_equal(bed_books(&bed, WEIR_SEEN_IN).packets, !ways[i].out);
	}
}

static int open_bed(void **state)
{
	bed_open(&bed, &(struct meter_options){.flow_size = 1024, .replay = true}, "queries: []\n");
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_over_ipv4_has_its_ports_and_flags),
		cmocka_unit_test(tcp_over_ipv6_has_its_ports_and_addresses),
		cmocka_unit_test(udp_sctp_dccp_and_udp_lite_have_ports),
		cmocka_unit_test(icmp_has_type_and_code_for_a_destination_port),
		cmocka_unit_test(other_protocols_have_flows_without_ports),
		cmocka_unit_test(ipv4_options_of_every_length_are_skipped),
		cmocka_unit_test(every_ipv6_extension_header_is_skipped),
		cmocka_unit_test(an_authentication_header_counts_its_length_in_words_of_four),
		cmocka_unit_test(a_chain_of_eight_extension_headers_is_followed),
		cmocka_unit_test(a_ninth_extension_header_is_too_deep),
		cmocka_unit_test(a_header_that_is_the_message_gives_its_own_protocol),
		cmocka_unit_test(no_next_header_is_a_flow_of_its_own),
		cmocka_unit_test(vlan_tags_give_the_outermost_id),
		cmocka_unit_test(a_priority_tag_is_no_vlan),
		cmocka_unit_test(tags_are_read_up_to_the_twelfth_header_of_the_link),
		cmocka_unit_test(snap_gives_an_ethertype_and_other_llc_is_not_ip),
		cmocka_unit_test(ethernet_in_ethernet_is_stepped_over),
		cmocka_unit_test(tags_of_port_extenders_are_stepped_over),
		cmocka_unit_test(a_network_service_header_leads_to_ip_or_ethernet),
		cmocka_unit_test(mpls_stacks_up_to_eight_labels_lead_to_ip),
		cmocka_unit_test(pseudowires_lead_to_the_frame_in_them),
		cmocka_unit_test(noise_behind_labels_is_a_pseudowire),
		cmocka_unit_test(nine_labels_are_not_ip),
		cmocka_unit_test(pppoe_sessions_lead_to_ip),
		cmocka_unit_test(what_is_not_ip_is_counted_by_name),
		cmocka_unit_test(ip_headers_that_contradict_themselves_are_malformed),
		cmocka_unit_test(padding_of_the_link_is_outside_the_flow),
		cmocka_unit_test(a_claimed_length_beyond_the_frame_is_not_believed_but_noted),
		cmocka_unit_test(a_frame_is_as_long_as_what_there_is_of_it_at_least),
		cmocka_unit_test(a_length_of_zero_is_the_frames_where_it_can_be_offloaded),
		cmocka_unit_test(a_length_of_zero_in_other_ipv4_headers_is_malformed),
		cmocka_unit_test(an_ipv6_packet_without_payload_has_40_octets),
		cmocka_unit_test(a_jumbograms_length_is_in_its_option),
		cmocka_unit_test(padding_is_no_transport_header),
		cmocka_unit_test(the_type_of_service_is_the_first_packets),
		cmocka_unit_test(a_capture_goes_out_from_inside_to_outside),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

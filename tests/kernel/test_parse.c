/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One frame of every kind there is, and the flow or the counter it must land in. Frames come from
 * the builder, which was written from the RFCs; what is expected is said here in full. Tunnels are
 * in test_tunnels.c, frames cut short in test_cut.c.
 */
#include <stdio.h>
#include <stdlib.h>

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

static void udp_and_sctp_have_ports(void **state)
{
	struct frame udp = {}, sctp = {};

	frame_eth(&udp);
	frame_ip4(&udp, A4, B4);
	frame_udp(&udp, 5353, 5354);
	expect(&udp, &(struct bed_key){A4, B4, 5353, 5354, .proto = 17});
	frame_eth(&sctp);
	frame_ip6(&sctp, A6, B6);
	frame_sctp(&sctp, 2905, 3868);
	expect(&sctp, &(struct bed_key){A6, B6, 2905, 3868, .proto = 132});
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

		if (proto == 6 || proto == 17 || proto == 132 || proto == 1 || proto == 58)
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
		struct frame f = {};

		frame_eth(&f);
		frame_ip6(&f, A6, B6);
		frame_extension(&f, 51, bytes);
		frame_udp(&f, 4000, 443);
		expect(&f, &(struct bed_key){A6, B6, 4000, 443, .proto = 17});
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

static void a_third_vlan_tag_is_not_ip(void **state)
{
	struct frame f = {};

	frame_eth(&f);
	for (int i = 0; i < 3; i++)
		frame_vlan(&f, 0x8100, 5);
	frame_ip4(&f, A4, B4);
	expect_counter(&f, WEIR_NOT_IP);
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

static void mpls_that_carries_no_ip_or_nine_labels_is_not_ip(void **state)
{
	struct frame wire = {}, deep = {};

	frame_eth(&wire);
	frame_mpls(&wire, 16);
	frame_payload(&wire, 1);          /* 'a' is 0x61: looks like IPv6 */
	wire.data[wire.bytes - 1] = 0x00; /* a pseudo-wire's control word */
	frame_payload(&wire, 60);
	expect_counter(&wire, WEIR_NOT_IP);
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

static void a_claimed_length_beyond_the_frame_is_not_believed(void **state)
{
	struct frame f = frame_of_udp(A4, B4, 1, 2, 10);

	f.data[f.ip_at[0] + 2] = 0xff;
	bed_reset(&bed);
	bed_feed(&bed, &f);
	assert_int_equal(bed_only_flow(&bed).flow.bytes, f.bytes - 14);
	bed_expect_conserved(&bed);
}

static void a_length_of_zero_means_all_of_the_frame(void **state)
{
	struct frame four = frame_of_udp(A4, B4, 1, 2, 10), six = frame_of_udp(A6, B6, 3, 4, 10);

	four.data[four.ip_at[0] + 2] = four.data[four.ip_at[0] + 3] = 0; /* offloaded */
	six.data[six.ip_at[0] + 4] = six.data[six.ip_at[0] + 5] = 0;     /* a jumbogram */
	bed_reset(&bed);
	bed_feed(&bed, &four);
	bed_feed(&bed, &six);
	assert_int_equal(bed_flow_of_port(&bed, 1).flow.bytes, four.bytes - 14);
	assert_int_equal(bed_flow_of_port(&bed, 3).flow.bytes, six.bytes - 14);
	bed_expect_conserved(&bed);
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
		cmocka_unit_test(udp_and_sctp_have_ports),
		cmocka_unit_test(icmp_has_type_and_code_for_a_destination_port),
		cmocka_unit_test(other_protocols_have_flows_without_ports),
		cmocka_unit_test(ipv4_options_of_every_length_are_skipped),
		cmocka_unit_test(every_ipv6_extension_header_is_skipped),
		cmocka_unit_test(an_authentication_header_counts_its_length_in_words_of_four),
		cmocka_unit_test(a_chain_of_eight_extension_headers_is_followed),
		cmocka_unit_test(a_ninth_extension_header_is_too_deep),
		cmocka_unit_test(no_next_header_is_a_flow_of_its_own),
		cmocka_unit_test(vlan_tags_give_the_outermost_id),
		cmocka_unit_test(a_priority_tag_is_no_vlan),
		cmocka_unit_test(a_third_vlan_tag_is_not_ip),
		cmocka_unit_test(mpls_stacks_up_to_eight_labels_lead_to_ip),
		cmocka_unit_test(mpls_that_carries_no_ip_or_nine_labels_is_not_ip),
		cmocka_unit_test(pppoe_sessions_lead_to_ip),
		cmocka_unit_test(what_is_not_ip_is_counted_by_name),
		cmocka_unit_test(ip_headers_that_contradict_themselves_are_malformed),
		cmocka_unit_test(padding_of_the_link_is_outside_the_flow),
		cmocka_unit_test(a_claimed_length_beyond_the_frame_is_not_believed),
		cmocka_unit_test(a_length_of_zero_means_all_of_the_frame),
		cmocka_unit_test(the_type_of_service_is_the_first_packets),
		cmocka_unit_test(a_capture_goes_out_from_inside_to_outside),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

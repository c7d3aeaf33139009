/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Queries over packets that run through the kernel: which second a packet counts in, which
 * seconds an answer sums, what one packet may match, and what happens when the tables change in
 * the middle of a flow.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/bed.h"

static struct bed bed;

#define INSIDE "10.0.0.1"
#define OUTSIDE "192.0.2.1"
#define EVERYTHING "queries: [{ name: all, match: 'ip or ip6' }]\n"
#define SECOND_0 1000 /* BED_START */

static void at_ns(__u64 second, __u64 ns)
{
	bed.now_ns = second * BED_SECOND + ns;
}

static void feed(const char *src, const char *dst, __u16 sport, __u16 dport)
{
	struct frame f = frame_of_udp(src, dst, sport, dport, 58); /* 100 bytes of frame */

	bed_feed(&bed, &f);
}

static void feed_at(__u64 second, __u64 ns)
{
	at_ns(second, ns);
	feed(INSIDE, OUTSIDE, 1, 2);
}

static struct meter_rate rate(__u32 query, __u64 second, __u32 window_s)
{
	struct meter_rate r;

	assert_int_equal(meter_rate(&bed.m, query, second * BED_SECOND, window_s, &r), 0);
	return r;
}

/* What query q has counted in the two seconds since bed_reset(). */
static __u64 counted(__u32 query)
{
	return rate(query, SECOND_0 + 2, 2).window.packets;
}

static void start(const char *yaml)
{
	bed_tables(&bed, yaml);
	bed_reset(&bed);
}

/* Tables of one query; a packet counts or it does not. */
static void query(const char *match)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "queries: [{ name: q, match: '%s' }]\n", match);
	start(yaml);
}

static void a_packet_counts_in_the_second_it_comes_in(void **state)
{
	start(EVERYTHING);
	feed_at(1000, 0);
	feed_at(1000, 999999999);
	feed_at(1001, 0);
	feed_at(1001, 1);
	feed_at(1001, 999999999);
	assert_int_equal(rate(0, 1000, 1).window.packets, 0); /* not complete */
	assert_int_equal(rate(0, 1001, 1).window.packets, 2);
	assert_int_equal(rate(0, 1001, 1).last.packets, 2);
	assert_int_equal(rate(0, 1002, 1).window.packets, 3);
	assert_int_equal(rate(0, 1002, 2).window.packets, 5);
	assert_int_equal(rate(0, 1002, 2).last.packets, 3);
	assert_int_equal(rate(0, 1003, 1).window.packets, 0);
	assert_int_equal(rate(0, 1003, 2).window.packets, 3);
	assert_int_equal(rate(0, 1002, 2).window.bytes, 500);
}

static void a_window_holds_exactly_its_seconds(void **state)
{
	start(EVERYTHING);
	for (__u64 second = 1000; second < 1062; second++)
		for (__u64 i = 0; i < second - 999; i++)
			feed_at(second, i * 1000);
	/* 1 + 2 + ... + 62 packets, one more in each second */
	for (__u32 w = 1; w <= 62; w++)
		assert_int_equal(rate(0, 1062, w).window.packets, w * 62 - w * (w - 1) / 2);
	assert_int_equal(rate(0, 1062, 60).last.packets, 62);
	assert_int_equal(rate(0, 1121, 60).window.packets, 62);
	assert_int_equal(rate(0, 1122, 60).window.packets, 0);
}

static void a_series_has_every_second_of_every_query_the_oldest_first(void **state)
{
	static struct meter_series s;

	start("queries:\n"
	      "- { name: all, match: 'ip or ip6' }\n"
	      "- { name: one, match: 'dst port 2' }\n"
	      "- { name: none, match: 'tcp' }\n");
	for (__u64 second = 1000; second < 1070; second++) {
		at_ns(second, 5);
		for (__u64 i = 0; i < second - 999; i++)
			feed(INSIDE, OUTSIDE, 1, i % 2 ? 3 : 2);
	}
	/* The 62 complete seconds before 1069 are 1007 to 1068: 8 to 69 packets of 100 bytes. */
	assert_int_equal(meter_series(&bed.m, 1069 * BED_SECOND + 1, &s), 0);
	for (int i = 0; i < WEIR_WINDOW_MAX; i++) {
		assert_int_equal(s.query[0][i].packets, i + 8);
		assert_int_equal(s.query[0][i].bytes, 100 * (i + 8));
		assert_int_equal(s.query[1][i].packets, (i + 9) / 2);
		assert_int_equal(s.query[2][i].packets, 0);
		assert_int_equal(s.query[3][i].packets, 0);
	}
	/* Ten seconds on without a packet. */
	assert_int_equal(meter_series(&bed.m, 1080 * BED_SECOND, &s), 0);
	for (int i = 0; i < WEIR_WINDOW_MAX; i++)
		assert_int_equal(s.query[0][i].packets, i < 52 ? i + 19 : 0);
}

static void a_series_says_nothing_when_it_cannot_be_read(void **state)
{
	static struct meter_series s, before;
	const int windows = bed.m.map[MAP_WINDOWS];

	memset(&s, 0x5a, sizeof(s));
	before = s;
	bed.m.map[MAP_WINDOWS] = -1;
	assert_true(meter_series(&bed.m, BED_START, &s) < 0);
	bed.m.map[MAP_WINDOWS] = windows;
	assert_memory_equal(&s, &before, sizeof(s));
}

static void the_circle_of_slots_comes_round_clean(void **state)
{
	start(EVERYTHING);
	for (int round = 0; round < 3; round++) {
		for (int s = 0; s < 64; s++)
			for (int i = 0; i <= round; i++)
				feed_at(1000 + round * 64 + s, i);
		assert_int_equal(rate(0, 1064 + round * 64, 62).window.packets, 62 * (round + 1));
	}
	/* After a silence of many rounds nothing old is left. */
	feed_at(1000 + 64 * 50, 0);
	assert_int_equal(rate(0, 1001 + 64 * 50, 62).window.packets, 1);
}

static void a_clock_that_steps_back_counts_in_its_own_second(void **state)
{
	start(EVERYTHING);
	feed_at(1010, 0);
	feed_at(1005, 500);
	feed_at(1010, 1);
	assert_int_equal(rate(0, 1006, 1).window.packets, 1);
	assert_int_equal(rate(0, 1011, 1).window.packets, 2);
	assert_int_equal(bed_books(&bed, WEIR_LATE).packets, 0);
	/* Its slot is that of a later second now. */
	feed_at(1010 - 64, 0);
	assert_int_equal(rate(0, 1011, 1).window.packets, 2);
	assert_int_equal(bed_books(&bed, WEIR_LATE).packets, 1);
	bed_expect_balance(&bed);
}

static void packets_and_bytes_are_those_on_the_wire(void **state)
{
	struct frame f = frame_of_udp(INSIDE, OUTSIDE, 1, 2, 1000);

	start(EVERYTHING);
	bed_feed_part(&bed, &f, 60); /* captured */
	assert_int_equal(rate(0, 1001, 1).window.packets, 1);
	assert_int_equal(rate(0, 1001, 1).window.bytes, 1042);
	assert_int_equal(bed_only_flow(&bed).flow.bytes, 1028);
	bed_expect_conserved(&bed);
}

static void a_query_of_many_terms_counts_a_packet_once(void **state)
{
	query("src port 1 or dst port 2 or udp or out or host " INSIDE " or net 192.0.2.0/24");
	feed(INSIDE, OUTSIDE, 1, 2);
	assert_int_equal(counted(0), 1);
	start("queries:\n"
	      "- { name: a, match: 'src port 1 or dst port 2 or udp' }\n"
	      "- { name: b, match: 'tcp or src port 1 or dst port 2' }\n"
	      "- { name: c, match: 'src port 9 or dst port 8' }\n"
	      "- { name: d, match: 'udp' }\n");
	feed(INSIDE, OUTSIDE, 1, 2);
	feed(INSIDE, OUTSIDE, 1, 3);
	feed(INSIDE, OUTSIDE, 9, 8);
	assert_int_equal(counted(0), 3);
	assert_int_equal(counted(1), 2);
	assert_int_equal(counted(2), 1);
	assert_int_equal(counted(3), 3);
}

static void sixty_four_queries_count_apart(void **state)
{
	char yaml[8192] = "queries:\n", line[96];

	for (int q = 0; q < 64; q++) {
		snprintf(line, sizeof(line), "- { name: q%d, match: 'dst portrange %d-%d' }\n", q,
			 1000 + q, 1063);
		strcat(yaml, line);
	}
	start(yaml);
	for (int q = 0; q < 64; q++)
		feed(INSIDE, OUTSIDE, 1, 1000 + q);
	for (int q = 0; q < 64; q++)
		assert_int_equal(counted(q), 64 - q);
}

static void lengths_are_limited_on_both_sides(void **state)
{
	start("queries:\n"
	      "- { name: less, match: 'less 100' }\n"
	      "- { name: greater, match: 'greater 100' }\n"
	      "- { name: both, match: 'greater 99 and less 101' }\n"
	      "- { name: not, match: 'not less 100' }\n");
	for (int bytes = 98; bytes <= 102; bytes++) {
		struct frame f = frame_of_udp(INSIDE, OUTSIDE, 1, 2, bytes - 42);

		bed_feed(&bed, &f);
	}
	/* As tcpdump's: "less than or equal", "greater than or equal" (pcap-filter(7)). */
	assert_int_equal(counted(0), 3);
	assert_int_equal(counted(1), 3);
	assert_int_equal(counted(2), 3);
	assert_int_equal(counted(3), 2);
}

static void tcp_flags_are_of_the_packet_not_of_the_flow(void **state)
{
	static const __u8 packets[] = {WEIR_TCP_SYN, WEIR_TCP_SYN | WEIR_TCP_ACK, WEIR_TCP_ACK,
				       WEIR_TCP_ACK | WEIR_TCP_PSH, WEIR_TCP_FIN | WEIR_TCP_ACK};

	start("queries:\n"
	      "- { name: syn, match: 'tcp flags syn and not tcp flags ack' }\n"
	      "- { name: synack, match: 'tcp flags syn and tcp flags ack' }\n"
	      "- { name: fin, match: 'tcp flags fin' }\n"
	      "- { name: tcp, match: 'tcp' }\n"
	      "- { name: nosyn, match: 'not tcp flags syn' }\n");
	for (size_t i = 0; i < sizeof(packets); i++) {
		struct frame f = frame_of_tcp(INSIDE, OUTSIDE, 1, 2, packets[i]);

		bed_feed(&bed, &f);
	}
	feed(INSIDE, OUTSIDE, 1, 2); /* UDP */
	assert_int_equal(counted(0), 1);
	assert_int_equal(counted(1), 1);
	assert_int_equal(counted(2), 1);
	assert_int_equal(counted(3), 5);
	assert_int_equal(counted(4), 4);
}

static void dns_queries_and_responses_are_told_apart(void **state)
{
	struct frame ask = {}, answer = {}, web = {}, cut = {};

	start("queries:\n"
	      "- { name: ask, match: 'dns query' }\n"
	      "- { name: answer, match: 'dns response' }\n"
	      "- { name: lookups, match: 'out and dns query' }\n");
	frame_eth(&ask);
	frame_ip4(&ask, INSIDE, OUTSIDE);
	frame_udp(&ask, 40000, 53);
	frame_dns(&ask, false);
	frame_payload(&ask, 20);
	frame_end(&ask);
	frame_eth(&answer);
	frame_ip6(&answer, "2001:db8::53", "fd00::1");
	frame_udp(&answer, 53, 40000);
	frame_dns(&answer, true);
	frame_end(&answer);
	frame_eth(&web);
	frame_ip4(&web, INSIDE, OUTSIDE);
	frame_udp(&web, 40000, 443);
	frame_dns(&web, false);
	frame_end(&web);
	frame_eth(&cut); /* no whole DNS header */
	frame_ip4(&cut, INSIDE, OUTSIDE);
	frame_udp(&cut, 40000, 53);
	frame_payload(&cut, 11);
	frame_end(&cut);
	bed_feed(&bed, &ask);
	bed_feed(&bed, &answer);
	bed_feed(&bed, &web);
	bed_feed(&bed, &cut);
	assert_int_equal(counted(0), 1);
	assert_int_equal(counted(1), 1);
	assert_int_equal(counted(2), 1);
}

static void the_five_default_queries_count_what_they_are_named_for(void **state)
{
	struct frame syn_in = frame_of_tcp(OUTSIDE, INSIDE, 5000, 22, WEIR_TCP_SYN);
	struct frame syn_web = frame_of_tcp(OUTSIDE, INSIDE, 5000, 80, WEIR_TCP_SYN);
	struct frame reply = frame_of_tcp(INSIDE, OUTSIDE, 22, 5000, WEIR_TCP_SYN | WEIR_TCP_ACK);
	struct frame local = frame_of_tcp(INSIDE, "10.0.0.2", 5000, 22, WEIR_TCP_SYN);

	start("inside: [10.0.0.0/8]\n");
	bed_feed(&bed, &syn_in);
	bed_feed(&bed, &syn_web);
	bed_feed(&bed, &reply);
	bed_feed(&bed, &local);
	assert_int_equal(counted(0), 3);
	assert_int_equal(counted(1), 3); /* only `reply` goes out */
	assert_int_equal(counted(2), 3);
	assert_int_equal(counted(3), 0);
	assert_int_equal(counted(4), 1);
}

static void a_new_query_counts_the_next_packet_of_an_old_flow(void **state)
{
	__u32 generation;

	query("tcp");
	feed(INSIDE, OUTSIDE, 1, 2);
	assert_int_equal(counted(0), 0);
	generation = bed.m.control->generation;
	assert_int_equal(bed_only_flow(&bed).flow.tables, generation & 0xffff);
	for (int i = 0; i < 5; i++) { /* each half of the tables, more than once */
		bed_tables(&bed, i % 2 ? "queries: [{ name: q, match: tcp }]\n"
				       : "queries: [{ name: q, match: udp }]\n");
		assert_int_equal(bed.m.control->generation, generation + 1 + i);
		feed(INSIDE, OUTSIDE, 1, 2);
		assert_int_equal(counted(0), i / 2 + 1);
		assert_int_equal(bed_only_flow(&bed).flow.tables, (generation + 1 + i) & 0xffff);
		assert_int_equal(bed_only_flow(&bed).flow.packets, i + 2);
		assert_int_equal(!!bed_only_flow(&bed).flow.terms, i % 2 == 0);
	}
	bed_expect_balance(&bed);
}

static void counts_of_a_query_outlive_new_tables(void **state)
{
	start("queries: [{ name: a, match: udp }]\n");
	feed(INSIDE, OUTSIDE, 1, 2);
	bed_tables(&bed, "queries: [{ name: a, match: udp }, { name: b, match: udp }]\n");
	feed(INSIDE, OUTSIDE, 1, 2);
	assert_int_equal(counted(0), 2);
	assert_int_equal(counted(1), 1);
}

static void new_timeouts_hold_for_old_flows(void **state)
{
	start(EVERYTHING);
	feed(INSIDE, OUTSIDE, 1, 2);
	bed_tables(&bed, EVERYTHING "flow: { idle_timeout: 100ms }\n");
	bed.now_ns += BED_SECOND;
	feed(INSIDE, OUTSIDE, 1, 2);
	assert_int_equal(bed_drain(&bed), 1);
	assert_int_equal(bed.event[0].end, WEIR_END_IDLE);
}

static int open_bed(void **state)
{
	bed_open(&bed, &(struct meter_options){.flow_size = 4096, .replay = true}, EVERYTHING);
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_counts_in_the_second_it_comes_in),
		cmocka_unit_test(a_window_holds_exactly_its_seconds),
		cmocka_unit_test(a_series_has_every_second_of_every_query_the_oldest_first),
		cmocka_unit_test(a_series_says_nothing_when_it_cannot_be_read),
		cmocka_unit_test(the_circle_of_slots_comes_round_clean),
		cmocka_unit_test(a_clock_that_steps_back_counts_in_its_own_second),
		cmocka_unit_test(packets_and_bytes_are_those_on_the_wire),
		cmocka_unit_test(a_query_of_many_terms_counts_a_packet_once),
		cmocka_unit_test(sixty_four_queries_count_apart),
		cmocka_unit_test(lengths_are_limited_on_both_sides),
		cmocka_unit_test(tcp_flags_are_of_the_packet_not_of_the_flow),
		cmocka_unit_test(dns_queries_and_responses_are_told_apart),
		cmocka_unit_test(the_five_default_queries_count_what_they_are_named_for),
		cmocka_unit_test(a_new_query_counts_the_next_packet_of_an_old_flow),
		cmocka_unit_test(counts_of_a_query_outlive_new_tables),
		cmocka_unit_test(new_timeouts_hold_for_old_flows),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

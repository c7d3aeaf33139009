/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Incarnations of flows on the replay clock: when one ends, why, and where what it counted goes.
 * The cache is of one set of four, so which flow must give way is known, and the ring of
 * one page, so it can be filled.
 *
 *   idle 15 s, active 60 s, closed 2 s
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/bed.h"

static struct bed bed;

#define SRC "10.0.0.1"
#define DST "10.0.0.2"
#define CONFIG "queries: []\nflow: { idle_timeout: 15s, active_timeout: 60s, closed_timeout: 2s }\n"
#define RING_BYTES 4096
/* An event and its header of 8 bytes (BPF_RINGBUF_HDR_SZ); a ring is never quite full. */
#define RING_EVENTS ((RING_BYTES - 1) / (int)(sizeof(struct weir_event) + 8))

static void feed_udp(__u16 sport)
{
	struct frame f = frame_of_udp(SRC, DST, sport, 9, 72); /* 100 bytes of IP */

	bed_feed(&bed, &f);
	bed_expect_conserved(&bed);
}

static void feed_tcp(__u16 sport, __u8 flags)
{
	struct frame f = frame_of_tcp(SRC, DST, sport, 9, flags); /* 40 bytes of IP */

	bed_feed(&bed, &f);
	bed_expect_conserved(&bed);
}

static void at(double seconds)
{
	bed.now_ns = BED_START + (__s64)(seconds * 1e9);
}

static void expect_no_event(void)
{
	assert_int_equal(bed_drain(&bed), 0);
}

/* One event came since, of this flow as it was, for this reason. */
static void expect_event(const struct bed_flow *was, enum weir_end end)
{
	const struct weir_event *e;

	assert_int_equal(bed_drain(&bed), 1);
	e = &bed.event[bed.events - 1];
	assert_int_equal(e->end, end);
	assert_int_equal(e->slot, was->slot);
	assert_memory_equal(&e->flow, &was->flow, sizeof(e->flow));
	if (e->flow.key.flags & WEIR_KEY_V6)
		assert_memory_equal(&e->pair, &was->pair, sizeof(e->pair));
}

static void a_flow_adds_up_its_packets(void **state)
{
	struct bed_flow flow;

	bed_reset(&bed);
	feed_tcp(1, WEIR_TCP_SYN);
	at(1.5);
	feed_tcp(1, WEIR_TCP_ACK);
	at(2.25);
	feed_tcp(1, WEIR_TCP_ACK | WEIR_TCP_PSH);
	flow = bed_only_flow(&bed);
	assert_int_equal(flow.flow.packets, 3);
	assert_int_equal(flow.flow.bytes, 120);
	assert_int_equal(flow.flow.tcp_flags, WEIR_TCP_SYN | WEIR_TCP_ACK | WEIR_TCP_PSH);
	assert_int_equal(flow.flow.first_ns, BED_START);
	assert_int_equal(flow.flow.last_ns, BED_START + 2250000000);
	expect_no_event();
	bed_expect_balance(&bed);
}

static void a_flow_idle_for_longer_than_the_timeout_ends(void **state)
{
	struct bed_flow was, now;

	bed_reset(&bed);
	feed_udp(1);
	at(15);
	feed_udp(1); /* not longer than */
	was = bed_only_flow(&bed);
	assert_int_equal(was.flow.packets, 2);
	expect_no_event();
	at(30.000000001);
	feed_udp(1);
	expect_event(&was, WEIR_END_IDLE);
	now = bed_only_flow(&bed);
	assert_int_equal(now.slot, was.slot);
	assert_int_equal(now.flow.packets, 1);
	assert_int_equal(now.flow.first_ns, bed.now_ns);
	assert_int_equal(bed_books(&bed, WEIR_EVICTED).packets, 2);
	assert_int_equal(bed_books(&bed, WEIR_EVICTED).bytes, 200);
	bed_expect_balance(&bed);
}

static void a_flow_that_lives_longer_than_the_active_timeout_ends(void **state)
{
	struct bed_flow was;

	bed_reset(&bed);
	for (int t = 0; t <= 60; t += 10) {
		at(t);
		feed_udp(1);
	}
	expect_no_event();
	was = bed_only_flow(&bed);
	assert_int_equal(was.flow.packets, 7);
	at(60.000000001);
	feed_udp(1);
	expect_event(&was, WEIR_END_ACTIVE);
	assert_int_equal(bed_only_flow(&bed).flow.packets, 1);
	bed_expect_balance(&bed);
}

static void a_syn_after_fin_or_rst_begins_a_new_incarnation(void **state)
{
	static const __u8 ends[] = {WEIR_TCP_FIN | WEIR_TCP_ACK, WEIR_TCP_RST};

	for (int i = 0; i < 2; i++) {
		struct bed_flow was;

		bed_reset(&bed);
		feed_tcp(1, WEIR_TCP_SYN);
		feed_tcp(1, WEIR_TCP_SYN); /* a retransmission: no FIN came before */
		feed_tcp(1, ends[i]);
		feed_tcp(1, WEIR_TCP_ACK); /* the last ones of a connection are still its own */
		expect_no_event();
		was = bed_only_flow(&bed);
		assert_int_equal(was.flow.packets, 4);
		at(0.1);
		feed_tcp(1, WEIR_TCP_SYN);
		expect_event(&was, WEIR_END_FLOW);
		assert_int_equal(bed_only_flow(&bed).flow.packets, 1);
		assert_int_equal(bed_only_flow(&bed).flow.tcp_flags, WEIR_TCP_SYN);
		bed_expect_balance(&bed);
	}
}

static void a_closed_flow_ends_after_the_closed_timeout(void **state)
{
	struct bed_flow was;

	bed_reset(&bed);
	feed_tcp(1, WEIR_TCP_FIN);
	at(2);
	feed_tcp(1, WEIR_TCP_ACK);
	expect_no_event();
	was = bed_only_flow(&bed);
	at(4.000000001);
	feed_tcp(1, WEIR_TCP_ACK);
	expect_event(&was, WEIR_END_FLOW);
	bed_expect_balance(&bed);
}

static void the_longest_unused_flow_gives_way_when_all_places_are_taken(void **state)
{
	struct bed_flow was;

	bed_reset(&bed);
	for (int i = 0; i < 4; i++) {
		at(i * 0.5);
		feed_udp(10 + i);
	}
	at(2);
	feed_udp(10); /* so that 11 is the oldest */
	expect_no_event();
	was = bed_flow_of_port(&bed, 11);
	at(2.5);
	feed_udp(14);
	expect_event(&was, WEIR_END_RESOURCES);
	assert_false(bed_has_port(&bed, 11));
	assert_int_equal(bed_flow_of_port(&bed, 10).flow.packets, 2);
	assert_true(bed_has_port(&bed, 12) && bed_has_port(&bed, 13) && bed_has_port(&bed, 14));
	bed_expect_balance(&bed);
}

static void a_flow_that_gives_way_after_its_timeout_ended_by_it(void **state)
{
	struct bed_flow was;

	bed_reset(&bed);
	feed_udp(10);
	was = bed_only_flow(&bed);
	at(16);
	for (int i = 1; i < 5; i++)
		feed_udp(10 + i);
	expect_event(&was, WEIR_END_IDLE);
}

static void ipv6_flows_leave_with_their_addresses(void **state)
{
	struct frame f = frame_of_udp("2001:db8::7", "2001:db8:1::8", 1, 2, 10);
	struct bed_flow was;

	bed_reset(&bed);
	bed_feed(&bed, &f);
	was = bed_only_flow(&bed);
	at(16);
	feed_udp(1);
	feed_udp(2);
	feed_udp(3);
	expect_no_event();
	feed_udp(4);
	expect_event(&was, WEIR_END_IDLE);
	assert_int_equal(bed.event[0].pair.src[15], 7);
	assert_int_equal(bed.event[0].pair.dst[15], 8);
	bed_expect_balance(&bed);
}

static void a_full_ring_keeps_the_incumbents_and_counts_the_overflow(void **state)
{
	struct bed_flow before[4], after[4];
	int i;

	bed_reset(&bed);
	for (i = 0; i < 4 + RING_EVENTS; i++) {
		at(i * 0.1);
		feed_udp(100 + i);
	}
	assert_int_equal(bed_books(&bed, WEIR_OVERFLOW).packets, 0);
	assert_int_equal(bed_flows(&bed, before, 4), 4);
	for (int more = 0; more < 10; more++) {
		at((i + more) * 0.1);
		feed_udp(1000 + more);
		assert_int_equal(bed_books(&bed, WEIR_OVERFLOW).packets, more + 1);
		assert_int_equal(bed_books(&bed, WEIR_OVERFLOW).bytes, (more + 1) * 100);
	}
	assert_int_equal(bed_flows(&bed, after, 4), 4);
	assert_memory_equal(before, after, sizeof(before));
	bed_expect_balance(&bed);

	/* A known flow still counts; one that is over stays, and its packet overflows. */
	feed_udp(100 + i - 1);
	assert_int_equal(bed_flow_of_port(&bed, 100 + i - 1).flow.packets, 2);
	bed.now_ns += 20 * BED_SECOND;
	feed_udp(100 + i - 1);
	assert_int_equal(bed_flow_of_port(&bed, 100 + i - 1).flow.packets, 2);
	assert_int_equal(bed_books(&bed, WEIR_OVERFLOW).packets, 11);

	assert_int_equal(bed_drain(&bed), RING_EVENTS);
	for (int e = 0; e < RING_EVENTS; e++)
		assert_int_equal(__builtin_bswap16(bed.event[e].flow.key.sport), 100 + e);
	feed_udp(100 + i - 1); /* there is room again */
	assert_int_equal(bed_drain(&bed), 1);
	assert_int_equal(bed_books(&bed, WEIR_OVERFLOW).packets, 11);
	bed_expect_balance(&bed);
}

static void a_slots_generation_is_even_and_grows(void **state)
{
	__u32 before = 0;

	bed_reset(&bed);
	for (int i = 0; i < 20; i++) {
		__u32 generation;

		at(i * 16);
		feed_udp(1);
		generation = bed_only_flow(&bed).flow.generation;
		assert_int_equal(generation, before + 2);
		feed_udp(1);
		assert_int_equal(bed_only_flow(&bed).flow.generation, generation);
		before = generation;
	}
	assert_int_equal(bed_drain(&bed), 19);
}

static void a_flows_times_are_its_earliest_and_latest_whatever_the_order(void **state)
{
	static const double times[] = {20, 7, 12, 24, 8, 19};
	struct bed_flow flow;

	bed_reset(&bed);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		at(times[i]);
		feed_tcp(1, WEIR_TCP_ACK);
	}
	flow = bed_only_flow(&bed);
	assert_int_equal(flow.flow.packets, 6);
	assert_int_equal(flow.flow.first_ns, BED_START + 7 * BED_SECOND);
	assert_int_equal(flow.flow.last_ns, BED_START + 24 * BED_SECOND);
	expect_no_event();
	bed_expect_balance(&bed);
}

static void a_step_back_by_more_than_the_idle_timeout_is_another_flow(void **state)
{
	struct bed_flow was;

	bed_reset(&bed);
	feed_tcp(1, WEIR_TCP_ACK);
	was = bed_only_flow(&bed);
	at(-15);
	feed_tcp(2, WEIR_TCP_ACK); /* at the limit, and one of another flow */
	feed_tcp(1, WEIR_TCP_ACK);
	expect_no_event();
	was = bed_flow_of_port(&bed, 1);
	assert_int_equal(was.flow.first_ns, BED_START - 15 * BED_SECOND);
	at(-86400);
	feed_tcp(1, WEIR_TCP_ACK);
	expect_event(&was, WEIR_END_IDLE);
	was = bed_flow_of_port(&bed, 1);
	assert_int_equal(was.flow.packets, 1);
	assert_int_equal(was.flow.first_ns, was.flow.last_ns);
	at(1);
	feed_tcp(1, WEIR_TCP_ACK);
	expect_event(&was, WEIR_END_IDLE);
	bed_expect_balance(&bed);
}

/* A source of truth of its own: an array by port. */
static void many_flows_through_a_small_cache_lose_nothing(void **state)
{
	static __u32 fed[512], got[512];
	struct bed_flow left[4];
	int flows;

	bed_reset(&bed);
	memset(fed, 0, sizeof(fed));
	memset(got, 0, sizeof(got));
	srand(1);
	for (int i = 0; i < 3000; i++) {
		int port = 1 + rand() % 511 % (1 + rand() % 511);
		struct frame f = frame_of_udp(SRC, DST, port, 9, port % 50);

		bed.now_ns += rand() % 100000000;
		bed_feed(&bed, &f);
		fed[port]++;
		if (i % 16 == 0)
			bed_drain(&bed);
	}
	bed_drain(&bed);
	flows = bed_flows(&bed, left, 4);
	for (int i = 0; i < flows; i++)
		got[__builtin_bswap16(left[i].flow.key.sport)] += left[i].flow.packets;
	for (int i = 0; i < bed.events; i++) {
		const struct weir_flow *f = &bed.event[i].flow;
		int port = __builtin_bswap16(f->key.sport);

		got[port] += f->packets;
		assert_int_equal(f->bytes, (__u64)f->packets * (28 + port % 50));
	}
	assert_int_equal(bed_books(&bed, WEIR_OVERFLOW).packets, 0);
	assert_memory_equal(fed, got, sizeof(fed));
	bed_expect_balance(&bed);
}

static int open_bed(void **state)
{
	bed_open(&bed,
		 &(struct meter_options){.flow_size = 1, .ring_bytes = RING_BYTES, .replay = true},
		 CONFIG);
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_adds_up_its_packets),
		cmocka_unit_test(a_flow_idle_for_longer_than_the_timeout_ends),
		cmocka_unit_test(a_flow_that_lives_longer_than_the_active_timeout_ends),
		cmocka_unit_test(a_syn_after_fin_or_rst_begins_a_new_incarnation),
		cmocka_unit_test(a_closed_flow_ends_after_the_closed_timeout),
		cmocka_unit_test(the_longest_unused_flow_gives_way_when_all_places_are_taken),
		cmocka_unit_test(a_flow_that_gives_way_after_its_timeout_ended_by_it),
		cmocka_unit_test(ipv6_flows_leave_with_their_addresses),
		cmocka_unit_test(a_full_ring_keeps_the_incumbents_and_counts_the_overflow),
		cmocka_unit_test(a_slots_generation_is_even_and_grows),
		cmocka_unit_test(a_flows_times_are_its_earliest_and_latest_whatever_the_order),
		cmocka_unit_test(a_step_back_by_more_than_the_idle_timeout_is_another_flow),
		cmocka_unit_test(many_flows_through_a_small_cache_lose_nothing),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

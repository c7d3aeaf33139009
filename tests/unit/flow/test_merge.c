/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "flow/merge.h"

/* A TCP flow over IPv4 that its source port tells from others. */
static struct weir_flow flow_of(uint16_t sport, uint32_t packets, uint64_t bytes, uint64_t first_ns,
				uint64_t last_ns)
{
	struct weir_flow f = {
		.key = {.src4 = weir_be32(0xc0000201), .dst4 = weir_be32(0x0a000001), .proto = 6},
		.packets = packets,
		.bytes = bytes,
		.first_ns = first_ns,
		.last_ns = last_ns,
	};

	f.key.sport = weir_be16(sport);
	return f;
}

static void add6(struct flow_items *items, const struct weir_flow *flow,
		 const struct weir_pair6 *pair, enum weir_end end)
{
	assert_int_equal(flow_items_add(items, flow, pair, end), 0);
}

static void add(struct flow_items *items, struct weir_flow flow, enum weir_end end)
{
	add6(items, &flow, &(struct weir_pair6){}, end);
}

static void nothing_merges_sorts_and_frees(void **state)
{
	struct flow_items items = {};

	flow_items_merge(&items);
	flow_items_sort(&items, FLOW_BY_BYTES);
	assert_int_equal(items.count, 0);
	flow_items_free(&items);
	flow_items_free(&items);
	assert_null(items.item);
}

static void a_flow_alone_stays_as_it_was(void **state)
{
	struct weir_flow f = flow_of(1, 3, 180, 10, 20);
	struct flow_items items = {};
	struct flow_ended alone;

	f.tcp_flags = WEIR_TCP_SYN;
	f.tos = 0xb8;
	flow_ended_of(&f, &(struct weir_pair6){}, WEIR_END_IDLE, 0, &alone);
	add(&items, f, WEIR_END_IDLE);
	flow_items_merge(&items);
	assert_int_equal(items.count, 1);
	assert_memory_equal(&items.item[0], &alone, sizeof(alone));
	assert_int_equal(items.item[0].packets, 3);
	assert_int_equal(items.item[0].end, WEIR_END_IDLE);
	flow_items_free(&items);
}

static void parts_add_up_and_span_all_their_times(void **state)
{
	static const uint8_t flags[] = {WEIR_TCP_ACK, WEIR_TCP_SYN, WEIR_TCP_ACK | WEIR_TCP_FIN};
	static const uint8_t tos[] = {0, 8, 16};
	const struct weir_flow parts[] = {
		flow_of(1, 10, 1000, 50, 60),
		flow_of(1, 1, 40, 5, 5),
		flow_of(1, 200, 30000, 55, 90),
	};
	struct flow_items items = {};

	for (int i = 0; i < 3; i++) {
		struct weir_flow f = parts[i];

		f.tcp_flags = flags[i];
		f.tos = tos[i];
		add(&items, f, WEIR_END_NONE);
	}
	flow_items_merge(&items);
	assert_int_equal(items.count, 1);
	assert_int_equal(items.item[0].packets, 211);
	assert_int_equal(items.item[0].bytes, 31040);
	assert_int_equal(items.item[0].start_ns, 5);
	assert_int_equal(items.item[0].end_ns, 90);
	assert_int_equal(items.item[0].tcp_flags, 0x13); /* FIN, SYN, ACK */
	assert_int_equal(items.item[0].tos, 8);          /* of the packet at 5 */
	flow_items_free(&items);
}

static void a_sum_past_32_bits_is_whole(void **state)
{
	struct flow_items items = {};

	for (int i = 0; i < 3; i++)
		add(&items, flow_of(1, 1u << 31, 1ull << 40, 0, i), WEIR_END_NONE);
	flow_items_merge(&items);
	assert_int_equal(items.count, 1);
	assert_int_equal(items.item[0].packets, 6442450944);  /* 3 * 2^31 */
	assert_int_equal(items.item[0].bytes, 3298534883328); /* 3 * 2^40 */
	flow_items_free(&items);
}

static void a_flow_is_live_while_a_part_is_and_else_ends_as_its_last_part(void **state)
{
	enum {
		PARTS = 3
	};
	static const struct {
		enum weir_end ends[PARTS]; /* of parts last seen at 10, 30, 20 */
		enum weir_end whole;
	} cases[] = {
		{{WEIR_END_IDLE, WEIR_END_FLOW, WEIR_END_ACTIVE}, WEIR_END_FLOW},
		{{WEIR_END_IDLE, WEIR_END_IDLE, WEIR_END_IDLE}, WEIR_END_IDLE},
		{{WEIR_END_NONE, WEIR_END_FLOW, WEIR_END_IDLE}, WEIR_END_NONE},
		{{WEIR_END_IDLE, WEIR_END_NONE, WEIR_END_IDLE}, WEIR_END_NONE},
		{{WEIR_END_IDLE, WEIR_END_FLOW, WEIR_END_NONE}, WEIR_END_NONE},
	};
	static const uint64_t last_ns[PARTS] = {10, 30, 20};
	static const int orders[][PARTS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
			struct flow_items items = {};

			for (int i = 0; i < PARTS; i++) {
				int part = orders[o][i];

				add(&items, flow_of(1, 1, 40, 0, last_ns[part]),
				    cases[c].ends[part]);
			}
			flow_items_merge(&items);
			assert_int_equal(items.count, 1);
			assert_int_equal(items.item[0].end, cases[c].whole);
			flow_items_free(&items);
		}
	}
}

static void whatever_is_in_the_key_keeps_flows_apart(void **state)
{
	struct weir_flow f[9];
	struct flow_items items = {};

	for (int i = 0; i < 9; i++)
		f[i] = flow_of(1, 1, 40, 0, 0);
	f[1].key.src4 ^= 1;
	f[2].key.dst4 ^= 1;
	f[3].key.sport ^= 1;
	f[4].key.dport ^= 1;
	f[5].key.proto = 17;
	f[6].key.flags = WEIR_KEY_OUT;
	f[7].key.vlan = 7;
	f[8].key.ifindex = 2;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 9; i++)
			add(&items, f[i], WEIR_END_NONE);
	}
	flow_items_merge(&items);
	assert_int_equal(items.count, 9);
	for (int i = 0; i < 9; i++)
		assert_int_equal(items.item[i].packets, 2);
	flow_items_free(&items);
}

/* The fold of the addresses that the key holds is not them. */
static void ipv6_flows_are_told_apart_by_their_addresses_and_not_by_the_fold(void **state)
{
	struct weir_pair6 one = {.src = {0x20, 1}, .dst = {0xfd}}, other = one;
	struct weir_flow f = flow_of(1, 5, 200, 0, 0);
	struct flow_items items = {};

	other.dst[15] = 1;
	f.key.flags = WEIR_KEY_V6;
	add6(&items, &f, &one, WEIR_END_NONE);
	add6(&items, &f, &other, WEIR_END_NONE);
	add6(&items, &f, &one, WEIR_END_NONE);
	flow_items_merge(&items);
	assert_int_equal(items.count, 2);
	for (int i = 0; i < 2; i++) {
		bool is_one = !memcmp(&items.item[i].pair, &one, sizeof(one));

		assert_int_equal(items.item[i].packets, is_one ? 10 : 5);
	}
	flow_items_free(&items);
}

/* A slot's pair is what its last IPv6 flow left there. */
static void what_stands_in_the_pair_of_an_ipv4_flow_does_not_matter(void **state)
{
	struct weir_pair6 left_over = {.src = {0xfe, 0x80}};
	struct weir_flow f = flow_of(1, 1, 40, 0, 0);
	struct flow_items items = {};

	add(&items, f, WEIR_END_NONE);
	add6(&items, &f, &left_over, WEIR_END_NONE);
	flow_items_merge(&items);
	assert_int_equal(items.count, 1);
	assert_int_equal(items.item[0].packets, 2);
	flow_items_free(&items);
}

/* More than the room that is there at first; sums by a table with a place for each port. */
static void many_parts_of_many_flows_sum_to_what_went_in(void **state)
{
	enum {
		FLOWS = 300,
		PARTS = 5000,
	};
	static uint64_t packets[FLOWS], bytes[FLOWS];
	struct flow_items items = {};
	uint32_t random = 1;

	for (int i = 0; i < PARTS; i++) {
		uint32_t sport;

		random = random * 1664525 + 1013904223; /* Numerical Recipes */
		sport = i < FLOWS ? (uint32_t)i : (random >> 8) % FLOWS;
		packets[sport] += random >> 1;
		bytes[sport] += random;
		add(&items, flow_of(sport, random >> 1, random, 0, 0), WEIR_END_NONE);
	}
	assert_int_equal(items.count, PARTS);
	flow_items_merge(&items);
	assert_int_equal(items.count, FLOWS);
	for (int i = 0; i < FLOWS; i++) {
		uint16_t sport = weir_be16(items.item[i].key.sport);

		assert_int_equal(items.item[i].packets, packets[sport]);
		assert_int_equal(items.item[i].bytes, bytes[sport]);
		packets[sport] = ~0ull; /* each flow once */
	}
	flow_items_free(&items);
}

static void the_greatest_of_what_is_asked_for_comes_first(void **state)
{
	const struct weir_flow flows[] = {
		flow_of(1, 30, 100, 7, 70),
		flow_of(2, 20, 400, 5, 90),
		flow_of(3, 10, 300, 9, 80),
		flow_of(4, 40, 200, 8, 60),
	};
	static const struct {
		enum flow_order order;
		uint16_t sports[4];
	} cases[] = {
		{FLOW_BY_PACKETS, {4, 1, 2, 3}},
		{FLOW_BY_BYTES, {2, 3, 4, 1}},
		{FLOW_BY_LAST, {2, 3, 1, 4}},
		{FLOW_BY_FIRST, {3, 4, 1, 2}},
	};
	struct flow_items items = {};

	for (int i = 0; i < 4; i++)
		add(&items, flows[i], WEIR_END_NONE);
	for (int c = 0; c < 4; c++) {
		flow_items_sort(&items, cases[c].order);
		for (int i = 0; i < 4; i++)
			assert_int_equal(weir_be16(items.item[i].key.sport), cases[c].sports[i]);
	}
	flow_items_free(&items);
}

static void a_sum_past_32_bits_sorts_before_what_fits(void **state)
{
	struct flow_items items = {};

	add(&items, flow_of(1, ~0u, 0, 0, 0), WEIR_END_NONE);
	add(&items, flow_of(2, 1u << 31, 0, 0, 0), WEIR_END_NONE);
	add(&items, flow_of(2, 1u << 31, 0, 0, 0), WEIR_END_NONE);
	flow_items_merge(&items);
	flow_items_sort(&items, FLOW_BY_PACKETS);
	assert_int_equal(weir_be16(items.item[0].key.sport), 2);
	flow_items_free(&items);
}

static void equals_sort_the_same_however_they_came(void **state)
{
	uint16_t first[6];

	for (int turn = 0; turn < 6; turn++) {
		struct flow_items items = {};

		for (int i = 0; i < 6; i++)
			add(&items, flow_of(1 + (i + turn) % 6, 1, 40, 0, 0), WEIR_END_NONE);
		flow_items_sort(&items, FLOW_BY_PACKETS);
		for (int i = 0; i < 6; i++) {
			if (!turn)
				first[i] = items.item[i].key.sport;
			assert_int_equal(items.item[i].key.sport, first[i]);
		}
		flow_items_free(&items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_merges_sorts_and_frees),
		cmocka_unit_test(a_flow_alone_stays_as_it_was),
		cmocka_unit_test(parts_add_up_and_span_all_their_times),
		cmocka_unit_test(a_sum_past_32_bits_is_whole),
		cmocka_unit_test(a_flow_is_live_while_a_part_is_and_else_ends_as_its_last_part),
		cmocka_unit_test(whatever_is_in_the_key_keeps_flows_apart),
		cmocka_unit_test(ipv6_flows_are_told_apart_by_their_addresses_and_not_by_the_fold),
		cmocka_unit_test(what_stands_in_the_pair_of_an_ipv4_flow_does_not_matter),
		cmocka_unit_test(many_parts_of_many_flows_sum_to_what_went_in),
		cmocka_unit_test(the_greatest_of_what_is_asked_for_comes_first),
		cmocka_unit_test(a_sum_past_32_bits_sorts_before_what_fits),
		cmocka_unit_test(equals_sort_the_same_however_they_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interval sets against bit masks of the values 0..63. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "query/set.h"

#define ROUNDS 20000
#define RANGES 8

static const struct query_set *random_set(struct query_arena *arena, uint64_t *mask)
{
	struct query_range ranges[RANGES];
	unsigned int count = rand() % (RANGES + 1);

	*mask = 0;
	for (unsigned int i = 0; i < count; i++) {
		unsigned int first = rand() % 64, last = first + rand() % (64 - first);

		if (rand() % 2)
			last = first;
		ranges[i] = (struct query_range){first, last};
		for (unsigned int v = first; v <= last; v++)
			*mask |= 1ull << v;
	}
	return set_make(arena, ranges, count);
}

static void assert_is(const struct query_set *set, uint64_t mask)
{
	assert_non_null(set);
	for (unsigned int v = 0; v < 64; v++)
		assert_int_equal(set_contains(set, v), mask >> v & 1);
	for (unsigned int i = 0; i < set->count; i++) {
		assert_true(set->range[i].first <= set->range[i].last);
		assert_true(set->range[i].last < 64);
		if (i)
			assert_true(set->range[i].first > set->range[i - 1].last + 1);
	}
}

static void sets_do_as_bit_masks_do(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct query_arena arena = {.limit_bytes = 1 << 20};
		uint64_t x, y;
		const struct query_set *a, *b;

		srand(round);
		a = random_set(&arena, &x);
		b = random_set(&arena, &y);
		assert_is(a, x);
		assert_is(set_union(&arena, a, b), x | y);
		assert_is(set_intersect(&arena, a, b), x & y);
		assert_is(set_complement(&arena, a, 63), ~x);
		assert_int_equal(set_equal(a, b), x == y);
		assert_int_equal(set_subset(a, b), !(x & ~y));
		arena_free(&arena);
	}
}

static void a_set_may_reach_the_last_of_128_bits(void **state)
{
	const query_value last = ~(query_value)0;
	const struct query_range ranges[] = {{last - 1, last}, {last, last}, {0, 5}};
	struct query_arena arena = {.limit_bytes = 1 << 20};
	const struct query_set *set = set_make(&arena, ranges, 3), *rest;

	assert_int_equal(set->count, 2);
	assert_true(set_contains(set, last));
	rest = set_complement(&arena, set, last);
	assert_int_equal(rest->count, 1);
	assert_true(rest->range[0].first == 6 && rest->range[0].last == last - 2);
	assert_int_equal(set_union(&arena, set, rest)->count, 1);
	assert_int_equal(set_intersect(&arena, set, rest)->count, 0);
	arena_free(&arena);
}

static void an_arena_stops_at_its_limit(void **state)
{
	struct query_arena arena = {.limit_bytes = 100000};
	unsigned int got = 0;

	while (arena_alloc(&arena, 1000))
		got++;
	assert_in_range(got, 80, 100);
	assert_null(arena_alloc(&arena, SIZE_MAX - 4));
	arena_free(&arena);
	assert_int_equal(arena.used_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_do_as_bit_masks_do),
		cmocka_unit_test(a_set_may_reach_the_last_of_128_bits),
		cmocka_unit_test(an_arena_stops_at_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "weir/flow.h"

#define MS 1000000ull
#define SEC WEIR_NS_PER_SEC

static const struct weir_timeouts timeouts = {15 * SEC, 60 * SEC, 2 * SEC};

static void a_flow_is_over_just_past_its_timeout(void **state)
{
	const uint64_t start = 1000 * SEC;
	const struct {
		uint8_t had, comes;
		uint64_t first_ns, last_ns, now_ns;
		enum weir_end end;
	} cases[] = {
		{0, 0, 0, 0, 15 * SEC, WEIR_END_NONE},
		{0, 0, 0, 0, 15 * SEC + 1, WEIR_END_IDLE},
		{0, 0, 0, 59 * SEC, 60 * SEC, WEIR_END_NONE},
		{0, 0, 0, 59 * SEC, 60 * SEC + 1, WEIR_END_ACTIVE},
		{WEIR_TCP_FIN, 0, 0, 0, 2 * SEC, WEIR_END_NONE},
		{WEIR_TCP_FIN, 0, 0, 0, 2 * SEC + 1, WEIR_END_FLOW},
		{WEIR_TCP_RST, 0, 0, 0, 2 * SEC + 1, WEIR_END_FLOW},
		{WEIR_TCP_FIN, WEIR_TCP_ACK, 0, 0, MS, WEIR_END_NONE},
		{WEIR_TCP_FIN, WEIR_TCP_SYN, 0, 0, MS, WEIR_END_FLOW},
		{WEIR_TCP_SYN, WEIR_TCP_SYN, 0, 0, MS, WEIR_END_NONE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_flow f = {
			.tcp_flags = cases[i].had,
			.first_ns = start + cases[i].first_ns,
			.last_ns = start + cases[i].last_ns,
		};

		assert_int_equal(weir_flow_over(&f, &timeouts, start + cases[i].now_ns,
						cases[i].comes),
				 cases[i].end);
	}
}

static void a_clock_that_steps_back_ends_no_flow(void **state)
{
	const struct weir_flow f = {
		.tcp_flags = WEIR_TCP_FIN,
		.first_ns = 100 * SEC,
		.last_ns = 110 * SEC,
	};

	assert_int_equal(weir_flow_over(&f, &timeouts, 0, 0), WEIR_END_NONE);
	assert_int_equal(weir_flow_over(&f, &timeouts, 99 * SEC, 0), WEIR_END_NONE);
}

static void a_flow_ends_before_its_packet_counter_wraps(void **state)
{
	struct weir_flow f = {.packets = WEIR_FLOW_PACKETS_MAX - 1};

	assert_int_equal(weir_flow_over(&f, &timeouts, 0, 0), WEIR_END_NONE);
	f.packets++;
	assert_int_equal(weir_flow_over(&f, &timeouts, 0, 0), WEIR_END_ACTIVE);
}

/* Keys as a port scan, a subnet scan and a busy server make them: few bits change. */
static struct weir_flow_key structured_key(uint32_t i, int shape)
{
	struct weir_flow_key k = {.proto = 6, .ifindex = 2};

	k.src4 = weir_be32(0x0a000001 + (shape == 1 ? i : 0));
	k.dst4 = weir_be32(0xc0000201 + (shape == 2 ? i << 8 : 0));
	k.sport = weir_be16(shape == 0 ? i : 40000);
	k.dport = weir_be16(shape == 0 ? 22 + (i >> 16) : 443);
	return k;
}

/*
 * Balls in bins: chi-square over n bins has mean n - 1 and variance 2 (n - 1). Six standard
 * deviations.
 */
static void hashes_spread_structured_keys_as_chance_would(void **state)
{
	enum {
		BINS = 1009,
		KEYS = 200 * BINS,
	};
	static uint32_t first[BINS], second[BINS];
	const double mean = BINS - 1, slack = 6 * 44.9; /* sqrt(2 * 1008) */

	for (int shape = 0; shape < 3; shape++) {
		const __u64 seed[2] = {0x123456789abcdef0ull + shape, 42};
		double chi1 = 0, chi2 = 0;

		memset(first, 0, sizeof(first));
		memset(second, 0, sizeof(second));
		for (uint32_t i = 0; i < KEYS; i++) {
			struct weir_flow_key k = structured_key(i, shape);
			uint64_t h = weir_flow_hash(&k, seed);
			uint32_t set = weir_hash_set(h, BINS), set2 = weir_hash_set2(h, BINS);

			assert_true(set < BINS && set2 < BINS);
			first[set]++;
			second[set2]++;
		}
		for (int i = 0; i < BINS; i++) {
			chi1 += (first[i] - 200.0) * (first[i] - 200.0) / 200;
			chi2 += (second[i] - 200.0) * (second[i] - 200.0) / 200;
		}
		print_message("shape %d: chi-square %.0f, %.0f of %.0f\n", shape, chi1, chi2, mean);
		assert_true(chi1 < mean + slack && chi1 > mean - slack);
		assert_true(chi2 < mean + slack && chi2 > mean - slack);
	}
}

static void the_two_sets_of_a_key_are_seldom_one(void **state)
{
	const __u64 seed[2] = {7, 9};
	const int sets = 64, keys = 64000;
	int same = 0;

	for (int i = 0; i < keys; i++) {
		struct weir_flow_key k = structured_key(i, 0);
		uint64_t h = weir_flow_hash(&k, seed);

		same += weir_hash_set(h, sets) == weir_hash_set2(h, sets);
	}
	/* Binomial, p = 1 / 64: 1000 expected, standard deviation 31. */
	assert_in_range(same, 1000 - 6 * 32, 1000 + 6 * 32);
}

static void every_field_of_the_key_changes_the_hash(void **state)
{
	const __u64 seed[2] = {1, 2};
	const struct weir_flow_key zero = {.addrs = 0};
	const uint64_t h = weir_flow_hash(&zero, seed);

	for (size_t bit = 0; bit < 8 * offsetof(struct weir_flow_key, ifindex) + 24; bit++) {
		struct weir_flow_key k = zero;

		((uint8_t *)&k)[bit / 8] |= 1 << bit % 8;
		assert_true(weir_flow_hash(&k, seed) != h);
	}
}

static void a_fold_tells_a_pair_from_its_reverse(void **state)
{
	struct weir_pair6 a = {.src = {0x20, 1}, .dst = {0xfe, 0x80}}, b = a, reverse;

	memcpy(reverse.src, a.dst, 16);
	memcpy(reverse.dst, a.src, 16);
	assert_true(weir_fold6(&a) == weir_fold6(&b));
	assert_true(weir_fold6(&a) != weir_fold6(&reverse));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_over_just_past_its_timeout),
		cmocka_unit_test(a_clock_that_steps_back_ends_no_flow),
		cmocka_unit_test(a_flow_ends_before_its_packet_counter_wraps),
		cmocka_unit_test(hashes_spread_structured_keys_as_chance_would),
		cmocka_unit_test(the_two_sets_of_a_key_are_seldom_one),
		cmocka_unit_test(every_field_of_the_key_changes_the_hash),
		cmocka_unit_test(a_fold_tells_a_pair_from_its_reverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

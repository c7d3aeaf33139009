// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Thousands of worlds (interval_sim.h), each from its own seed.
 *
 *   SIM_SEED=N   that world alone
 *   SIM_RUNS=N   so many
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/interval/interval_sim.h"

#ifdef __SANITIZE_ADDRESS__
#define RUNS 1000
#else
#define RUNS 6000
#endif

static struct sim_totals totals;

static __u64 number(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void every_answer_is_true_whatever_is_late_lost_or_killed(void **state)
{
	__u64 first = number("SIM_SEED", 1), runs = number("SIM_RUNS", RUNS), failed = 0;
	struct why why;

	if (getenv("SIM_SEED"))
		runs = 1;
	for (__u64 seed = first; seed < first + runs; seed++) {
		if (sim_run(seed, &totals, &why))
			continue;
		if (++failed <= 10)
			print_message("seed %llu, %s (again: SIM_SEED=%llu %s)\n",
				      (unsigned long long)seed, why.text, (unsigned long long)seed,
				      "test_interval_sim");
	}
	print_message("%llu worlds, %llu failed\n", (unsigned long long)totals.runs,
		      (unsigned long long)failed);
	assert_int_equal(failed, 0);
}

static void what_can_happen_has_happened(void **state)
{
	const struct {
		const char *name;
		__u64 count;
	} counts[] = {
		{"answers", totals.answers},
		{"complete", totals.complete},
		{"incomplete", totals.incomplete},
		{"parts", totals.parts},
		{"updates", totals.updates},
		{"raised", totals.raised},
		{"lowered", totals.lowered},
		{"takeovers", totals.takeovers},
		{"silences", totals.silences},
		{"lost connections", totals.losses},
		{"crashes", totals.crashes},
		{"budget changes", totals.replans},
		{"lacks", totals.lacks},
		{"ticks of coordinators as hosts", totals.stacked},
	};

	if (getenv("SIM_SEED"))
		return;
	print_message("told twice %llu, sessions refused %llu, ticks skipped %llu\n",
		      (unsigned long long)totals.ambiguous, (unsigned long long)totals.refusals,
		      (unsigned long long)totals.skipped);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		print_message("%s: %llu\n", counts[i].name, (unsigned long long)counts[i].count);
		assert_true(counts[i].count > 0);
	}
	/* A world is mostly whole, or nothing would be shown. */
	assert_true(totals.complete * 2 > totals.answers);
	assert_true(totals.ambiguous * 100 < totals.parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_is_true_whatever_is_late_lost_or_killed),
		cmocka_unit_test(what_can_happen_has_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What we make of the verifier's log, by logs that kernels wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "meter/meter_internal.h"

#define STATISTICS                                                                                 \
	"verification time 410918 usec\nstack depth 232+56+72\n"                                   \
	"processed 40255 insns (limit 1000000) max_states_per_insn 9 total_states 1396 "           \
	"peak_states 1211 mark_read 0\n"

static void expect(const char *log, const char *want)
{
	struct why why = {};

	assert_int_equal(verifier_complaint(log, &why), want[0] != 0);
	assert_string_equal(why.text, want);
}

static void the_last_line_before_the_statistics_says_why(void **state)
{
	expect("R6 unbounded memory access, make sure to bounds check\n" STATISTICS,
	       "R6 unbounded memory access, make sure to bounds check");
	expect("invalid access to packet, off=1 size=1, R8(id=189,off=1,r=0)\n"
	       "R8 offset is outside of the packet\n" STATISTICS,
	       "R8 offset is outside of the packet");
	expect("Func#1 ('leaves') is global and assumed valid.\n"
	       "combined stack size of 3 calls is 544. Too large\n"
	       "processed 39232 insns (limit 1000000)\n",
	       "combined stack size of 3 calls is 544. Too large");
}

static void statistics_alone_are_no_complaint(void **state)
{
	expect(STATISTICS, "");
	expect("processed 2 insns (limit 1000000)\n", "");
	expect("", "");
	expect("\n", "");
}

static void a_log_that_was_cut_short_says_what_it_has(void **state)
{
	expect("BPF program is too lar", "BPF program is too lar");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_line_before_the_statistics_says_why),
		cmocka_unit_test(statistics_alone_are_no_complaint),
		cmocka_unit_test(a_log_that_was_cut_short_says_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

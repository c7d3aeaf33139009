// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A machine of our own: it boots at a Unix time, runs, sleeps, and has its clock set. What it does is
 * written down by the second of real time, and its clocks follow from that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "flow/ended.h"

#define SEC WEIR_NS_PER_SEC
#define BOOT_S 1763769600ull /* Unix time */

struct machine {
	struct clocks clocks;
};

static void boot(struct machine *m)
{
	m->clocks = (struct clocks){.unix_ns = BOOT_S * SEC};
}

static void run(struct machine *m, uint64_t ns)
{
	m->clocks.monotonic_ns += ns;
	m->clocks.boot_ns += ns;
	m->clocks.unix_ns += ns;
}

static void sleep_for(struct machine *m, uint64_t ns)
{
	m->clocks.boot_ns += ns;
	m->clocks.unix_ns += ns;
}

/* What a flow of that kernel says when it is read by that agent. */
static struct flow_ended flow_read(uint64_t first_ns, uint64_t last_ns, const struct machine *now)
{
	const struct weir_flow flow = {.first_ns = first_ns, .last_ns = last_ns, .packets = 1};
	const struct weir_pair6 none = {};
	struct flow_ended ended;

	flow_ended_of(&flow, &none, WEIR_END_IDLE, clocks_offset_ns(&now->clocks), &ended);
	return ended;
}

static void a_flow_across_a_sleep_begins_when_it_did(void **state)
{
	struct machine m;
	struct flow_ended f;
	uint64_t first_ns, last_ns;

	boot(&m);
	run(&m, 100 * SEC);
	first_ns = m.clocks.boot_ns;
	run(&m, 5 * SEC);
	sleep_for(&m, 3600 * SEC + 123456789);
	run(&m, 2 * SEC);
	last_ns = m.clocks.boot_ns;
	run(&m, 20 * SEC);
	/* The reader need not know of the sleep: it may not have run then. */
	f = flow_read(first_ns, last_ns, &m);
	assert_int_equal(f.start_ns, (BOOT_S + 100) * SEC);
	assert_int_equal(f.end_ns, (BOOT_S + 100 + 5 + 3600 + 2) * SEC + 123456789);
}

static void what_ended_before_several_sleeps_ended_then(void **state)
{
	struct machine m;
	struct flow_ended f;
	uint64_t at_ns[5];

	boot(&m);
	for (unsigned int i = 0; i < 5; i++) {
		run(&m, 10 * SEC);
		at_ns[i] = m.clocks.boot_ns;
		sleep_for(&m, 1000 * SEC);
	}
	for (unsigned int i = 0; i < 5; i++) {
		f = flow_read(at_ns[i], at_ns[i], &m);
		assert_int_equal(f.start_ns, (BOOT_S + 10 + i * 1010) * SEC);
		assert_int_equal(f.end_ns, f.start_ns);
	}
}

/* The clock of the last look is the best one there is, and no flow lasts longer for it. */
static void when_the_clock_is_set_flows_are_told_by_the_new_time(void **state)
{
	struct machine m;
	struct flow_ended f;
	uint64_t first_ns;

	boot(&m);
	run(&m, 10 * SEC);
	first_ns = m.clocks.boot_ns;
	run(&m, 30 * SEC);
	m.clocks.unix_ns -= 600 * SEC;
	f = flow_read(first_ns, m.clocks.boot_ns, &m);
	assert_int_equal(f.end_ns, m.clocks.unix_ns);
	assert_int_equal(f.end_ns - f.start_ns, 30 * SEC);
}

static void idle_time_is_what_passed_asleep_too(void **state)
{
	const struct weir_timeouts timeouts = {15 * SEC, 60 * SEC, 5 * SEC};
	struct weir_flow flow = {.packets = 1};
	struct machine m;

	boot(&m);
	run(&m, 10 * SEC);
	flow.first_ns = flow.last_ns = m.clocks.boot_ns;
	run(&m, SEC);
	assert_int_equal(weir_flow_over(&flow, &timeouts, m.clocks.boot_ns, 0), WEIR_END_NONE);
	sleep_for(&m, 3600 * SEC);
	assert_int_equal(weir_flow_over(&flow, &timeouts, m.clocks.boot_ns, 0), WEIR_END_IDLE);
}

/* Seconds are of boot time; what can be waited for is monotonic time. */
static void a_second_is_over_after_a_sleep_of_no_whole_seconds_too(void **state)
{
	const uint64_t after_ns = 20 * NS_PER_MS;
	struct machine m;

	boot(&m);
	run(&m, 100 * SEC + 300 * NS_PER_MS);
	assert_int_equal(clocks_next_second_ns(&m.clocks, after_ns), 101 * SEC + after_ns);
	sleep_for(&m, 50 * SEC + 600 * NS_PER_MS); /* 150.9 */
	assert_int_equal(clocks_next_second_ns(&m.clocks, after_ns),
			 m.clocks.monotonic_ns + 120 * NS_PER_MS);
	/* Just when it is due the next one is the next second's. */
	run(&m, 120 * NS_PER_MS);
	assert_int_equal(clocks_next_second_ns(&m.clocks, after_ns), m.clocks.monotonic_ns + SEC);
	run(&m, SEC - 1);
	assert_int_equal(clocks_next_second_ns(&m.clocks, after_ns), m.clocks.monotonic_ns + 1);
}

static void what_fell_due_asleep_is_due_at_once(void **state)
{
	struct machine m;
	uint64_t due_ns;

	boot(&m);
	run(&m, 100 * SEC);
	due_ns = m.clocks.boot_ns + 60 * SEC;
	assert_int_equal(clocks_due_ns(&m.clocks, due_ns), 160 * SEC);
	sleep_for(&m, 59 * SEC);
	assert_int_equal(clocks_due_ns(&m.clocks, due_ns), 101 * SEC);
	sleep_for(&m, 3600 * SEC);
	assert_int_equal(clocks_due_ns(&m.clocks, due_ns), m.clocks.monotonic_ns);
	assert_true(clocks_due_ns(&m.clocks, ~0ull) == ~0ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_across_a_sleep_begins_when_it_did),
		cmocka_unit_test(what_ended_before_several_sleeps_ended_then),
		cmocka_unit_test(when_the_clock_is_set_flows_are_told_by_the_new_time),
		cmocka_unit_test(idle_time_is_what_passed_asleep_too),
		cmocka_unit_test(a_second_is_over_after_a_sleep_of_no_whole_seconds_too),
		cmocka_unit_test(what_fell_due_asleep_is_due_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whom a coordinator takes, what it refuses, and how hosts come again. */
#include "unit/interval/coordinator_bed.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void a_host_of_the_same_number_is_refused_while_the_first_is_there(void **state)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0;

	bed_come(4);
	assert_int_equal(bed_hello_of(4, 77, 0, &welcome, &replaced), -EEXIST);
	assert_non_null(strstr(bed.why.text, "host 4"));
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_TWICE), 1);
	assert_int_equal(bed_update(4, FIRST, 5000, 0), 0);
	/* When nothing more is heard of the first, it may come. */
	bed_wait_ms(2600);
	assert_int_equal(bed_hello_of(4, 77, 0, &welcome, &replaced), 0);
	assert_int_equal(replaced, 1);
}

static void a_host_that_was_killed_takes_its_session_over_at_once(void **state)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0, before;

	bed_come(4);
	before = bed.session[4];
	assert_int_equal(bed_hello_of(4, 4, 0, &welcome, &replaced), 0);
	assert_int_equal(replaced, before);
	assert_int_not_equal(bed.session[4], before);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_TAKEOVERS), 1);
}

static void a_stranger_and_a_host_0_are_refused(void **state)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0;

	assert_int_equal(bed_hello_of(11, 1, 0, &welcome, &replaced), -EACCES);
	assert_non_null(strstr(bed.why.text, "11"));
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_STRANGERS), 1);
	assert_int_equal(bed_hello_of(0, 1, 0, &welcome, &replaced), -EINVAL);
}

static void a_clock_that_is_off_by_more_than_a_second_is_shifted(void **state)
{
	const struct {
		int64_t ahead_ms;
		int32_t shift_s;
	} cases[] = {{0, 0},     {1000, 0},  {-1000, 0},      {1400, -1},
		     {-1400, 1}, {1600, -2}, {-3600000, 3600}};
	struct interval_welcome welcome;
	uint32_t replaced;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(bed_hello_of(1, 1, cases[i].ahead_ms, &welcome, &replaced), 0);
		assert_int_equal(welcome.shift_s, cases[i].shift_s);
	}
	assert_string_equal(welcome.name, "coordinator");
	assert_int_equal(welcome.rules.method, INTERVAL_STATIC);
}

static void another_query_of_the_same_name_is_left_out(void **state)
{
	struct interval_ask asked;

	assert_int_equal(bed_hello(1), 0);
	asked = bed_ask_of(0, "Q9");
	assert_int_equal(bed_ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "Q9"));
	asked = bed_ask_of(0, "Q2");
	asked.window_ms = 30000;
	assert_int_equal(bed_ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "30 s there, of 60 s here"));
	asked = bed_ask_of(0, "Q2");
	snprintf(asked.measure, sizeof(asked.measure), "bytes");
	assert_int_equal(bed_ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "bytes"));
	asked = bed_ask_of(0, "Q2");
	snprintf(asked.match, sizeof(asked.match), "out");
	assert_int_equal(bed_ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "out"));
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_OTHER_QUERY), 3);
	/* The session goes on. */
	asked = bed_ask_of(0, "Q2");
	assert_int_equal(bed_ask(1, &asked), 0);
	/* What a host whose query was left out is told. */
	coordinator_asked(bed.coordinator, "Q3", &asked);
	assert_string_equal(asked.match, "in and tcp");
	assert_string_equal(asked.measure, "packets");
	assert_int_equal(asked.window_ms, 10000);
	coordinator_asked(bed.coordinator, "Q9", &asked);
	assert_string_equal(asked.measure, "");
}

static void a_host_is_missing_because_its_query_is_another(void **state)
{
	struct interval_ask asked = bed_ask_of(0, "Q2");

	asked.window_ms = 30000;
	assert_int_equal(bed_hello(1), 0);
	assert_int_equal(bed_ask(1, &asked), -ENOENT);
	bed_come(2);
	assert_int_equal(bed_tick(1, FIRST, 0), 0);
	assert_int_equal(bed_update(2, FIRST, 0, 0), 0);
	assert_int_equal(bed_tick(2, FIRST, 0), 0);
	coordinator_turn(bed.coordinator, bed.now_ns);
	assert_int_equal(bed.answer.tick, FIRST);
	assert_true(bed.part[0].missing);
	assert_non_null(strstr(bed.part[0].why, "30 s there, of 60 s here"));
	assert_false(bed.part[1].missing);
}

static void a_query_is_declared_once_and_before_the_first_tick(void **state)
{
	struct interval_ask asked = bed_ask_of(0, "Q2");

	bed_come(1);
	assert_int_equal(bed_ask(1, &asked), -EPROTO);
	asked.query = 1;
	assert_int_equal(bed_ask(1, &asked), -EPROTO);
	asked.query = 64;
	assert_int_equal(bed_ask(1, &asked), -EPROTO);
	bed_come(2);
	assert_int_equal(bed_tick(2, FIRST, 0), 0);
	asked = bed_ask_of(1, "Q3");
	assert_int_equal(bed_ask(2, &asked), -EPROTO);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_BAD), 4);
}

static void ticks_do_not_go_back(void **state)
{
	bed_come(1);
	assert_int_equal(bed_update(1, FIRST, 5000, 0), 0);
	assert_int_equal(bed_tick(1, FIRST, 0), 0);
	assert_int_equal(bed_update(1, FIRST, 6000, 0), -EPROTO);
	assert_int_equal(bed_update(1, FIRST - 1, 6000, 0), -EPROTO);
	assert_int_equal(bed_tick(1, FIRST, 0), -EPROTO);
	assert_int_equal(bed_update(1, FIRST + 2, 6000, 0), 0);
	assert_int_equal(bed_update(1, FIRST + 2, 7000, 0), -EPROTO);
	assert_int_equal(bed_update(1, FIRST + 1, 7000, 0), -EPROTO);
	assert_int_equal(bed_tick(1, FIRST + 1, 0), -EPROTO);
	assert_int_equal(bed_tick(1, FIRST + 2, 0), 0);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_BAD), 6);
}

static void ticks_far_ahead_of_the_clock_cannot_be(void **state)
{
	bed_come(1);
	assert_int_equal(bed_tick(1, FIRST + 3600, 0), -EPROTO);
	assert_non_null(strstr(bed.why.text, "3600 s"));
	assert_int_equal(bed_tick(1, FIRST + 1, 0), 0);
}

static void what_was_never_granted_is_not_confirmed(void **state)
{
	bed_run(4);
	assert_int_equal(bed_tick(1, FIRST + 4, bed.serial[1] + 1), -EPROTO);
	assert_int_equal(bed_update(1, FIRST + 4, 9000, 1202), -EPROTO);
	assert_int_equal(bed_update(1, FIRST + 4, 9000, 1200), 0);
}

static void nothing_is_taken_of_a_session_that_is_over(void **state)
{
	const struct interval_lack lack = {.tick = FIRST};
	struct interval_ask asked = bed_ask_of(0, "Q2");

	bed_come(1);
	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	assert_int_equal(bed_update(1, FIRST, 5000, 0), -EPROTO);
	assert_int_equal(bed_tick(1, FIRST, 0), -EPROTO);
	assert_int_equal(bed_ask(1, &asked), -EPROTO);
	assert_int_equal(coordinator_lack(bed.coordinator, bed.session[1], &lack, bed.now_ns,
					  &bed.why),
			 -EPROTO);
	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	assert_int_equal(bed_hello(1), 0);
}

/* The reserved width comes back once the host has told which query it is for, not before. */
static void a_host_that_comes_again_is_granted_nothing_before_it_asks(void **state)
{
	struct interval_ask asked = bed_ask_of(3, "Q2");

	bed_run(4);
	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	bed.width[1] = 0;
	assert_int_equal(bed_hello(1), 0);
	bed_wait_ms(2000);
	assert_int_equal(bed.serial[1], 0);
	asked.query = 0;
	assert_int_equal(bed_ask(1, &asked), 0);
	bed_wait_ms(100);
	assert_int_equal(bed.serial[1], 1);
	assert_int_equal(bed.width[1], 1200);
}

/* The coordinator's clock is set forward by ten seconds, or the host's has drifted back. */
static void a_host_whose_clock_lags_comes_anew_with_another_shift(void **state)
{
	struct interval_welcome welcome;
	struct interval_ask asked = bed_ask_of(0, "Q2");
	uint32_t replaced = 0, t = 6;
	int code = 0;

	bed_run(6);
	bed_wait_ms(10000);
	for (; !code && t < 20; t++) {
		for (uint32_t h = 2; h <= HOSTS; h++)
			coordinator_end(bed.coordinator, bed.session[h], false, bed.now_ns);
		code = bed_tick(1, FIRST + t, bed.serial[1]);
		bed_wait_ms(1000);
	}
	assert_int_equal(code, -EPROTO);
	assert_int_equal(t, 6 + 6);
	assert_string_equal(bed.why.text, "its clock lags by 10 s");
	assert_true(bed.part[0].missing);

	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	assert_int_equal(bed_hello_of(1, 1, -10000, &welcome, &replaced), 0);
	assert_int_equal(welcome.shift_s, 10);
	assert_int_equal(bed_ask(1, &asked), 0);
	assert_int_equal(bed_update(1, FIRST + t + 10, 3000, 0), 0);
	assert_int_equal(bed_tick(1, FIRST + t + 10, 0), 0);
	bed_wait_ms(1000);
	assert_false(bed.part[0].missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_host_of_the_same_number_is_refused_while_the_first_is_there),
		TEST(a_host_that_was_killed_takes_its_session_over_at_once),
		TEST(a_stranger_and_a_host_0_are_refused),
		TEST(a_clock_that_is_off_by_more_than_a_second_is_shifted),
		TEST(another_query_of_the_same_name_is_left_out),
		TEST(a_host_is_missing_because_its_query_is_another),
		TEST(a_query_is_declared_once_and_before_the_first_tick),
		TEST(ticks_do_not_go_back),
		TEST(ticks_far_ahead_of_the_clock_cannot_be),
		TEST(what_was_never_granted_is_not_confirmed),
		TEST(nothing_is_taken_of_a_session_that_is_over),
		TEST(a_host_that_comes_again_is_granted_nothing_before_it_asks),
		TEST(a_host_whose_clock_lags_comes_anew_with_another_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

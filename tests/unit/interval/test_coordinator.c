// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A coordinator of ten hosts and the query Q2 of the Stanford log: C = 0.2/s over 60 s, uniform
 * widths. 0.2/s in a window of 60 s are 12 packets, 12000 thousandths: 1200 for each host.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "interval/coordinator.h"

#define HOSTS 10
#define NS 1000000000ull
#define FIRST 1795305600ull /* the tick at which hosts come */

struct bed {
	struct coordinator *coordinator;
	uint64_t now_ns;
	uint32_t session[HOSTS + 1];
	uint32_t serial[HOSTS + 1];
	uint64_t width[HOSTS + 1]; /* granted */
	uint32_t grants, answers;
	struct coordinator_answer answer;
	struct coordinator_part part[HOSTS];
	struct why why;
};

static struct bed bed;

static const struct coordinator_query queries[] = {
	{"Q2", "packets", "in", 60},
	{"Q3", "packets", "in and tcp", 10},
};
static const uint32_t all[HOSTS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
static const struct coordinator_ask asks[] = {{.name = "Q2", .query = 0, .precision = 200000}};
static struct coordinator_plan plan = {
	.rules = {.method = INTERVAL_STATIC},
	.name = "coordinator",
	.queries = queries,
	.asks = asks,
	.hosts = all,
	.query_count = 2,
	.ask_count = 1,
	.host_count = HOSTS,
};

static void take_grant(void *context, uint32_t session, const struct interval_grant *grant)
{
	for (int h = 1; h <= HOSTS; h++) {
		if (bed.session[h] != session)
			continue;
		assert_int_equal(grant->serial, bed.serial[h] + 1);
		assert_int_equal(grant->query, 0);
		assert_int_equal(grant->width % 2, 0);
		bed.serial[h] = grant->serial;
		bed.width[h] = grant->width;
	}
	bed.grants++;
}

static void take_answer(void *context, const struct coordinator_answer *answer)
{
	assert_true(answer->part_count <= HOSTS);
	bed.answer = *answer;
	memcpy(bed.part, answer->parts, answer->part_count * sizeof(bed.part[0]));
	bed.answers++;
}

static int set_up(void **state)
{
	const struct coordinator_sink sink = {&bed, take_grant, take_answer};

	memset(&bed, 0, sizeof(bed));
	bed.now_ns = FIRST * NS;
	bed.coordinator = coordinator_new(&plan, &sink, bed.now_ns);
	return !bed.coordinator;
}

static int tear_down(void **state)
{
	coordinator_free(bed.coordinator);
	return 0;
}

static int hello_of(uint32_t host, uint64_t instance, int64_t ahead_ms,
		    struct interval_welcome *welcome, uint32_t *replaced)
{
	struct interval_hello hello = {
		.host = host,
		.instance = instance,
		.time_ms = bed.now_ns / 1000000 + ahead_ms,
	};
	uint32_t session = 0;
	int code;

	snprintf(hello.name, sizeof(hello.name), "h%u", host);
	code = coordinator_hello(bed.coordinator, &hello, bed.now_ns, welcome, &session, replaced,
				 &bed.why);
	if (!code) {
		bed.session[host] = session;
		bed.serial[host] = 0;
	}
	return code;
}

static int hello(uint32_t host)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0;

	return hello_of(host, host, 0, &welcome, &replaced);
}

static struct interval_ask ask_of(uint32_t number, const char *name)
{
	struct interval_ask ask = {.query = number, .window_ms = 60000, .measure = "packets"};

	snprintf(ask.name, sizeof(ask.name), "%s", name);
	snprintf(ask.match, sizeof(ask.match), "in");
	return ask;
}

static int ask(uint32_t host, const struct interval_ask *asked)
{
	return coordinator_query(bed.coordinator, bed.session[host], asked, bed.now_ns, &bed.why);
}

static void come(uint32_t host)
{
	struct interval_ask asked = ask_of(0, "Q2");

	assert_int_equal(hello(host), 0);
	assert_int_equal(ask(host, &asked), 0);
}

static int update(uint32_t host, uint64_t tick, int64_t value, uint64_t width)
{
	const struct interval_update u = {.width = width,
					  .course = {.tick = tick, .centre = value}};

	return coordinator_update(bed.coordinator, bed.session[host], &u, bed.now_ns, &bed.why);
}

static int tick(uint32_t host, uint64_t when, uint32_t serial)
{
	const struct interval_tick t = {when, serial};

	return coordinator_tick(bed.coordinator, bed.session[host], &t, bed.now_ns, &bed.why);
}

static void wait_ms(uint64_t ms)
{
	for (; ms; ms -= ms < 100 ? ms : 100) {
		bed.now_ns += (ms < 100 ? ms : 100) * 1000000;
		coordinator_turn(bed.coordinator, bed.now_ns);
	}
}

static int64_t packets_of(uint32_t host)
{
	return host == 5 ? 5 : 3; /* in all 32 */
}

/* All hosts come, and tell `ticks` ticks, each at its second. */
static void run(uint32_t ticks)
{
	for (uint32_t h = 1; h <= HOSTS; h++)
		come(h);
	for (uint64_t t = FIRST; t < FIRST + ticks; t++) {
		for (uint32_t h = 1; h <= HOSTS; h++) {
			if (t == FIRST)
				assert_int_equal(update(h, t, packets_of(h) * INTERVAL_ONE, 0), 0);
			assert_int_equal(tick(h, t, bed.serial[h]), 0);
		}
		wait_ms(1000);
	}
}

/* "Q2-5 0.083333 0.020000" and "Q2-all 0.533333 0.200000". */
static void ten_hosts_have_a_tenth_of_the_budget_each(void **state)
{
	run(6);
	assert_int_equal(bed.grants, HOSTS);
	for (int h = 1; h <= HOSTS; h++)
		assert_int_equal(bed.width[h], 1200);

	assert_int_equal(bed.answer.tick, FIRST + 5);
	assert_int_equal(bed.answer.present, HOSTS);
	assert_int_equal(bed.answer.missing, 0);
	assert_true(bed.answer.precise);
	assert_int_equal(bed.answer.budget, 12000);
	assert_int_equal(bed.answer.low, 32000 - 6000);
	assert_int_equal(bed.answer.high, 32000 + 6000);
	assert_int_equal(bed.part[4].host, 5);
	assert_string_equal(bed.part[4].name, "h5");
	assert_int_equal(bed.part[4].centre, 5000);
	assert_int_equal(bed.part[4].width, 1200);
}

static void every_tick_has_one_answer(void **state)
{
	struct coordinator_answer last;

	assert_false(coordinator_last(bed.coordinator, 0, &last));
	run(6);
	assert_int_equal(bed.answers, 6);
	assert_true(coordinator_last(bed.coordinator, 0, &last));
	assert_int_equal(last.tick, FIRST + 5);
	assert_false(coordinator_last(bed.coordinator, 1, &last));
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_ANSWERS), 6);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_TICKS), 60);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_UPDATES), 10);
}

static void an_answer_waits_for_the_last_host_of_its_tick(void **state)
{
	run(3);
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(tick(h, FIRST + 3, bed.serial[h]), 0);
	wait_ms(100);
	assert_int_equal(bed.answer.tick, FIRST + 2);
	assert_int_equal(tick(1, FIRST + 3, bed.serial[1]), 0);
	coordinator_turn(bed.coordinator, bed.now_ns);
	assert_int_equal(bed.answer.tick, FIRST + 3);
}

/* What is known of later ticks is not told of earlier ones. */
static void an_answer_is_as_of_its_tick_though_a_host_is_ahead(void **state)
{
	run(4);
	assert_int_equal(update(1, FIRST + 5, 900000, 1200), 0);
	assert_int_equal(tick(1, FIRST + 5, bed.serial[1]), 0);
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(tick(h, FIRST + 4, bed.serial[h]), 0);
	assert_int_equal(bed.answer.tick, FIRST + 4);
	/* It has not said what is so of this tick. */
	assert_true(bed.part[0].missing);
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(tick(h, FIRST + 5, bed.serial[h]), 0);
	assert_int_equal(bed.answer.tick, FIRST + 5);
	assert_int_equal(bed.part[0].centre, 900000);
}

static void a_silent_host_is_missing_by_name_within_three_seconds(void **state)
{
	run(4);
	for (uint64_t t = FIRST + 4; t < FIRST + 7; t++) {
		for (uint32_t h = 1; h <= HOSTS; h++)
			assert_true(h == 7 || !tick(h, t, bed.serial[h]));
		wait_ms(t == FIRST + 6 ? 0 : 1000);
	}
	coordinator_turn(bed.coordinator, bed.now_ns);
	assert_true(bed.answer.tick > (int64_t)FIRST + 3);
	assert_int_equal(bed.answer.missing, 1);
	assert_false(bed.answer.precise);
	assert_true(bed.part[6].missing);
	assert_int_equal(bed.part[6].host, 7);
	assert_int_equal(bed.part[6].since, FIRST + 3);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_SILENCES), 1);
	/* 32 - 3 packets, and nine widths. */
	assert_int_equal(bed.answer.low, 29000 - 5400);
	assert_int_equal(bed.answer.high, 29000 + 5400);
}

static void a_host_that_never_came_is_missing(void **state)
{
	for (uint32_t h = 1; h <= HOSTS; h++) {
		if (h != 3)
			come(h);
	}
	for (uint32_t h = 1; h <= HOSTS; h++)
		assert_true(h == 3 || (!update(h, FIRST, 0, 0) && !tick(h, FIRST, 0)));
	coordinator_turn(bed.coordinator, bed.now_ns);
	assert_int_equal(bed.answer.tick, FIRST);
	assert_int_equal(bed.answer.missing, 1);
	assert_true(bed.part[2].missing);
	assert_int_equal(bed.part[2].since, 0);
}

/* --- Refusals ------------------------------------------------------------------------------- */

static void a_host_of_the_same_number_is_refused_while_the_first_is_there(void **state)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0;

	come(4);
	assert_int_equal(hello_of(4, 77, 0, &welcome, &replaced), -EEXIST);
	assert_non_null(strstr(bed.why.text, "host 4"));
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_TWICE), 1);
	assert_int_equal(update(4, FIRST, 5000, 0), 0);
	/* When nothing more is heard of the first, it may come. */
	wait_ms(2600);
	assert_int_equal(hello_of(4, 77, 0, &welcome, &replaced), 0);
	assert_int_equal(replaced, 1);
}

static void a_host_that_was_killed_takes_its_session_over_at_once(void **state)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0, before;

	come(4);
	before = bed.session[4];
	assert_int_equal(hello_of(4, 4, 0, &welcome, &replaced), 0);
	assert_int_equal(replaced, before);
	assert_int_not_equal(bed.session[4], before);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_TAKEOVERS), 1);
}

static void a_stranger_and_a_host_0_are_refused(void **state)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0;

	assert_int_equal(hello_of(11, 1, 0, &welcome, &replaced), -EACCES);
	assert_non_null(strstr(bed.why.text, "11"));
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_STRANGERS), 1);
	assert_int_equal(hello_of(0, 1, 0, &welcome, &replaced), -EINVAL);
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
		assert_int_equal(hello_of(1, 1, cases[i].ahead_ms, &welcome, &replaced), 0);
		assert_int_equal(welcome.shift_s, cases[i].shift_s);
	}
	assert_string_equal(welcome.name, "coordinator");
	assert_int_equal(welcome.rules.method, INTERVAL_STATIC);
}

static void another_query_of_the_same_name_is_left_out(void **state)
{
	struct interval_ask asked;

	assert_int_equal(hello(1), 0);
	asked = ask_of(0, "Q9");
	assert_int_equal(ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "Q9"));
	asked = ask_of(0, "Q2");
	asked.window_ms = 30000;
	assert_int_equal(ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "30.000 s"));
	asked = ask_of(0, "Q2");
	snprintf(asked.measure, sizeof(asked.measure), "bytes");
	assert_int_equal(ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "bytes"));
	asked = ask_of(0, "Q2");
	snprintf(asked.match, sizeof(asked.match), "out");
	assert_int_equal(ask(1, &asked), -ENOENT);
	assert_non_null(strstr(bed.why.text, "out"));
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_OTHER_QUERY), 3);
	/* The session goes on. */
	asked = ask_of(0, "Q2");
	assert_int_equal(ask(1, &asked), 0);
}

static void a_host_is_missing_because_its_query_is_another(void **state)
{
	struct interval_ask asked = ask_of(0, "Q2");

	asked.window_ms = 30000;
	assert_int_equal(hello(1), 0);
	assert_int_equal(ask(1, &asked), -ENOENT);
	come(2);
	assert_int_equal(tick(1, FIRST, 0), 0);
	assert_int_equal(update(2, FIRST, 0, 0), 0);
	assert_int_equal(tick(2, FIRST, 0), 0);
	coordinator_turn(bed.coordinator, bed.now_ns);
	assert_int_equal(bed.answer.tick, FIRST);
	assert_true(bed.part[0].missing);
	assert_non_null(strstr(bed.part[0].why, "30.000 s"));
	assert_false(bed.part[1].missing);
}

static void a_query_is_declared_once_and_before_the_first_tick(void **state)
{
	struct interval_ask asked = ask_of(0, "Q2");

	come(1);
	assert_int_equal(ask(1, &asked), -EPROTO);
	asked.query = 1;
	assert_int_equal(ask(1, &asked), -EPROTO);
	asked.query = 64;
	assert_int_equal(ask(1, &asked), -EPROTO);
	come(2);
	assert_int_equal(tick(2, FIRST, 0), 0);
	asked = ask_of(1, "Q3");
	assert_int_equal(ask(2, &asked), -EPROTO);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_BAD), 4);
}

static void ticks_do_not_go_back(void **state)
{
	come(1);
	assert_int_equal(update(1, FIRST, 5000, 0), 0);
	assert_int_equal(tick(1, FIRST, 0), 0);
	assert_int_equal(update(1, FIRST, 6000, 0), -EPROTO);
	assert_int_equal(update(1, FIRST - 1, 6000, 0), -EPROTO);
	assert_int_equal(tick(1, FIRST, 0), -EPROTO);
	assert_int_equal(update(1, FIRST + 2, 6000, 0), 0);
	assert_int_equal(update(1, FIRST + 2, 7000, 0), -EPROTO);
	assert_int_equal(update(1, FIRST + 1, 7000, 0), -EPROTO);
	assert_int_equal(tick(1, FIRST + 1, 0), -EPROTO);
	assert_int_equal(tick(1, FIRST + 2, 0), 0);
	assert_int_equal(coordinator_counted(bed.coordinator, COORDINATOR_BAD), 6);
}

static void ticks_far_ahead_of_the_clock_cannot_be(void **state)
{
	come(1);
	assert_int_equal(tick(1, FIRST + 3600, 0), -EPROTO);
	assert_non_null(strstr(bed.why.text, "3600 s"));
	assert_int_equal(tick(1, FIRST + 1, 0), 0);
}

static void what_was_never_granted_is_not_confirmed(void **state)
{
	run(4);
	assert_int_equal(tick(1, FIRST + 4, bed.serial[1] + 1), -EPROTO);
	assert_int_equal(update(1, FIRST + 4, 9000, 1202), -EPROTO);
	assert_int_equal(update(1, FIRST + 4, 9000, 1200), 0);
}

static void nothing_is_taken_of_a_session_that_is_over(void **state)
{
	const struct interval_lack lack = {.tick = FIRST};
	struct interval_ask asked = ask_of(0, "Q2");

	come(1);
	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	assert_int_equal(update(1, FIRST, 5000, 0), -EPROTO);
	assert_int_equal(tick(1, FIRST, 0), -EPROTO);
	assert_int_equal(ask(1, &asked), -EPROTO);
	assert_int_equal(coordinator_lack(bed.coordinator, bed.session[1], &lack, bed.now_ns,
					  &bed.why),
			 -EPROTO);
	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	assert_int_equal(hello(1), 0);
}

/* The reserved width comes back once the host has told which query it is for, not before. */
static void a_host_that_comes_again_is_granted_nothing_before_it_asks(void **state)
{
	struct interval_ask asked = ask_of(3, "Q2");

	run(4);
	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	bed.width[1] = 0;
	assert_int_equal(hello(1), 0);
	wait_ms(2000);
	assert_int_equal(bed.serial[1], 0);
	asked.query = 0;
	assert_int_equal(ask(1, &asked), 0);
	wait_ms(100);
	assert_int_equal(bed.serial[1], 1);
	assert_int_equal(bed.width[1], 1200);
}

/* The coordinator's clock is set forward by ten seconds, or the host's has drifted back. */
static void a_host_whose_clock_lags_comes_anew_with_another_shift(void **state)
{
	struct interval_welcome welcome;
	struct interval_ask asked = ask_of(0, "Q2");
	uint32_t replaced = 0, t = 6;
	int code = 0;

	run(6);
	wait_ms(10000);
	for (; !code && t < 20; t++) {
		for (uint32_t h = 2; h <= HOSTS; h++)
			coordinator_end(bed.coordinator, bed.session[h], false, bed.now_ns);
		code = tick(1, FIRST + t, bed.serial[1]);
		wait_ms(1000);
	}
	assert_int_equal(code, -EPROTO);
	assert_int_equal(t, 6 + 6);
	assert_string_equal(bed.why.text, "its clock lags by 10 s");
	assert_true(bed.part[0].missing);

	coordinator_end(bed.coordinator, bed.session[1], false, bed.now_ns);
	assert_int_equal(hello_of(1, 1, -10000, &welcome, &replaced), 0);
	assert_int_equal(welcome.shift_s, 10);
	assert_int_equal(ask(1, &asked), 0);
	assert_int_equal(update(1, FIRST + t + 10, 3000, 0), 0);
	assert_int_equal(tick(1, FIRST + t + 10, 0), 0);
	wait_ms(1000);
	assert_false(bed.part[0].missing);
}

/* One that the network held up catches up, and stays. */
static void a_host_that_is_late_for_a_moment_stays(void **state)
{
	run(6);
	wait_ms(10000);
	for (uint32_t t = 6; t <= 16; t++)
		assert_int_equal(tick(1, FIRST + t, bed.serial[1]), 0);
	wait_ms(6000);
	assert_int_equal(tick(1, FIRST + 17, bed.serial[1]), 0);
}

/* What a lack said of one tick is not forgotten when the next ones are whole. */
static void a_value_that_was_lacking_stays_so_however_late_the_answer(void **state)
{
	const char *const missing[] = {"", "h30 silent", "", "h31 silent", ""};

	run(4);
	for (uint64_t t = FIRST + 4; t < FIRST + 8; t++) {
		struct interval_lack lack = {.tick = t};

		snprintf(lack.missing, sizeof(lack.missing), "%s", missing[t - FIRST - 3]);
		assert_int_equal(coordinator_lack(bed.coordinator, bed.session[1], &lack,
						  bed.now_ns, &bed.why),
				 0);
		assert_int_equal(tick(1, t, bed.serial[1]), 0);
	}
	for (uint64_t t = FIRST + 4; t < FIRST + 8; t++) {
		for (uint32_t h = 2; h <= HOSTS; h++)
			assert_int_equal(tick(h, t, bed.serial[h]), 0);
		assert_int_equal(bed.answer.tick, t);
		assert_int_equal(bed.part[0].missing, t % 2 == FIRST % 2);
		if (!bed.part[0].missing)
			continue;
		assert_int_equal(bed.part[0].since, t - 1);
		assert_memory_equal(bed.part[0].why, "lacks h3", 8);
	}
}

/* Not through widths of nought. */
static void another_precision_takes_each_host_one_grant(void **state)
{
	struct coordinator_ask wider = asks[0];
	struct coordinator_plan next = plan;
	uint32_t before;

	run(4);
	before = bed.grants;
	wider.precision *= 2;
	next.asks = &wider;
	assert_int_equal(coordinator_replan(bed.coordinator, &next, bed.now_ns), 0);
	wait_ms(2000);
	for (uint32_t h = 1; h <= HOSTS; h++)
		assert_int_equal(bed.width[h], 2400);
	assert_int_equal(bed.grants, before + HOSTS);
}

/* No width makes up for it, and nobody else's intervals are the narrower for it. */
static void an_error_beyond_the_budget_takes_no_width_from_others(void **state)
{
	struct interval_update u = {.error = INTERVAL_VALUE_MAX, .course = {.tick = FIRST + 4}};

	run(4);
	assert_int_equal(
		coordinator_update(bed.coordinator, bed.session[1], &u, bed.now_ns, &bed.why), 0);
	for (uint64_t t = FIRST + 4; t < FIRST + 8; t++) {
		for (uint32_t h = 1; h <= HOSTS; h++)
			assert_int_equal(tick(h, t, bed.serial[h]), 0);
		wait_ms(1000);
	}
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(bed.width[h], 1200);
	assert_int_equal(bed.answer.tick, FIRST + 7);
	assert_false(bed.answer.precise);
	assert_int_equal(bed.part[0].width, 2 * INTERVAL_VALUE_MAX);
}

/* 20 G a second are 1.2e15 thousandths in a minute. */
static void a_large_precision_is_what_it_says(void **state)
{
	const struct coordinator_ask large = {.name = "Q2", .precision = 20000000000000000ull};
	struct coordinator_plan other = plan;

	other.asks = &large;
	assert_int_equal(coordinator_replan(bed.coordinator, &other, bed.now_ns), 0);
	run(2);
	assert_int_equal(bed.answer.budget, 1200000000000000ull);
}

/* Answers go on from where they were: a relative budget is not that of a sum of nought. */
static void a_relative_budget_outlives_another_plan(void **state)
{
	const struct coordinator_ask relative = {
		.name = "Q2", .precision = 200000, .relative = true};
	struct coordinator_plan other = plan;
	uint32_t grants;

	other.asks = &relative;
	assert_int_equal(coordinator_replan(bed.coordinator, &other, bed.now_ns), 0);
	run(6);
	assert_true(bed.width[1] > 0);
	grants = bed.grants;
	other.forget_s = 77;
	assert_int_equal(coordinator_replan(bed.coordinator, &other, bed.now_ns), 0);
	wait_ms(2000);
	assert_int_equal(bed.grants, grants);
}

/* Or it would be no JSON, and the host not be named. */
static void a_reason_is_not_cut_within_a_character(void **state)
{
	struct interval_lack lack = {.tick = FIRST + 4};

	run(4);
	lack.missing[0] = 'a';
	for (int i = 1; i < 201; i += 2)
		memcpy(lack.missing + i, "\xc3\xa4", 2);
	assert_int_equal(
		coordinator_lack(bed.coordinator, bed.session[1], &lack, bed.now_ns, &bed.why), 0);
	for (uint32_t h = 1; h <= HOSTS; h++)
		assert_int_equal(tick(h, FIRST + 4, bed.serial[h]), 0);
	assert_true(bed.part[0].missing);
	/* "lacks a", letters of two bytes, "..." */
	assert_int_equal(strlen(bed.part[0].why) % 2, 0);
	assert_string_equal(bed.part[0].why + strlen(bed.part[0].why) - 3, "...");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ten_hosts_have_a_tenth_of_the_budget_each),
		TEST(every_tick_has_one_answer),
		TEST(an_answer_waits_for_the_last_host_of_its_tick),
		TEST(an_answer_is_as_of_its_tick_though_a_host_is_ahead),
		TEST(a_silent_host_is_missing_by_name_within_three_seconds),
		TEST(a_host_that_never_came_is_missing),
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
		TEST(a_value_that_was_lacking_stays_so_however_late_the_answer),
		TEST(another_precision_takes_each_host_one_grant),
		TEST(a_host_whose_clock_lags_comes_anew_with_another_shift),
		TEST(a_host_that_is_late_for_a_moment_stays),
		TEST(an_error_beyond_the_budget_takes_no_width_from_others),
		TEST(a_large_precision_is_what_it_says),
		TEST(a_relative_budget_outlives_another_plan),
		TEST(a_reason_is_not_cut_within_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

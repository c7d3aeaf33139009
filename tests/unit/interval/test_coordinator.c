// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What answers a coordinator gives: complete, late, lacking hosts, within their budgets. */
#include "unit/interval/coordinator_bed.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* "Q2-5 0.083333 0.020000" and "Q2-all 0.533333 0.200000". */
static void ten_hosts_have_a_tenth_of_the_budget_each(void **state)
{
	bed_run(6);
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
	bed_run(6);
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
	bed_run(3);
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(bed_tick(h, FIRST + 3, bed.serial[h]), 0);
	bed_wait_ms(100);
	assert_int_equal(bed.answer.tick, FIRST + 2);
	assert_int_equal(bed_tick(1, FIRST + 3, bed.serial[1]), 0);
	coordinator_turn(bed.coordinator, bed.now_ns);
	assert_int_equal(bed.answer.tick, FIRST + 3);
}

/* What is known of later ticks is not told of earlier ones. */
static void an_answer_is_as_of_its_tick_though_a_host_is_ahead(void **state)
{
	bed_run(4);
	assert_int_equal(bed_update(1, FIRST + 5, 900000, 1200), 0);
	assert_int_equal(bed_tick(1, FIRST + 5, bed.serial[1]), 0);
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(bed_tick(h, FIRST + 4, bed.serial[h]), 0);
	assert_int_equal(bed.answer.tick, FIRST + 4);
	/* It has not said what is so of this tick. */
	assert_true(bed.part[0].missing);
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(bed_tick(h, FIRST + 5, bed.serial[h]), 0);
	assert_int_equal(bed.answer.tick, FIRST + 5);
	assert_int_equal(bed.part[0].centre, 900000);
}

static void a_silent_host_is_missing_by_name_within_three_seconds(void **state)
{
	bed_run(4);
	for (uint64_t t = FIRST + 4; t < FIRST + 7; t++) {
		for (uint32_t h = 1; h <= HOSTS; h++)
			assert_true(h == 7 || !bed_tick(h, t, bed.serial[h]));
		bed_wait_ms(t == FIRST + 6 ? 0 : 1000);
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
			bed_come(h);
	}
	for (uint32_t h = 1; h <= HOSTS; h++)
		assert_true(h == 3 || (!bed_update(h, FIRST, 0, 0) && !bed_tick(h, FIRST, 0)));
	coordinator_turn(bed.coordinator, bed.now_ns);
	assert_int_equal(bed.answer.tick, FIRST);
	assert_int_equal(bed.answer.missing, 1);
	assert_true(bed.part[2].missing);
	assert_int_equal(bed.part[2].since, 0);
}

/* One that the network held up catches up, and stays. */
static void a_host_that_is_late_for_a_moment_stays(void **state)
{
	bed_run(6);
	bed_wait_ms(10000);
	for (uint32_t t = 6; t <= 16; t++)
		assert_int_equal(bed_tick(1, FIRST + t, bed.serial[1]), 0);
	bed_wait_ms(6000);
	assert_int_equal(bed_tick(1, FIRST + 17, bed.serial[1]), 0);
}

/* What a lack said of one tick is not forgotten when the next ones are whole. */
static void a_value_that_was_lacking_stays_so_however_late_the_answer(void **state)
{
	const char *const missing[] = {"", "h30 silent", "", "h31 silent", ""};

	bed_run(4);
	for (uint64_t t = FIRST + 4; t < FIRST + 8; t++) {
		struct interval_lack lack = {.tick = t};

		snprintf(lack.missing, sizeof(lack.missing), "%s", missing[t - FIRST - 3]);
		assert_int_equal(coordinator_lack(bed.coordinator, bed.session[1], &lack,
						  bed.now_ns, &bed.why),
				 0);
		assert_int_equal(bed_tick(1, t, bed.serial[1]), 0);
	}
	for (uint64_t t = FIRST + 4; t < FIRST + 8; t++) {
		for (uint32_t h = 2; h <= HOSTS; h++)
			assert_int_equal(bed_tick(h, t, bed.serial[h]), 0);
		assert_int_equal(bed.answer.tick, t);
		assert_int_equal(bed.part[0].missing, t % 2 == FIRST % 2);
		if (!bed.part[0].missing)
			continue;
		assert_int_equal(bed.part[0].since, t - 1);
		assert_memory_equal(bed.part[0].why, "lacks h3", 8);
	}
}

static int say_since(uint32_t host, uint64_t tick, int64_t since)
{
	const struct interval_since word = {.tick = tick, .since = since};

	return coordinator_since(bed.coordinator, bed.session[host], &word, bed.now_ns, &bed.why);
}

/* What host 1 says of a tick holds from that one on, however late the answers. */
static void an_answer_is_counted_since_the_last_of_its_hosts_began(void **state)
{
	static const int64_t shall[] = {FIRST - 5, FIRST - 5, FIRST + 5, FIRST + 5};

	bed_run(4);
	assert_int_equal(bed.answer.counted_since, 0);
	for (uint32_t h = 1; h < HOSTS; h++)
		assert_int_equal(say_since(h, FIRST + 4, FIRST - 60 - h), 0);
	for (uint32_t h = 1; h <= HOSTS; h++)
		assert_int_equal(bed_tick(h, FIRST + 4, bed.serial[h]), 0);
	assert_int_equal(bed.answer.tick, FIRST + 4);
	assert_int_equal(bed.answer.counted_since, 0); /* one has not said */
	bed_wait_ms(1000);
	assert_int_equal(say_since(HOSTS, FIRST + 5, FIRST - 5), 0);
	for (uint64_t t = FIRST + 5; t < FIRST + 9; t++) {
		if (t == FIRST + 7)
			assert_int_equal(say_since(1, t, FIRST + 5), 0);
		assert_int_equal(bed_tick(1, t, bed.serial[1]), 0);
	}
	for (uint64_t t = FIRST + 5; t < FIRST + 9; t++) {
		for (uint32_t h = 2; h <= HOSTS; h++)
			assert_int_equal(bed_tick(h, t, bed.serial[h]), 0);
		assert_int_equal(bed.answer.tick, t);
		assert_int_equal(bed.answer.counted_since, shall[t - FIRST - 5]);
	}
	assert_int_equal(bed.part[1].counted_since, FIRST - 62);
	assert_int_equal(say_since(1, FIRST + 8, FIRST), -EPROTO);
}

/* Not through widths of nought. */
static void another_precision_takes_each_host_one_grant(void **state)
{
	struct coordinator_ask wider = bed_asks[0];
	struct coordinator_plan next = bed_plan;
	uint32_t before;

	bed_run(4);
	before = bed.grants;
	wider.precision *= 2;
	next.asks = &wider;
	assert_int_equal(coordinator_replan(bed.coordinator, &next, bed.now_ns), 0);
	bed_wait_ms(2000);
	for (uint32_t h = 1; h <= HOSTS; h++)
		assert_int_equal(bed.width[h], 2400);
	assert_int_equal(bed.grants, before + HOSTS);
}

/* No width makes up for it, and nobody else's intervals are the narrower for it. */
static void an_error_beyond_the_budget_takes_no_width_from_others(void **state)
{
	struct interval_update u = {.error = INTERVAL_VALUE_MAX, .course = {.tick = FIRST + 4}};

	bed_run(4);
	assert_int_equal(
		coordinator_update(bed.coordinator, bed.session[1], &u, bed.now_ns, &bed.why), 0);
	for (uint64_t t = FIRST + 4; t < FIRST + 8; t++) {
		for (uint32_t h = 1; h <= HOSTS; h++)
			assert_int_equal(bed_tick(h, t, bed.serial[h]), 0);
		bed_wait_ms(1000);
	}
	for (uint32_t h = 2; h <= HOSTS; h++)
		assert_int_equal(bed.width[h], 1200);
	assert_int_equal(bed.answer.tick, FIRST + 7);
	assert_false(bed.answer.precise);
	assert_int_equal(bed.part[0].width, INTERVAL_VALUE_MAX); /* from 0 on */
}

/* The interval of a host that has counted nothing, or next to nothing, reaches below 0; what is
 * answered, and logged, does not. */
static void an_answer_near_zero_begins_at_zero(void **state)
{
	const int64_t centres[] = {0, 1, 599, 600, 601, -600, -700};
	const int64_t highs[] = {600, 602, 1200, 1200, 1201, 0, 0}; /* even, outward */

	for (size_t i = 0; i < sizeof(centres) / sizeof(centres[0]); i++) {
		const uint64_t t = FIRST + 8 + i;
		struct interval_update u = {.width = 1200,
					    .course = {.tick = t, .centre = centres[i]}};

		if (!i)
			bed_run(8);
		assert_int_equal(bed.width[1], 1200);
		assert_int_equal(coordinator_update(bed.coordinator, bed.session[1], &u, bed.now_ns,
						    &bed.why),
				 0);
		for (uint32_t h = 1; h <= HOSTS; h++)
			assert_int_equal(bed_tick(h, t, bed.serial[h]), 0);
		bed_wait_ms(1000);
		assert_int_equal(bed.answer.tick, t);
		assert_true(bed.answer.low >= 0);
		assert_int_equal(bed.part[0].centre + (int64_t)bed.part[0].width / 2, highs[i]);
		assert_int_equal(bed.part[0].centre - (int64_t)bed.part[0].width / 2,
				 centres[i] > 600 ? centres[i] - 600 : 0);
	}
}

/* 20 G a second are 1.2e15 thousandths in a minute. */
static void a_large_precision_is_what_it_says(void **state)
{
	const struct coordinator_ask large = {.name = "Q2", .precision = 20000000000000000ull};
	struct coordinator_plan other = bed_plan;

	other.asks = &large;
	assert_int_equal(coordinator_replan(bed.coordinator, &other, bed.now_ns), 0);
	bed_run(2);
	assert_int_equal(bed.answer.budget, 1200000000000000ull);
}

/* Answers go on from where they were: a relative budget is not that of a sum of nought. */
static void a_relative_budget_outlives_another_plan(void **state)
{
	const struct coordinator_ask relative = {
		.name = "Q2", .precision = 200000, .relative = true};
	struct coordinator_plan other = bed_plan;
	uint32_t grants;

	other.asks = &relative;
	assert_int_equal(coordinator_replan(bed.coordinator, &other, bed.now_ns), 0);
	bed_run(6);
	assert_true(bed.width[1] > 0);
	grants = bed.grants;
	other.forget_s = 77;
	assert_int_equal(coordinator_replan(bed.coordinator, &other, bed.now_ns), 0);
	bed_wait_ms(2000);
	assert_int_equal(bed.grants, grants);
}

/* Or it would be no JSON, and the host not be named. */
static void a_reason_is_not_cut_within_a_character(void **state)
{
	struct interval_lack lack = {.tick = FIRST + 4};

	bed_run(4);
	lack.missing[0] = 'a';
	for (int i = 1; i < 201; i += 2)
		memcpy(lack.missing + i, "\xc3\xa4", 2);
	assert_int_equal(
		coordinator_lack(bed.coordinator, bed.session[1], &lack, bed.now_ns, &bed.why), 0);
	for (uint32_t h = 1; h <= HOSTS; h++)
		assert_int_equal(bed_tick(h, FIRST + 4, bed.serial[h]), 0);
	assert_true(bed.part[0].missing);
	/* "lacks a", letters of two bytes, "..." */
	assert_int_equal(strlen(bed.part[0].why) % 2, 0);
	assert_string_equal(bed.part[0].why + strlen(bed.part[0].why) - 3, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ten_hosts_have_a_tenth_of_the_budget_each),
		TEST(every_tick_has_one_answer),
		TEST(an_answer_waits_for_the_last_host_of_its_tick),
		TEST(an_answer_is_as_of_its_tick_though_a_host_is_ahead),
		TEST(a_silent_host_is_missing_by_name_within_three_seconds),
		TEST(a_host_that_never_came_is_missing),
		TEST(a_value_that_was_lacking_stays_so_however_late_the_answer),
		TEST(an_answer_is_counted_since_the_last_of_its_hosts_began),
		TEST(another_precision_takes_each_host_one_grant),
		TEST(a_host_that_is_late_for_a_moment_stays),
		TEST(an_error_beyond_the_budget_takes_no_width_from_others),
		TEST(an_answer_near_zero_begins_at_zero),
		TEST(a_large_precision_is_what_it_says),
		TEST(a_relative_budget_outlives_another_plan),
		TEST(a_reason_is_not_cut_within_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

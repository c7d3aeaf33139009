/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Answers of a coordinator, as programs and people read them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "view/answers.h"
#include "weir/base.h"

#define TICK 1795312709ll /* 2026-11-22T01:58:29Z, by date(1) */

static struct coordinator_query query = {.name = "Q2", .measure = "packets", .window_s = 60};
static struct coordinator_ask ask = {.name = "in-all"};

static struct coordinator_answer make(__s64 low, __s64 high, __u32 present)
{
	return (struct coordinator_answer){
		.ask = &ask,
		.query = &query,
		.tick = TICK,
		.counted_since = TICK - 60,
		.low = low,
		.high = high,
		.budget = 600000,
		.present = present,
		.precise = true,
	};
}

static double number(json_t *answer, const char *key)
{
	return json_number_value(json_object_get(answer, key));
}

static void counts_in_the_window_become_rates_that_hold_them(void **state)
{
	static const struct {
		__s64 low, high;
		double low_pps, high_pps, width;
	} cases[] = {
		{0, 0, 0, 0, 0},
		{60000, 120000, 1, 2, 1},
		/* 5/60 and 32/60: down, and up. */
		{5000, 32000, 0.083333, 0.533334, 0.45},
		{-5000, -1000, -0.083334, -0.016666, 0.066667},
		{1, 1, 0.000016, 0.000017, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct coordinator_answer answer = make(cases[i].low, cases[i].high, 3);
		json_t *json = answers_json(&answer);

		assert_true(fabs(number(json, "low") - cases[i].low_pps) < 1e-12);
		assert_true(fabs(number(json, "high") - cases[i].high_pps) < 1e-12);
		assert_true(fabs(number(json, "width") - cases[i].width) < 1e-12);
		assert_true(fabs(number(json, "precision") - 10) < 1e-12);
		json_decref(json);
	}
}

static void the_largest_counts_are_held_too(void **state)
{
	srandom(3);
	for (int i = 0; i < 20000; i++) {
		__s64 low = ((__s64)random() << 31 | random()) >> (random() % 60);
		struct coordinator_answer answer = make(-low, low, 1);
		long double exact = (long double)low / 1000 / 60;
		json_t *json = answers_json(&answer);

		/* A decimal that no double is, is the nearest one. */
		assert_true((long double)number(json, "high") >= exact * (1 - 1.2e-16L));
		assert_true((long double)number(json, "low") <= -exact * (1 - 1.2e-16L));
		assert_true((long double)number(json, "high") <= exact + 1.1e-6 + exact * 2.1e-15);
		json_decref(json);
	}
}

static long double printed(json_t *answer, const char *key)
{
	char *text =
		json_dumps(json_object_get(answer, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(16));
	long double value = strtold(text, NULL);

	free(text);
	return value;
}

static void what_is_printed_holds_them_too(void **state)
{
	/* Tenths, as 8.8, whose 16 digits are 8.800000000000001. */
	for (__s64 tenths = 1; tenths < 20000; tenths++) {
		struct coordinator_answer answer = make(tenths * 6000, tenths * 6000, 1);
		json_t *json = answers_json(&answer);

		assert_true(printed(json, "low") <= tenths / 10.0L * (1 + 1e-18L));
		assert_true(printed(json, "high") >= tenths / 10.0L * (1 - 1e-18L));
		json_decref(json);
	}
}

static void an_average_is_over_those_who_are_there(void **state)
{
	struct coordinator_answer answer = make(240000, 480000, 4);
	json_t *json;

	ask.aggregate = COORDINATOR_AVG;
	json = answers_json(&answer);
	assert_true(fabs(number(json, "low") - 1) < 1e-12);
	assert_true(fabs(number(json, "high") - 2) < 1e-12);
	assert_true(fabs(number(json, "precision") - 2.5) < 1e-12);
	assert_string_equal(json_string_value(json_object_get(json, "aggregate")), "avg");
	json_decref(json);
	ask.aggregate = COORDINATOR_SUM;
}

static char *row_of(json_t *json, void (*print)(const json_t *, FILE *))
{
	static char text[1024];
	FILE *out = fmemopen(text, sizeof(text), "w");

	print(json, out);
	fclose(out);
	return text;
}

static void print_row(const json_t *json, FILE *out)
{
	answers_row(json, out, "|\n");
}

static void who_is_missing_is_named_and_since_when(void **state)
{
	struct coordinator_part parts[6] = {
		{.host = 1, .centre = 60000},
		{.host = 3, .name = "web.example", .missing = true, .since = TICK - 5},
		{.host = 4, .missing = true},
		{.host = 5, .name = "db", .missing = true, .since = TICK - 3600},
		{.host = 6, .missing = true},
		{.host = 7, .missing = true},
	};
	struct coordinator_answer answer = make(60000, 60000, 1);
	json_t *json, *missing;

	answer.parts = parts;
	answer.part_count = 6;
	answer.missing = 5;
	answer.precise = false;
	json = answers_json(&answer);
	missing = json_object_get(json, "missing");
	assert_int_equal(json_array_size(missing), 5);
	assert_true(json_is_null(json_object_get(json_array_get(missing, 1), "since")));
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(missing, 0), "since_ns")),
		(TICK - 5) * WEIR_NS_PER_SEC);
	assert_string_equal(json_string_value(json_object_get(json_array_get(missing, 0), "since")),
			    "2026-11-22T01:58:24Z");
	assert_true(json_is_false(json_object_get(json, "complete")));
	assert_string_equal(
		row_of(json, print_row),
		"in-all                1.00000      1.00000   0.000000    10.0000 "
		"packets/s       60 s     1 01:58:29|\n"
		"  incomplete: host 3 (web.example) since 01:58:24, host 4, never here, "
		"host 5 (db) since 00:58:29, and 2 others|\n");
	assert_string_equal(
		row_of(json, answers_line),
		"01:58:29 in-all: 1.00000 to 1.00000 packets/s, width 0.000000 of "
		"10.0000, sum of 1 host over 60 s; incomplete: host 3 (web.example) since "
		"01:58:24, host 4, never here, host 5 (db) since 00:58:29, and 2 "
		"others\n");
	json_decref(json);
}

static void where_nobody_is_there_no_number_is_given(void **state)
{
	struct coordinator_part part = {.host = 9, .missing = true, .since = TICK - 1};
	struct coordinator_answer answer = make(0, 0, 0);
	json_t *json;

	answer.parts = &part;
	answer.part_count = answer.missing = 1;
	json = answers_json(&answer);
	assert_true(json_is_null(json_object_get(json, "low")));
	assert_true(json_is_null(json_object_get(json, "precision")));
	assert_string_equal(row_of(json, print_row),
			    "in-all                      -            -          -          - "
			    "packets/s          -     0 01:58:29|\n"
			    "  incomplete: host 9 since 01:58:28|\n");
	json_decref(json);
}

static void it_says_how_much_of_the_window_was_counted(void **state)
{
	static const struct {
		__s64 since;
		const char *covered, *over;
	} cases[] = {
		{TICK - 14, "14.0", "over 14 of 60 s\n"}, {TICK - 59, "59.0", "over 59 of 60 s\n"},
		{TICK - 60, "60.0", "over 60 s\n"},       {TICK - 6000, "60.0", "over 60 s\n"},
		{TICK + 9, "0.0", "over 0 of 60 s\n"},    {0, "null", "over ? of 60 s\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct coordinator_answer answer = make(60000, 60000, 1);
		json_t *json;
		char *covered;

		answer.counted_since = cases[i].since;
		json = answers_json(&answer);
		covered = json_dumps(json_object_get(json, "covered_s"), JSON_ENCODE_ANY);
		assert_string_equal(covered, cases[i].covered);
		assert_non_null(strstr(row_of(json, answers_line), cases[i].over));
		assert_non_null(strstr(row_of(json, print_row), cases[i].covered[0] == '1'
									? " 14 of 60 s     1 "
									: " s     1 "));
		free(covered);
		json_decref(json);
	}
}

static void a_table_rounds_outward_too(void **state)
{
	/* 123456.7 and 123456.71 per second. */
	struct coordinator_answer answer = make(7407402000, 7407402600, 2);
	json_t *json;

	answer.precise = false;
	json = answers_json(&answer);
	assert_string_equal(row_of(json, print_row),
			    "in-all                 123456       123457   0.010000    10.0000 "
			    "packets/s       60 s     2 01:58:29|\n"
			    "  wider than it should be yet|\n");
	json_decref(json);
}

static void times_are_of_rfc_3339(void **state)
{
	struct coordinator_answer answer = make(0, 0, 1);
	const struct coordinator_host host = {.host = 3, .here = true, .since = TICK};
	json_t *json = answers_json(&answer);

	assert_string_equal(json_string_value(json_object_get(json, "as_of")),
			    "2026-11-22T01:58:29Z");
	assert_int_equal(json_integer_value(json_object_get(json, "as_of_ns")),
			 TICK * WEIR_NS_PER_SEC);
	json_decref(json);
	json = answers_host_json(&host);
	assert_string_equal(json_string_value(json_object_get(json, "since")),
			    "2026-11-22T01:58:29Z");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_in_the_window_become_rates_that_hold_them),
		cmocka_unit_test(the_largest_counts_are_held_too),
		cmocka_unit_test(what_is_printed_holds_them_too),
		cmocka_unit_test(an_average_is_over_those_who_are_there),
		cmocka_unit_test(who_is_missing_is_named_and_since_when),
		cmocka_unit_test(where_nobody_is_there_no_number_is_given),
		cmocka_unit_test(it_says_how_much_of_the_window_was_counted),
		cmocka_unit_test(a_table_rounds_outward_too),
		cmocka_unit_test(times_are_of_rfc_3339),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time_text.h"

#define AT_NS 1795312709125456789ull /* date -u -d @1795312709 */

static void is(__s64 unix_ns, unsigned int digits, const char *wanted)
{
	char out[TIME_TEXT_BYTES];

	assert_string_equal(time_text(unix_ns, digits, out), wanted);
}

static void a_time_is_in_utc_with_the_fraction_that_is_known(void **state)
{
	(void)state;
	is(AT_NS, 0, "2026-11-22T01:58:29Z");
	is(AT_NS, 3, "2026-11-22T01:58:29.125Z");
	is(AT_NS, 6, "2026-11-22T01:58:29.125456Z");
	is(AT_NS, 9, "2026-11-22T01:58:29.125456789Z");
}

static void a_fraction_is_cut_and_not_rounded(void **state)
{
	(void)state;
	is(999999999, 0, "1970-01-01T00:00:00Z");
	is(999999999, 3, "1970-01-01T00:00:00.999Z");
	is(1000000001, 3, "1970-01-01T00:00:01.000Z");
	is(1000000001, 9, "1970-01-01T00:00:01.000000001Z");
}

/* Records from the network may say any time. */
static void every_time_that_can_be_said_has_room(void **state)
{
	(void)state;
	is(INT64_MAX, 9, "2262-04-11T23:47:16.854775807Z");
	is(INT64_MIN, 9, "1677-09-21T00:12:43.145224192Z");
}

static void a_time_before_1970_is_cut_towards_the_past(void **state)
{
	(void)state;
	is(-1000000000, 0, "1969-12-31T23:59:59Z");
	is(-1, 0, "1969-12-31T23:59:59Z");
	is(-1, 9, "1969-12-31T23:59:59.999999999Z");
}

static void as_many_digits_are_enough_as_the_fraction_has(void **state)
{
	static const struct {
		__s64 unix_ns;
		unsigned int digits;
	} cases[] = {
		{0, 0},         {5000000000, 0}, {500000000, 3}, {1001000000, 3}, {1000001000, 6},
		{999999000, 6}, {1, 9},          {AT_NS, 9},     {-1, 9},         {-1000000, 3},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(time_digits(cases[i].unix_ns), cases[i].digits);
}

static void a_span_says_what_part_of_the_window_was_counted(void **state)
{
	static const struct {
		double covered_s;
		const char *says;
	} cases[] = {
		{60, "60 s"},          {61, "60 s"},     {14, "14 of 60 s"}, {59.99, "59 of 60 s"},
		{8.94, "8.9 of 60 s"}, {9, "9 of 60 s"}, {0, "0 of 60 s"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TIME_SPAN_BYTES];

		assert_string_equal(time_span(cases[i].covered_s, 60, text), cases[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_in_utc_with_the_fraction_that_is_known),
		cmocka_unit_test(a_fraction_is_cut_and_not_rounded),
		cmocka_unit_test(every_time_that_can_be_said_has_room),
		cmocka_unit_test(a_time_before_1970_is_cut_towards_the_past),
		cmocka_unit_test(as_many_digits_are_enough_as_the_fraction_has),
		cmocka_unit_test(a_span_says_what_part_of_the_window_was_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

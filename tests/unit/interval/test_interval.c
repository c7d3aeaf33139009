// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "interval/interval.h"

__extension__ typedef __int128 wide;

static uint64_t state_of_random = 1;

static uint64_t below(uint64_t limit)
{
	state_of_random = state_of_random * 6364136223846793005ull + 1442695040888963407ull;
	return (state_of_random >> 20) % limit;
}

/* --- Widths --------------------------------------------------------------------------------- */

/* Tick by tick, and by what is left instead of what is taken. */
static uint64_t shrunk(const struct interval_rules *rules, uint64_t width, int64_t from, int64_t at)
{
	for (int64_t tick = from + 1; tick <= at; tick++) {
		if (rules->period_s && tick % rules->period_s == 0)
			width = (uint64_t)((wide)width * (1000000 - rules->shrink_ppm) / 1000000) &
				~1ull;
	}
	return width;
}

static void widths_shrink_at_each_multiple_of_the_period(void **state)
{
	for (int i = 0; i < 200000; i++) {
		struct interval_rules rules = {
			.period_s = below(30),
			.shrink_ppm = below(4) ? below(200000) : below(1000001),
		};
		uint64_t width = below(1ull << (1 + below(43))) << below(16) & ~1ull;
		int64_t from = 1795305600 + below(100), at = from + below(100);

		assert_int_equal(interval_width_at(&rules, width, from, at),
				 shrunk(&rules, width, from, at));
	}
}

/* 1200, 5 % less: 1140, 1083 -> 1082, 1027.9 -> 1026. */
static void a_width_of_1200_is_1026_after_three_periods(void **state)
{
	const struct interval_rules rules = {INTERVAL_ADAPTIVE, 10, 50000};

	assert_int_equal(interval_width_at(&rules, 1200, 1000, 1009), 1200);
	assert_int_equal(interval_width_at(&rules, 1200, 1000, 1010), 1140);
	assert_int_equal(interval_width_at(&rules, 1200, 1000, 1020), 1082);
	assert_int_equal(interval_width_at(&rules, 1200, 1000, 1030), 1026);
	assert_int_equal(interval_width_at(&rules, 1200, 1009, 1010), 1140);
	/* It was set at the multiple itself, for which it holds as it is. */
	assert_int_equal(interval_width_at(&rules, 1200, 1010, 1019), 1200);
}

static void a_width_shrinks_in_steps_as_it_does_at_once(void **state)
{
	const struct interval_rules rules = {INTERVAL_ADAPTIVE, 7, 31234};

	for (int i = 0; i < 10000; i++) {
		uint64_t width = below(1ull << 40) & ~1ull;
		int64_t from = below(1000), middle = from + below(100), at = middle + below(100);

		assert_int_equal(interval_width_at(&rules, width, from, at),
				 interval_width_at(&rules,
						   interval_width_at(&rules, width, from, middle),
						   middle, at));
	}
}

static void widths_stay_without_a_period_and_end_at_nought(void **state)
{
	const struct interval_rules never = {INTERVAL_STATIC, 0, 50000};
	const struct interval_rules always = {INTERVAL_ADAPTIVE, 1, 500000};

	assert_int_equal(interval_width_at(&never, INTERVAL_WIDTH_MAX, 1, 1ll << 40),
			 INTERVAL_WIDTH_MAX);
	assert_int_equal(interval_width_at(&always, INTERVAL_WIDTH_MAX, 1, 1ll << 40), 0);
}

/* --- Courses -------------------------------------------------------------------------------- */

/* The integer next to move * left / after on nought's side, found by the defining inequality. */
static int64_t towards_nought(int64_t move, int64_t left, int64_t after)
{
	int64_t away = move < 0 ? -move : move, low = 0, high = away;

	while (low < high) {
		int64_t middle = low + (high - low + 1) / 2;

		if ((wide)middle * after <= (wide)away * left)
			low = middle;
		else
			high = middle - 1;
	}
	return move < 0 ? -low : low;
}

static int64_t centre(const struct interval_course *c, int64_t tick)
{
	int64_t begin = c->tick;
	wide value = c->centre;

	for (int k = 0; k < c->knots; k++) {
		int64_t end = begin + c->knot[k].after;

		if (tick >= end)
			value += (wide)c->knot[k].move * (1ll << c->shift);
		else if (tick > begin)
			value += (wide)towards_nought(c->knot[k].move, tick - begin,
						      c->knot[k].after) *
				 (1ll << c->shift);
		begin = end;
	}
	return value;
}

static struct interval_course any_course(void)
{
	struct interval_course c = {
		.tick = 1795305600 + below(1000),
		.centre = (int64_t)below(1ull << 40) - (1ll << 39),
		.shift = below(INTERVAL_SHIFT_MAX + 1),
		.knots = below(INTERVAL_KNOTS + 1),
	};

	for (int k = 0; k < c.knots; k++) {
		c.knot[k].after = below(3) ? 1 + below(20) : 1 + below(65535);
		c.knot[k].move = (int32_t)below(1ull << 32);
	}
	return c;
}

static void a_course_is_straight_between_its_knots(void **state)
{
	for (int i = 0; i < 20000; i++) {
		struct interval_course c = any_course();

		for (int k = 0; k < 40; k++) {
			int64_t tick = c.tick + (k < 20 ? k : (int64_t)below(200000));

			assert_int_equal(interval_centre(&c, tick), centre(&c, tick));
		}
	}
}

/* 3 up in 2 ticks, then 7 down in 3, in units of 4: 3/2 -> 1, then -7/3 -> -2, -14/3 -> -4. */
static void a_part_of_a_move_is_rounded_towards_nought(void **state)
{
	const struct interval_course c = {
		.tick = 100, .centre = 50, .shift = 2, .knots = 2, .knot = {{2, 3}, {3, -7}}};
	const int64_t at[] = {50, 54, 62, 54, 46, 34, 34, 34};

	for (int i = 0; i < 8; i++)
		assert_int_equal(interval_centre(&c, 100 + i), at[i]);
	assert_int_equal(interval_centre(&c, 1ll << 40), 34);
}

static void a_course_is_sound_up_to_its_limits_and_no_further(void **state)
{
	const struct interval_course level = {.tick = 1, .centre = 5};
	struct interval_course c = level;

	assert_true(interval_course_is_sound(&level));

	c.centre = INTERVAL_VALUE_MAX;
	assert_true(interval_course_is_sound(&c));
	c.centre = INTERVAL_VALUE_MAX + 1;
	assert_false(interval_course_is_sound(&c));
	c.centre = -INTERVAL_VALUE_MAX;
	assert_true(interval_course_is_sound(&c));
	c.centre = -INTERVAL_VALUE_MAX - 1;
	assert_false(interval_course_is_sound(&c));
	c.centre = INT64_MIN;
	assert_false(interval_course_is_sound(&c));

	c = level;
	c.shift = INTERVAL_SHIFT_MAX;
	assert_true(interval_course_is_sound(&c));
	c.shift = INTERVAL_SHIFT_MAX + 1;
	assert_false(interval_course_is_sound(&c));

	c = level;
	c.knots = 1;
	assert_false(interval_course_is_sound(&c)); /* of no duration */
	c.knot[0].after = 1;
	assert_true(interval_course_is_sound(&c));
	c.knots = INTERVAL_KNOTS + 1;
	assert_false(interval_course_is_sound(&c));
}

/* It leaves the range at the second knot and would be back at the third. */
static void a_course_must_not_leave_the_range_on_its_way(void **state)
{
	struct interval_course c = {
		.centre = INTERVAL_VALUE_MAX - (3ll << 20),
		.shift = 20,
		.knots = 3,
		.knot = {{1, 2}, {1, 1}, {1, -3}},
	};

	assert_true(interval_course_is_sound(&c));
	c.centre++;
	assert_false(interval_course_is_sound(&c));
}

/* --- Intervals ------------------------------------------------------------------------------ */

static void an_interval_holds_its_ends(void **state)
{
	assert_true(interval_holds(5000, 1200, 0, 5600, 0));
	assert_false(interval_holds(5000, 1200, 0, 5601, 0));
	assert_true(interval_holds(5000, 1200, 0, 4400, 0));
	assert_false(interval_holds(5000, 1200, 0, 4399, 0));
	assert_true(interval_holds(5000, 0, 0, 5000, 0));
	assert_false(interval_holds(5000, 0, 0, 5001, 0));
	assert_true(interval_holds(-INTERVAL_VALUE_MAX, INTERVAL_WIDTH_MAX, 0,
				   -INTERVAL_VALUE_MAX / 2, 0));
	assert_false(
		interval_holds(-INTERVAL_VALUE_MAX, INTERVAL_WIDTH_MAX, 0, INTERVAL_VALUE_MAX, 0));
}

static void an_uncertain_value_must_be_inside_as_a_whole(void **state)
{
	assert_true(interval_holds(5000, 1200, 0, 5500, 100));
	assert_false(interval_holds(5000, 1200, 0, 5501, 100));
	/* A width that is less than the value's own counts as that. */
	assert_true(interval_holds(5000, 0, 100, 5000, 100));
	assert_false(interval_holds(5000, 0, 100, 5001, 100));
	assert_true(interval_holds(5000, 0, 100, 5040, 60));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_shrink_at_each_multiple_of_the_period),
		cmocka_unit_test(a_width_of_1200_is_1026_after_three_periods),
		cmocka_unit_test(a_width_shrinks_in_steps_as_it_does_at_once),
		cmocka_unit_test(widths_stay_without_a_period_and_end_at_nought),
		cmocka_unit_test(a_course_is_straight_between_its_knots),
		cmocka_unit_test(a_part_of_a_move_is_rounded_towards_nought),
		cmocka_unit_test(a_course_is_sound_up_to_its_limits_and_no_further),
		cmocka_unit_test(a_course_must_not_leave_the_range_on_its_way),
		cmocka_unit_test(an_interval_holds_its_ends),
		cmocka_unit_test(an_uncertain_value_must_be_inside_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

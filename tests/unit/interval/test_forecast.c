// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where courses go, against values that are known to the end. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interval/source.h"

#define WINDOW 60
#define TICK 1000000

static __u64 draw(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* A host's window over arrivals. */
struct host {
	struct forecast forecast;
	struct source_value value;
	__u64 slots[WINDOW];
	__s64 tick;
};

static void arrive(struct host *h, __u64 count)
{
	memmove(h->slots, h->slots + 1, (WINDOW - 1) * sizeof(h->slots[0]));
	h->slots[WINDOW - 1] = count;
	h->value = (struct source_value){.known = true, .slots = h->slots, .slot_count = WINDOW};
	for (int i = 0; i < WINDOW; i++)
		h->value.value += (__s64)h->slots[i] * INTERVAL_ONE;
	forecast_learn(&h->forecast, NULL, ++h->tick, &h->value);
}

static struct host *host_new(void)
{
	struct host *h = test_calloc(1, sizeof(*h));

	h->tick = TICK;
	return h;
}

static void begins_by_the_value(const struct host *h, const struct interval_course *course,
				__u64 width)
{
	assert_true(interval_course_is_sound(course));
	assert_int_equal(course->tick, h->tick);
	assert_true(interval_holds(interval_centre(course, h->tick), width, 0, h->value.value, 0));
}

/* --- Courses ------------------------------------------------------------------------------ */

static void a_burst_leaves_the_window_on_the_course(void **state)
{
	const __u64 width = 20 * INTERVAL_ONE;
	struct host *h = host_new();
	struct interval_course course;

	for (int t = 0; t < 2000; t++)
		arrive(h, 5);
	for (int t = 0; t < 10; t++)
		arrive(h, 500);
	for (int t = 0; t < 10; t++)
		arrive(h, 5);
	forecast_course(&h->forecast, h->tick, &h->value, width, &course);
	begins_by_the_value(h, &course, width);
	/* Nothing but what came all the time comes: one course for all of it. */
	for (int t = 0; t < 200; t++) {
		arrive(h, 5);
		assert_true(interval_holds(interval_centre(&course, h->tick), width, 0,
					   h->value.value, 0));
	}
	assert_in_range(interval_centre(&course, h->tick), 299 * INTERVAL_ONE, 301 * INTERVAL_ONE);
	test_free(h);
}

static void without_a_past_the_last_seconds_go_on(void **state)
{
	const __u64 width = 2 * INTERVAL_ONE;
	struct host *h = host_new();
	struct interval_course course;

	for (int t = 0; t < 30; t++)
		arrive(h, 7);
	forecast_course(&h->forecast, h->tick, &h->value, width, &course);
	for (int t = 0; t < 100; t++) {
		arrive(h, 7);
		assert_true(interval_holds(interval_centre(&course, h->tick), width, 0,
					   h->value.value, 0));
	}
	test_free(h);
}

static void even_without_a_width_one_packet_leaves_on_time(void **state)
{
	struct host *h = host_new();
	struct interval_course course;

	for (int t = 0; t < 1000; t++)
		arrive(h, 0);
	arrive(h, 1);
	forecast_course(&h->forecast, h->tick, &h->value, 0, &course);
	for (int t = 0; t < 100; t++) {
		assert_int_equal(interval_centre(&course, h->tick), h->value.value);
		arrive(h, 0);
	}
	test_free(h);
}

static void a_value_without_a_window_is_expected_to_stay(void **state)
{
	const struct source_value value = {.known = true, .value = -12345};
	struct forecast *f = test_calloc(1, sizeof(*f));
	struct interval_course course;

	forecast_learn(f, NULL, TICK, &value);
	forecast_course(f, TICK, &value, 1000, &course);
	assert_int_equal(course.knots, 0);
	assert_int_equal(interval_centre(&course, TICK + 1000), -12345);
	test_free(f);
}

static void whatever_arrives_a_course_is_sound_and_begins_by_the_value(void **state)
{
	__u64 seed = 1;

	for (int run = 0; run < 20; run++) {
		struct host *h = host_new();

		for (int t = 0; t < 700; t++) {
			__u64 most = draw(&seed) >> (20 + draw(&seed) % 44);
			__u64 width = (draw(&seed) >> (6 + draw(&seed) % 58)) & ~1ull;
			struct interval_course course;

			/* A window's values stay in range. */
			arrive(h, most % ((INTERVAL_VALUE_MAX - 1) / INTERVAL_ONE / WINDOW));
			if (t % 4)
				continue;
			forecast_course(&h->forecast, h->tick, &h->value, width, &course);
			begins_by_the_value(h, &course, width);
		}
		test_free(h);
	}
}

static void ticks_that_were_missed_are_taken_from_the_window(void **state)
{
	struct host *all = host_new(), *some = host_new();
	struct interval_course a, b;
	__u64 seed = 2;

	for (int t = 0; t < 1000; t++) {
		arrive(all, draw(&seed) % 100);
		if (t % 7 == 3 && t < 990) /* the agent was slow */
			continue;
		memcpy(some->slots, all->slots, sizeof(some->slots));
		some->value = all->value;
		some->value.slots = some->slots;
		forecast_learn(&some->forecast, NULL, all->tick, &some->value);
	}
	forecast_course(&all->forecast, all->tick, &all->value, 1000000, &a);
	forecast_course(&some->forecast, all->tick, &some->value, 1000000, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	test_free(all);
	test_free(some);
}

/* --- Steps -------------------------------------------------------------------------------- */

static void the_step_of_a_walk_is_its_step(void **state)
{
	struct forecast *f = test_calloc(1, sizeof(*f));
	struct source_value value = {.known = true};
	__u64 seed = 3;

	for (int t = 0; t < 200; t++) {
		value.value += draw(&seed) & 1 ? 700 : -700;
		forecast_learn(f, NULL, TICK + t, &value);
	}
	assert_int_equal(forecast_step(f), 700);
	test_free(f);
}

static void what_the_course_foresees_is_no_step(void **state)
{
	const struct interval_course course = {
		.tick = TICK, .centre = 0, .knots = 1, .knot = {{.after = 100, .move = 30000}}};
	struct forecast *f = test_calloc(1, sizeof(*f));
	struct source_value value = {.known = true};

	for (int t = 0; t < 100; t++) {
		value.value = 300 * t;
		forecast_learn(f, &course, TICK + t, &value);
	}
	assert_int_equal(forecast_step(f), 0);
	test_free(f);
}

/* --- Lines -------------------------------------------------------------------------------- */

static void lines_stay_near_the_path(void **state)
{
	__u64 seed = 4;

	for (int run = 0; run < 2000; run++) {
		double at[152], tolerance = pow(2, 3 + run % 20), wave = 1 + draw(&seed) % 60;
		struct interval_course course = {.tick = TICK};
		__u32 ends = 0;

		for (int j = 0; j < 152; j++)
			at[j] = 1e6 + 4 * tolerance * sin(j / wave) +
				tolerance / 4 * (draw(&seed) % 1000) / 1000.0;
		forecast_lines(at, 152, tolerance, &course);
		assert_true(interval_course_is_sound(&course));
		for (int k = 0; k < course.knots; k++)
			ends += course.knot[k].after;
		/* Four times as far is the furthest; behind the last knot there is no promise. */
		for (__u32 j = 0; j <= ends; j++)
			assert_true(fabs((double)interval_centre(&course, TICK + j) - at[j]) <=
				    4 * tolerance + 1);
	}
}

static void a_straight_path_is_one_line(void **state)
{
	struct interval_course course = {.tick = TICK};
	double at[91];

	for (int j = 0; j < 91; j++)
		at[j] = 5e6 - 12345.0 * j;
	forecast_lines(at, 91, 64, &course);
	assert_int_equal(course.knots, 1);
	for (int j = 0; j < 91; j++)
		assert_true(fabs((double)interval_centre(&course, TICK + j) - at[j]) <= 64);
}

static void a_path_of_many_corners_ends_early(void **state)
{
	struct interval_course course = {.tick = TICK};
	double at[91];

	for (int j = 0; j < 91; j++)
		at[j] = j % 2 ? 1e6 : 0;
	forecast_lines(at, 91, 16, &course);
	assert_int_equal(course.knots, INTERVAL_KNOTS);
	for (int j = 0; j <= INTERVAL_KNOTS; j++)
		assert_true(fabs((double)interval_centre(&course, TICK + j) - at[j]) <= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_leaves_the_window_on_the_course),
		cmocka_unit_test(without_a_past_the_last_seconds_go_on),
		cmocka_unit_test(even_without_a_width_one_packet_leaves_on_time),
		cmocka_unit_test(a_value_without_a_window_is_expected_to_stay),
		cmocka_unit_test(whatever_arrives_a_course_is_sound_and_begins_by_the_value),
		cmocka_unit_test(ticks_that_were_missed_are_taken_from_the_window),
		cmocka_unit_test(the_step_of_a_walk_is_its_step),
		cmocka_unit_test(what_the_course_foresees_is_no_step),
		cmocka_unit_test(lines_stay_near_the_path),
		cmocka_unit_test(a_straight_path_is_one_line),
		cmocka_unit_test(a_path_of_many_corners_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

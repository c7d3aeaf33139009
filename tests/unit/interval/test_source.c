// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "interval/source.h"

#define PACKET INTERVAL_ONE
#define FIRST 1795305600

static const struct interval_rules constant = {.method = INTERVAL_STATIC};
static const struct interval_rules shrinking = {INTERVAL_ADAPTIVE, 10, 50000};

static struct source source;
static struct interval_update update[SOURCE_QUERIES];
static struct interval_tick done;

static int begin(void **state)
{
	memset(&source, 0, sizeof(source));
	source_begin(&source, &constant, 2);
	return 0;
}

/* Both queries have the same value, so many packets. */
static uint32_t tick(int64_t when, int64_t packets)
{
	const struct source_value value = {.known = true, .value = packets * PACKET};
	const struct source_value values[] = {value, value};

	return source_tick(&source, when, values, update, &done);
}

static int grant(uint32_t query, uint32_t serial, int64_t when, uint64_t width)
{
	const struct interval_grant g = {query, serial, when, width};

	return source_grant(&source, &g);
}

static void a_session_begins_with_an_update_of_every_query(void **state)
{
	assert_int_equal(tick(FIRST, 5), 2);
	for (uint32_t q = 0; q < 2; q++) {
		assert_int_equal(update[q].query, q);
		assert_int_equal(update[q].width, 0);
		assert_int_equal(update[q].error, 0);
		assert_int_equal(update[q].course.tick, FIRST);
		assert_int_equal(update[q].course.centre, 5000);
		assert_int_equal(update[q].course.knots, 0);
	}
	assert_int_equal(done.tick, FIRST);
	assert_int_equal(done.serial, 0);
}

static void without_a_width_every_change_is_told_and_nothing_else(void **state)
{
	assert_int_equal(tick(FIRST, 5), 2);
	assert_int_equal(tick(FIRST + 1, 5), 0);
	assert_int_equal(done.tick, FIRST + 1);
	assert_int_equal(tick(FIRST + 2, 6), 2);
	assert_int_equal(tick(FIRST + 3, 5), 2);
}

/*
 * Q2-5 of the Stanford log: 5 packets in 60 s are 0.083333/s, and a width of 0.02/s is 1200
 * thousandths in the window: the interval is 4.4 to 5.6 packets, 0.073333/s to 0.093333/s.
 */
static void a_width_of_1200_holds_back_what_stays_within_600_of_the_centre(void **state)
{
	struct source_value values[2] = {{.known = true, .value = 5000}, {.known = true}};

	assert_int_equal(grant(0, 1, FIRST, 1200), 0);
	assert_int_equal(source_tick(&source, FIRST, values, update, &done), 2);
	assert_int_equal(update[0].width, 1200);
	assert_int_equal(done.serial, 1);
	values[0].value = 5600;
	assert_int_equal(source_tick(&source, FIRST + 1, values, update, &done), 0);
	values[0].value = 4400;
	assert_int_equal(source_tick(&source, FIRST + 2, values, update, &done), 0);
	values[0].value = 5601;
	assert_int_equal(source_tick(&source, FIRST + 3, values, update, &done), 1);
	assert_int_equal(update[0].query, 0);
	assert_int_equal(update[0].course.centre, 5601);
	values[0].value = 5000;
	assert_int_equal(source_tick(&source, FIRST + 4, values, update, &done), 1);
}

static void a_grant_waits_for_its_tick_and_is_confirmed_by_it(void **state)
{
	assert_int_equal(tick(FIRST, 5), 2);
	assert_int_equal(grant(0, 1, FIRST + 3, 4 * PACKET), 0);
	assert_int_equal(tick(FIRST + 2, 6), 2);
	assert_int_equal(done.serial, 0);
	assert_int_equal(source_width(&source, 0), 0);
	assert_int_equal(tick(FIRST + 3, 7), 1);
	assert_int_equal(update[0].query, 1);
	assert_int_equal(done.serial, 1);
	assert_int_equal(source_width(&source, 0), 4 * PACKET);
	assert_int_equal(source_width(&source, 1), 0);
}

/* A host that was busy comes to a later tick first. */
static void a_grant_is_in_force_at_the_first_tick_after_its_own_too(void **state)
{
	assert_int_equal(grant(0, 1, FIRST + 3, 200), 0);
	tick(FIRST + 5, 5);
	assert_int_equal(done.serial, 1);
	assert_int_equal(source_width(&source, 0), 200);
}

static void what_waits_keeps_later_grants_unconfirmed(void **state)
{
	assert_int_equal(grant(0, 1, FIRST + 2, 200), 0);
	assert_int_equal(grant(1, 2, FIRST, 300), 0);
	tick(FIRST, 5);
	assert_int_equal(done.serial, 0);
	tick(FIRST + 1, 5);
	assert_int_equal(done.serial, 0);
	tick(FIRST + 2, 5);
	assert_int_equal(done.serial, 2);
	assert_int_equal(source_width(&source, 0), 200);
	assert_int_equal(source_width(&source, 1), 300);
}

static void a_lower_width_is_tested_at_once(void **state)
{
	assert_int_equal(grant(0, 1, FIRST, 10 * PACKET), 0);
	tick(FIRST, 5);
	assert_int_equal(tick(FIRST + 1, 8), 1);
	assert_int_equal(update[0].query, 1);
	assert_int_equal(grant(0, 2, FIRST + 2, 4 * PACKET), 0);
	assert_int_equal(tick(FIRST + 2, 8), 1);
	assert_int_equal(update[0].query, 0);
	assert_int_equal(update[0].width, 4 * PACKET);
	assert_int_equal(done.serial, 2);
}

/* 1200 at the tick 5 before a multiple of 10: 1140 at the multiple, 1082 ten ticks later. */
static void widths_shrink_without_a_word(void **state)
{
	source_begin(&source, &shrinking, 2);
	assert_int_equal(grant(0, 1, FIRST - 5, 1200), 0);
	tick(FIRST - 5, 5);
	assert_int_equal(source_width(&source, 0), 1200);
	tick(FIRST, 5);
	assert_int_equal(source_width(&source, 0), 1140);
	tick(FIRST + 10, 5);
	assert_int_equal(source_width(&source, 0), 1082);
	/* As they do while the grant is on its way. */
	assert_int_equal(grant(1, 2, FIRST - 5, 1200), 0);
	tick(FIRST + 11, 5);
	assert_int_equal(source_width(&source, 1), 1082);
}

static void the_next_session_begins_with_a_width_of_nought(void **state)
{
	assert_int_equal(grant(0, 1, FIRST, 10 * PACKET), 0);
	tick(FIRST, 5);
	assert_int_equal(grant(0, 2, FIRST + 9, 20 * PACKET), 0);
	source_begin(&source, &constant, 2);
	assert_int_equal(source_width(&source, 0), 0);
	assert_int_equal(grant(1, 1, FIRST + 20, 200), 0);
	assert_int_equal(tick(FIRST + 10, 5), 2);
	assert_int_equal(source_width(&source, 0), 0);
	assert_int_equal(done.serial, 0);
}

static void an_uncertain_value_is_told_with_its_error(void **state)
{
	struct source_value values[2] = {{.known = true, .value = 5000, .error = 100},
					 {.known = true}};

	assert_int_equal(source_tick(&source, FIRST, values, update, &done), 2);
	assert_int_equal(update[0].error, 100);
	assert_int_equal(source_tick(&source, FIRST + 1, values, update, &done), 0);
	values[0].value = 5001;
	assert_int_equal(source_tick(&source, FIRST + 2, values, update, &done), 1);
	values[0].error = 101;
	assert_int_equal(source_tick(&source, FIRST + 3, values, update, &done), 1);
	assert_int_equal(update[0].error, 101);
}

static void a_value_that_is_not_known_is_passed_over(void **state)
{
	struct source_value values[2] = {{.known = true, .value = 5000}, {.known = false}};

	assert_int_equal(source_tick(&source, FIRST, values, update, &done), 1);
	assert_int_equal(update[0].query, 0);
	values[1].known = true;
	assert_int_equal(source_tick(&source, FIRST + 1, values, update, &done), 1);
	assert_int_equal(update[0].query, 1);
}

static void grants_that_cannot_be_are_refused_and_change_nothing(void **state)
{
	assert_int_equal(grant(0, 1, FIRST, 200), 0);
	assert_int_equal(grant(2, 2, FIRST, 100), -EINVAL); /* no such query */
	assert_int_equal(grant(~0u, 2, FIRST, 100), -EINVAL);
	assert_int_equal(grant(0, 1, FIRST, 100), -EINVAL); /* the same again */
	assert_int_equal(grant(0, 3, FIRST, 100), -EINVAL); /* one is left out */
	assert_int_equal(grant(0, 0, FIRST, 100), -EINVAL);
	assert_int_equal(grant(0, 2, FIRST, 101), -EINVAL); /* odd */
	assert_int_equal(grant(0, 2, FIRST, INTERVAL_WIDTH_MAX + 2), -EINVAL);
	tick(FIRST, 5);
	assert_int_equal(done.serial, 1);
	assert_int_equal(source_width(&source, 0), 200);
	assert_int_equal(grant(0, 2, FIRST, INTERVAL_WIDTH_MAX), 0);
}

static void only_so_many_grants_wait(void **state)
{
	uint32_t serial = 0;

	while (serial < SOURCE_GRANTS) {
		serial++;
		assert_int_equal(grant(0, serial, FIRST + 100 + serial, 200), 0);
	}
	assert_int_equal(grant(0, serial + 1, FIRST + 200, 200), -ENOBUFS);
	assert_int_equal(grant(1, serial + 1, FIRST + 200, 200), 0);
}

static void of_grants_for_one_tick_the_last_holds_and_none_before_it(void **state)
{
	uint32_t serial = 0;

	tick(FIRST, 5);
	while (serial < 3 * SOURCE_GRANTS) {
		serial++;
		assert_int_equal(grant(0, serial, FIRST + 2, 200 * serial), 0);
	}
	tick(FIRST + 1, 5);
	assert_int_equal(done.serial, 0);
	assert_int_equal(source_width(&source, 0), 0);
	tick(FIRST + 2, 5);
	assert_int_equal(done.serial, serial);
	assert_int_equal(source_width(&source, 0), 200 * serial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_session_begins_with_an_update_of_every_query, begin),
		cmocka_unit_test_setup(without_a_width_every_change_is_told_and_nothing_else,
				       begin),
		cmocka_unit_test_setup(
			a_width_of_1200_holds_back_what_stays_within_600_of_the_centre, begin),
		cmocka_unit_test_setup(a_grant_waits_for_its_tick_and_is_confirmed_by_it, begin),
		cmocka_unit_test_setup(a_grant_is_in_force_at_the_first_tick_after_its_own_too,
				       begin),
		cmocka_unit_test_setup(what_waits_keeps_later_grants_unconfirmed, begin),
		cmocka_unit_test_setup(a_lower_width_is_tested_at_once, begin),
		cmocka_unit_test_setup(widths_shrink_without_a_word, begin),
		cmocka_unit_test_setup(the_next_session_begins_with_a_width_of_nought, begin),
		cmocka_unit_test_setup(an_uncertain_value_is_told_with_its_error, begin),
		cmocka_unit_test_setup(a_value_that_is_not_known_is_passed_over, begin),
		cmocka_unit_test_setup(grants_that_cannot_be_are_refused_and_change_nothing, begin),
		cmocka_unit_test_setup(only_so_many_grants_wait, begin),
		cmocka_unit_test_setup(of_grants_for_one_tick_the_last_holds_and_none_before_it,
				       begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

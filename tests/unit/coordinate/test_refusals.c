// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Refusals are counted, and said a few times a second: of the notes, the last four can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "coordinate/refusals.h"
#include "weir/base.h"

static struct notes notes;
static struct refusals refusals;

static int set_scene(void **state)
{
	notes = (struct notes){.screen = true, .drawn = true};
	refusals = (struct refusals){.notes = &notes};
	return 0;
}

static void refuse(enum refusal reason, unsigned int times, __u64 second)
{
	for (unsigned int i = 0; i < times; i++)
		refusals_add(&refusals, reason, "192.0.2.1:4740", "too many",
			     second * WEIR_NS_PER_SEC + i);
}

static const char *last_note(void)
{
	return notes.note[notes.count - 1].text;
}

static void of_one_kind_three_are_said_in_a_second_and_all_are_counted(void **state)
{
	refuse(REFUSAL_FULL, 3, 10);
	assert_int_equal(notes.count, 3);
	assert_string_equal(last_note(), "192.0.2.1:4740: too many");
	refuse(REFUSAL_FULL, 50, 10);
	assert_int_equal(notes.count, 3);
	assert_int_equal(refusals.count[REFUSAL_FULL], 53);
	refuse(REFUSAL_SLOW, 1, 10);
	assert_int_equal(notes.count, 4);
	assert_int_equal(refusals.count[REFUSAL_SLOW], 1);
}

static void how_many_were_not_said_is_said_when_the_second_is_over(void **state)
{
	refuse(REFUSAL_FULL, 5, 10);
	refusals_sweep(&refusals, 10 * WEIR_NS_PER_SEC + 1000);
	assert_int_equal(notes.count, 3);
	refusals_sweep(&refusals, 11 * WEIR_NS_PER_SEC);
	assert_int_equal(notes.count, 4);
	assert_string_equal(last_note(), "2 more: too many");
	refusals_sweep(&refusals, 12 * WEIR_NS_PER_SEC);
	assert_int_equal(notes.count, 4);
}

static void the_next_second_says_first_what_the_last_did_not(void **state)
{
	refuse(REFUSAL_FULL, 4, 10);
	refuse(REFUSAL_FULL, 1, 11);
	assert_int_equal(notes.count, 4);
	assert_string_equal(notes.note[2].text, "1 more: too many");
	assert_string_equal(last_note(), "192.0.2.1:4740: too many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(of_one_kind_three_are_said_in_a_second_and_all_are_counted,
				       set_scene),
		cmocka_unit_test_setup(how_many_were_not_said_is_said_when_the_second_is_over,
				       set_scene),
		cmocka_unit_test_setup(the_next_second_says_first_what_the_last_did_not, set_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Binary search, against looking at every place in turn. */
#include "base/search.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define LONGEST 40

static unsigned int in_turn(const int *list, unsigned int count, int key)
{
	for (unsigned int i = 0; i < count; i++) {
		if (list[i] >= key)
			return i;
	}
	return count;
}

static void first_place_is_the_one_found_by_looking_in_turn(void **state)
{
	int list[LONGEST];

	(void)state;
	for (int i = 0; i < LONGEST; i++)
		list[i] = i / 3 * 2; /* each even number three times */
	for (unsigned int count = 0; count <= LONGEST; count++) {
		for (int key = -1; key < LONGEST; key++)
			assert_int_equal(search_first(count, i, list[i] >= key),
					 in_turn(list, count, key));
	}
}

static void empty_list_is_asked_nothing(void **state)
{
	const int *nothing = NULL;

	(void)state;
	assert_int_equal(search_first(0, i, nothing[i] >= 1), 0);
}

static void longest_list_is_searched_to_its_last_place(void **state)
{
	unsigned int asked = 0;

	(void)state;
	assert_true(search_first(UINT_MAX, i, (asked++, i >= UINT_MAX - 1)) == UINT_MAX - 1);
	assert_in_range(asked, 1, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_place_is_the_one_found_by_looking_in_turn),
		cmocka_unit_test(empty_list_is_asked_nothing),
		cmocka_unit_test(longest_list_is_searched_to_its_last_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

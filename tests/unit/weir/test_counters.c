/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "weir/counters.h"

static const struct {
	enum weir_counter counter;
	const char *id, *name, *text;
	enum weir_counter_kind kind;
} table[] = {
#define X(id, name, kind, text) {WEIR_##id, #id, #name, text, WEIR_KIND_##kind},
	WEIR_COUNTERS(X)
#undef X
};

static void the_table_lists_every_counter_once_and_in_order(void **state)
{
	assert_int_equal(sizeof(table) / sizeof(table[0]), WEIR_COUNTER_MAX);
	for (int i = 0; i < WEIR_COUNTER_MAX; i++)
		assert_int_equal(table[i].counter, i);
}

static void names_are_unique_and_fit_a_metric(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	for (int i = 0; i < WEIR_COUNTER_MAX; i++) {
		assert_true(strlen(table[i].name) > 0);
		assert_int_equal(strspn(table[i].name, allowed), strlen(table[i].name));
		assert_int_equal(strcasecmp(table[i].id, table[i].name), 0);
		assert_true(strlen(table[i].text) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(table[i].name, table[j].name);
	}
}

static void conservation_has_all_its_accounts(void **state)
{
	int kinds[WEIR_KIND_NOTE + 1] = {0};

	for (int i = 0; i < WEIR_COUNTER_MAX; i++)
		kinds[table[i].kind]++;
	assert_int_equal(kinds[WEIR_KIND_SEEN], 2); /* in, out */
	assert_int_equal(kinds[WEIR_KIND_EVICTED], 1);
	assert_int_equal(kinds[WEIR_KIND_OVERFLOW], 1);
	assert_int_equal(kinds[WEIR_KIND_OUTSIDE], 1);
	assert_true(kinds[WEIR_KIND_NAMED] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_lists_every_counter_once_and_in_order),
		cmocka_unit_test(names_are_unique_and_fit_a_metric),
		cmocka_unit_test(conservation_has_all_its_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

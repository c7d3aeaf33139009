/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void a_line_begins_with_the_number_of_the_schema(void **state)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(json_line(json_pack("{s:i, s:f}", "a", 1, "b", 0.1), out), 0);
	assert_int_equal(json_line(json_object(), out), 0);
	assert_int_equal(json_line(NULL, out), -ENOMEM);
	fclose(out);
	assert_string_equal(text, "{\"weir\":1,\"a\":1,\"b\":0.1}\n{\"weir\":1}\n");
	free(text);
}

static void a_line_that_nobody_takes_is_an_error_of_the_stream(void **state)
{
	FILE *full = fopen("/dev/full", "we");

	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(json_line(json_object(), full), 0);
	assert_true(ferror(full));
	fclose(full);
}

static void a_time_is_a_text_and_has_its_nanoseconds_beside_it(void **state)
{
	json_t *all = json_object(), *wanted;

	json_set_time(all, "since", 1795312709125456789ull, 6);
	json_set_time(all, "until", 0, 6);
	wanted = json_pack("{s:s, s:I, s:n, s:n}", "since", "2026-11-22T01:58:29.125456Z",
			   "since_ns", (json_int_t)1795312709125456789ll, "until", "until_ns");
	assert_true(json_equal(all, wanted));
	json_decref(all);
	json_decref(wanted);
}

/* Names of interfaces are whatever bytes their maker chose. */
static void a_text_that_is_no_utf_8_is_printed_all_the_same(void **state)
{
	json_t *good = json_text("ö"), *bad = json_text("eth\xff"), *none = json_text_or_null("");

	assert_string_equal(json_string_value(good), "ö");
	assert_string_equal(json_string_value(bad), "eth?");
	assert_true(json_is_null(none));
	json_decref(good);
	json_decref(bad);
	json_decref(none);
}

static void a_list_that_misses_a_value_is_none(void **state)
{
	json_t *list = json_array();

	json_add(&list, json_true());
	assert_int_equal(json_array_size(list), 1);
	json_add(&list, NULL);
	assert_null(list);
	json_add(&list, json_true());
	assert_null(list);
}

static void the_books_have_every_counter_by_name(void **state)
{
	static const char *const names[] = {
		"seen_in",           "seen_out",  "evicted",      "overflow",
		"outside",           "arp",       "not_ip",       "pseudowire",
		"truncated",         "malformed", "own",          "no_transport",
		"no_first_fragment", "too_deep",  "wrong_length", "late"};
	struct weir_books books = {};
	json_t *all;

	assert_int_equal(COUNT(names), WEIR_COUNTER_MAX);
	for (size_t i = 0; i < COUNT(names); i++)
		books.count[i] = (struct weir_count){i + 1, (1ull << 62) + i};
	all = json_books(&books);
	assert_non_null(all);
	assert_int_equal(json_object_size(all), COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		json_t *count = json_object_get(all, names[i]);

		assert_int_equal(json_object_size(count), 2);
		assert_int_equal(json_integer_value(json_object_get(count, "packets")), i + 1);
		assert_int_equal(json_integer_value(json_object_get(count, "bytes")),
				 (1ull << 62) + i);
	}
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_begins_with_the_number_of_the_schema),
		cmocka_unit_test(a_line_that_nobody_takes_is_an_error_of_the_stream),
		cmocka_unit_test(a_time_is_a_text_and_has_its_nanoseconds_beside_it),
		cmocka_unit_test(a_text_that_is_no_utf_8_is_printed_all_the_same),
		cmocka_unit_test(a_list_that_misses_a_value_is_none),
		cmocka_unit_test(the_books_have_every_counter_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "export/names.h"

static struct names *make(void)
{
	struct names *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	return n;
}

static void set(struct names *n, uint32_t index, const char *name, const char *about)
{
	struct interface_name interface = {.index = index};

	snprintf(interface.name, sizeof(interface.name), "%s", name);
	snprintf(interface.about, sizeof(interface.about), "%s", about);
	names_set(n, &interface);
}

/* "1 eth0;2 eth1;" */
static const char *news(const struct names *n, uint64_t since, char text[256])
{
	struct interface_name interface;
	size_t length = 0;

	text[0] = 0;
	for (unsigned int at = 0; names_next(n, since, &at, &interface); at++)
		length += snprintf(text + length, 256 - length, "%u %s%s%s;", interface.index,
				   interface.name, interface.about[0] ? " " : "", interface.about);
	return text;
}

static void only_what_changed_is_news(void **state)
{
	struct names *n = make();
	char text[256];
	uint64_t version;

	assert_int_equal(names_version(n), 0);
	assert_string_equal(news(n, 0, text), "");
	set(n, 2, "eth0", "");
	set(n, 3, "wg0", "to Bonn");
	version = names_version(n);
	assert_string_equal(news(n, 0, text), "2 eth0;3 wg0 to Bonn;");
	assert_string_equal(news(n, version, text), "");
	set(n, 3, "wg0", "to Bonn");
	assert_int_equal(names_version(n), version);
	set(n, 3, "wg0", "");
	set(n, 9, "eth9", "");
	assert_string_equal(news(n, version, text), "3 wg0;9 eth9;");
	version = names_version(n);
	set(n, 2, "lan", "");
	assert_string_equal(news(n, version, text), "2 lan;");
	assert_true(names_has(n, 9));
	assert_false(names_has(n, 4));
	free(n);
}

static void equal_tables_have_one_digest_however_they_were_filled(void **state)
{
	struct names *a = make(), *b = make();

	assert_int_equal(names_digest(a), names_digest(b));
	set(a, 2, "eth0", "x");
	set(a, 3, "eth1", "");
	set(b, 3, "before", "");
	set(b, 2, "eth0", "x");
	assert_int_not_equal(names_digest(a), names_digest(b));
	set(b, 3, "eth1", "");
	assert_int_equal(names_digest(a), names_digest(b));
	set(b, 3, "eth", "1"); /* the same letters */
	assert_int_not_equal(names_digest(a), names_digest(b));
	free(a);
	free(b);
}

static void a_table_that_is_full_keeps_what_it_has(void **state)
{
	struct names *n = make();
	char text[256];
	uint64_t version;

	for (unsigned int i = 1; i <= NAMES_MAX; i++)
		set(n, i, "eth", "");
	version = names_version(n);
	set(n, NAMES_MAX + 1, "one more", "");
	assert_int_equal(names_version(n), version);
	set(n, 5, "five", "");
	assert_string_equal(news(n, version, text), "5 five;");
	free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_changed_is_news),
		cmocka_unit_test(equal_tables_have_one_digest_however_they_were_filled),
		cmocka_unit_test(a_table_that_is_full_keeps_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Types of keys: what a text becomes, what is refused in which words, where defaults come from. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/section.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct options, member)
#define SEC 1000000000ull

enum colour {
	GREEN = 7,
	RED = 2,
};

struct inner {
	char *path;
};

struct options {
	__u32 number, seconds, ppm, set;
	__u64 bytes, ns;
	bool flag;
	enum colour colour;
	char *name, *own;
	struct inner inner;
	char **list;
	__u32 list_count;
};

static int read_own(struct section_reader *r, const struct section_value *value,
		    const struct key *key, void *to)
{
	if (strncmp(value->text, "own ", 4))
		return section_refuse_kind(r, value->at, key);
	*(char **)to = strdup(value->text + 4);
	return *(char **)to ? 0 : -ENOMEM;
}

static const struct key_choice colours[] = {{"green", GREEN}, {"red", RED}, {}};
static const struct key inner_keys[] = {{"path", KEY_PATH, 0, .max = 5, .standard = "/a"}, {}};
static const struct section inner = {"inner", sizeof(struct inner), inner_keys};
static const struct key item = {NULL, KEY_NAME};

static const struct key keys[] = {
	{"number", KEY_NUMBER, AT(number), .min = 1, .max = 4294967295, .unit = "things",
	 .standard = "12"},
	{"seconds", KEY_SECONDS, AT(seconds), .min = SEC, .max = 7200 * SEC, .standard = "2m"},
	{"percent", KEY_PERCENT, AT(ppm), .min = 1, .max = 1000000, .standard = "0.5 %"},
	{"set", KEY_SET, AT(set), .choices = colours},
	{"bytes", KEY_SIZE, AT(bytes), .min = 16 << 10, .max = 3 << 20, .also = "auto",
	 .unit = "each", .standard = "48KiB"},
	{"ns", KEY_DURATION, AT(ns), .max = 1500 * (SEC / 1000), .standard = "500ms"},
	{"flag", KEY_BOOLEAN, AT(flag), .standard = "true"},
	{"colour", KEY_CHOICE, AT(colour), .choices = colours, .standard = "red"},
	{"name", KEY_NAME, AT(name), .standard = "a-b_c.9"},
	{"own", KEY_OWN, AT(own), .read = read_own, .free = section_free_text, .kind = "own TEXT",
	 .standard = "own x"},
	{"inner", KEY_SECTION, AT(inner), .section = &inner},
	{"list", KEY_LIST, AT(list), .standard = "[a]",
	 .list = &(const struct key_list){&item, sizeof(char *), AT(list_count), .grows = true}},
	{.name = NULL},
};

static const struct section section = {"options", sizeof(struct options), keys};

static const struct key *find(const char *name)
{
	const struct key *key = keys;

	while (strcmp(key->name, name))
		key++;
	return key;
}

static int read_one(const char *name, const char *text, struct options *options, struct why *why)
{
	const struct section_value value = {.at = {3, 14}, .text = text};
	const struct key *key = find(name);
	struct section_reader r = {.file = "f.yaml", .why = why};

	return section_read(&r, &value, key, (char *)options + key->at);
}

static void defaults_are_read_from_the_table(void **state)
{
	struct section_reader r = {0};
	struct options o = {0};

	assert_int_equal(section_defaults(&r, &section, NULL, &o), 0);
	assert_int_equal(o.number, 12);
	assert_int_equal(o.seconds, 120);
	assert_int_equal(o.ppm, 5000);
	assert_int_equal(o.bytes, 48 << 10);
	assert_int_equal(o.ns, SEC / 2);
	assert_true(o.flag);
	assert_int_equal(o.colour, RED);
	assert_string_equal(o.name, "a-b_c.9");
	assert_string_equal(o.own, "x");
	assert_string_equal(o.inner.path, "/a");
	assert_int_equal(o.set, 0);
	section_free(&section, &o);
	assert_null(o.name);
	assert_int_equal(o.number, 0);
}

static void what_the_file_gave_keeps_its_value(void **state)
{
	struct section_seen seen = {.section = &section};
	const int given = find("number") - keys;
	struct section_reader r = {0};
	struct options o = {.number = 5};

	seen.key[given].given = true;
	seen.key[given].value = (struct section_place){2, 7};
	assert_int_equal(section_defaults(&r, &section, &seen, &o), 0);
	assert_int_equal(o.number, 5);
	assert_int_equal(o.seconds, 120);
	assert_int_equal(section_saw(&seen, "number")->column, 7);
	assert_null(section_saw(&seen, "seconds"));
	assert_null(section_saw(&seen, "unknown"));
	section_free(&section, &o);
}

static void a_default_that_its_own_key_refuses_is_an_error(void **state)
{
	static const struct key wrong[] = {
		{"n", KEY_NUMBER, 0, .min = 5, .max = 9, .standard = "4"}, {}};
	const struct section s = {"s", sizeof(__u32), wrong};
	struct why why = {};
	struct section_reader r = {.why = &why};
	__u32 n = 77;

	assert_int_equal(section_defaults(&r, &s, NULL, &n), -EINVAL);
	assert_string_equal(why.text, "n: expected a number, 5 to 9");
	assert_int_equal(n, 77);
}

static void a_refusal_names_the_place_and_what_was_expected(void **state)
{
	static const struct {
		const char *name, *text, *what;
	} cases[] = {
		{"number", "0", "a number, 1 to 4294967295 things"},
		{"number", "4294967296", "a number, 1 to 4294967295 things"},
		{"number", "99999999999", "a number, 1 to 4294967295 things"},
		{"number", "-1", "a number, 1 to 4294967295 things"},
		{"number", "1x", "a number, 1 to 4294967295 things"},
		{"number", "", "a number, 1 to 4294967295 things"},
		{"number", NULL, "a number, 1 to 4294967295 things"},
		{"seconds", "1", "a duration (500ms, 15s, 2m, 1h) from 1s to 2h"},
		{"seconds", "3h", "a duration (500ms, 15s, 2m, 1h) from 1s to 2h"},
		{"seconds", "1500ms", "whole seconds"},
		{"ns", "1501ms", "a duration (500ms, 15s, 2m, 1h) from 0s to 1500ms"},
		{"ns", "1d", "a duration (500ms, 15s, 2m, 1h) from 0s to 1500ms"},
		{"ns", "9999999999h", "a duration (500ms, 15s, 2m, 1h) from 0s to 1500ms"},
		{"percent", "5", "a percentage (1%, 0.5%) from 0.0001% to 100%"},
		{"percent", "100.0001%", "a percentage (1%, 0.5%) from 0.0001% to 100%"},
		{"percent", "0.00001%", "a percentage (1%, 0.5%) from 0.0001% to 100%"},
		{"bytes", "15KiB", "auto, or from 16KiB to 3MiB each"},
		{"bytes", "4MiB", "auto, or from 16KiB to 3MiB each"},
		{"bytes", "64", "auto, or from 16KiB to 3MiB each"},
		{"flag", "yes", "one of: false true"},
		{"colour", "blue", "one of: green red"},
		{"colour", "", "one of: green red"},
		{"name", "a b", "a name of letters, digits, - _ ."},
		{"name", "", "a name of letters, digits, - _ ."},
		{"name", "\xc3\xa9", "a name of letters, digits, - _ ."},
		{"own", "x", "own TEXT"},
		{"own", NULL, "own TEXT"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct options o = {0}, untouched = {0};
		char line[512];
		struct why why;

		snprintf(line, sizeof(line), "f.yaml:3:14: %s: expected %s", cases[i].name,
			 cases[i].what);
		assert_int_equal(read_one(cases[i].name, cases[i].text, &o, &why), -EINVAL);
		assert_string_equal(why.text, line);
		assert_memory_equal(&o, &untouched, sizeof(o));
	}
}

static void a_choice_is_its_number_and_a_set_has_a_bit_for_each(void **state)
{
	struct options o = {0};
	struct why why;

	assert_int_equal(read_one("colour", "green", &o, &why), 0);
	assert_int_equal(o.colour, GREEN);
	assert_int_equal(read_one("set", "green", &o, &why), 0);
	assert_int_equal(read_one("set", "red", &o, &why), 0);
	assert_int_equal(o.set, 1 << GREEN | 1 << RED);
	assert_int_equal(read_one("set", "red", &o, &why), -EINVAL);
	assert_string_equal(why.text, "f.yaml:3:14: set: 'red' is given twice");
	assert_int_equal(read_one("bytes", "auto", &o, &why), 0);
	assert_int_equal(o.bytes, 0);
}

static void a_path_has_its_limit(void **state)
{
	const struct section_value fits = {.text = "/1234"}, longer = {.text = "/12345"};
	struct why why;
	struct section_reader r = {.why = &why};
	char *path;

	assert_int_equal(section_read(&r, &fits, inner_keys, &path), 0);
	assert_string_equal(path, "/1234");
	free(path);
	assert_int_equal(section_read(&r, &longer, inner_keys, &path), -EINVAL);
	assert_string_equal(why.text, "path: expected an absolute path, at most 5 characters");
}

static void note(void *context, const char *path, const struct key *key)
{
	strcat(context, path);
	strcat(context, " ");
}

static void a_walk_names_every_key_with_its_path(void **state)
{
	char paths[512] = "";

	section_walk(&section, "top", note, paths);
	assert_string_equal(paths, "top.number top.seconds top.percent top.set top.bytes top.ns "
				   "top.flag top.colour top.name top.own top.inner "
				   "top.inner.path top.list ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_read_from_the_table),
		cmocka_unit_test(what_the_file_gave_keeps_its_value),
		cmocka_unit_test(a_default_that_its_own_key_refuses_is_an_error),
		cmocka_unit_test(a_refusal_names_the_place_and_what_was_expected),
		cmocka_unit_test(a_choice_is_its_number_and_a_set_has_a_bit_for_each),
		cmocka_unit_test(a_path_has_its_limit),
		cmocka_unit_test(a_walk_names_every_key_with_its_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

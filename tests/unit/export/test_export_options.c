// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A reload opens an exporter again if any of its options has changed: none may be overlooked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "export/options.h"

#define TO "ipfix+tls://c.example"

/* For each key a value that is not its default. */
static const struct {
	const char *key, *value;
} changes[] = {
	{"to", "ipfix+tls://d.example"},
	{"domain", "2"},
	{"template_refresh", "61s"},
	{"template_messages", "4097"},
	{"options_refresh", "0s"},
	{"biflow", "true"},
	{"message", "2048"},
	{"queue", "2048"},
	{"ca", "/ca"},
	{"cert", "/cert"},
	{"key", "/key"},
	{"rotate", "301s"},
	{"rotate_size", "65536"},
};

static void make(struct export_options *out)
{
	struct why why = {};

	if (export_options_make(TO, out, &why))
		fail_msg("%s", why.text);
}

static const char *change_of(const char *key)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		if (!strcmp(changes[i].key, key))
			return changes[i].value;
	}
	fail_msg("the key %s has no other value in this test", key);
	return NULL;
}

static void change(const struct key *key, struct export_options *options)
{
	const struct section_value value = {.text = change_of(key->name)};
	struct why why = {};
	struct section_reader r = {.why = &why};
	void *to = (char *)options + key->at;

	if (key->free)
		key->free(to);
	if (section_read(&r, &value, key, to))
		fail_msg("%s", why.text);
}

static void the_same_options_are_the_same(void **state)
{
	struct export_options a, b;

	make(&a);
	make(&b);
	assert_true(section_same(&export_section, &a, &b));
	export_options_free(&a);
	export_options_free(&b);
}

static void a_change_of_any_key_is_seen(void **state)
{
	for (const struct key *key = export_section.keys; key->name; key++) {
		struct export_options a, b;

		make(&a);
		make(&b);
		change(key, &b);
		if (section_same(&export_section, &a, &b) || section_same(&export_section, &b, &a))
			fail_msg("a change of %s is not seen", key->name);
		export_options_free(&a);
		export_options_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_options_are_the_same),
		cmocka_unit_test(a_change_of_any_key_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

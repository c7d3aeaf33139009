/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When the same query counts something else: its words stand for other packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/queries.h"

static bool alike(const char *left, const char *right)
{
	const char *text[2] = {left, right};
	struct config config[2];
	struct why why = {};
	bool same;

	for (int i = 0; i < 2; i++)
		if (config_read("test", text[i], strlen(text[i]), &config[i], &why))
			fail_msg("%s", why.text);
	same = queries_meaning(&config[0]) == queries_meaning(&config[1]);
	config_free(&config[0]);
	config_free(&config[1]);
	return same;
}

#define INSIDE "inside: [10.0.0.0/8, 192.0.2.0/24]\n"
#define INNER "tunnels: inner\n"
#define GROUPS "groups: {web: [10.1.0.0/16], db: [10.2.0.0/16]}\n"

static void words_mean_alike_while_what_they_stand_for_is_the_same(void **state)
{
	assert_true(alike("", ""));
	assert_true(alike(INSIDE GROUPS, INSIDE GROUPS));
	/* Queries of their own are compared by their own words. */
	assert_true(alike(INSIDE "queries: [{name: a, match: in}]",
			  INSIDE "queries: [{name: a, match: out}]"));
	assert_true(alike(GROUPS "flow: {size: 4096}", GROUPS));
	assert_true(alike("vxlan_ports: [4789]", "vxlan_ports: [8472]"));
	assert_true(alike("inside: [192.0.2.0/24, 10.0.0.0/8]\n", INSIDE));
	assert_true(alike("count_own: true", ""));
	assert_true(alike(INNER "vxlan_ports: [4789, 8472]", INNER "vxlan_ports: [8472, 4789]"));
}

static void they_do_not_when_one_stands_for_something_else(void **state)
{
	assert_false(alike(INSIDE, ""));
	assert_false(alike(INSIDE, "inside: [10.0.0.0/8]"));
	assert_false(alike(INSIDE, "inside: [10.0.0.0/8, 192.0.3.0/24]"));
	assert_false(alike(GROUPS, ""));
	assert_false(alike(GROUPS, "groups: {web: [10.1.0.0/16], sql: [10.2.0.0/16]}"));
	assert_false(alike(GROUPS, "groups: {web: [10.1.0.0/16], db: [10.2.0.0/17]}"));
	assert_false(alike(GROUPS, "groups: {web: [10.1.0.0/16], db: [10.2.0.0/16, 10.3.0.0/16]}"));
	assert_false(alike("count_own: false", ""));
	assert_false(alike(GROUPS, "groups: {web: [10.1.0.0/16, 10.2.0.0/16], db: [10.2.0.0/16]}"));
	assert_false(alike("tunnels: inner", "tunnels: outer"));
	assert_false(alike(INNER "vxlan_ports: [4789]", INNER "vxlan_ports: [8472]"));
	assert_false(alike(INNER "vxlan_ports: [4789]", INNER "vxlan_ports: [4789, 8472]"));
	assert_false(alike(INNER "vxlan_ports: [4789, 8472]", INNER "vxlan_ports: [4789]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_mean_alike_while_what_they_stand_for_is_the_same),
		cmocka_unit_test(they_do_not_when_one_stands_for_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whose the numbers of hosts are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "coordinate/owners.h"

#define HOSTS 5000u

static void a_number_belongs_to_the_first_certificate_that_used_it(void **state)
{
	struct owners owners = {};

	assert_false(owners_other(&owners, 7, "web"));
	owners_remember(&owners, 7, "web");
	assert_false(owners_other(&owners, 7, "web"));
	assert_true(owners_other(&owners, 7, "db"));
	assert_true(owners_other(&owners, 7, ""));
	owners_remember(&owners, 7, "db");
	assert_false(owners_other(&owners, 7, "web"));
	assert_true(owners_other(&owners, 7, "db"));
	assert_false(owners_other(&owners, 6, "db"));
	assert_false(owners_other(&owners, 8, "db"));
	owners_free(&owners);
}

static void who_shows_no_certificate_owns_nothing(void **state)
{
	struct owners owners = {};

	owners_remember(&owners, 7, "");
	assert_int_equal(owners.count, 0);
	assert_false(owners_other(&owners, 7, "web"));
	owners_free(&owners);
}

static void each_of_many_is_found_in_whatever_order_they_came(void **state)
{
	struct owners owners = {};
	char subject[32];

	/* 3 has no divisor with 5000 in common: each number once. */
	for (unsigned int i = 0; i < HOSTS; i++) {
		const unsigned int host = 1 + i * 3 % HOSTS;

		snprintf(subject, sizeof(subject), "host%u", host);
		owners_remember(&owners, host, subject);
	}
	assert_int_equal(owners.count, HOSTS);
	for (unsigned int host = 1; host <= HOSTS; host++) {
		snprintf(subject, sizeof(subject), "host%u", host);
		assert_false(owners_other(&owners, host, subject));
		assert_true(owners_other(&owners, host, "host0"));
	}
	owners_free(&owners);
	assert_int_equal(owners.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_belongs_to_the_first_certificate_that_used_it),
		cmocka_unit_test(who_shows_no_certificate_owns_nothing),
		cmocka_unit_test(each_of_many_is_found_in_whatever_order_they_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

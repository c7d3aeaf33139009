// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Listening, where that does not work. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/net/pair.h"

static void an_address_that_is_taken_is_named(void **state)
{
	struct pair *s = *state;
	char shall[64];
	struct why why = {};

	assert_int_equal(tcp_listen(&s->url, &why), -EADDRINUSE);
	snprintf(shall, sizeof(shall), "127.0.0.1:%s: Address already in use", s->url.port);
	assert_string_equal(why.text, shall);
	snprintf(s->url.host, sizeof(s->url.host), "192.0.2.1");
	assert_int_equal(tcp_listen(&s->url, &why), -EADDRNOTAVAIL);
}

static void where_nobody_waits_nobody_is_accepted(void **state)
{
	struct pair *s = *state;

	assert_null(link_accept(s->listener, NULL, pair_now()));
	assert_int_equal(errno, EAGAIN);
	assert_null(link_accept(-1, NULL, pair_now()));
	assert_int_equal(errno, EBADF);
	link_close(NULL);
	secure_context_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_set, pair_clear)
	const struct CMUnitTest tests[] = {
		TEST(an_address_that_is_taken_is_named),
		TEST(where_nobody_waits_nobody_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "peer/ask.h"

static void a_long_match_is_cut_between_characters_and_its_lines_are_joined(void **state)
{
	char match[600];
	struct interval_ask ask;

	/* 254 bytes, of which three are replaced, and then two-byte characters. */
	memset(match, 'x', 254);
	match[0] = '\n';
	match[1] = '\t';
	match[2] = 0x7f;
	for (int i = 254; i < 400; i += 2)
		memcpy(match + i, "\xc3\xa9", 2);
	match[400] = 0;
	peer_ask("q", match, false, 60, &ask);
	assert_int_equal(strlen(ask.match), 254);
	assert_memory_equal(ask.match, "   xxx", 6);
	memcpy(match + 253, "\xc3\xa9", 3);
	peer_ask("q", match, false, 60, &ask);
	assert_int_equal(strlen(ask.match), 255);
	assert_memory_equal(ask.match + 253, "\xc3\xa9", 3);
}

static void an_ask_has_the_measure_and_the_window_in_milliseconds(void **state)
{
	struct interval_ask ask;

	peer_ask("web", "tcp port 80", true, 60, &ask);
	assert_string_equal(ask.name, "web");
	assert_string_equal(ask.match, "tcp port 80");
	assert_string_equal(ask.measure, "bytes");
	assert_int_equal(ask.window_ms, 60000);
	peer_ask("web", "tcp port 80", false, 1, &ask);
	assert_string_equal(ask.measure, "packets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_match_is_cut_between_characters_and_its_lines_are_joined),
		cmocka_unit_test(an_ask_has_the_measure_and_the_window_in_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reasons: what is written, what is cut, and that a success leaves them alone. */
#include "base/why.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ROOM (sizeof(((struct why *)0)->text) - 1)

static void reason_is_written_and_its_code_returned(void **state)
{
	struct why why = {};

	assert_int_equal(why_set(&why, -EINVAL, "%s: expected %s", "k", "a number"), -EINVAL);
	assert_string_equal(why.text, "k: expected a number");
	assert_int_equal(why_set(&why, -EIO, "later"), -EIO);
	assert_string_equal(why.text, "later");
}

static void nobody_need_want_to_know(void **state)
{
	assert_int_equal(why_set(NULL, -ENOMEM, "%d", 5), -ENOMEM);
}

static void one_reason_may_quote_the_one_before_it(void **state)
{
	struct why why = {};

	why_set(&why, -EIO, "bad header");
	why_set(&why, -EIO, "file.pcap: %s", why.text);
	assert_string_equal(why.text, "file.pcap: bad header");
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
	struct why why = {};

	why_set(&why, -EINVAL, "'%s'", "a\033[2J\nb\tc\x7f");
	assert_string_equal(why.text, "'a?[2J?b?c?'");
}

/* Each length around the room, with characters of one to four bytes across its end. */
static void what_does_not_fit_is_cut_between_characters(void **state)
{
	static const char *const characters[] = {"x", "\xc3\xa9", "\xe2\x82\xac",
						 "\xf0\x9f\x90\x9f"};

	for (size_t c = 0; c < 4; c++) {
		const size_t width = strlen(characters[c]);

		for (size_t before = 0; before < width; before++) {
			char text[2 * ROOM] = {};
			struct why why = {};

			memset(text, '-', before);
			while (strlen(text) + width < sizeof(text))
				strcat(text, characters[c]);
			why_set(&why, -E2BIG, "%s", text);
			assert_int_equal(strlen(why.text), ROOM - (ROOM - before) % width);
			assert_memory_equal(why.text, text, strlen(why.text));
		}
	}
}

static void code_speaks_where_nobody_wrote(void **state)
{
	struct why why = {};

	assert_string_equal(why_text(&why, -ENOENT), strerror(ENOENT));
	why_set(&why, -ENOENT, "no such host");
	assert_string_equal(why_text(&why, -ENOENT), "no such host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reason_is_written_and_its_code_returned),
		cmocka_unit_test(nobody_need_want_to_know),
		cmocka_unit_test(one_reason_may_quote_the_one_before_it),
		cmocka_unit_test(control_characters_do_not_reach_a_terminal),
		cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
		cmocka_unit_test(code_speaks_where_nobody_wrote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

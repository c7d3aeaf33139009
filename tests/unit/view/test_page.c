/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of a page stands on a terminal that is too small for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/page.h"

/* Lines h0 h1 ... q0 ... t0 ... n0 ..., so many of each, on so many rows: a blank behind each. */
static char *printed(const unsigned int lines[PAGE_PARTS], unsigned int rows)
{
	char *text[PAGE_PARTS], *page = NULL, *to;
	size_t size;
	FILE *out;

	for (int p = 0; p < PAGE_PARTS; p++) {
		out = open_memstream(&text[p], &size);
		for (unsigned int i = 0; i < lines[p]; i++)
			fprintf(out, "%c%u" PAGE_EOL, "hqtn"[p], i);
		fclose(out);
	}
	out = open_memstream(&page, &size);
	assert_int_equal(page_print(text, rows, out), 0);
	fclose(out);
	for (int p = 0; p < PAGE_PARTS; p++)
		free(text[p]);
	to = page;
	for (const char *from = page; *from; from++) {
		if (!strncmp(from, "\033[K", 3))
			from += 2;
		else
			*to++ = *from == '\n' ? ' ' : *from;
	}
	*to = '\0';
	return page;
}

static void a_page_that_is_too_long_loses_lines_of_queries_first(void **state)
{
	static const struct {
		unsigned int lines[PAGE_PARTS], rows;
		const char *page;
	} cases[] = {
		{{2, 3, 2, 2}, 10, "h0 h1 q0 q1 q2 t0 t1 n0 n1 "},
		/* The last line is not ended where there is no other below it. */
		{{2, 3, 2, 2}, 9, "h0 h1 q0 q1 q2 t0 t1 n0 n1"},
		{{2, 9, 2, 2}, 12, "h0 h1 q0 q1 q2 q3 q4 ... 4 more t0 t1 n0 n1"},
		{{2, 9, 2, 0}, 12, "h0 h1 q0 q1 q2 q3 q4 q5 q6 ... 2 more t0 t1"},
		/* A long note leaves some to the queries, and the newest is what is left of it. */
		{{2, 9, 2, 9},
		 16,
		 "h0 h1 q0 q1 q2 q3 ... 5 more t0 t1 ... 3 more n3 n4 n5 n6 n7 n8"},
		{{9, 6, 2, 2}, 12, "h0 h1 ... 7 more q0 q1 q2 q3 ... 2 more t0 t1 n0 n1"},
		/* Totals hold out the longest. */
		{{2, 9, 4, 2}, 6, "t0 t1 t2 t3 n0 n1"},
		{{2, 9, 4, 2}, 7, "... 2 more t0 t1 t2 t3 n0 n1"},
		{{2, 9, 4, 2}, 3, "t0 t1 ... 2 more"},
		{{2, 9, 4, 2}, 1, "... 4 more"},
		{{0, 0, 0, 0}, 5, ""},
		{{2, 0, 0, 1}, 24, "h0 h1 n0 "},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *page = printed(cases[i].lines, cases[i].rows);

		assert_string_equal(page, cases[i].page);
		free(page);
	}
}

static void whatever_its_parts_a_page_has_as_many_lines_as_fit(void **state)
{
	unsigned int lines[PAGE_PARTS];

	for (unsigned int n = 0; n < 4 * 4 * 4 * 4; n++) {
		unsigned int all = 0;

		for (unsigned int p = 0, rest = n; p < PAGE_PARTS; p++, rest /= 4) {
			lines[p] = rest % 4 * 4;
			all += lines[p];
		}
		for (unsigned int rows = 1; rows < 55; rows++) {
			char *page = printed(lines, rows);
			unsigned int there = 0;

			/* "h0", or three words that say how many there are more */
			for (char *at = strtok(page, " "); at; at = strtok(NULL, " "), there++)
				if (!strcmp(at, "..."))
					assert_true(strtok(NULL, " ") && strtok(NULL, " "));
			assert_int_equal(there, all < rows ? all : rows);
			free(page);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_that_is_too_long_loses_lines_of_queries_first),
		cmocka_unit_test(whatever_its_parts_a_page_has_as_many_lines_as_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

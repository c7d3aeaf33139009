/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any text either compiles or is refused with a column within it and one line of why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query/compile.h"
#include "query/parse.h"
#include "weir/query.h"

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct query_error *err, size_t length)
{
	check(err->column >= 1 && err->column <= length + 1);
	check(err->why.text[0] && !strpbrk(err->why.text, "\r\n"));
}

static void compile(const struct query_expr *expr, struct weir_tables *t, size_t length)
{
	static struct query_range inside[] = {{(query_value)0xffff0a000000, 0xffff0affffff}};
	static struct query_group groups[] = {{(char *)"g", inside, 1}};
	static const struct query_scope scope = {inside, 1, groups, 1};
	const struct query query = {expr, 9};
	struct query_error err = {0};

	if (query_compile(&query, 1, &scope, t, &err)) {
		check(err.query == 0);
		check_error(&err, length);
	} else {
		check(t->terms >= 1 && t->terms <= WEIR_TERMS);
		check(t->term_query[weir_term_slot(1ull << (t->terms - 1))] == 9);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_tables tables;
	struct query_error err = {0};
	struct query_expr *expr;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (query_parse(text, &expr, &err)) {
		check_error(&err, strlen(text));
	} else {
		compile(expr, &tables, strlen(text));
		query_free(expr);
	}
	free(text);
	return 0;
}

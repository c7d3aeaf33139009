/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between parse.c, which knows operators, and parse_words.c, which knows the tests they join. */
#ifndef QUERY_PARSE_INTERNAL_H
#define QUERY_PARSE_INTERNAL_H

#include "query/expr.h"
#include "query/lex.h"

struct parser {
	const char *text;
	struct token token; /* the one not yet consumed */
	struct query_arena *arena;
	struct query_error *err;
	unsigned int nesting;
	unsigned int test; /* column where the test at hand begins */
};

/* Column of p->token. */
unsigned int parser_column(const struct parser *p);

/* Set the error, at p->token, and return NULL. */
void *parser_refuse(struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void *parser_expected(struct parser *p, const char *what);
void *parser_too_large(struct parser *p);

void parser_advance(struct parser *p);
/* Advances if the token is of this kind, is this word. */
bool parser_take(struct parser *p, enum token_kind kind);
bool parser_take_if(struct parser *p, const char *word);

/* NULL, error set: out of memory. */
struct query_node *node_new(struct parser *p, enum query_kind kind);
/* Returns `parent`, or NULL if `child` is. */
struct query_node *node_add(struct query_node *parent, struct query_node *child);

struct query_node *parse_test(struct parser *p);

#endif

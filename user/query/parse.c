/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "query/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "query/parse_internal.h"

#define ARENA_BYTES (8u << 20)
#define NESTING_MAX 64 /* parentheses and nots */

unsigned int parser_column(const struct parser *p)
{
	return p->token.at - p->text + 1;
}

void *parser_refuse(struct parser *p, const char *format, ...)
{
	va_list args;

	p->err->query = -1;
	p->err->column = parser_column(p);
	va_start(args, format);
	why_vset(&p->err->why, 0, format, args);
	va_end(args);
	return NULL;
}

void *parser_expected(struct parser *p, const char *what)
{
	char got[48];

	token_show(&p->token, got, sizeof(got));
	return parser_refuse(p, "expected %s, got %s", what, got);
}

void *parser_too_large(struct parser *p)
{
	return parser_refuse(p, "out of memory for this expression");
}

void parser_advance(struct parser *p)
{
	p->token = token_next(p->token.at + p->token.length);
}

bool parser_take(struct parser *p, enum token_kind kind)
{
	if (p->token.kind != kind)
		return false;
	parser_advance(p);
	return true;
}

bool parser_take_if(struct parser *p, const char *word)
{
	if (!token_is(&p->token, word))
		return false;
	parser_advance(p);
	return true;
}

struct query_node *node_new(struct parser *p, enum query_kind kind)
{
	struct query_node *node = arena_alloc(p->arena, sizeof(*node));

	if (!node)
		return parser_too_large(p);
	node->kind = kind;
	node->column = parser_column(p);
	return node;
}

struct query_node *node_add(struct query_node *parent, struct query_node *child)
{
	if (!child)
		return NULL;
	if (parent->last_child)
		parent->last_child->next = child;
	else
		parent->child = child;
	parent->last_child = child;
	return parent;
}

static struct query_node *parse_or(struct parser *p);

static struct query_node *parse_unary(struct parser *p)
{
	struct query_node *node;

	if (p->token.kind != TOKEN_NOT && p->token.kind != TOKEN_OPEN)
		return parse_test(p);
	if (p->nesting == NESTING_MAX)
		return parser_refuse(p, "nested deeper than %d", NESTING_MAX);
	p->nesting++;
	if (p->token.kind == TOKEN_NOT) {
		node = node_new(p, QUERY_NOT);
		parser_advance(p);
		if (node)
			node = node_add(node, parse_unary(p));
	} else {
		parser_advance(p);
		node = parse_or(p);
		if (node && !parser_take(p, TOKEN_CLOSE))
			node = parser_expected(p, "'and', 'or' or ')'");
	}
	p->nesting--;
	return node;
}

static struct query_node *parse_and(struct parser *p)
{
	struct query_node *all = node_new(p, QUERY_AND);

	if (!all)
		return NULL;
	do {
		if (!node_add(all, parse_unary(p)))
			return NULL;
	} while (parser_take(p, TOKEN_AND));
	return all;
}

static struct query_node *parse_or(struct parser *p)
{
	struct query_node *any = node_new(p, QUERY_OR);

	if (!any)
		return NULL;
	do {
		if (!node_add(any, parse_and(p)))
			return NULL;
	} while (parser_take(p, TOKEN_OR));
	return any;
}

static struct query_node *parse_all(struct parser *p)
{
	struct query_node *root;

	if (strlen(p->text) > QUERY_TEXT_MAX) {
		p->token.at = p->text + QUERY_TEXT_MAX;
		return parser_refuse(p, "expected at most %d characters", QUERY_TEXT_MAX);
	}
	if (p->token.kind == TOKEN_END)
		return node_new(p, QUERY_AND);
	root = parse_or(p);
	if (root && p->token.kind != TOKEN_END)
		return parser_expected(p, "'and', 'or' or the end");
	return root;
}

int query_parse(const char *text, struct query_expr **out, struct query_error *err)
{
	struct query_expr *expr = calloc(1, sizeof(*expr));
	struct parser p = {.text = text, .token = token_next(text), .err = err};

	if (!expr) {
		parser_too_large(&p);
		return -ENOMEM;
	}
	expr->arena.limit_bytes = ARENA_BYTES;
	p.arena = &expr->arena;
	expr->root = parse_all(&p);
	if (!expr->root) {
		query_free(expr);
		return -EINVAL;
	}
	*out = expr;
	return 0;
}

void query_free(struct query_expr *expr)
{
	if (!expr)
		return;
	arena_free(&expr->arena);
	free(expr);
}

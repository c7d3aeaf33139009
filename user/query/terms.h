/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An expression in disjunctive form. A term is a conjunction: one set per dimension.
 *
 *   dst port 22 or 23  ->  { dport: [22,23], everything else: all }        one term
 *   port 22            ->  { sport: [22,22] }, { dport: [22,22] }          two
 *   not port 22        ->  { sport: all but 22, dport: all but 22 }        one
 *
 * Terms that differ in one dimension only become one by its union, and terms within others go, at
 * every step of the expansion, so that it stays small where the result is small.
 */
#ifndef QUERY_TERMS_H
#define QUERY_TERMS_H

#include "query/compile.h"
#include "query/expr.h"

#define TERMS_ON_THE_WAY 256 /* a list may grow to this before it shrinks */

struct query_term {
	const struct query_set *dim[QUERY_DIMS];
};

struct query_terms {
	unsigned int count;
	struct query_term *term[TERMS_ON_THE_WAY];
};

/* What the expressions of one compilation share. */
struct query_universe {
	struct query_arena arena;
	const struct query_scope *scope;
	const struct query_set *all[QUERY_DIMS]; /* every value of the dimension */
	const struct query_set *inside, *outside;
	unsigned int left; /* terms not yet taken, for messages */
};

/* -ENOMEM when the arena is full; universe_free() in any case. */
int universe_make(struct query_universe *u, const struct query_scope *scope);
void universe_free(struct query_universe *u);

/* The terms of an expression, in u's arena; NULL and `err` when it cannot be had. */
const struct query_terms *terms_expand(struct query_universe *u, const struct query_expr *expr,
				       struct query_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sets of unsigned integers as sorted intervals: what a term allows in one dimension, whichever
 * that is. 128 bits hold an IPv6 address, so one implementation serves directions, ports and
 * addresses alike.
 *
 *   { [22,22], [80,443] }   sorted, disjoint, never adjacent: equal sets look equal
 *
 * Sets are never changed once made and live in an arena. A function that makes a set returns NULL
 * when the arena is full, and may return one of its arguments.
 */
#ifndef QUERY_SET_H
#define QUERY_SET_H

#include <stdbool.h>

#include "query/arena.h"

__extension__ typedef unsigned __int128 query_value;

/* first <= value <= last. Also an address prefix: IPv4 stands as ::ffff:a.b.c.d. */
struct query_range {
	query_value first, last;
};

struct query_set {
	unsigned int count;
	struct query_range range[];
};

/* The values in `count` ranges that may overlap and stand in any order. */
const struct query_set *set_make(struct query_arena *arena, const struct query_range *ranges,
				 unsigned int count);
const struct query_set *set_union(struct query_arena *arena, const struct query_set *a,
				  const struct query_set *b);
const struct query_set *set_intersect(struct query_arena *arena, const struct query_set *a,
				      const struct query_set *b);
/* What of 0..max is not in `a`. */
const struct query_set *set_complement(struct query_arena *arena, const struct query_set *a,
				       query_value max);

bool set_equal(const struct query_set *a, const struct query_set *b);
bool set_subset(const struct query_set *a, const struct query_set *b);
bool set_contains(const struct query_set *a, query_value value);

#endif

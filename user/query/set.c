// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "query/set.h"

#include <stdlib.h>
#include <string.h>

#include "base/search.h"

static struct query_set *set_alloc(struct query_arena *arena, size_t ranges)
{
	return arena_alloc(arena, sizeof(struct query_set) + ranges * sizeof(struct query_range));
}

static int compare_first(const void *left, const void *right)
{
	const struct query_range *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* Sorts, and joins ranges that overlap or touch. */
static void set_settle(struct query_set *set)
{
	unsigned int kept = 0;

	if (!set->count)
		return;
	qsort(set->range, set->count, sizeof(set->range[0]), compare_first);
	for (unsigned int i = 1; i < set->count; i++) {
		struct query_range *last = &set->range[kept];
		const struct query_range *next = &set->range[i];

		/* last + 1 wraps to 0 only where the first test has held already. */
		if (next->first <= last->last || next->first == last->last + 1) {
			if (next->last > last->last)
				last->last = next->last;
		} else {
			set->range[++kept] = *next;
		}
	}
	set->count = kept + 1;
}

const struct query_set *set_make(struct query_arena *arena, const struct query_range *ranges,
				 unsigned int count)
{
	struct query_set *set = set_alloc(arena, count);

	if (!set)
		return NULL;
	set->count = count;
	if (count)
		memcpy(set->range, ranges, count * sizeof(*ranges));
	set_settle(set);
	return set;
}

const struct query_set *set_union(struct query_arena *arena, const struct query_set *a,
				  const struct query_set *b)
{
	struct query_set *set;

	if (set_subset(a, b))
		return b;
	if (set_subset(b, a))
		return a;
	set = set_alloc(arena, (size_t)a->count + b->count);
	if (!set)
		return NULL;
	set->count = a->count + b->count;
	memcpy(set->range, a->range, a->count * sizeof(a->range[0]));
	memcpy(set->range + a->count, b->range, b->count * sizeof(b->range[0]));
	set_settle(set);
	return set;
}

const struct query_set *set_intersect(struct query_arena *arena, const struct query_set *a,
				      const struct query_set *b)
{
	unsigned int i = 0, j = 0;
	struct query_set *set;

	if (set_subset(a, b))
		return a;
	if (set_subset(b, a))
		return b;
	/* Each step that adds a range uses up one of a or of b. */
	set = set_alloc(arena, (size_t)a->count + b->count);
	if (!set)
		return NULL;
	while (i < a->count && j < b->count) {
		const struct query_range *x = &a->range[i], *y = &b->range[j];
		query_value first = x->first > y->first ? x->first : y->first;
		query_value last = x->last < y->last ? x->last : y->last;

		if (first <= last)
			set->range[set->count++] = (struct query_range){first, last};
		if (x->last < y->last)
			i++;
		else
			j++;
	}
	return set;
}

const struct query_set *set_complement(struct query_arena *arena, const struct query_set *a,
				       query_value max)
{
	struct query_set *set = set_alloc(arena, (size_t)a->count + 1);
	query_value next = 0;

	if (!set)
		return NULL;
	for (unsigned int i = 0; i < a->count; i++) {
		const struct query_range *r = &a->range[i];

		if (r->first > next)
			set->range[set->count++] = (struct query_range){next, r->first - 1};
		if (r->last >= max)
			return set;
		next = r->last + 1;
	}
	set->range[set->count++] = (struct query_range){next, max};
	return set;
}

bool set_equal(const struct query_set *a, const struct query_set *b)
{
	return a == b || (a->count == b->count &&
			  !memcmp(a->range, b->range, a->count * sizeof(a->range[0])));
}

bool set_subset(const struct query_set *a, const struct query_set *b)
{
	unsigned int j = 0;

	if (a == b)
		return true;
	for (unsigned int i = 0; i < a->count; i++) {
		while (j < b->count && b->range[j].last < a->range[i].first)
			j++;
		if (j == b->count || a->range[i].first < b->range[j].first ||
		    a->range[i].last > b->range[j].last)
			return false;
	}
	return true;
}

bool set_contains(const struct query_set *a, query_value value)
{
	const unsigned int at = search_first(a->count, i, a->range[i].last >= value);

	return at < a->count && a->range[at].first <= value;
}

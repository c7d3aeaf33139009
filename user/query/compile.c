// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From terms to the tables that the kernel looks up (weir/query.h).
 *
 * The terms of all queries are numbered, and a term is a bit. For each dimension the tables answer
 * "which terms allow this value?" with a mask of 64 bits, and the kernel ANDs the masks.
 *
 *   few values   direction, family, protocol, flags, QR     mask[value]
 *   many         ports, VLAN ids                            mask[class[value]]
 *   addresses    binary search for the interval             mask[interval]
 *   lengths      one interval per term                      min, max of each term
 *
 * Values that no term tells apart share a class: fill_classes() walks the values in order and starts
 * a new class where the mask was not seen yet. Addresses likewise: cuts_make() collects every
 * address at which some set begins or ends, and between two cuts all addresses have one verdict;
 * neighbours with the same verdict are one interval. Where a table is too small, the query among
 * the terms that tell the last two neighbours apart is named.
 *
 *   rows_make()   terms of each query, cut where they have several intervals of lengths
 *   fill()        the tables, into a copy that replaces `out` when all went well
 */
#include "query/compile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query/terms.h"
#include "weir/query.h"

/* The terms of all queries, each with its place in the list of queries. */
struct rows {
	unsigned int count;
	const struct query_term *term[WEIR_TERMS];
	unsigned int query[WEIR_TERMS];
};

__attribute__((format(printf, 4, 5))) static int
refuse(struct query_error *err, int query, unsigned int column, const char *format, ...)
{
	va_list args;

	err->query = query;
	err->column = column;
	va_start(args, format);
	why_vset(&err->why, 0, format, args);
	va_end(args);
	return -EINVAL;
}

/* Where a table overflowed: the last query among the terms that tell two neighbours apart. */
static int query_to_blame(const struct rows *rows, __u64 difference)
{
	return difference ? (int)rows->query[63 - __builtin_clzll(difference)] : -1;
}

/* The tables hold one interval of lengths per term, so a term of several becomes several. */
static int rows_add(struct query_universe *u, struct rows *rows, const struct query_terms *terms,
		    unsigned int query)
{
	for (unsigned int i = 0; i < terms->count; i++) {
		const struct query_term *term = terms->term[i];
		const struct query_set *lengths = term->dim[QUERY_LENGTH];

		for (unsigned int j = 0; j < lengths->count; j++) {
			struct query_term *row = arena_alloc(&u->arena, sizeof(*row));

			if (!row)
				return -ENOMEM;
			*row = *term;
			row->dim[QUERY_LENGTH] = set_make(&u->arena, &lengths->range[j], 1);
			if (!row->dim[QUERY_LENGTH])
				return -ENOMEM;
			rows->query[rows->count] = query;
			rows->term[rows->count++] = row;
		}
	}
	return 0;
}

static int rows_make(struct query_universe *u, struct rows *rows, const struct query *queries,
		     unsigned int count, struct query_error *err)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct query_terms *terms;
		unsigned int needed = 0;

		u->left = WEIR_TERMS - rows->count;
		terms = terms_expand(u, queries[i].expr, err);
		if (!terms) {
			err->query = i;
			return -EINVAL;
		}
		for (unsigned int j = 0; j < terms->count; j++)
			needed += terms->term[j]->dim[QUERY_LENGTH]->count;
		if (needed > u->left)
			return refuse(err, i, queries[i].expr->root->column,
				      "needs %u terms, %u are left", needed, u->left);
		if (rows_add(u, rows, terms, i))
			return refuse(err, i, queries[i].expr->root->column, "out of memory");
	}
	return 0;
}

/* Bit i of mask[v]: term i allows value v. */
static void paint(const struct rows *rows, enum query_dim dim, __u64 *mask)
{
	for (unsigned int i = 0; i < rows->count; i++) {
		const struct query_set *set = rows->term[i]->dim[dim];

		for (unsigned int j = 0; j < set->count; j++) {
			for (unsigned int v = set->range[j].first; v <= set->range[j].last; v++)
				mask[v] |= 1ull << i;
		}
	}
}

static void fill_lengths(const struct rows *rows, struct weir_tables *t)
{
	for (unsigned int i = 0; i < rows->count; i++) {
		const struct query_range *r = rows->term[i]->dim[QUERY_LENGTH]->range;

		t->len_min[i] = r->first;
		t->len_max[i] = r->last;
		if (r->first > 0 || r->last < UINT32_MAX)
			t->len_terms |= 1ull << i;
	}
}

/*
 * Gives each of `values` values the class of its mask. Classes below `used` are taken, and not for
 * these values.
 */
static int fill_classes(const struct rows *rows, const __u64 *mask, unsigned int values,
			unsigned int used, __u8 *class, __u64 class_mask[WEIR_CLASSES],
			struct query_error *err)
{
	const unsigned int start = used;

	for (unsigned int v = 0; v < values; v++) {
		unsigned int c = v ? class[v - 1] : start;

		if (c >= used || class_mask[c] != mask[v])
			for (c = start; c < used && class_mask[c] != mask[v]; c++)
				;
		if (c == WEIR_CLASSES)
			return refuse(err,
				      query_to_blame(rows, v ? mask[v] ^ mask[v - 1] : mask[v]), 1,
				      "%s would fall in more than %d classes",
				      values > 4096 ? "ports" : "VLANs", WEIR_CLASSES);
		if (c == used)
			class_mask[used++] = mask[v];
		class[v] = c;
	}
	return 0;
}

static int fill_ports(const struct rows *rows, enum query_dim dim, __u8 *class,
		      __u64 class_mask[WEIR_CLASSES], struct query_error *err)
{
	__u64 *mask = calloc(QUERY_NO_PORT + 1, sizeof(*mask));
	int ret;

	if (!mask)
		return -ENOMEM;
	paint(rows, dim, mask);
	class_mask[WEIR_NONE_CLASS] = mask[QUERY_NO_PORT];
	ret = fill_classes(rows, mask, QUERY_NO_PORT, WEIR_NONE_CLASS + 1, class, class_mask, err);
	free(mask);
	return ret;
}

static int fill_vlans(const struct rows *rows, struct weir_tables *t, struct query_error *err)
{
	__u64 mask[4096] = {0};

	paint(rows, QUERY_VLAN, mask);
	return fill_classes(rows, mask, 4096, 0, t->vlan_class, t->vlan_mask, err);
}

/* What the tables say of one address. */
struct verdict {
	__u64 src, dst;
	__u8 inside;
};

static struct verdict judge(const struct rows *rows, const struct query_set *inside,
			    query_value addr)
{
	struct verdict v = {.inside = set_contains(inside, addr)};

	for (unsigned int i = 0; i < rows->count; i++) {
		v.src |= (__u64)set_contains(rows->term[i]->dim[QUERY_SRC], addr) << i;
		v.dst |= (__u64)set_contains(rows->term[i]->dim[QUERY_DST], addr) << i;
	}
	return v;
}

static int compare_values(const void *left, const void *right)
{
	const query_value *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static size_t add_cuts(const struct query_set *set, query_value *cuts, size_t n)
{
	for (unsigned int i = 0; i < set->count; i++) {
		cuts[n++] = set->range[i].first;
		if (set->range[i].last != QUERY_ADDR_LAST)
			cuts[n++] = set->range[i].last + 1;
	}
	return n;
}

/* Sorted addresses between which no set begins or ends; *count of them, or NULL. */
static query_value *cuts_make(const struct rows *rows, const struct query_set *inside,
			      size_t *count)
{
	size_t room = 2 + 2 * (size_t)inside->count, n = 0;
	query_value *cuts;

	for (unsigned int i = 0; i < rows->count; i++)
		room += 2 * ((size_t)rows->term[i]->dim[QUERY_SRC]->count +
			     rows->term[i]->dim[QUERY_DST]->count);
	cuts = malloc(room * sizeof(*cuts));
	if (!cuts)
		return NULL;
	cuts[n++] = 0;
	cuts[n++] = QUERY_V4_FIRST;
	n = add_cuts(inside, cuts, n);
	for (unsigned int i = 0; i < rows->count; i++) {
		n = add_cuts(rows->term[i]->dim[QUERY_SRC], cuts, n);
		n = add_cuts(rows->term[i]->dim[QUERY_DST], cuts, n);
	}
	qsort(cuts, n, sizeof(*cuts), compare_values);
	*count = n;
	return cuts;
}

static void put(struct weir_tables *t, bool v6, unsigned int i, query_value start,
		const struct verdict *v)
{
	if (v6) {
		t->start6[i][0] = start >> 64;
		t->start6[i][1] = start;
		t->src6_mask[i] = v->src;
		t->dst6_mask[i] = v->dst;
		t->inside6[i] = v->inside;
	} else {
		t->start4[i] = start; /* drops ::ffff: */
		t->src4_mask[i] = v->src;
		t->dst4_mask[i] = v->dst;
		t->inside4[i] = v->inside;
	}
}

/*
 * The intervals of one family. IPv6 skips the cuts among the IPv4 addresses: no IPv6 packet has
 * those, and the interval before them goes on over the gap.
 */
static int fill_addrs(const struct rows *rows, const struct query_set *inside, bool v6,
		      const query_value *cuts, size_t count, struct weir_tables *t,
		      struct query_error *err)
{
	struct verdict before = {0};
	unsigned int used = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_v4 = cuts[i] >= QUERY_V4_FIRST && cuts[i] <= QUERY_V4_LAST;
		struct verdict v;

		if (is_v4 == v6 || (i && cuts[i] == cuts[i - 1]))
			continue;
		v = judge(rows, inside, cuts[i]);
		if (used && v.src == before.src && v.dst == before.dst && v.inside == before.inside)
			continue;
		if (used == WEIR_RANGES)
			return refuse(err,
				      query_to_blame(rows,
						     (v.src ^ before.src) | (v.dst ^ before.dst)),
				      1, "%s addresses would fall in more than %d intervals",
				      v6 ? "IPv6" : "IPv4", WEIR_RANGES);
		put(t, v6, used++, cuts[i], &v);
		before = v;
	}
	while (used < WEIR_RANGES)
		put(t, v6, used++, QUERY_ADDR_LAST, &before);
	return 0;
}

static int fill_addresses(const struct rows *rows, const struct query_set *inside,
			  struct weir_tables *t, struct query_error *err)
{
	size_t count;
	query_value *cuts = cuts_make(rows, inside, &count);
	int ret;

	if (!cuts)
		return -ENOMEM;
	ret = fill_addrs(rows, inside, false, cuts, count, t, err);
	if (!ret)
		ret = fill_addrs(rows, inside, true, cuts, count, t, err);
	free(cuts);
	return ret;
}

static void fill_queries(const struct rows *rows, const struct query *queries,
			 struct weir_tables *t)
{
	for (unsigned int i = 0; i < rows->count; i++) {
		__u32 slot = weir_term_slot(1ull << i);

		t->term_query[slot] = queries[rows->query[i]].window;
		for (unsigned int j = 0; j < rows->count; j++)
			if (rows->query[j] == rows->query[i])
				t->term_siblings[slot] |= 1ull << j;
	}
}

/* Terms that look at nothing that differs between packets of one flow. */
static void fill_steady(struct weir_tables *t)
{
	t->steady_terms = ~t->len_terms;
	for (int i = 0; i <= WEIR_FLAGS_NONE; i++)
		t->steady_terms &= t->flags_mask[i];
	for (int i = 0; i < WEIR_QR_MAX; i++)
		t->steady_terms &= t->qr_mask[i];
}

static int fill(const struct rows *rows, const struct query *queries,
		const struct query_set *inside, struct weir_tables *t, struct query_error *err)
{
	int ret;

	t->terms = rows->count;
	fill_queries(rows, queries, t);
	paint(rows, QUERY_DIRECTION, t->direction_mask);
	paint(rows, QUERY_FAMILY, t->family_mask);
	paint(rows, QUERY_PROTO, t->proto_mask);
	paint(rows, QUERY_FLAGS, t->flags_mask);
	paint(rows, QUERY_QR, t->qr_mask);
	fill_lengths(rows, t);
	fill_steady(t);
	ret = fill_ports(rows, QUERY_SPORT, t->sport_class, t->sport_mask, err);
	if (!ret)
		ret = fill_ports(rows, QUERY_DPORT, t->dport_class, t->dport_mask, err);
	if (!ret)
		ret = fill_vlans(rows, t, err);
	if (!ret)
		ret = fill_addresses(rows, inside, t, err);
	return ret;
}

int query_compile(const struct query *queries, unsigned int count, const struct query_scope *scope,
		  struct weir_tables *out, struct query_error *err)
{
	const size_t ours = offsetof(struct weir_tables, terms);
	struct weir_tables *tables = calloc(1, sizeof(*tables));
	struct rows rows = {.count = 0};
	struct query_universe universe;
	int ret;

	ret = universe_make(&universe, scope);
	if (!tables)
		ret = -ENOMEM;
	for (unsigned int i = 0; i < count && !ret; i++) {
		if (queries[i].window >= WEIR_QUERIES)
			ret = refuse(err, i, 1, "window %u is not below %d", queries[i].window,
				     WEIR_QUERIES);
	}
	if (!ret)
		ret = rows_make(&universe, &rows, queries, count, err);
	if (!ret)
		ret = fill(&rows, queries, universe.inside, tables, err);
	if (!ret)
		memcpy((char *)out + ours, (char *)tables + ours, sizeof(*out) - ours);
	else if (ret == -ENOMEM)
		refuse(err, -1, 1, "out of memory");
	universe_free(&universe);
	free(tables);
	return ret;
}

void query_mark_vectors(struct weir_tables *t)
{
	bool has[WEIR_QUERIES] = {false};

	for (int q = 0; q < WEIR_QUERIES; q++) {
		t->distinct_rate[q] = 0;
		for (int d = 0; d < WEIR_DISTINCT_MAX; d++) {
			if (!t->vector[q][d].slabs)
				continue;
			t->distinct_rate[q] = t->vector[q][d].rate;
			has[q] = true;
		}
	}
	t->distinct_terms = 0;
	for (__u32 i = 0; i < t->terms; i++)
		if (has[t->term_query[weir_term_slot(1ull << i)]])
			t->distinct_terms |= 1ull << i;
}

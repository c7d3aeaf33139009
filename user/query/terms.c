// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a tree of operators to a list of terms. The kernel's tables know only terms (weir/query.h): a
 * conjunction of one set per dimension, tested by ANDing one mask per dimension. So every expression
 * has to become a union of such boxes, and few of them, for there are WEIR_TERMS in all.
 *
 *   not      is pushed down to the leaves (De Morgan), where it is the complement of a set;
 *            expand() takes it along as `negate`
 *   or       the two lists one after the other                        expand_any()
 *   and      every term of the one with every term of the other,
 *            set by set                                               expand_all()
 *
 *   (src A or B) and not dst port 22   =   {src: A ∪ B} × {dport: all but 22}   one term
 *
 * The product may explode on the way though the result is small. Against that every term that is
 * added is compared with those that are there (terms_add): a box within another is dropped, and two
 * that differ in one dimension only are one box, with the union there. Sets are sorted ranges, made
 * new by each operation and freed all at once with the arena, which also bounds the whole.
 *
 * At last term_tighten() says in the dimensions that are constant for a flow what the others imply
 * (only TCP has flags), so that impossible terms are found: an expression that leaves none is an
 * error, reported at the first test that emptied it.
 */
#include "query/terms.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "query/prefix.h"
#include "weir/query.h"

/* Bounds the sets that are made and dropped again on the way. */
#define ARENA_BYTES (64u << 20)

struct expansion {
	struct query_universe *u;
	struct query_error *err;
	unsigned int contradiction; /* column of the first test that left nothing, or 0 */
};

static const query_value dim_max[QUERY_DIMS] = {
	[QUERY_DIRECTION] = 1,
	[QUERY_FAMILY] = 1,
	[QUERY_PROTO] = 255,
	[QUERY_SPORT] = QUERY_NO_PORT,
	[QUERY_DPORT] = QUERY_NO_PORT,
	[QUERY_VLAN] = 4095,
	[QUERY_FLAGS] = WEIR_FLAGS_NONE,
	[QUERY_QR] = WEIR_QR_MAX - 1,
	[QUERY_LENGTH] = UINT32_MAX,
	[QUERY_SRC] = QUERY_ADDR_LAST,
	[QUERY_DST] = QUERY_ADDR_LAST,
};

__attribute__((format(printf, 3, 4))) static void *refuse(struct expansion *x, unsigned int column,
							  const char *format, ...)
{
	va_list args;

	x->err->column = column;
	va_start(args, format);
	why_vset(&x->err->why, 0, format, args);
	va_end(args);
	return NULL;
}

static void *too_large(struct expansion *x, const struct query_node *node)
{
	return refuse(x, node->column, "out of memory in expanding this");
}

int universe_make(struct query_universe *u, const struct query_scope *scope)
{
	*u = (struct query_universe){.scope = scope, .arena.limit_bytes = ARENA_BYTES};
	for (int d = 0; d < QUERY_DIMS; d++) {
		struct query_range all = {0, dim_max[d]};

		u->all[d] = set_make(&u->arena, &all, 1);
		if (!u->all[d])
			return -ENOMEM;
	}
	u->inside = prefix_set(&u->arena, scope->inside, scope->inside_count);
	if (!u->inside)
		return -ENOMEM;
	u->outside = set_complement(&u->arena, u->inside, QUERY_ADDR_LAST);
	return u->outside ? 0 : -ENOMEM;
}

void universe_free(struct query_universe *u)
{
	arena_free(&u->arena);
}

static struct query_term *term_new(struct query_universe *u)
{
	struct query_term *term = arena_alloc(&u->arena, sizeof(*term));

	if (term)
		memcpy(term->dim, u->all, sizeof(term->dim));
	return term;
}

static bool term_within(const struct query_term *a, const struct query_term *b)
{
	for (int d = 0; d < QUERY_DIMS; d++) {
		if (!set_subset(a->dim[d], b->dim[d]))
			return false;
	}
	return true;
}

static bool term_empty(const struct query_term *term)
{
	for (int d = 0; d < QUERY_DIMS; d++) {
		if (!term->dim[d]->count)
			return true;
	}
	return false;
}

/* The only dimension in which a and b differ, or -1. */
static int only_difference(const struct query_term *a, const struct query_term *b)
{
	int only = -1;

	for (int d = 0; d < QUERY_DIMS; d++) {
		if (set_equal(a->dim[d], b->dim[d]))
			continue;
		if (only >= 0)
			return -1;
		only = d;
	}
	return only;
}

static void terms_remove(struct query_terms *list, unsigned int i)
{
	list->term[i] = list->term[--list->count];
}

/*
 * Adds what `term` allows to the list, in as few terms as merging by pairs gives. May change
 * `term`. -E2BIG: the list is full, -ENOMEM.
 */
static int terms_add(struct query_universe *u, struct query_terms *list, struct query_term *term)
{
	unsigned int i = 0;

	while (i < list->count) {
		const struct query_term *other = list->term[i];
		int d;

		if (term_within(term, other))
			return 0;
		if (term_within(other, term)) {
			terms_remove(list, i);
			continue;
		}
		d = only_difference(term, other);
		if (d < 0) {
			i++;
			continue;
		}
		term->dim[d] = set_union(&u->arena, term->dim[d], other->dim[d]);
		if (!term->dim[d])
			return -ENOMEM;
		terms_remove(list, i);
		i = 0; /* a wider term may merge with those that it passed */
	}
	if (list->count == TERMS_ON_THE_WAY)
		return -E2BIG;
	list->term[list->count++] = term;
	return 0;
}

static void *add_failed(struct expansion *x, const struct query_node *node, int err)
{
	if (err == -ENOMEM)
		return too_large(x, node);
	return refuse(x, node->column, "needs more than %d terms, %u are left", TERMS_ON_THE_WAY,
		      x->u->left);
}

static struct query_terms *list_new(struct expansion *x, const struct query_node *node)
{
	struct query_terms *list = arena_alloc(&x->u->arena, sizeof(*list));

	return list ? list : too_large(x, node);
}

static const struct query_set *group_set(struct expansion *x, const struct query_node *node)
{
	const struct query_scope *scope = x->u->scope;
	const struct query_set *set;

	for (unsigned int i = 0; i < scope->group_count; i++) {
		const struct query_group *group = &scope->groups[i];

		if (strcmp(group->name, node->name))
			continue;
		set = prefix_set(&x->u->arena, group->prefixes, group->prefix_count);
		return set ? set : too_large(x, node);
	}
	return refuse(x, node->column, "expected the name of a group, got '%.48s'", node->name);
}

static struct query_terms *expand_leaf(struct expansion *x, const struct query_node *node,
				       bool negate)
{
	struct query_terms *list = list_new(x, node);
	struct query_term *term = term_new(x->u);
	const struct query_set *set = node->set;

	if (!list || !term)
		return too_large(x, node);
	if (node->kind == QUERY_INSIDE)
		set = x->u->inside;
	else if (node->kind == QUERY_OUTSIDE)
		set = x->u->outside;
	else if (node->kind == QUERY_GROUP)
		set = group_set(x, node);
	if (!set)
		return NULL;
	if (negate)
		set = set_complement(&x->u->arena, set, dim_max[node->dim]);
	if (!set)
		return too_large(x, node);
	term->dim[node->dim] = set;
	if (set->count)
		list->term[list->count++] = term;
	return list;
}

/* What both terms allow, in *out; NULL there when that is nothing. Addresses come last among the
 * dimensions, for their sets may be large. */
static int term_intersect(struct query_universe *u, const struct query_term *a,
			  const struct query_term *b, struct query_term **out)
{
	struct query_term *term = term_new(u);

	*out = NULL;
	if (!term)
		return -ENOMEM;
	for (int d = 0; d < QUERY_DIMS; d++) {
		term->dim[d] = set_intersect(&u->arena, a->dim[d], b->dim[d]);
		if (!term->dim[d])
			return -ENOMEM;
		if (!term->dim[d]->count)
			return 0;
	}
	*out = term;
	return 0;
}

static struct query_terms *expand_product(struct expansion *x, const struct query_node *node,
					  const struct query_terms *a, const struct query_terms *b)
{
	struct query_terms *list = list_new(x, node);

	if (!list)
		return NULL;
	for (unsigned int i = 0; i < a->count; i++) {
		for (unsigned int j = 0; j < b->count; j++) {
			struct query_term *term;
			int err = term_intersect(x->u, a->term[i], b->term[j], &term);

			if (!err && term)
				err = terms_add(x->u, list, term);
			if (err)
				return add_failed(x, node, err);
		}
	}
	return list;
}

static struct query_terms *expand(struct expansion *x, const struct query_node *node, bool negate);

/* All children hold; with `negate`, none of them: De Morgan. */
static struct query_terms *expand_all(struct expansion *x, const struct query_node *node,
				      bool negate)
{
	struct query_terms *list = list_new(x, node);
	struct query_term *everything = term_new(x->u);

	if (!list || !everything)
		return too_large(x, node);
	list->term[list->count++] = everything;
	for (const struct query_node *child = node->child; child; child = child->next) {
		struct query_terms *more = expand(x, child, negate);

		/* The rest is expanded all the same, for its errors. */
		list = more ? expand_product(x, node, list, more) : NULL;
		if (!list)
			return NULL;
		if (!list->count && !x->contradiction)
			x->contradiction = child->column;
	}
	return list;
}

static struct query_terms *expand_any(struct expansion *x, const struct query_node *node,
				      bool negate)
{
	struct query_terms *list = list_new(x, node);

	if (!list)
		return NULL;
	for (const struct query_node *child = node->child; child; child = child->next) {
		struct query_terms *more = expand(x, child, negate);

		if (!more)
			return NULL;
		for (unsigned int i = 0; i < more->count; i++) {
			int err = terms_add(x->u, list, more->term[i]);

			if (err)
				return add_failed(x, node, err);
		}
	}
	return list;
}

static struct query_terms *expand(struct expansion *x, const struct query_node *node, bool negate)
{
	if (node->kind == QUERY_NOT)
		return expand(x, node->child, !negate);
	if (node->kind == QUERY_AND)
		return negate ? expand_any(x, node, true) : expand_all(x, node, false);
	if (node->kind == QUERY_OR)
		return negate ? expand_all(x, node, true) : expand_any(x, node, false);
	return expand_leaf(x, node, negate);
}

static bool limit(struct query_universe *u, struct query_term *term, enum query_dim dim,
		  const struct query_range *ranges, unsigned int count)
{
	const struct query_set *set = set_make(&u->arena, ranges, count);

	if (set)
		term->dim[dim] = set_intersect(&u->arena, term->dim[dim], set);
	return set && term->dim[dim];
}

static bool meets(const struct query_set *set, struct query_range range)
{
	for (unsigned int i = 0; i < set->count; i++) {
		if (set->range[i].first <= range.last && set->range[i].last >= range.first)
			return true;
	}
	return false;
}

static bool allows_family(const struct query_term *term, bool v6)
{
	const struct query_range v4 = {QUERY_V4_FIRST, QUERY_V4_LAST};
	const struct query_range below = {0, QUERY_V4_FIRST - 1};
	const struct query_range above = {QUERY_V4_LAST + 1, QUERY_ADDR_LAST};

	for (int d = QUERY_SRC; d <= QUERY_DST; d++) {
		const struct query_set *set = term->dim[d];

		if (v6 ? !meets(set, below) && !meets(set, above) : !meets(set, v4))
			return false;
	}
	return true;
}

/*
 * Says in the flow-constant dimensions what the others imply: only TCP has flags, only DNS over
 * UDP a QR bit, only some protocols ports. So fewer packets reach the test of their own traits,
 * and `icmp and port 22` is found to be empty.
 */
static bool term_tighten(struct query_universe *u, struct query_term *term)
{
	static const struct query_range tcp[] = {{6, 6}}, udp[] = {{17, 17}};
	static const struct query_range ported[] = {
		{6, 6}, {17, 17}, {33, 33}, {132, 132}, {136, 136}};
	bool ok = true;

	if (!set_contains(term->dim[QUERY_FLAGS], WEIR_FLAGS_NONE))
		ok = ok && limit(u, term, QUERY_PROTO, tcp, 1);
	if (!set_contains(term->dim[QUERY_QR], WEIR_QR_NONE))
		ok = ok && limit(u, term, QUERY_PROTO, udp, 1);
	if (!set_contains(term->dim[QUERY_SPORT], QUERY_NO_PORT) ||
	    !set_contains(term->dim[QUERY_DPORT], QUERY_NO_PORT))
		ok = ok && limit(u, term, QUERY_PROTO, ported, 5);
	for (unsigned int family = 0; family < 2; family++) {
		struct query_range other = {!family, !family};

		if (!allows_family(term, family))
			ok = ok && limit(u, term, QUERY_FAMILY, &other, 1);
	}
	return ok;
}

const struct query_terms *terms_expand(struct query_universe *u, const struct query_expr *expr,
				       struct query_error *err)
{
	struct expansion x = {.u = u, .err = err};
	struct query_terms *list = expand(&x, expr->root, false);
	struct query_terms *tight;

	if (!list)
		return NULL;
	tight = list_new(&x, expr->root);
	if (!tight)
		return NULL;
	for (unsigned int i = 0; i < list->count; i++) {
		if (!term_tighten(u, list->term[i]))
			return too_large(&x, expr->root);
		if (!term_empty(list->term[i]) && terms_add(u, tight, list->term[i]))
			return too_large(&x, expr->root);
	}
	if (!tight->count)
		return refuse(&x, x.contradiction ? x.contradiction : expr->root->column,
			      "can never match");
	return tight;
}

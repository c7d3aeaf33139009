/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From expressions to the tables that the kernel classifies by (weir/query.h). */
#ifndef QUERY_COMPILE_H
#define QUERY_COMPILE_H

#include <linux/types.h>

#include "query/parse.h"
#include "query/prefix.h"

struct weir_tables;

struct query_group {
	char *name;
	struct query_range *prefixes;
	unsigned int prefix_count;
};

/* What `inside` and `group NAME` mean. Prefixes may overlap. */
struct query_scope {
	struct query_range *inside;
	unsigned int inside_count;
	struct query_group *groups;
	unsigned int group_count;
};

/* window: index of the query's windows, below WEIR_QUERIES; a query keeps it when others change. */
struct query {
	const struct query_expr *expr;
	__u8 window;
};

/*
 * Fills `out` but for timeouts and inner. -EINVAL, `err` filled and `out` as it was, when a query
 * can never match, names an unknown group, or all together need more than WEIR_TERMS terms,
 * WEIR_CLASSES classes of ports or VLANs, or WEIR_RANGES intervals of addresses; -ENOMEM. No
 * queries at all are fine and match nothing. err->query is -1 where `inside` alone is to blame.
 * There are no vectors then.
 */
int query_compile(const struct query *queries, unsigned int count, const struct query_scope *scope,
		  struct weir_tables *out, struct query_error *err);

/* The query's vectors are put into `tables` after that, and then made known to its terms. */
void query_mark_vectors(struct weir_tables *tables);

#endif

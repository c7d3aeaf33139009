/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the queries of a configuration count: in which windows, in which vectors.
 *
 * Queries change without losing a count. One that is the same as before (name, match, window) keeps
 * its place in the windows, and of its vectors those for which the same is asked (key, size). A new
 * one gets a place that no running query has, the one longest unused first, so that no packet of
 * the query it belonged to is still being counted there.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include "config/config.h"
#include "meter/meter.h"

struct plan {
	struct query query[WEIR_QUERIES]; /* in the configuration's order */
	/* By window: */
	struct weir_label label[WEIR_QUERIES];
	bool fresh[WEIR_QUERIES];                                   /* given to a new query */
	struct weir_vector vector[WEIR_QUERIES][WEIR_DISTINCT_MAX]; /* those that stay */

	unsigned int next_window; /* where the search for a free one begins */
};

/* labels, tables: what runs; no labels: nothing. `out` is empty but for next_window. */
void plan_make(const struct config *config, const struct weir_label *labels,
	       const struct weir_tables *tables, struct plan *out);

/* Tables complete but for plan_begin_vectors(), with the new vectors made; on failure none is. */
int plan_tables(const struct plan *plan, const struct config *config, struct meter *m,
		struct weir_tables *out, struct why *why);
/* The new vectors, the new queries count from now on. To make vectors takes a while, so that is not
 * when they were; and queries count when their tables are in force. */
void plan_begin_vectors(const struct plan *plan, struct weir_tables *tables, __u64 now_ns);
void plan_begin_labels(struct plan *plan, __u64 now_ns);

#endif

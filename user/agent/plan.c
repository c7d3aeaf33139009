// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "agent/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "view/distinct.h"
#include "view/text.h"
#include "sketch/countdown.h"

static void label_of(const struct config_query *query, struct weir_label *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", query->name);
	snprintf(out->match, sizeof(out->match), "%s", query->match);
	out->window_s = query->window_s;
	out->measure = query->measure;
	out->distinct = query->measure == WEIR_MEASURE_DISTINCT ? query->measure_of : 0;
}

/* Its measure may change: packets and bytes are counted in any case. */
static bool same_query(const struct weir_label *a, const struct weir_label *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->match, b->match) &&
	       a->window_s == b->window_s;
}

/* --- Windows --------------------------------------------------------------------------- */

/* Windows of the queries that stay; `found` says which those are. */
static void keep_windows(const struct config *config, const struct weir_label *labels,
			 struct plan *plan, bool *found)
{
	for (unsigned int q = 0; q < config->query_count; q++) {
		struct weir_label label;

		label_of(&config->queries[q], &label);
		for (int w = 0; w < WEIR_QUERIES && !found[q] && labels; w++) {
			if (!same_query(&label, &labels[w]))
				continue;
			label.since_ns = labels[w].since_ns;
			plan->query[q].window = w;
			plan->label[w] = label;
			found[q] = true;
		}
	}
}

/* A window no query of the plan has; of those, one that no running query has if there is any. */
static unsigned int free_window(const struct weir_label *labels, const struct plan *plan)
{
	for (int used = 0; used < 2; used++) {
		for (unsigned int i = 0; i < WEIR_QUERIES; i++) {
			unsigned int w = (plan->next_window + i) % WEIR_QUERIES;

			if (!plan->label[w].name[0] && (used || !labels || !labels[w].name[0]))
				return w;
		}
	}
	return 0; /* the config holds no more queries than there are windows */
}

static void give_windows(const struct config *config, const struct weir_label *labels,
			 struct plan *plan)
{
	bool found[WEIR_QUERIES] = {};

	keep_windows(config, labels, plan, found);
	for (unsigned int q = 0; q < config->query_count; q++) {
		unsigned int w;

		plan->query[q].expr = config->queries[q].expr;
		if (found[q])
			continue;
		w = free_window(labels, plan);
		label_of(&config->queries[q], &plan->label[w]);
		plan->fresh[w] = true;
		plan->query[q].window = w;
		plan->next_window = (w + 1) % WEIR_QUERIES;
	}
}

/* --- Vectors --------------------------------------------------------------------------- */

static void keep_vectors(const struct config *config, const struct weir_tables *tables,
			 struct plan *plan)
{
	for (unsigned int q = 0; q < config->query_count; q++) {
		const unsigned int w = plan->query[q].window;
		const __u32 *slabs = config->queries[q].slabs;

		for (int k = 0; k < WEIR_DISTINCT_MAX && !plan->fresh[w]; k++)
			if (slabs[k] && tables->vector[w][k].slabs == slabs[k])
				plan->vector[w][k] = tables->vector[w][k];
	}
}

void plan_make(const struct config *config, const struct weir_label *labels,
	       const struct weir_tables *tables, struct plan *out)
{
	give_windows(config, labels, out);
	keep_vectors(config, tables, out);
}

/* --- Into the kernel ------------------------------------------------------------------- */

static int compile(const struct plan *plan, const struct config *config, struct weir_tables *out,
		   struct why *why)
{
	struct query_error refusal;
	int code = query_compile(plan->query, config->query_count, &config->scope, out, &refusal);

	if (code == -EINVAL && refusal.query >= 0)
		return why_set(why, code, "query '%s': column %u: %s",
			       config->queries[refusal.query].name, refusal.column,
			       refusal.why.text);
	if (code)
		return why_set(why, code, "queries: %s",
			       code == -EINVAL ? refusal.why.text : strerror(-code));
	return 0;
}

/* What the new vectors take on each CPU. */
static __u32 want_vectors(const struct plan *plan, const struct config *config,
			  struct weir_tables *tables)
{
	__u32 wanted = 0;

	memcpy(tables->vector, plan->vector, sizeof(tables->vector));
	for (unsigned int q = 0; q < config->query_count; q++) {
		const struct config_query *query = &config->queries[q];

		for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
			struct weir_vector *v = &tables->vector[plan->query[q].window][k];

			if (!query->slabs[k] || v->slabs)
				continue;
			v->slabs = query->slabs[k];
			v->first = METER_UNMADE;
			v->rate = countdown_rate(query->window_s * WEIR_NS_PER_SEC);
			wanted += v->slabs;
		}
	}
	return wanted;
}

static int make_vectors(const struct plan *plan, const struct config *config, struct meter *m,
			struct weir_tables *tables, struct why *why)
{
	const __u32 wanted = want_vectors(plan, config, tables);
	int code = meter_make_vectors(m, tables);
	char bytes[TEXT_MEMORY_BYTES];

	if (code)
		return why_set(why, code, "distinct: cannot have %s more on each of %d CPUs: %s",
			       text_memory(meter_vector_bytes(m, wanted) / m->cpus, bytes), m->cpus,
			       code == -ENOSPC ? "there is no room beside what runs"
					       : strerror(-code));
	query_mark_vectors(tables);
	return 0;
}

int plan_tables(const struct plan *plan, const struct config *config, struct meter *m,
		struct weir_tables *out, struct why *why)
{
	int code = compile(plan, config, out, why);

	if (code)
		return code;
	config_set_traffic(config, out);
	return make_vectors(plan, config, m, out, why);
}

void plan_begin_vectors(const struct plan *plan, struct weir_tables *tables, __u64 now_ns)
{
	for (int w = 0; w < WEIR_QUERIES; w++)
		for (int k = 0; k < WEIR_DISTINCT_MAX; k++)
			if (tables->vector[w][k].slabs && !plan->vector[w][k].slabs)
				tables->vector[w][k].since_ns = now_ns;
}

void plan_begin_labels(struct plan *plan, __u64 now_ns)
{
	for (int w = 0; w < WEIR_QUERIES; w++)
		if (plan->fresh[w])
			plan->label[w].since_ns = now_ns;
}

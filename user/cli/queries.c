// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Queries change without losing a count: one that is the same as before (name,
 * match, measure, window) keeps its place in the windows. A new one gets a place
 * that no running query has, the one longest unused first, so that no packet of
 * the query it belonged to is still being counted there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/agent.h"

struct plan {
	__u8 window[WEIR_QUERIES];
	struct weir_label label[WEIR_QUERIES]; /* by window */
	bool fresh[WEIR_QUERIES];              /* by window: given to a new query */
	unsigned int next_window;
};

int queries_adopt(struct agent *a)
{
	for (__u32 w = 0; w < WEIR_QUERIES; w++) {
		int code = meter_label(&a->meter, w, &a->label[w]);

		if (code) {
			agent_say(a, "map labels: %s", strerror(-code));
			return code;
		}
	}
	return 0;
}

static void label_of(const struct config_query *query, struct weir_label *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", query->name);
	snprintf(out->match, sizeof(out->match), "%s", query->match);
	out->window_s = query->window_s;
	out->bytes = query->measure == CONFIG_BYTES;
}

static bool same(const struct weir_label *a, const struct weir_label *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->match, b->match) &&
	       a->window_s == b->window_s && a->bytes == b->bytes;
}

/* Windows of the queries that stay; `found` says which those are. */
static void keep_windows(const struct agent *a, const struct config *config, struct plan *plan,
			 bool *found)
{
	for (unsigned int q = 0; q < config->query_count; q++) {
		struct weir_label label;

		label_of(&config->queries[q], &label);
		for (int w = 0; w < WEIR_QUERIES && !found[q]; w++) {
			if (!same(&label, &a->label[w]))
				continue;
			plan->window[q] = w;
			plan->label[w] = label;
			found[q] = true;
		}
	}
}

/* A window no query of the plan has; of those, one that no running query has if there is any. */
static unsigned int free_window(const struct agent *a, const struct plan *plan)
{
	for (int used = 0; used < 2; used++) {
		for (unsigned int i = 0; i < WEIR_QUERIES; i++) {
			unsigned int w = (plan->next_window + i) % WEIR_QUERIES;

			if (!plan->label[w].name[0] && (used || !a->label[w].name[0]))
				return w;
		}
	}
	return 0; /* the config holds no more queries than there are windows */
}

static void make_plan(const struct agent *a, const struct config *config, struct plan *plan)
{
	bool found[WEIR_QUERIES] = {};

	plan->next_window = a->next_window;
	keep_windows(a, config, plan, found);
	for (unsigned int q = 0; q < config->query_count; q++) {
		unsigned int w;

		if (found[q])
			continue;
		w = free_window(a, plan);
		label_of(&config->queries[q], &plan->label[w]);
		plan->fresh[w] = true;
		plan->window[q] = w;
		plan->next_window = (w + 1) % WEIR_QUERIES;
	}
}

static int compile(struct agent *a, const struct config *config, const struct plan *plan,
		   struct weir_tables *tables)
{
	struct query queries[WEIR_QUERIES];
	struct query_error why;
	int code;

	for (unsigned int q = 0; q < config->query_count; q++)
		queries[q] = (struct query){config->queries[q].expr, plan->window[q]};
	code = query_compile(queries, config->query_count, &config->scope, tables, &why);
	if (code == -EINVAL && why.query >= 0)
		agent_say(a, "query '%s': %s", config->queries[why.query].name, why.text);
	else if (code)
		agent_say(a, "queries: %s", code == -EINVAL ? why.text : strerror(-code));
	tables->timeouts = config->timeouts;
	tables->inner = config->tunnels == CONFIG_TUNNELS_INNER;
	return code;
}

/* `inside`, unless the config gives it, is also the interfaces' own networks. */
static int with_networks(const struct config *config, const struct agent_networks *networks,
			 struct config *out)
{
	const struct query_scope *scope = &config->scope;
	unsigned int own = config->inside_given ? 0 : networks->count;
	struct query_range *inside;

	*out = *config;
	inside = calloc(scope->inside_count + own + 1, sizeof(*inside));
	if (!inside)
		return -ENOMEM;
	if (scope->inside_count)
		memcpy(inside, scope->inside, scope->inside_count * sizeof(*inside));
	memcpy(inside + scope->inside_count, networks->range, own * sizeof(*inside));
	out->scope.inside = inside;
	out->scope.inside_count += own;
	return 0;
}

/* New labels before the tables that count for them, and what is dropped after. */
static int install(struct agent *a, const struct plan *plan, const struct weir_tables *tables)
{
	int code = 0;

	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++) {
		if (!plan->fresh[w])
			continue;
		code = meter_clear_window(&a->meter, w);
		if (!code)
			code = meter_set_label(&a->meter, w, &plan->label[w]);
	}
	if (!code)
		code = meter_set_tables(&a->meter, tables);
	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++) {
		if (a->label[w].name[0] && !plan->label[w].name[0])
			code = meter_set_label(&a->meter, w, &plan->label[w]);
	}
	if (code)
		agent_say(a, "queries: %s", strerror(-code));
	return code;
}

int queries_apply(struct agent *a, const struct config *config)
{
	struct weir_tables *tables = calloc(1, sizeof(*tables));
	struct plan *plan = calloc(1, sizeof(*plan));
	struct agent_networks networks;
	struct config whole = {};
	int code = -ENOMEM;

	if (!tables || !plan)
		goto out;
	make_plan(a, config, plan);
	ports_networks(a, &networks);
	code = with_networks(config, &networks, &whole);
	if (code)
		goto out;
	code = compile(a, &whole, plan, tables);
	if (!code)
		code = install(a, plan, tables);
	if (!code) {
		memcpy(a->label, plan->label, sizeof(a->label));
		memcpy(a->window, plan->window, sizeof(a->window));
		a->next_window = plan->next_window;
		a->networks = networks;
	}
out:
	if (code == -ENOMEM)
		agent_say(a, "queries: no memory");
	free(whole.scope.inside);
	free(plan);
	free(tables);
	return code;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "coordinate/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer/ask.h"

#define KNOWN_FACTOR 2 /* hosts that are remembered, over connections that there may be */

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

/* As hosts announce theirs, since the two are compared. */
static void make_query(const struct config_query *query, struct coordinator_query *out)
{
	struct interval_ask ask;

	peer_ask(query->name, query->match, query->measure == WEIR_MEASURE_BYTES, query->window_s,
		 &ask);
	memcpy(out->name, ask.name, sizeof(out->name));
	memcpy(out->measure, ask.measure, sizeof(out->measure));
	memcpy(out->match, ask.match, sizeof(out->match));
	out->window_s = query->window_s;
}

static void make_ask(const struct config_answer *answer, __u32 query, struct coordinator_ask *out)
{
	copy(out->name, sizeof(out->name), answer->name);
	out->query = query;
	out->aggregate = answer->aggregate;
	out->hosts = answer->hosts;
	out->host_count = answer->host_count;
	out->precision = answer->precision.millionths;
	out->relative = answer->precision.relative;
}

/* Widths shrink by themselves under `adaptive` only. */
static struct interval_rules make_rules(const struct config_coordinate *config)
{
	struct interval_rules rules = {.method = config->method};

	if (rules.method == INTERVAL_ADAPTIVE) {
		rules.period_s = config->period_s;
		rules.shrink_ppm = config->shrink_ppm;
	}
	return rules;
}

int coordinate_plan_make(const struct config *config, struct coordinate_plan *out)
{
	const struct config_coordinate *k = &config->coordinate;
	struct coordinate_plan p = {
		.queries = calloc(config->query_count + 1, sizeof(*p.queries)),
		.asks = calloc(k->answer_count + 1, sizeof(*p.asks)),
		.query_of = calloc(config->query_count + 1, sizeof(*p.query_of)),
	};

	if (!p.queries || !p.asks || !p.query_of) {
		coordinate_plan_free(&p);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < k->answer_count; i++) {
		const unsigned int q = k->answers[i].query;

		if (!p.query_of[q]) {
			make_query(&config->queries[q], &p.queries[p.plan.query_count]);
			p.query_of[q] = ++p.plan.query_count;
		}
		make_ask(&k->answers[i], p.query_of[q] - 1, &p.asks[i]);
	}
	if (k->name)
		copy(p.plan.name, sizeof(p.plan.name), k->name);
	else if (gethostname(p.plan.name, sizeof(p.plan.name) - 1))
		copy(p.plan.name, sizeof(p.plan.name), "localhost");
	p.plan.rules = make_rules(k);
	p.plan.queries = p.queries;
	p.plan.asks = p.asks;
	p.plan.ask_count = k->answer_count;
	p.plan.hosts = k->hosts;
	p.plan.host_count = k->host_count;
	p.plan.host_most = k->connections * KNOWN_FACTOR;
	p.plan.forget_s = k->forget_s;
	*out = p;
	return 0;
}

void coordinate_plan_free(struct coordinate_plan *plan)
{
	free(plan->queries);
	free(plan->asks);
	free(plan->query_of);
	*plan = (struct coordinate_plan){};
}

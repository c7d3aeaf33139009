/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The config's queries and answers as the engine takes them: only queries that an answer needs. */
#ifndef COORDINATE_PLAN_H
#define COORDINATE_PLAN_H

#include "config/config.h"
#include "interval/coordinator.h"

struct coordinate_plan {
	struct coordinator_plan plan;
	struct coordinator_query *queries;
	struct coordinator_ask *asks;
	__u32 *query_of; /* of the config's query: its place in the plan, from 1; 0: it has none */
};

/* Points into the config. 0 or -ENOMEM; for coordinate_plan_free(). */
int coordinate_plan_make(const struct config *config, struct coordinate_plan *out);
void coordinate_plan_free(struct coordinate_plan *plan);

#endif

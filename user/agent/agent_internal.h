/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `weir run` is while it runs.
 *
 *   agent.c            starts, joins the parts below in one loop, stops
 *   ports.c            interfaces: which are wanted, those that come and go
 *   queries.c, plan.c  the config's queries into the kernel, at the start and whenever they change
 *   turns.c            flows that have ended, from the kernel to exporters and sinks
 *   report.c           what the coordinator is told each second
 *   second.c           what is printed each second, and served on the socket
 *   check.c            or only what a start would come to
 */
#ifndef AGENT_AGENT_INTERNAL_H
#define AGENT_AGENT_INTERNAL_H

#include "agent/agent.h"
#include "agent/flow_lines.h"
#include "agent/ports.h"
#include "agent/queries.h"
#include "agent/report.h"
#include "agent/second.h"
#include "agent/turns.h"
#include "config/config.h"
#include "meter/meter.h"
#include "view/notes.h"

struct agent {
	struct agent_options options;
	struct config config;
	struct notes notes;
	struct meter meter;
	struct meter_own own; /* connections, of exporters and to the coordinator */
	struct ports ports;
	struct queries queries;
	struct turns turns;
	struct report report;
	struct flow_lines lines; /* of flows, if they are wanted */

	/* As of the second that ended last; or why they cannot be read. */
	struct meter_series series;
	int series_code;
	__u64 slept_ns; /* CLOCK_BOOTTIME less CLOCK_MONOTONIC, then */

	struct second second;
};

/* check.c. 0 or a negative errno after a line; `a` is good for nothing else afterwards. */
int check_run(struct agent *a);

#endif

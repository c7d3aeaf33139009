/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a coordinator prints and serves: of its state at one moment, a table on a terminal, lines
 * into a pipe, or JSON.
 */
#ifndef VIEW_ANSWERS_SCREEN_H
#define VIEW_ANSWERS_SCREEN_H

#include <jansson.h>
#include <stdio.h>

#include "interval/coordinator.h"
#include "peer/uplink.h"
#include "view/notes.h"
#include "view/output.h"

struct coordinate_count {
	const char *name, *text;
	__u64 count;
};

/* A coordinator at one moment. All of it is whose who fills it. */
struct coordinate_snapshot {
	__u64 now_ns, start_ns; /* Unix time */
	const char *const *listeners;
	unsigned int listener_count;

	unsigned int hosts_here, hosts_missing;
	const struct coordinator_host *hosts; /* of all of them; NULL: they were not asked for */
	__u64 messages_in, messages_out, bytes_in, bytes_out; /* of hosts */
	__u64 memory_bytes;                                   /* that hosts and answers take */
	const struct uplink_status *parent;                   /* NULL: it has none */

	json_t *const *answers; /* answers_json() of the last ones */
	unsigned int answer_count;

	const struct coordinate_count *counts; /* what the engine counts */
	const struct coordinate_count *refusals;
	unsigned int count_count, refusal_count;
	const struct notes *notes;
};

/* A page on a terminal is opened before it is printed to, and closed before other lines. */
void answers_screen_open(struct notes *notes);
void answers_screen_close(struct notes *notes);

/* To standard output, each second; who does not read for a while misses what is printed. -EIO:
 * nobody reads along any more. */
int answers_screen_print(const struct coordinate_snapshot *s, enum output output);
/* At the end: how much it was. */
void answers_screen_totals(const struct coordinate_snapshot *s, enum output output);

/* The state, a line with all hosts, and a line for each answer. 0, -ENOMEM. */
int answers_screen_serve(const struct coordinate_snapshot *s, FILE *out);

#endif

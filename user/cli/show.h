/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* weir show: one function a topic, over what is pinned, or what a coordinator says; each returns the
 * exit status. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/options.h"
#include "flow/merge.h"
#include "meter/meter.h"
#include "view/snapshot.h"

struct show {
	bool json;
	unsigned int window_s; /* 0: the query's own */
	unsigned int top;      /* 0: all */
	unsigned int order;    /* enum flow_order */
	const char *query;     /* NULL: all */
	const char *socket;    /* of a coordinator; NULL: the usual one */
	bool hosts;            /* of a coordinator, not its answers */
	struct meter meter;
	struct snapshot *snapshot;
};

/* Reads parts of the snapshot, over the window that was asked for. 0 or a negative errno. */
int show_read(struct show *s, unsigned int parts);

/* The tables in force. */
const struct weir_tables *show_tables(const struct show *s);

/* Is this query asked for? */
bool show_wants(const struct show *s, const struct weir_label *label);

int show_flows(struct show *s);
int show_distinct(struct show *s);
int show_answers(struct show *s); /* without s->meter */

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What weir run prints each second and at its end, and what it serves at its socket: the snapshot of
 * a second, as a table, lines or JSON. */
#ifndef AGENT_SECOND_H
#define AGENT_SECOND_H

#include "view/snapshot.h"

struct agent;
struct local;
struct loop;

struct second {
	struct snapshot *snapshot;
	struct local *local; /* NULL: the socket cannot be had */
	__u64 start_ns;      /* of the agent, the meter's clock */

	/* Why something cannot be read or printed, as people know; 0: it can. */
	int unread, unprinted, uncounted[WEIR_QUERIES];
};

/* Now the agent measures: serves the socket in the loop, and clears the terminal, if that is the
 * output. -ENOMEM after a line. */
int second_open(struct agent *a, struct loop *loop);
/* The terminal is as it was; what comes then is printed below. */
void second_close(struct agent *a);
/* Before the loop is. */
void second_free(struct second *second);

/* A second is over. Negative errno: nobody takes what is printed. What cannot be read is said, and
 * no end. */
int second_print(struct agent *a);
/* When it has stopped: the totals, by a reading of now. -EIO: packets are not all accounted for, or
 * nobody takes what is printed. */
int second_totals(struct agent *a);

#endif

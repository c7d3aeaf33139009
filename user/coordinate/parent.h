/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parent: another coordinator, of which this one is a host. Each of its sums is a query of that
 * name there, whose value is the middle of the interval and whose error is half of it. Averages are
 * left out, since they cannot be added up.
 */
#ifndef COORDINATE_PARENT_H
#define COORDINATE_PARENT_H

#include "base/loop.h"
#include "config/config.h"
#include "coordinate/steady.h"
#include "interval/coordinator.h"
#include "peer/uplink.h"
#include "view/notes.h"

struct parent;

/* Coordinators of one machine differ by their `socket`. NULL: no memory. */
struct parent *parent_new(struct loop *loop, struct steady *clock, struct notes *notes,
			  const char *socket);
/* Says goodbye. NULL is none. */
void parent_free(struct parent *p);

/* The parent as the configuration has it now, perhaps none. -ENOMEM: there is none. */
int parent_apply(struct parent *p, const struct config *config);

/* From the engine. */
void parent_take(struct parent *p, const struct coordinator_answer *answer);
/* Before each wait: reports what all answers have come to. */
void parent_settle(struct parent *p);

/* False: there is no parent. */
bool parent_status(const struct parent *p, struct uplink_status *out);

#endif

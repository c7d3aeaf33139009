/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What of the kernel's flows has been taken, written down where a crash cannot reach: so that each
 * packet is exported once, by whatever way its flow comes and whenever the agent is killed.
 *
 * A flow comes by two ways. The harvester finds it in the cache, long idle, and takes it there;
 * later the kernel needs the slot and sends the same incarnation through the ring. The ledger holds
 * for each slot which incarnation was taken last and what it counted then, so that of one that
 * comes again only what is new is due: nothing, as a rule.
 *
 * The agent works in turns:
 *
 *   ledger_take() ...             what is due, by slot and generation; staged in the queues
 *   ledger_commit(position, marks)   the turn counts: one store
 *   release the ring, publish the queues
 *
 * Killed before the store, a turn never was: the ring's events are read again, the queues forget
 * what was staged, and slots that were taken in it (they carry the number of their turn, and what
 * they held before) fall back when the ledger is opened. Killed after, the next agent releases the
 * ring and publishes the queues by what the ledger says.
 *
 * The file belongs to one meter and is made anew for another. It lies on tmpfs: with the machine
 * the kernel's maps go too.
 */
#ifndef EXPORT_LEDGER_H
#define EXPORT_LEDGER_H

#include <stdbool.h>

#include "weir/flow.h"
#include "export/options.h"
#include "export/queue.h"

struct ledger;

struct ledger_turn {
	__u64 ring_position;
	struct queue_mark mark[EXPORTS_MAX]; /* file 0: none */
};

/*
 * The ledger of meter `meter` (meter_identity()) with `slots` slots at `path`, NULL: in memory only.
 * *known: it is one that was there before. 0, or a negative errno and the reason.
 */
int ledger_open(const char *path, __u64 meter, __u32 slots, struct ledger **out, bool *known,
		struct why *why);
void ledger_close(struct ledger *l);

/* What was committed last; of a new ledger all zero. */
void ledger_turn(const struct ledger *l, struct ledger_turn *out);

/*
 * What of an incarnation was not taken before: *packets and *bytes. False: nothing. `stays`: it is
 * in the cache still, so it is written down what was taken.
 */
bool ledger_take(struct ledger *l, __u32 slot, const struct weir_flow *flow, bool stays,
		 __u32 *packets, __u64 *bytes);

void ledger_commit(struct ledger *l, const struct ledger_turn *turn);

#endif

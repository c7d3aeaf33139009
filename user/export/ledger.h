/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much of the kernel's flows has been taken, recorded where a crash cannot reach: so that each
 * packet is exported once, in whichever way its flow arrives and whenever the agent is killed.
 *
 * A flow can arrive in two ways. The harvester finds it in the cache, long idle, and takes it there;
 * later the kernel needs the slot and sends the same incarnation through the ring. The ledger holds
 * for each slot which incarnation was taken last and what it counted then, so that when one arrives
 * again only what is new is due: usually nothing.
 *
 * The agent works in turns:
 *
 *   ledger_take() ...             what is due, by slot and generation; staged in the queues
 *   ledger_commit(position, marks)   the turn counts: one store
 *   release the ring, publish the queues
 *
 * If the agent is killed before the store, the turn never was: the ring's events are read again, the
 * queues forget what was staged, and slots that were taken in it (they carry the number of their
 * turn, and what they held before) fall back when the ledger is opened. If it is killed after the
 * store, the next agent releases the ring and publishes the queues as the ledger records.
 *
 * The file belongs to one meter and is replaced for another. It is on tmpfs: when the machine goes
 * down, so do the kernel's maps.
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
 * *known: it was there before. 0, or a negative errno and the reason.
 */
int ledger_open(const char *path, __u64 meter, __u32 slots, struct ledger **out, bool *known,
		struct why *why);
void ledger_close(struct ledger *l);

/* What was committed last; of a new ledger all zero. */
void ledger_turn(const struct ledger *l, struct ledger_turn *out);

/*
 * What of an incarnation was not taken before: *packets and *bytes. False: nothing. `stays`: it is
 * still in the cache, so what was taken is recorded.
 */
bool ledger_take(struct ledger *l, __u32 slot, const struct weir_flow *flow, bool stays,
		 __u32 *packets, __u64 *bytes);

void ledger_commit(struct ledger *l, const struct ledger_turn *turn);

#endif

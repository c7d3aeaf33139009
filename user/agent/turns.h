/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the kernel to whoever takes flows: what `weir run` and `weir replay` share.
 *
 *   ring ──┐                          ┌──→ queue ──→ exporter   (some: exactly once)
 *          ├─→ ledger ─→ harvest ─────┤
 *   cache ─┘   (due?)    (merge)      └──→ sink                 (once the turn is committed)
 *
 * In turns: what the ledger says is due is merged and staged, the turn is committed, then the ring
 * is released and the queues published. See export/ledger.h for what a crash does to that: nothing.
 * Sinks (flow/sink.h) get the flows of a turn after it was committed: a crash in between loses it
 * for them. They do not keep turns waiting.
 *
 * Where nobody takes flows there is no ledger, and what comes through the ring is let go.
 */
#ifndef AGENT_TURNS_H
#define AGENT_TURNS_H

#include "config/config.h"
#include "flow/harvest.h"
#include "flow/sink.h"
#include "meter/meter.h"
#include "export/exporter.h"
#include "export/ledger.h"
#include "base/twin.h"

#define EXPORTS_DIR "/run/weir/export"
#define TURNS_FLOWS_MAX 16384u /* flows made in a turn */
#define TURNS_SINKS 4

struct turns {
	struct meter *meter;
	struct weir_timeouts timeouts;
	const char *folder;  /* EXPORTS_DIR, of queues and ledger; NULL: in memory only */
	__s64 offset_ns;     /* from the kernel programs' clock to Unix time */
	__u64 clock_ns;      /* replay: the capture's, for the messages' headers */
	__u64 patience_ns;   /* replay: how long flows wait for room in a queue; 0: they do not */
	__u64 room_until_ns; /* scans, the end: until when they do; CLOCK_MONOTONIC */
	__u32 turn_room;     /* flows that a turn makes at most */
	__u64 scan_ns;       /* when the cache is due for a scan; CLOCK_MONOTONIC */
	__u64 events;        /* taken from the ring */

	unsigned int sink_count;
	struct flow_sink sink[TURNS_SINKS];
	struct flow_ended *ended; /* of this turn, for them */
	unsigned int ended_count;
	__u64 sinks_ns; /* when they had their turn; Unix time */

	unsigned int count;
	struct exporter *exporter[EXPORTS_MAX]; /* NULL: free */
	struct export_options options[EXPORTS_MAX];
	bool stuck[EXPORTS_MAX];            /* a wait for it timed out */
	const struct socket_watch *sockets; /* is called for exporters' sockets; may be NULL */
	struct export_facts facts;
	struct names names; /* of interfaces, for exporters; ports.c writes them */
	__u64 names_told;   /* their version that exporters were woken for */
	/* What exporters tell, up to the first without a query's name; their threads read it. */
	TWIN(struct wire_distinct) distinct[WEIR_VECTORS];
	bool tells_distinct; /* one of the exporters can: IPFIX, files */
	__u64 distinct_ns;   /* when it is asked for again; the kernel programs' clock */

	struct ledger *ledger;
	struct harvest harvest;
	struct ledger_turn turn; /* in work */
	__u64 now_ns;            /* of a scan; the flows in it that are over are due */
	bool all;                /* of a scan: all flows are due */
	bool put_off;            /* of a scan: the queues have no room for the rest of it */

	struct meter_census counting; /* by the scan in work */
	struct meter_census census;   /* by the last that went through the whole cache */
	bool counted;                 /* one did */
};

/* What turns have to say to people. */
typedef void turns_say_fn(void *context, const char *line);

/* One more that takes flows, from the next turns_apply() on. -E2BIG: there are TURNS_SINKS. */
int turns_add_sink(struct turns *t, const struct flow_sink *sink);
/*
 * Opens exporters as `config` says, taking its entries out of it, and closes those that it does not
 * name. One that is open and did not change stays as it is. 0, or a negative errno after a line for
 * each that could not be opened: if it was open before, it goes on as it was.
 */
int turns_apply(struct turns *t, struct config *config, turns_say_fn *say, void *context);
/* Sends what waits, until the deadline (CLOCK_MONOTONIC), and ends. Says what was not sent. The
 * ledger stays, for as long as the meter that it is about. */
void turns_close(struct turns *t, __u64 deadline_ns, turns_say_fn *say, void *context);
/* When the meter has gone, not before: an agent that adopts it needs it. */
void turns_remove_ledger(void);

/* The time of day may be set; in replay the programs' clock is Unix time as it is. */
void turns_follow_clock(struct turns *t);

/* Takes what is in the ring, and scans the cache when that is due. 0 or a negative errno. */
int turns_take(struct turns *t);
/* Takes what is in the ring. */
int turns_drain(struct turns *t);
/* Takes everything, and gives sinks their last turn: flows that are not over end as
 * WEIR_END_FORCED. `now_ns`: the kernel programs' clock. They wait for room in the queues until
 * room_until_ns (CLOCK_MONOTONIC); 0: as patience_ns says. */
int turns_flush(struct turns *t, __u64 now_ns, __u64 room_until_ns);

/* turns_distinct.c. Can one of the configuration's exporters tell distinct counts? */
bool turns_can_export_distinct(const struct config *config);
/* Asks the meter for all distinct counts, if an exporter can tell them; `now_ns`: the kernel
 * programs' clock. turns_follow_distinct(): once a second, by that clock. */
void turns_read_distinct(struct turns *t, __u64 now_ns);
void turns_follow_distinct(struct turns *t);
/* Of struct export_facts; `context` is struct turns. */
bool turns_export_distinct(void *context, unsigned int n, struct wire_distinct *out);

/* Waits until all is sent, or for the deadline (CLOCK_MONOTONIC). */
void turns_settle(struct turns *t, __u64 deadline_ns);

/* Nothing waits and nothing was dropped. */
bool turns_all_sent(const struct turns *t);

/* Calls fn with each exporter's state. */
typedef void turns_exporter_fn(void *context, const struct exporter_state *state);
void turns_each_exporter(const struct turns *t, turns_exporter_fn *fn, void *context);

/* Flows in the cache, as the last scan found them that went through all of it (the next may be due
 * only after twenty times as long as that took); NULL: there was none. */
const struct meter_census *turns_census(const struct turns *t);

#endif

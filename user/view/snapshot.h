/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one second looks like: the only thing that tables, lines and JSON are made from.
 *
 *   pins ─── snapshot_read() ───┐                   ┌──→ screen.c   the table of a terminal
 *   queue files ─ _exporters() ─┼─→ struct snapshot ┼──→ lines.c    lines and topics in plain text
 *   agent ─┬ fills the rest ────┘                   └──→ json.c     one object ─┐
 *          └ its socket ←───────────────────────────────────────────────────────┘
 *              └─ snapshot_ask() ─→ struct snapshot of weir show
 *
 * `weir run` fills it once a second and keeps it, `weir show` once. Both read what the kernel has by
 * the same function; only the agent knows how it reports to a coordinator and what it has to say,
 * and serves that on SNAPSHOT_SOCKET. `has` tells which parts are filled: the others are not known,
 * and hold whatever they did.
 */
#ifndef VIEW_SNAPSHOT_H
#define VIEW_SNAPSHOT_H

#include <sys/types.h>

#include "base/why.h"
#include "export/exporter.h"
#include "meter/links.h"
#include "meter/meter.h"
#include "peer/uplink.h"
#include "view/distinct.h"

#define SNAPSHOT_SOCKET "/run/weir/run.sock"
#define SNAPSHOT_EXPORTERS 64 /* queue files may be left of more than a process has */
#define SNAPSHOT_INTERFACES WEIR_INTERFACES

enum snapshot_part {
	SNAPSHOT_BOOKS = 1 << 0,
	SNAPSHOT_QUERIES = 1 << 1,         /* names and rates */
	SNAPSHOT_DISTINCT = 1 << 2,        /* of these queries */
	SNAPSHOT_CENSUS = 1 << 3,          /* flows in the cache: a walk through all of it */
	SNAPSHOT_INTERFACES_NOW = 1 << 4,  /* those that are attached */
	SNAPSHOT_INTERFACE_BOOKS = 1 << 5, /* and those that have gone, with the books of each */
	SNAPSHOT_TABLES = 1 << 6,          /* timeouts, terms, tunnels, vectors */
	SNAPSHOT_KERNEL = 1 << 7,
	SNAPSHOT_BALANCE = 1 << 8,
	SNAPSHOT_EXPORTS = 1 << 9,
	SNAPSHOT_AGENT = 1 << 10, /* uptime, flows evicted, the session with the coordinator */
};

struct snapshot_query {
	__u32 place; /* in the kernel's windows */
	struct weir_label label;
	__u32 window_s; /* that `rate` and `distinct` are over: the query's own, or what was asked */
	struct meter_rate rate;
	struct distinct_answers distinct;
	int distinct_code; /* why there are none; 0 */

	bool reported; /* in the second that ended last, to the coordinator: */
	__s64 tick;    /* the second of Unix time that the window ended with */
	__u64 counts;  /* in the window */
};

enum snapshot_state {
	SNAPSHOT_ATTACHED,
	SNAPSHOT_DETACHED, /* it is there, none of our programs is; its counts stay */
	SNAPSHOT_GONE,     /* its counts stay */
	SNAPSHOT_ABSENT,   /* waited for */
	SNAPSHOT_FORESEEN, /* would be attached so */
	SNAPSHOT_REFUSED,  /* could not be attached */
	SNAPSHOT_LEFT_OUT, /* another sees its packets, and they are to be counted once */
	SNAPSHOT_STATES,
};

struct snapshot_interface {
	enum snapshot_state state;
	struct why why;              /* SNAPSHOT_REFUSED, SNAPSHOT_LEFT_OUT */
	struct weir_interface hooks; /* of SNAPSHOT_ABSENT and _REFUSED, the name alone */
	struct link_set also;        /* which others see its packets too; see snapshot_twice() */
	struct weir_books books;     /* SNAPSHOT_INTERFACE_BOOKS */
};

struct snapshot_exporter {
	struct exporter_state state;
	struct why unreadable; /* its queue file is, and `state` is not known; "" */
};

struct snapshot {
	unsigned int has; /* of enum snapshot_part */
	__u64 time_ns;    /* Unix time */
	pid_t agent;      /* 0: none is running */

	struct weir_books books, books_before;
	__u64 books_ns;                      /* when, in the meter's clock; 0: never */
	struct weir_count seen_in, seen_out; /* a second, since the reading before */

	unsigned int query_count;
	struct snapshot_query query[WEIR_QUERIES];

	struct meter_census census;
	__u64 capacity; /* flows */

	unsigned int interface_count;
	struct snapshot_interface interface[SNAPSHOT_INTERFACES];

	int cpus;
	__u32 terms;
	bool inner; /* which addresses of tunnelled packets count */
	struct weir_timeouts timeouts;
	unsigned int vectors; /* of distinct counts */
	__u64 vector_bytes;   /* all CPUs together */

	struct meter_kernel kernel;
	struct meter_balance balance;

	unsigned int exporter_count;
	struct snapshot_exporter exporter[SNAPSHOT_EXPORTERS];

	__u64 uptime_s, evicted; /* SNAPSHOT_AGENT */
	bool reports;            /* to a coordinator: */
	struct uplink_status report;
};

/* What the reader has already, so that it is not read again; all may be zero. */
struct snapshot_known {
	const struct weir_label *label; /* [WEIR_QUERIES], as in the kernel's map */
	const __u8 *place;        /* of the i-th query in the kernel; NULL: all that are named */
	unsigned int query_count; /* of these */
	const struct meter_series *series; /* of the second that ended last */
	const struct meter_census *census;
	const __u64 *now_ns; /* of distinct counts, in the meter's clock; NULL: now */
	__u32 window_s;      /* 0: each query's own */
};

/* With nothing but the time. NULL: no memory. */
struct snapshot *snapshot_new(void);

/*
 * Reads those `parts` that are of the kernel, and notes the time. 0, or a negative errno: then no
 * part is known. Distinct counts that cannot be read are left out one by one.
 */
int snapshot_read(struct snapshot *s, const struct meter *m, unsigned int parts,
		  const struct snapshot_known *known);
/* Does the other one of the snapshot's interfaces count packets that this one counts? */
bool snapshot_twice(const struct snapshot *s, unsigned int interface, unsigned int other);
/* From the queue files, whether a process has them or not; not those that it has already. */
void snapshot_exporters(struct snapshot *s, const char *folder);
/* One more, to the struct snapshot; what is beyond SNAPSHOT_EXPORTERS is left
 * out. */
void snapshot_add_exporter(void *snapshot, const struct exporter_state *state);

/*
 * What the agent at the socket says of its exporters and of the session with its coordinator.
 * -ENOENT, -ECONNREFUSED: there is none; -EBADMSG: that is no agent of this version.
 */
int snapshot_ask(struct snapshot *s, const char *path, struct why *why);

/* "attached", "absent"... */
extern const char *const snapshot_states[SNAPSHOT_STATES];

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host's side: the filters of one session. Pure: values in, updates out.
 *
 *   session begins ──→ source_begin(rules of the welcome)
 *   each grant     ──→ source_grant()
 *   each tick      ──→ source_tick()  ──→ updates, and the tick that is sent after them
 *
 * Rule 1 of the guarantee: a host's width is never above the coordinator's for it. A session begins
 * with widths of 0; grants raise them once the host's ticks have come to the grant's.
 */
#ifndef INTERVAL_SOURCE_H
#define INTERVAL_SOURCE_H

#include "interval/forecast.h"
#include "interval/interval.h"

#define SOURCE_QUERIES 64
#define SOURCE_GRANTS 8 /* per query, that wait for their tick */

/* What a query's value is at a tick. */
struct source_value {
	bool known; /* else the query is passed over, and the caller says what it lacks */
	__s64 value;
	__u64 error;
	__s64 since; /* Unix time: it is of what was counted since this second; 0: not known */
	/* The window's seconds, the oldest first, in whole counts; NULL: not known. */
	const __u64 *slots;
	__u32 slot_count;
};

struct source_query {
	bool told;   /* an update was sent in this session */
	__u64 width; /* as set at set_tick */
	__s64 set_tick;
	__u64 least; /* error of the last update */
	struct interval_course course;
	struct interval_grant waiting[SOURCE_GRANTS];
	__u32 waits;
	struct forecast forecast; /* last: it outlives sessions */
};

struct source {
	struct interval_rules rules;
	__u32 count;
	__u32 serial; /* of the last grant taken in */
	__s64 tick;   /* the last; 0: none yet */
	struct source_query query[SOURCE_QUERIES];
};

/* A session of `count` queries begins. What forecasts learned in the last one stays. */
void source_begin(struct source *s, const struct interval_rules *rules, __u32 count);

/* -EINVAL: no such query, a serial that is not the next, a width out of range or odd; -ENOBUFS: too
 * many wait. The session is to be ended then. */
int source_grant(struct source *s, const struct interval_grant *grant);

/*
 * The values of tick `tick`, later than the last; values[count], out[count]. Returns how many
 * updates there are, and fills *done, which is sent after them.
 */
__u32 source_tick(struct source *s, __s64 tick, const struct source_value *values,
		  struct interval_update *out, struct interval_tick *done);

/* The width that is in force at the last tick, for the next session's interval_ask. */
__u64 source_width(const struct source *s, __u32 query);

#endif

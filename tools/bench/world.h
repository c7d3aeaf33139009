/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hosts and a coordinator in one process, without latency, on a virtual clock: the filters, courses,
 * widths and answers are those of weir run and weir coordinate (user/interval).
 *
 *   work ──→ source ──updates, ticks──→ coordinator ──→ answers, held against the truth
 *              └──────────grants─────────────┘
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "interval/coordinator.h"

#define WORLD_HOSTS 10
#define WORLD_QUERIES 5

/* What happens at the hosts. Values are in thousandths, or made of counts per tick. */
struct work {
	__u32 ticks, queries, window_s;
	__u64 *count[WORLD_HOSTS][WORLD_QUERIES]; /* [ticks]; NULL: values */
	__s64 *value[WORLD_HOSTS][WORLD_QUERIES]; /* [ticks] */
};

struct world_plan {
	const struct work *work;
	struct interval_rules rules;
	double precision
		[WORLD_QUERIES]; /* U - L at most, in the unit of values per window second */
};

struct world_result {
	/* Per second. Bytes as weir writes them, without what is sent each second in any case. */
	double updates, grants, bytes;
	double every_mps, every_bytes; /* if each change were told */
	double knots;                  /* of an update's course, on average */
};

/* Fails the bench when an answer does not hold the truth, or is wider than it may be. */
struct world_result world_run(const struct world_plan *plan);

/* Drawn from a seed (works.c, captures.c); free with work_free(). */

/* Each tick a step up or down, of ten lengths. Each period_s (0: never) the hosts turn their steps
 * around: the first has the last's. */
struct work *work_walks(__u32 ticks, __u32 period_s);
/* On for a while, then off: packets per second, 349 of all hosts on average. */
struct work *work_bursts(__u32 ticks);
/* NULL: there are none. */
struct work *work_captures(const char *folder, __u32 ticks);
/* All zero. Counts, or values. */
struct work *work_new(__u32 ticks, __u32 queries, __u32 window_s, bool counts);
void work_free(struct work *w);
/* Of all hosts together, per second. */
double work_mean(const struct work *w, __u32 query);

#endif

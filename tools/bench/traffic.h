/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Traffic drawn from a seed, and how many flows it had in the last window, exactly.
 *
 * Flows arrive by a Poisson process. Of them 60 % are one packet; the others last, by
 * halves, an exponential time (mean 10 s) or a Pareto one (alpha 1.5, at least 2 s, cut
 * at 600 s), with a packet at both ends and one every 0.5 to 1.5 s between.
 */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <linux/types.h>

/* From then until then, `factor` times as many flows arrive. */
struct traffic_change {
	double from_s, until_s, factor;
};

#define TRAFFIC_CHANGES 2

struct traffic_shape {
	double flows; /* in a window, while nothing changes */
	double window_s;
	struct traffic_change changes[TRAFFIC_CHANGES]; /* factor 0: none */
};

/* Ticks of the generator's clock, which begins at 0: packets come at whole ones. */
#define TRAFFIC_HZ 1000

typedef void traffic_sink(void *context, __u32 tick, __u64 hash);

/* splitmix64: the next of a sequence of random words. */
__u64 traffic_draw(__u64 *state);

struct traffic *traffic_new(const struct traffic_shape *shape, __u64 seed);
void traffic_free(struct traffic *t);
/* Hands over the packets up to and with tick `until`, in their order, with their flows' hashes. */
void traffic_run(struct traffic *t, __u32 until, traffic_sink *sink, void *context);
/* Different flows in the last window_s before the tick that traffic_run() came to. */
__u32 traffic_distinct(const struct traffic *t);

#endif

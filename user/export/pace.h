/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Datagrams that arrive faster than a collector reads fill its socket's buffer, 200 kB by default,
 * and the next ones are lost silently. A scan of the cache ends thousands of flows at once, and a
 * collector that was away gets minutes of them. So bursts are spread: after each batch of messages
 * the exporter rests, unless flows come in faster than that.
 */
#ifndef EXPORT_PACE_H
#define EXPORT_PACE_H

#include <linux/types.h>

#include "weir/base.h"

/* Five thousand datagrams of 1,400 bytes a second. */
#define PACE_RECORDS 100000ull

struct pace {
	__u64 second_ns;   /* when the second began that is counted now */
	__u64 second_tail; /* the queue's tail then */
	__u64 inflow;      /* records that came in the one before */
};

/*
 * How many ns to rest after `sent` records. `tail` and `queued` as of now, `capacity` of the queue;
 * all must be gone in left_ns (~0: some day).
 */
static inline __u64 pace_rest(struct pace *p, __u64 now_ns, __u64 tail, __u64 queued,
			      __u64 capacity, __u64 sent, __u64 left_ns)
{
	__u64 rate = PACE_RECORDS, rest;

	if (now_ns - p->second_ns >= WEIR_NS_PER_SEC) {
		p->inflow = (tail - p->second_tail) * WEIR_NS_PER_SEC / (now_ns - p->second_ns);
		p->second_ns = now_ns;
		p->second_tail = tail;
	}
	/* A flood, of which the last second knew nothing. */
	if (queued > capacity / 2 && tail - p->second_tail > capacity / 2)
		return 0;
	if (rate < 2 * p->inflow)
		rate = 2 * p->inflow;
	rest = sent * WEIR_NS_PER_SEC / rate;
	if (left_ns != ~0ull && rest > left_ns / 2 / (queued / (sent + 1) + 1))
		rest = left_ns / 2 / (queued / (sent + 1) + 1);
	return rest;
}

#endif

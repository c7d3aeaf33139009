/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sliding windows: a circle of 64 one-second slots per CPU, all queries of one
 * second side by side, so that a packet checks the slot's second once however
 * many queries it matches.
 *
 *   slot = second & 63    ┌ second │ query 0: packets, bytes │ query 1: ... ┐
 *
 * Whoever first writes a slot in a new second clears it. An answer over w seconds
 * sums the w complete seconds before the current one, so no slot that is still
 * being written, or about to be cleared (64 seconds back), is read: w <= 62.
 */
#ifndef WEIR_WINDOW_H
#define WEIR_WINDOW_H

#include "counters.h"
#include "query.h"

#define WEIR_SLOTS 64
#define WEIR_WINDOW_MAX 62 /* seconds */

/* Value of map `windows`: one second on one CPU. */
struct weir_slot {
	__u64 second; /* of CLOCK_BOOTTIME, in replay of the capture's clock */
	__u64 pad;
	struct weir_count query[WEIR_QUERIES];
};

/* The second that a CPU is in, kept so that a packet compares instead of dividing. */
struct weir_second {
	__u64 second;
	__u64 start_ns;
};

_Static_assert(sizeof(struct weir_slot) == 16 + 16 * WEIR_QUERIES, "slot layout");

static __always_inline __u32 weir_slot_index(__u64 second)
{
	return second & (WEIR_SLOTS - 1);
}

/* Second of `now_ns`, by way of the one last seen. */
static __always_inline __u64 weir_second_of(struct weir_second *s, __u64 now_ns)
{
	if (now_ns - s->start_ns >= WEIR_NS_PER_SEC) {
		s->second = now_ns / WEIR_NS_PER_SEC;
		s->start_ns = s->second * WEIR_NS_PER_SEC;
	}
	return s->second;
}

/* How much of the `window_ns` before now_ns was counted, if counting began at since_ns. */
static __always_inline __u64 weir_covered_ns(__u64 since_ns, __u64 now_ns, __u64 window_ns)
{
	__u64 lived_ns = now_ns > since_ns ? now_ns - since_ns : 0;

	return lived_ns < window_ns ? lived_ns : window_ns;
}

/* The first second all of which was counted. */
static __always_inline __u64 weir_first_whole_s(__u64 since_ns)
{
	return since_ns / WEIR_NS_PER_SEC + (since_ns % WEIR_NS_PER_SEC > 0);
}

/* The same of slots, which answer for complete seconds: of the one in which counting began only a
 * part is in its slot, of the one that now_ns is in nobody knows what is still to come. */
static __always_inline __u32 weir_covered_s(__u64 since_ns, __u64 now_ns, __u32 window_s)
{
	return weir_covered_ns(weir_first_whole_s(since_ns), now_ns / WEIR_NS_PER_SEC, window_s);
}

/* Does a slot belong to the `window` complete seconds before second `now`? */
static __always_inline int weir_slot_in_window(const struct weir_slot *slot, __u64 now,
					       __u32 window)
{
	return slot->second < now && slot->second + window >= now;
}

#endif

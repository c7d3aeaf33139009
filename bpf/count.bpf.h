/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sliding windows: the packet into the current second of every query it satisfies. */
#ifndef WEIR_COUNT_BPF_H
#define WEIR_COUNT_BPF_H

#include "packet.bpf.h"

/* This second's slot, cleared if its circle has come round; NULL when the clock stepped back by
 * more than the circle holds. */
static __always_inline struct weir_slot *current_slot(__u64 second)
{
	__u32 index = weir_slot_index(second);
	struct weir_slot *slot;

	slot = bpf_map_lookup_elem(&windows, &index);
	if (!slot || likely(slot->second == second))
		return slot;
	if (slot->second > second)
		return NULL;
	for (int i = 0; i < WEIR_QUERIES; i++) {
		slot->query[i].packets = 0;
		slot->query[i].bytes = 0;
	}
	slot->second = second;
	return slot;
}

/* A query is counted once, however many of its terms hold. False: no slot for that time. */
static __always_inline bool count_queries(const struct weir_tables *t, __u64 terms, __u64 second,
					  __u32 packets, __u32 bytes)
{
	struct weir_slot *slot;

	if (!terms)
		return true;
	slot = current_slot(second);
	if (!slot)
		return false;
	terms = forget(terms);
	for (int i = 0; i < WEIR_TERMS && terms; i++) {
		__u32 term = weir_term_slot(terms & -terms);
		__u32 query = t->term_query[term] & (WEIR_QUERIES - 1);

		terms &= ~t->term_siblings[term];
		slot->query[query].packets += packets;
		slot->query[query].bytes += bytes;
	}
	return true;
}

#endif

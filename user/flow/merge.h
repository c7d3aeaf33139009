/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One flow may be resident on several CPUs, for each has a cache of its own. Merging makes one of
 * them: packets and bytes add up, flags too, the times span all, and it is live while a part is.
 */
#ifndef FLOW_MERGE_H
#define FLOW_MERGE_H

#include "weir/flow.h"

struct flow_item {
	struct weir_flow flow; /* of a merged flow, `packets` stops at its highest value */
	struct weir_pair6 pair;
	enum weir_end end;
	__u64 packets;
};

struct flow_items {
	struct flow_item *item;
	size_t count, room;
};

enum flow_order {
	FLOW_BY_PACKETS,
	FLOW_BY_BYTES,
	FLOW_BY_LAST,
	FLOW_BY_FIRST
};

/* -ENOMEM, and the items as they were. */
int flow_items_add(struct flow_items *items, const struct weir_flow *flow,
		   const struct weir_pair6 *pair, enum weir_end end);
void flow_items_merge(struct flow_items *items);
/* Most packets or bytes, latest first. */
void flow_items_sort(struct flow_items *items, enum flow_order order);
void flow_items_free(struct flow_items *items);

#endif

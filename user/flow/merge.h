/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flows in the cache, each one of its parts (flow/parts.h), in an order for people. Times are on
 * the kernel's clock, and `end` is WEIR_END_NONE while a flow lives.
 */
#ifndef FLOW_MERGE_H
#define FLOW_MERGE_H

#include <stddef.h>

#include "flow/ended.h"

struct flow_items {
	struct flow_ended *item;
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

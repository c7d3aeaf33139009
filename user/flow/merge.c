// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/parts.h"

int flow_items_add(struct flow_items *items, const struct weir_flow *flow,
		   const struct weir_pair6 *pair, enum weir_end end)
{
	if (items->count == items->room) {
		size_t room = items->room ? 2 * items->room : 1024;
		struct flow_ended *more = realloc(items->item, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		items->item = more;
		items->room = room;
	}
	flow_ended_of(flow, pair, end, 0, &items->item[items->count++]);
	return 0;
}

static int compare_keys(const void *left, const void *right)
{
	const struct flow_ended *a = left, *b = right;
	int order = memcmp(&a->key, &b->key, sizeof(a->key));

	if (order || !(a->key.flags & WEIR_KEY_V6))
		return order;
	return memcmp(&a->pair, &b->pair, sizeof(a->pair));
}

void flow_items_merge(struct flow_items *items)
{
	size_t last = 0;

	if (!items->count)
		return;
	qsort(items->item, items->count, sizeof(*items->item), compare_keys);
	for (size_t i = 1; i < items->count; i++) {
		if (flow_parts_same(&items->item[last], &items->item[i]))
			flow_parts_add(&items->item[last], &items->item[i]);
		else
			items->item[++last] = items->item[i];
	}
	items->count = last + 1;
}

static __u64 rank(const struct flow_ended *item, enum flow_order order)
{
	switch (order) {
	case FLOW_BY_BYTES:
		return item->bytes;
	case FLOW_BY_LAST:
		return item->end_ns;
	case FLOW_BY_FIRST:
		return item->start_ns;
	case FLOW_BY_PACKETS:
		break;
	}
	return item->packets;
}

static int compare_rank(const void *left, const void *right, void *order)
{
	__u64 a = rank(left, *(enum flow_order *)order), b = rank(right, *(enum flow_order *)order);

	if (a != b)
		return a > b ? -1 : 1;
	return compare_keys(left, right);
}

void flow_items_sort(struct flow_items *items, enum flow_order order)
{
	if (items->count)
		qsort_r(items->item, items->count, sizeof(*items->item), compare_rank, &order);
}

void flow_items_free(struct flow_items *items)
{
	free(items->item);
	*items = (struct flow_items){};
}

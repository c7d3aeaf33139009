// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int flow_items_add(struct flow_items *items, const struct weir_flow *flow,
		   const struct weir_pair6 *pair, enum weir_end end)
{
	if (items->count == items->room) {
		size_t room = items->room ? 2 * items->room : 1024;
		struct flow_item *more = realloc(items->item, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		items->item = more;
		items->room = room;
	}
	items->item[items->count++] = (struct flow_item){*flow, *pair, end, flow->packets};
	return 0;
}

static int compare_keys(const void *left, const void *right)
{
	const struct flow_item *a = left, *b = right;
	int order = memcmp(&a->flow.key, &b->flow.key, sizeof(a->flow.key));

	if (order || !(a->flow.key.flags & WEIR_KEY_V6))
		return order;
	return memcmp(&a->pair, &b->pair, sizeof(a->pair));
}

static void add_part(struct flow_item *sum, const struct flow_item *part)
{
	struct weir_flow *f = &sum->flow;

	/* How the whole ended is how its last part did. */
	if (!part->end || !sum->end)
		sum->end = WEIR_END_NONE;
	else if (part->flow.last_ns > f->last_ns)
		sum->end = part->end;
	sum->packets += part->packets;
	f->packets = sum->packets > ~0u ? ~0u : sum->packets;
	f->bytes += part->flow.bytes;
	f->tcp_flags |= part->flow.tcp_flags;
	if (part->flow.first_ns < f->first_ns)
		f->first_ns = part->flow.first_ns;
	if (part->flow.last_ns > f->last_ns)
		f->last_ns = part->flow.last_ns;
}

void flow_items_merge(struct flow_items *items)
{
	size_t last = 0;

	if (!items->count)
		return;
	qsort(items->item, items->count, sizeof(*items->item), compare_keys);
	for (size_t i = 1; i < items->count; i++) {
		if (compare_keys(&items->item[last], &items->item[i]))
			items->item[++last] = items->item[i];
		else
			add_part(&items->item[last], &items->item[i]);
	}
	items->count = last + 1;
}

static __u64 rank(const struct flow_item *item, enum flow_order order)
{
	switch (order) {
	case FLOW_BY_BYTES:
		return item->flow.bytes;
	case FLOW_BY_LAST:
		return item->flow.last_ns;
	case FLOW_BY_FIRST:
		return item->flow.first_ns;
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/parts.h"

#include <string.h>

bool flow_parts_same(const struct flow_ended *a, const struct flow_ended *b)
{
	if (a->key.addrs != b->key.addrs || a->key.rest != b->key.rest ||
	    a->key.ifindex != b->key.ifindex)
		return false;
	return !(a->key.flags & WEIR_KEY_V6) || !memcmp(&a->pair, &b->pair, sizeof(a->pair));
}

void flow_parts_add(struct flow_ended *sum, const struct flow_ended *part)
{
	if (!part->end || !sum->end)
		sum->end = WEIR_END_NONE;
	else if (part->end_ns > sum->end_ns)
		sum->end = part->end;
	if (part->start_ns < sum->start_ns) {
		sum->start_ns = part->start_ns;
		sum->tos = part->tos;
	}
	if (part->end_ns > sum->end_ns)
		sum->end_ns = part->end_ns;
	sum->packets += part->packets;
	sum->bytes += part->bytes;
	sum->tcp_flags |= part->tcp_flags;
}

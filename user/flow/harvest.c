// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/harvest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/parts.h"

int harvest_open(struct harvest *h, __u32 room)
{
	*h = (struct harvest){
		.part = malloc(room * sizeof(*h->part)),
		.bucket = calloc(room, sizeof(*h->bucket)),
		.room = room,
	};
	if (h->part && h->bucket)
		return 0;
	harvest_close(h);
	return -ENOMEM;
}

void harvest_close(struct harvest *h)
{
	free(h->part);
	free(h->bucket);
	*h = (struct harvest){};
}

static __u64 mix(__u64 x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ull;
	x ^= x >> 29;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

/* The same for both directions of a conversation: its ends are hashed apart and added. Their mere
 * difference would put whatever has equal ports into one bucket. */
static __u32 bucket_of(const struct harvest *h, const struct flow_ended *f)
{
	const bool ports = !(f->key.flags & WEIR_KEY_NOPORTS);
	__u64 src = f->key.src4, dst = f->key.dst4, both = f->key.proto;

	if (f->key.flags & WEIR_KEY_V6) {
		src = mix(f->pair.word[0]) + f->pair.word[1];
		dst = mix(f->pair.word[2]) + f->pair.word[3];
	}
	if (!ports)
		both |= (__u64)f->key.dport << 8;
	src = mix(mix(src) + (ports ? f->key.sport : 0));
	dst = mix(mix(dst) + (ports ? f->key.dport : 0));
	return mix(src + dst + both) & (h->room - 1);
}

int harvest_add(struct harvest *h, const struct flow_ended *part, unsigned int cpu)
{
	__u32 *link = &h->bucket[bucket_of(h, part)];
	__u64 bit = 1ull << cpu % 64;

	while (*link) {
		struct harvest_part *other = &h->part[*link - 1];

		if (!(other->cpus & bit) && flow_parts_same(&other->flow, part)) {
			flow_parts_add(&other->flow, part);
			other->cpus |= bit;
			return 0;
		}
		link = &other->next;
	}
	if (h->parts == h->room)
		return -ENOSPC;
	h->part[h->parts] = (struct harvest_part){.flow = *part, .cpus = bit};
	*link = ++h->parts;
	return 0;
}

/* The other direction of the flow in `part`, not emitted yet, or NULL. */
static struct harvest_part *find_reverse(struct harvest *h, const struct harvest_part *part)
{
	for (__u32 at = h->bucket[bucket_of(h, &part->flow)]; at; at = h->part[at - 1].next) {
		struct harvest_part *other = &h->part[at - 1];

		if (!other->emitted && flow_ended_reverses(&part->flow, &other->flow))
			return other;
	}
	return NULL;
}

void harvest_emit(struct harvest *h, harvest_fn *fn, void *context)
{
	for (__u32 i = 0; i < h->parts; i++) {
		struct harvest_part *part = &h->part[i], *reverse;

		if (part->emitted)
			continue;
		part->emitted = 1;
		fn(context, &part->flow);
		reverse = find_reverse(h, part);
		if (!reverse)
			continue;
		reverse->emitted = 1;
		fn(context, &reverse->flow);
	}
	if (h->parts)
		memset(h->bucket, 0, h->room * sizeof(*h->bucket));
	h->parts = 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows for exporters, out of the parts that the kernel has of them (flow/parts.h). Those that are
 * due together are put together; and the two directions of a conversation come out one after the
 * other, so that an exporter can send them as one biflow.
 *
 *   harvest_add() ...    parts as they come from the ring and the scan
 *   harvest_emit()       flows; then it is empty again
 *
 * Two parts of one CPU are two flows even if their keys are the same: the first had ended when the
 * second began.
 */
#ifndef FLOW_HARVEST_H
#define FLOW_HARVEST_H

#include <stddef.h>

#include "flow/ended.h"

struct harvest_part {
	struct flow_ended flow;
	__u64 cpus;    /* a bit each, of cpu % 64: none is in it twice */
	__u32 next;    /* part + 1 in the same bucket; 0: none */
	__u32 emitted; /* 0 or 1 */
};

struct harvest {
	struct harvest_part *part;
	__u32 *bucket; /* part + 1; 0: empty */
	__u32 parts, room;
};

/* `room`: how many flows it holds at most, a power of two. -ENOMEM. */
int harvest_open(struct harvest *h, __u32 room);
void harvest_close(struct harvest *h);

/* -ENOSPC: what there is has to be emitted first. */
int harvest_add(struct harvest *h, const struct flow_ended *part, unsigned int cpu);

typedef void harvest_fn(void *context, const struct flow_ended *flow);
void harvest_emit(struct harvest *h, harvest_fn *fn, void *context);

#endif

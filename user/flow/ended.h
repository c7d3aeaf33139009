/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A flow of this host that has ended and waits to be exported: the kernel's parts of it summed, on
 * Unix time. Compact and free of pointers, for it waits in queues that outlive the process.
 */
#ifndef FLOW_ENDED_H
#define FLOW_ENDED_H

#include <stdbool.h>

#include "flow/record.h"
#include "weir/flow.h"

struct flow_ended {
	struct weir_flow_key key;
	__u8 end; /* enum weir_end */
	__u8 tcp_flags;
	__u8 tos;
	__u8 pad;
	struct weir_pair6 pair; /* meaningful for IPv6 */
	__u64 start_ns, end_ns; /* Unix time */
	__u64 packets, bytes;
};

_Static_assert(sizeof(struct flow_ended) == 88, "queues hold it as it is");

/* Of the kernel's entry, whose times plus `clock_offset_ns` are Unix time. */
void flow_ended_of(const struct weir_flow *flow, const struct weir_pair6 *pair, enum weir_end end,
		   __s64 clock_offset_ns, struct flow_ended *out);
/* As sinks and the wire codec take it, what is known of it marked. */
void flow_ended_record(const struct flow_ended *ended, struct flow_record *out);
/* Is `b` the other direction of `a`? Then one biflow record can hold both. */
bool flow_ended_reverses(const struct flow_ended *a, const struct flow_ended *b);
/* The same with the reverse direction: the one that began first is the forward one. */
void flow_ended_biflow(const struct flow_ended *a, const struct flow_ended *b,
		       struct flow_record *out);

#endif

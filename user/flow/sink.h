/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who takes flows, no matter who made them: the kernel of this host (weir run, weir replay) or an
 * exporter whose messages are decoded. What a consumer needs to know of the maker is in the origin.
 *
 *   sink.flows(sink.context, &origin, flows, count)    some flows, in the order they came
 *   sink.turn(sink.context, now_ns)                    once a second, and at the end
 *
 * A sink takes all it is given and never makes its caller wait: what it cannot keep, it counts.
 */
#ifndef FLOW_SINK_H
#define FLOW_SINK_H

#include "flow/record.h"

enum flow_protocol {
	FLOW_PROTOCOL_IPFIX,
	FLOW_PROTOCOL_V9,
	FLOW_PROTOCOL_V5,
	FLOW_PROTOCOL_NONE, /* they did not come over the wire: this host's */
};

/* Who made the flows. */
struct flow_origin {
	__u8 address[16]; /* the exporter's; IPv4 in the first four bytes, the others zero */
	__u16 port;       /* 0 where an exporter may send from several */
	__u8 family;      /* 4 or 6; 0: this host */
	__u8 protocol;    /* enum flow_protocol */
	__u32 session;    /* number of a TCP or TLS stream; 0: datagrams */
	__u32 domain;     /* observation domain; v9: source id; v5: engine */
	__u64 export_ns;  /* Unix time, as the exporter says: when it sent them */
};

/* This host's flows, handed on at `now_ns` of Unix time. */
static inline struct flow_origin flow_origin_local(__u64 now_ns)
{
	return (struct flow_origin){.protocol = FLOW_PROTOCOL_NONE, .export_ns = now_ns};
}

/* Either function may be NULL. What is passed is valid until they return. */
struct flow_sink {
	void *context;
	void (*flows)(void *context, const struct flow_origin *origin,
		      const struct flow_record *flows, unsigned int count);
	void (*turn)(void *context, __u64 now_ns); /* Unix time */
};

#endif

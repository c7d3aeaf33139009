// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * NetFlow v5: IPv4 only, 32-bit counters, 16-bit interfaces and autonomous systems.
 *
 * A flow that counted further than 32 bits becomes several records of the same key and times, whose
 * sums are the flow's. A message has 30 records: more than that many times 4 GiB has to be cut
 * (wire_cut_v5()) over several messages.
 *
 * Ports that are not known are sent as 0, and so are the type and code of ICMP: there is no way to
 * leave them out. A time that is not known is sent as 0, too.
 *
 * Each header says "one in one packets" where other exporters leave sampling at 0, which may be
 * read as "not told".
 */
#include <errno.h>

#include "wire/encode_internal.h"

#define COUNT_MAX 0xffffffffull
#define AS_TRANS 23456 /* RFC 6793: stands for a number of more than 16 bits */
#define IF_UNKNOWN 0

static __u64 records_for(const struct flow_traffic *t)
{
	__u64 most = t->packets > t->bytes ? t->packets : t->bytes;

	return most ? (most - 1) / COUNT_MAX + 1 : 1;
}

bool wire_cut_v5(struct flow_record *rest, struct flow_record *part)
{
	const __u64 max = V5_RECORDS_MAX * COUNT_MAX;
	struct flow_traffic *t = &rest->forward;

	*part = *rest;
	part->forward.packets = t->packets < max ? t->packets : max;
	part->forward.bytes = t->bytes < max ? t->bytes : max;
	t->packets -= part->forward.packets;
	t->bytes -= part->forward.bytes;
	return t->packets || t->bytes;
}

static __be16 be16_or(__u32 value, __u16 otherwise)
{
	return weir_be16((__u16)(value > 0xffff ? otherwise : value));
}

static __be32 uptime(const struct wire_encoder *e, __u64 ns)
{
	return weir_be32(ns ? (__u32)(ns / NS_PER_MS - e->boot_ns / NS_PER_MS) : 0);
}

static void fill(const struct wire_encoder *e, const struct flow_record *f, struct v5_record *r)
{
	*r = (struct v5_record){
		.in_if = be16_or(f->in_if, IF_UNKNOWN),
		.out_if = be16_or(f->out_if, IF_UNKNOWN),
		.packets = weir_be32((__u32)f->forward.packets),
		.bytes = weir_be32((__u32)f->forward.bytes),
		.first_ms = uptime(e, f->forward.start_ns),
		.last_ms = uptime(e, f->forward.end_ns),
		.sport = weir_be16(f->sport),
		.dport = weir_be16((__u16)(flow_is_icmp(f) ? wire_icmp_of(f) : f->dport)),
		.tcp_flags = f->forward.tcp_flags,
		.proto = f->proto,
		.tos = f->forward.tos,
		.src_as = be16_or(f->src_as, AS_TRANS),
		.dst_as = be16_or(f->dst_as, AS_TRANS),
		.src_mask = f->src_mask,
		.dst_mask = f->dst_mask,
	};
	memcpy(r->src, f->src, sizeof(r->src));
	memcpy(r->dst, f->dst, sizeof(r->dst));
	memcpy(r->next_hop, f->next_hop, sizeof(r->next_hop));
}

int wire_add_flow_v5(struct wire_encoder *e, const struct flow_record *flow)
{
	const struct flow_traffic *t = &flow->forward;
	__u64 records = records_for(t);
	struct v5_record r;

	if (records > V5_RECORDS_MAX)
		return -E2BIG;
	if (e->records + records > V5_RECORDS_MAX || e->length + records * sizeof(r) > e->room)
		return -ENOSPC;
	fill(e, flow, &r);
	for (__u64 i = 0; i < records; i++, e->length += sizeof(r)) {
		if (records > 1) {
			r.packets = weir_be32(
				(__u32)(t->packets / records + (i < t->packets % records)));
			r.bytes = weir_be32((__u32)(t->bytes / records + (i < t->bytes % records)));
		}
		memcpy(e->message + e->length, &r, sizeof(r));
	}
	e->records += records;
	e->data += records;
	return 0;
}

/* Export time is told to the millisecond, as uptime is: the boot time that receivers reckon from
 * both is then whole milliseconds, which the flows' times count from. */
void wire_end_v5(struct wire_encoder *e, __u64 now_ns, __u32 sequence)
{
	__u64 now_ms = now_ns / NS_PER_MS;
	struct v5_header header = {
		.version = weir_be16(V5_VERSION),
		.count = weir_be16(e->records),
		.uptime_ms = weir_be32((__u32)(now_ms - e->boot_ns / NS_PER_MS)),
		.export_s = weir_be32((__u32)(now_ms / 1000)),
		.export_ns = weir_be32((__u32)(now_ms % 1000 * NS_PER_MS)),
		.sequence = weir_be32(sequence),
		.engine_type = e->domain >> 8,
		.engine_id = e->domain,
		.sampling = weir_be16(V5_SAMPLING_PACKETS << V5_SAMPLING_MODE_BITS | 1),
	};

	memcpy(e->message, &header, sizeof(header));
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* NetFlow v5: a fixed template, so no operations. */
#include <errno.h>

#include "wire/decode_internal.h"

#define V5_SERIAL 0 /* no template has it */

#define V5_KNOWN                                                                                   \
	(FIELD_BIT(PACKETS) | FIELD_BIT(BYTES) | FIELD_BIT(START) | FIELD_BIT(END) |               \
	 FIELD_BIT(TCP_FLAGS) | FIELD_BIT(TOS) | FIELD_BIT(SRC) | FIELD_BIT(DST) |                 \
	 FIELD_BIT(SPORT) | FIELD_BIT(DPORT) | FIELD_BIT(FAMILY) | FIELD_BIT(PROTO) |              \
	 FIELD_BIT(IN_IF) | FIELD_BIT(OUT_IF) | FIELD_BIT(SRC_AS) | FIELD_BIT(DST_AS) |            \
	 FIELD_BIT(SRC_MASK) | FIELD_BIT(DST_MASK) | FIELD_BIT(NEXT_HOP))

static void read_record(const struct frame *frame, const struct v5_record *r, __u32 sampling,
			struct flow_record *f)
{
	f->known = V5_KNOWN | (sampling ? FIELD_BIT(SAMPLING) : 0);
	f->family = 4;
	memcpy(f->src, r->src, sizeof(r->src));
	memcpy(f->dst, r->dst, sizeof(r->dst));
	memcpy(f->next_hop, r->next_hop, sizeof(r->next_hop));
	f->in_if = weir_be16(r->in_if);
	f->out_if = weir_be16(r->out_if);
	f->forward.packets = weir_be32(r->packets);
	f->forward.bytes = weir_be32(r->bytes);
	f->forward.start_ns = wire_uptime_ns(frame, frame->uptime_ms, weir_be32(r->first_ms));
	f->forward.end_ns = wire_uptime_ns(frame, frame->uptime_ms, weir_be32(r->last_ms));
	f->forward.tcp_flags = r->tcp_flags;
	f->forward.tos = r->tos;
	f->sport = weir_be16(r->sport);
	f->dport = weir_be16(r->dport);
	f->proto = r->proto;
	f->icmp = flow_is_icmp(f) ? f->dport : 0;
	f->known |= flow_is_icmp(f) ? FIELD_BIT(ICMP) : 0;
	f->src_as = weir_be16(r->src_as);
	f->dst_as = weir_be16(r->dst_as);
	f->src_mask = r->src_mask;
	f->dst_mask = r->dst_mask;
	f->sampling = sampling;
}

int wire_decode_v5(struct work *w, const __u8 *message, size_t length)
{
	unsigned int there = (length - sizeof(struct v5_header)) / sizeof(struct v5_record);
	struct v5_header header;
	unsigned int count;
	__u32 sampling;

	memcpy(&header, message, sizeof(header));
	w->domain = wire_domain_of(w, WIRE_V5, header.engine_type << 8 | header.engine_id);
	if (!w->domain)
		return -ENOMEM;
	w->frame.export_ns =
		weir_be32(header.export_s) * WEIR_NS_PER_SEC + weir_be32(header.export_ns);
	w->frame.uptime_ms = weir_be32(header.uptime_ms);
	sampling = weir_be16(header.sampling) & ((1 << V5_SAMPLING_MODE_BITS) - 1);
	count = weir_be16(header.count);
	wire_sequence(w, weir_be32(header.sequence), count, WIRE_COUNT_LOST_RECORDS);
	if (count > there) {
		wire_tally(w, WIRE_COUNT_COUNT, 1);
		count = there;
	}
	for (unsigned int i = 0; i < count; i++) {
		struct flow_record *f = wire_flow_slot(w->d, V5_SERIAL, false);
		struct v5_record r;

		memcpy(&r, message + sizeof(header) + i * sizeof(r), sizeof(r));
		read_record(&w->frame, &r, sampling, f);
		if (wire_times_odd(&f->forward))
			wire_mend_times(w, f, &f->forward, 0);
		if (w->d->options.scale)
			wire_scale(f);
		if (++w->d->flows == BATCH_FLOWS)
			wire_flush(w);
	}
	wire_flush(w);
	return 0;
}

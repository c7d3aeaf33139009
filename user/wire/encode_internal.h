/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the encoder's files share: room in sets. */
#ifndef WIRE_ENCODE_INTERNAL_H
#define WIRE_ENCODE_INTERNAL_H

#include "wire/spec.h"

#define WIRE_FLOW_TEMPLATES 6

/* Templates of flows that `e` uses; returns how many. */
unsigned int wire_flow_templates(const struct wire_encoder *e,
				 struct wire_template_spec out[WIRE_FLOW_TEMPLATES]);

int wire_add_flow_v5(struct wire_encoder *e, const struct flow_record *flow);
void wire_end_v5(struct wire_encoder *e, __u64 now_ns, __u32 sequence);

/* Who filled the record may have put type and code where the kernel's flow key has them. */
static __always_inline __u16 wire_icmp_of(const struct flow_record *flow)
{
	return flow->icmp ? flow->icmp : flow->dport;
}

/* Closes the open set: pads it in v9, and writes its length. */
static inline void wire_close_set(struct wire_encoder *e)
{
	if (!e->set)
		return;
	if (e->protocol == WIRE_V9) {
		while (e->length & 3)
			e->message[e->length++] = 0;
	}
	wire_put16(e->message + e->set + 2, e->length - e->set);
	e->set = 0;
}

/*
 * Room for a record of `bytes` in a set of that id, opened unless it is open; NULL: it would not
 * fit, and nothing was changed. In v9 the padding that the set will need must fit too.
 */
static __always_inline __u8 *wire_reserve(struct wire_encoder *e, __u16 set_id, size_t bytes)
{
	size_t pad = e->protocol == WIRE_V9 ? 3 : 0;
	size_t at = e->length;
	bool open = e->set && e->set_id == set_id;

	if (!open)
		at = ((at + pad) & ~pad) + sizeof(struct wire_set);
	if (((at + bytes + pad) & ~pad) > e->room)
		return NULL;
	if (!open) {
		wire_close_set(e);
		e->set = e->length;
		e->set_id = set_id;
		wire_put16(e->message + e->set, set_id);
	}
	e->length = at + bytes;
	e->records++;
	return e->message + at;
}

/* As above, for a data record. */
static __always_inline __u8 *wire_reserve_data(struct wire_encoder *e, __u16 set_id, size_t bytes)
{
	__u8 *at = wire_reserve(e, set_id, bytes);

	if (at)
		e->data++;
	return at;
}

#endif

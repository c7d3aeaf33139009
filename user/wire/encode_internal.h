/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the encoder's files share: templates, and room in sets. */
#ifndef WIRE_ENCODE_INTERNAL_H
#define WIRE_ENCODE_INTERNAL_H

#include "wire/encode.h"
#include "wire/field.h"

/* They never change, so that a collector that missed a refresh is not misled by an old one. */
enum wire_template_id {
	WIRE_TEMPLATE_FLOW4 = WIRE_SET_DATA_MIN,
	WIRE_TEMPLATE_FLOW6,
	WIRE_TEMPLATE_BIFLOW4,
	WIRE_TEMPLATE_BIFLOW6,
	WIRE_TEMPLATE_INTERFACES,
	WIRE_TEMPLATE_DESCRIPTIONS,
	WIRE_TEMPLATE_SAMPLING,
	WIRE_TEMPLATE_EXPORTING,
	WIRE_TEMPLATE_METERING,
	WIRE_TEMPLATE_TYPES,
	WIRE_TEMPLATE_DISTINCT,
	/* In streams of their own (interval/words.h), but numbered on. */
	WIRE_TEMPLATE_HELLO,
	WIRE_TEMPLATE_ASK,
	WIRE_TEMPLATE_UPDATE,
	WIRE_TEMPLATE_UPDATE_SMALL,
	WIRE_TEMPLATE_TICK,
	WIRE_TEMPLATE_LACK,
	WIRE_TEMPLATE_GOODBYE,
	WIRE_TEMPLATE_WELCOME,
	WIRE_TEMPLATE_GRANT,
	WIRE_TEMPLATE_REFUSAL,
};

/* A field of our templates: a row of the table of elements; in v9's options also a scope's type. */
#define WIRE_REVERSE 0x4000u
#define WIRE_V9_SYSTEM 0x8001u /* RFC 3954, 6.1: scope types */
#define WIRE_V9_INTERFACE 0x8002u
#define WIRE_V9_SCOPE 0x8000u
#define WIRE_V9_SCOPE_BYTES 4

struct wire_template_spec {
	__u16 id;
	__u8 scopes; /* 0: a template of data, not options */
	__u8 count;
	const __u16 *fields;
	const __u8
		*bytes; /* of each field, 0: as the element has it (RFC 7011, 6.2); NULL: all 0 */
};

/* Bytes of a field's value; IPFIX_VARIABLE: the value says it. */
static inline unsigned int wire_spec_bytes(const struct wire_template_spec *spec,
					   unsigned int field)
{
	if (spec->fields[field] & WIRE_V9_SCOPE)
		return WIRE_V9_SCOPE_BYTES;
	if (spec->bytes && spec->bytes[field])
		return spec->bytes[field];
	return wire_element_bytes(&wire_elements[spec->fields[field] & ~WIRE_REVERSE]);
}

/* Templates of flows that `e` uses; returns how many. */
unsigned int wire_flow_templates(const struct wire_encoder *e, struct wire_template_spec out[4]);
int wire_add_template(struct wire_encoder *e, const struct wire_template_spec *spec);

int wire_add_flow_v5(struct wire_encoder *e, const struct flow_record *flow);
void wire_end_v5(struct wire_encoder *e, __u64 now_ns, __u32 sequence);

/* Whoever fills a record may have put type and code where the kernel's flow key has them. */
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

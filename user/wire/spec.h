/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The templates that we send, as lists of elements. */
#ifndef WIRE_SPEC_H
#define WIRE_SPEC_H

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
	WIRE_TEMPLATE_OTHER,
	WIRE_TEMPLATE_SINCE,
	WIRE_TEMPLATE_UNSEEN4,
	WIRE_TEMPLATE_UNSEEN6,
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

int wire_add_template(struct wire_encoder *e, const struct wire_template_spec *spec);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The frame of messages: headers, sequence numbers, templates.
 *
 * v9 has whole seconds of export time only, and receivers reckon the boot time as export time less
 * uptime. So uptime is told as of a whole second: then boot time, and with it each flow's, comes out
 * right to the millisecond instead of up to a second off. It is the second to come, for a flow that
 * ends after the uptime is 49 days old to pmacct ("lastSwitched > sysUptime").
 */
#include "wire/encode.h"

#include <errno.h>

#include "wire/encode_internal.h"

static size_t header_bytes(enum wire_protocol protocol)
{
	switch (protocol) {
	case WIRE_IPFIX:
		return sizeof(struct ipfix_header);
	case WIRE_V9:
		return sizeof(struct v9_header);
	default:
		return sizeof(struct v5_header);
	}
}

void wire_begin(struct wire_encoder *e, void *buffer, size_t room)
{
	e->message = buffer;
	e->room = room < WIRE_MESSAGE_MAX ? room : WIRE_MESSAGE_MAX;
	e->length = header_bytes(e->protocol);
	e->set = 0;
	e->records = e->data = 0;
}

static __u8 *put_field_spec(__u8 *at, const struct wire_template_spec *spec, unsigned int i)
{
	__u16 field = spec->fields[i];
	const struct wire_element *element;
	__u32 pen;

	wire_put16(at + 2, wire_spec_bytes(spec, i));
	if (field & WIRE_V9_SCOPE) {
		wire_put16(at, field & ~WIRE_V9_SCOPE);
		return at + 4;
	}
	element = &wire_elements[field & ~WIRE_REVERSE];
	pen = field & WIRE_REVERSE ? IPFIX_REVERSE_PEN : element->pen;
	wire_put16(at, element->number | (pen ? IPFIX_ENTERPRISE : 0));
	if (!pen)
		return at + 4;
	wire_put32(at + 4, pen);
	return at + 8;
}

static size_t spec_bytes(const struct wire_template_spec *spec)
{
	size_t bytes = spec->scopes ? 6 : 4;

	for (unsigned int i = 0; i < spec->count; i++) {
		__u16 field = spec->fields[i];

		bytes += 4;
		if (!(field & WIRE_V9_SCOPE) && (field & WIRE_REVERSE || wire_elements[field].pen))
			bytes += 4;
	}
	return bytes;
}

/* IPFIX counts fields and how many of them are scopes, v9 bytes of scopes and of the others. Options
 * templates have a set each: pmacct loses its way after the first in a set. */
int wire_add_template(struct wire_encoder *e, const struct wire_template_spec *spec)
{
	bool v9 = e->protocol == WIRE_V9;
	__u16 set = v9 ? (spec->scopes ? V9_SET_OPTIONS : V9_SET_TEMPLATES)
		       : (spec->scopes ? IPFIX_SET_OPTIONS : IPFIX_SET_TEMPLATES);
	__u8 *at;

	if (spec->scopes)
		wire_close_set(e);
	at = wire_reserve(e, set, spec_bytes(spec));
	if (!at)
		return -ENOSPC;
	wire_put16(at, spec->id);
	if (v9 && spec->scopes) {
		wire_put16(at + 2, 4 * spec->scopes);
		wire_put16(at + 4, 4 * (spec->count - spec->scopes));
	} else {
		wire_put16(at + 2, spec->count);
		wire_put16(at + 4, spec->scopes);
	}
	at += spec->scopes ? 6 : 4;
	for (unsigned int i = 0; i < spec->count; i++)
		at = put_field_spec(at, spec, i);
	return 0;
}

int wire_add_withdrawal(struct wire_encoder *e)
{
	static const __u16 sets[] = {IPFIX_SET_TEMPLATES, IPFIX_SET_OPTIONS};
	struct wire_encoder before = *e;

	if (e->protocol != WIRE_IPFIX)
		return -EOPNOTSUPP;
	for (int i = 0; i < 2; i++) {
		__u8 *at = wire_reserve(e, sets[i], 4);

		if (!at) {
			*e = before;
			return -ENOSPC;
		}
		wire_put16(at, sets[i]); /* where a template's id stands: all of that kind */
		wire_put16(at + 2, 0);
	}
	return 0;
}

static void end_ipfix(struct wire_encoder *e, __u64 now_ns, __u32 sequence)
{
	struct ipfix_header header = {
		.version = weir_be16(IPFIX_VERSION),
		.length = weir_be16((__u16)e->length),
		.export_s = weir_be32((__u32)(now_ns / WEIR_NS_PER_SEC)),
		.sequence = weir_be32(sequence),
		.domain = weir_be32(e->domain),
	};

	memcpy(e->message, &header, sizeof(header));
}

static void end_v9(struct wire_encoder *e, __u64 now_ns, __u32 sequence)
{
	__u64 second = (now_ns + WEIR_NS_PER_SEC - 1) / WEIR_NS_PER_SEC;
	__u32 uptime_ms = second * 1000 - e->boot_ns / NS_PER_MS;
	struct v9_header header = {
		.version = weir_be16(V9_VERSION),
		.count = weir_be16(e->records),
		.uptime_ms = weir_be32(uptime_ms),
		.export_s = weir_be32((__u32)second),
		.sequence = weir_be32(sequence),
		.source = weir_be32(e->domain),
	};

	memcpy(e->message, &header, sizeof(header));
}

size_t wire_end(struct wire_encoder *e, __u64 now_ns, __u32 sequence)
{
	if (!e->records)
		return 0;
	wire_close_set(e);
	if (e->protocol == WIRE_IPFIX)
		end_ipfix(e, now_ns, sequence);
	else if (e->protocol == WIRE_V9)
		end_v9(e, now_ns, sequence);
	else
		wire_end_v5(e, now_ns, sequence);
	return e->length;
}

__u32 wire_sequence_step(const struct wire_encoder *e)
{
	if (!e->records)
		return 0;
	return e->protocol == WIRE_V9 ? 1 : e->data;
}

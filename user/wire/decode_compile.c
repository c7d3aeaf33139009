// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a template's fields to the operations that its records are read with.
 *
 * A flow's field may be told twice. By another element: templates for both families have
 * sourceIPv4Address and sourceIPv6Address, one of them zero in each record, so the second counts
 * where the first is zero. Or by the same element: then there is a header within the header, and
 * the outer one comes first (RFC 7011, 8), which is the flow on the wire.
 */
#include "wire/decode_internal.h"

struct compiler {
	struct work *w;
	struct template *t;
	unsigned int ops;
	struct op *variable; /* the last one of variable length */
	__u32 at;            /* bytes since the record's start or that value's end */
	__u32 min_bytes;
	bool addresses; /* which tell the family: ipVersion need not */
};

static void emit(struct compiler *c, enum op_code code, unsigned int bytes, size_t to,
		 unsigned int room)
{
	c->t->op[c->ops++] =
		(struct op){.code = code, .bytes = bytes, .from = c->at, .to = to, .room = room};
}

static const struct wire_element *element_of(const struct compiler *c,
					     const struct wire_template_field *f)
{
	bool v9 = c->w->domain->origin.protocol == WIRE_V9;

	if (v9 && f->scope && f->number <= V9_SCOPE_MAX)
		return NULL;
	return wire_element_find(f->pen == IPFIX_REVERSE_PEN ? 0 : f->pen, f->number);
}

static enum op_code uint_op(unsigned int bytes, unsigned int room)
{
	if (bytes != room)
		return OP_UINT;
	return bytes == 1 ? OP_U8 : bytes == 2 ? OP_U16 : bytes == 4 ? OP_U32 : OP_U64;
}

/* OP_END: no value of that kind has this length. */
static enum op_code op_of(enum wire_kind kind, unsigned int bytes, unsigned int room, bool micro)
{
	static const struct {
		__u8 code, bytes; /* bytes: 0 for 1 to 8 */
	} ops[] = {
		[WIRE_KIND_FLAGS] = {OP_FLAGS, 0},
		[WIRE_KIND_ADDR4] = {OP_ADDR4, 4},
		[WIRE_KIND_ADDR6] = {OP_ADDR6, 16},
		[WIRE_KIND_TIME_S] = {OP_SECONDS, 4},
		[WIRE_KIND_TIME_MS] = {OP_MS, 8},
		[WIRE_KIND_TIME_NTP] = {OP_NTP_NS, 8},
		[WIRE_KIND_TIME_BEFORE_US] = {OP_BEFORE_US, 4},
		[WIRE_KIND_UPTIME] = {OP_UPTIME, 4},
		[WIRE_KIND_BOOT] = {OP_BOOT, 8},
		[WIRE_KIND_ICMP_TYPE] = {OP_ICMP_TYPE, 1},
		[WIRE_KIND_ICMP_CODE] = {OP_ICMP_CODE, 1},
		[WIRE_KIND_LABEL] = {OP_LABEL, 3},
		[WIRE_KIND_SAMPLER] = {OP_SAMPLER, 0},
		[WIRE_KIND_FAMILY] = {OP_U8, 1},
	};

	if (kind == WIRE_KIND_UINT || kind == WIRE_KIND_DPORT || kind == WIRE_KIND_ICMP)
		return bytes >= 1 && bytes <= 8 ? uint_op(bytes, room) : OP_END;
	if (ops[kind].bytes ? bytes != ops[kind].bytes : bytes < 1 || bytes > 8)
		return OP_END;
	return micro ? OP_NTP_US : ops[kind].code;
}

static unsigned int family_of(enum wire_kind kind)
{
	return kind == WIRE_KIND_ADDR4 ? 4 : kind == WIRE_KIND_ADDR6 ? 6 : 0;
}

static bool is_key_address(unsigned int field)
{
	return field == FIELD_SRC || field == FIELD_DST;
}

/* One operation for the field, and what it takes where the field was told before. */
static void emit_field(struct compiler *c, enum op_code code, const struct wire_element *element,
		       unsigned int field, unsigned int bytes)
{
	struct template *t = c->t;
	const struct flow_field_row *place = &flow_fields[field];
	unsigned int family = is_key_address(field) ? family_of(element->kind) : 0;
	size_t to = place->offset;
	/* Labels and the halves of ICMP are parts of their field. */
	bool part = element->kind == WIRE_KIND_LABEL || element->kind == WIRE_KIND_ICMP_TYPE ||
		    element->kind == WIRE_KIND_ICMP_CODE;
	bool again = t->known >> field & 1 && !part;

	if (element->kind == WIRE_KIND_LABEL) {
		to += (element - &wire_elements[WIRE_mplsTopLabelStackSection]) * sizeof(__u32);
		t->post |= POST_LABELS;
	}
	if (part)
		t->wipe = true; /* the other parts may not be told */
	if (again) {
		emit(c, OP_SKIP_TOLD, place->bytes, to, family ? 2 : 1);
		t->wipe = true;
	}
	emit(c, code, bytes, to, place->bytes);
	if (family && t->family && t->family != family)
		t->post |= POST_FAMILY;
	if (again && family)
		emit(c, OP_FAMILY, 0, 0, family);
	else if (family)
		t->family = family;
	t->known |= 1ull << field;
}

static void fixed(struct compiler *c, const struct wire_element *element, unsigned int field,
		  unsigned int bytes)
{
	bool micro = element->kind == WIRE_KIND_TIME_NTP && element->type == WIRE_MICROSECONDS;
	enum op_code code;

	if (element->kind == WIRE_KIND_FAMILY && c->addresses)
		return;
	if (element->kind == WIRE_KIND_STRING) {
		emit(c, OP_STRING, bytes < FLOW_NAME_BYTES ? bytes : FLOW_NAME_BYTES - 1,
		     flow_fields[field].offset, 0);
		c->t->known |= 1ull << field;
		return;
	}
	code = op_of(element->kind, bytes, field < FIELD_MAX ? flow_fields[field].bytes : 0, micro);
	if (code == OP_END) {
		wire_tally(c->w, WIRE_COUNT_FIELD_LENGTH, 1);
		return;
	}
	if (element->kind == WIRE_KIND_UPTIME)
		c->t->uptime = true;
	if (field != FIELD_MOMENT) {
		emit_field(c, code, element, field, bytes);
		return;
	}
	/* Of an event both start and end, unless they are told. */
	if (!(c->t->known & FIELD_BIT(START)))
		emit_field(c, code, element, FIELD_START, bytes);
	if (!(c->t->known & FIELD_BIT(END)))
		emit_field(c, code, element, FIELD_END, bytes);
}

static void variable(struct compiler *c, const struct wire_element *element, unsigned int field)
{
	if (c->variable)
		c->variable->room = c->at;
	if (element && element->kind == WIRE_KIND_STRING) {
		emit(c, OP_VARIABLE_STRING, 0, flow_fields[field].offset, 0);
		c->t->known |= 1ull << field;
	} else {
		emit(c, OP_VARIABLE, 0, 0, 0);
	}
	c->variable = &c->t->op[c->ops - 1];
	c->min_bytes += 1;
	c->at = 0;
}

static bool is_inner(const struct compiler *c, const struct wire_template_field *f)
{
	for (const struct wire_template_field *g = c->t->field; g < f; g++) {
		if (g->number == f->number && g->pen == f->pen)
			return true;
	}
	return false;
}

static void compile_field(struct compiler *c, const struct wire_template_field *f)
{
	const struct wire_element *element = element_of(c, f);
	unsigned int field = element ? element->field : (unsigned int)FIELD_NONE;

	if (element && f->pen == IPFIX_REVERSE_PEN)
		field = flow_field_reverse(field);
	if (field == FIELD_NONE || is_inner(c, f))
		element = NULL;
	if (f->bytes == IPFIX_VARIABLE && c->w->domain->origin.protocol == WIRE_IPFIX) {
		variable(c, element, field);
		return;
	}
	if (element && f->bytes && c->at <= 0xffff)
		fixed(c, element, field, f->bytes);
	c->at += f->bytes;
	c->min_bytes += f->bytes;
}

/*
 * What has to be known beforehand: whether addresses tell the family, and where the boot time
 * stands that the record's other times count from. Behind a value of variable length it is not
 * looked for.
 */
static void look_ahead(struct compiler *c)
{
	bool before_variable = true;

	for (const struct wire_template_field *f = c->t->field; f < c->t->field + c->t->field_count;
	     f++) {
		const struct wire_element *element = element_of(c, f);

		before_variable = before_variable && f->bytes != IPFIX_VARIABLE;
		if (element && family_of(element->kind) && is_key_address(element->field))
			c->addresses = true;
		if (element && element->kind == WIRE_KIND_BOOT && f->bytes == 8 &&
		    before_variable && !c->t->boot && c->at <= 0xffff) {
			emit(c, OP_BOOT, f->bytes, 0, 0);
			c->t->boot = true;
		}
		c->at += f->bytes;
	}
	c->at = 0;
}

static void compile_flow(struct compiler *c)
{
	struct template *t = c->t;

	look_ahead(c);
	for (const struct wire_template_field *f = t->field; f < t->field + t->field_count; f++)
		compile_field(c, f);
	if (c->variable)
		c->variable->room = c->at;
	emit(c, OP_END, 0, 0, 0);
	if (t->family)
		t->known |= FIELD_BIT(FAMILY);
	if (t->known & FIELD_BIT(DPORT) && !(t->known & FIELD_BIT(ICMP)))
		t->post |= POST_ICMP;
}

static void measure_option(struct compiler *c)
{
	for (const struct wire_template_field *f = c->t->field; f < c->t->field + c->t->field_count;
	     f++)
		c->min_bytes += f->bytes == IPFIX_VARIABLE &&
						c->w->domain->origin.protocol == WIRE_IPFIX
					? 1
					: f->bytes;
}

void wire_compile(struct work *w, struct template *t)
{
	struct compiler c = {.w = w, .t = t};

	if (t->options)
		measure_option(&c);
	else
		compile_flow(&c);
	/* More than a message can hold: no record of it can come. */
	t->min_bytes = c.min_bytes <= WIRE_MESSAGE_MAX ? c.min_bytes : 0;
}

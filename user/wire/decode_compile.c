// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a template's fields to the operations that its records are read with.
 *
 * The problem: several elements may give one field of a flow, in any order: its octets as a delta and
 * as a total, its start in milliseconds and as uptime, its source as IPv4 and as IPv6 of which one is
 * zero in each record. Which of them holds must not depend on their order.
 *
 * The idea: first each field picks the two of its elements that have the best ranks in the table
 * (field.h), then operations are made for what was picked, in the order in which the values lie:
 *
 *   best alone             read it
 *   best, then the next    read it; where what was read is 0, read the other
 *   the next, then best    read it; where the best's value is not 0, read that over it
 *
 * Counters have no next: a delta of 0 is a delta. An element that occurs twice is a header within a
 * header; the outer one comes first (RFC 7011, 8), and is the flow on the wire.
 *
 *   Lengths     which operation reads a kind of value of so many bytes
 *   Picks       which elements hold
 *   Emit        operations
 *   Options     only measured, for they are read by their elements (decode_options.c)
 */
#include "wire/decode_internal.h"

struct pick {
	const struct wire_template_field *best, *next;
	__u8 best_rank, next_rank;
};

struct compiler {
	struct work *w;
	struct template *t;
	unsigned int ops;
	struct op *variable; /* the last one of variable length */
	__u32 at;            /* bytes since the record's start or that value's end */
	__u32 min_bytes;
	bool addresses; /* which tell the family: ipVersion need not */
	struct pick pick[FIELD_MAX];
	const struct wire_template_field *duration[2]; /* of each direction */
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

/* --- Lengths ------------------------------------------------------------------------------- */

static enum op_code uint_op(unsigned int bytes, unsigned int room)
{
	if (bytes != room)
		return OP_UINT;
	return bytes == 1 ? OP_U8 : bytes == 2 ? OP_U16 : bytes == 4 ? OP_U32 : OP_U64;
}

/*
 * OP_END: no value of that kind has this length. Numbers may have any (RFC 7011, 6.2); times too,
 * where exporters send them so and it cannot mean anything else: today's time has 31 bits in seconds
 * and 41 in milliseconds.
 */
static enum op_code op_of(const struct wire_element *element, unsigned int bytes, unsigned int room)
{
	static const struct {
		__u8 code, bytes; /* bytes: 0 for any, up to 8 ... */
		__u8 any, min;    /* ... as well as `bytes`: this operation, from so many on */
	} ops[] = {
		[WIRE_KIND_FLAGS] = {OP_FLAGS, 0},
		[WIRE_KIND_ADDR4] = {OP_ADDR4, 4},
		[WIRE_KIND_ADDR6] = {OP_ADDR6, 16},
		[WIRE_KIND_TIME_S] = {OP_SECONDS, 4, OP_SECONDS_ANY, 4},
		[WIRE_KIND_TIME_MS] = {OP_MS, 8, OP_MS_ANY, 6},
		[WIRE_KIND_TIME_NTP] = {OP_NTP_NS, 8},
		[WIRE_KIND_TIME_BEFORE_US] = {OP_BEFORE_US, 0},
		[WIRE_KIND_UPTIME] = {OP_UPTIME, 4, OP_UPTIME_TOLD, 1},
		[WIRE_KIND_BOOT] = {OP_BOOT, 8, OP_BOOT, 6},
		[WIRE_KIND_DURATION] = {OP_DURATION_MS, 0},
		[WIRE_KIND_ICMP_TYPE] = {OP_ICMP_TYPE, 1},
		[WIRE_KIND_ICMP_CODE] = {OP_ICMP_CODE, 1},
		[WIRE_KIND_LABEL] = {OP_LABEL, 3},
		[WIRE_KIND_SAMPLER] = {OP_ASIDE, 0},
		[WIRE_KIND_LINE_CARD] = {OP_ASIDE, 0},
		[WIRE_KIND_RATE] = {OP_ASIDE, 0},
		[WIRE_KIND_LINK_HEADER] = {OP_ASIDE, 0},
		[WIRE_KIND_FAMILY] = {OP_U8, 1},
	};
	enum wire_kind kind = element->kind;

	if (element->type == WIRE_FLOAT64)
		return bytes == 4 || bytes == 8 ? OP_ASIDE_REAL : OP_END;
	if (kind == WIRE_KIND_UINT || kind == WIRE_KIND_DPORT || kind == WIRE_KIND_ICMP)
		return bytes >= 1 && bytes <= 8 ? uint_op(bytes, room) : OP_END;
	if (ops[kind].bytes ? bytes == ops[kind].bytes : bytes >= 1 && bytes <= 8)
		return kind == WIRE_KIND_TIME_NTP && element->type == WIRE_MICROSECONDS
			       ? OP_NTP_US
			       : ops[kind].code;
	return ops[kind].any && bytes >= ops[kind].min && bytes <= 8 ? ops[kind].any : OP_END;
}

/* --- Picks --------------------------------------------------------------------------------- */

static unsigned int family_of(enum wire_kind kind)
{
	return kind == WIRE_KIND_ADDR4 ? 4 : kind == WIRE_KIND_ADDR6 ? 6 : 0;
}

static bool is_key_address(unsigned int field)
{
	return field == FIELD_SRC || field == FIELD_DST;
}

static bool is_counter(unsigned int field)
{
	return field == FIELD_PACKETS || field == FIELD_BYTES || field == FIELD_REVERSE_PACKETS ||
	       field == FIELD_REVERSE_BYTES;
}

/* Labels, and type and code of ICMP, are parts of their field. */
static bool is_part(enum wire_kind kind)
{
	return kind == WIRE_KIND_LABEL || kind == WIRE_KIND_ICMP_TYPE ||
	       kind == WIRE_KIND_ICMP_CODE;
}

/* Times given as a distance from another time; a distance of 0 is valid. */
static bool counts_from(enum wire_kind kind)
{
	return kind == WIRE_KIND_UPTIME || kind == WIRE_KIND_TIME_BEFORE_US;
}

/* Elements that are no field's value, but help to compute others. */
static bool is_aside(enum wire_kind kind)
{
	return kind == WIRE_KIND_SAMPLER || kind == WIRE_KIND_LINE_CARD || kind == WIRE_KIND_RATE ||
	       kind == WIRE_KIND_LINK_HEADER;
}

static bool is_inner(const struct compiler *c, const struct wire_template_field *f)
{
	for (const struct wire_template_field *g = c->t->field; g < f; g++) {
		if (g->number == f->number && g->pen == f->pen)
			return true;
	}
	return false;
}

/* The field of a flow that a template's field is about; FIELD_NONE: none, or not this one. */
static unsigned int field_of(const struct compiler *c, const struct wire_template_field *f,
			     const struct wire_element *element)
{
	unsigned int field = element->field;

	if (f->pen == IPFIX_REVERSE_PEN)
		field = flow_field_reverse(field);
	return is_inner(c, f) ? (unsigned int)FIELD_NONE : field;
}

static void pick(struct compiler *c, unsigned int field, const struct wire_template_field *f,
		 unsigned int rank)
{
	struct pick *p = &c->pick[field];

	if (!p->best || rank < p->best_rank) {
		p->next = p->best;
		p->next_rank = p->best_rank;
		p->best = f;
		p->best_rank = rank;
	} else if (!p->next || rank < p->next_rank) {
		p->next = f;
		p->next_rank = rank;
	}
	if (is_counter(field))
		p->next = NULL;
}

/* 161 and 162 have no field in a flow; the finer one is picked. */
static void pick_duration(struct compiler *c, const struct wire_template_field *f)
{
	const struct wire_template_field **at = &c->duration[f->pen == IPFIX_REVERSE_PEN];

	if (!*at || f->number > (*at)->number)
		*at = f;
}

static void look_at(struct compiler *c, const struct wire_template_field *f,
		    const struct wire_element *element)
{
	unsigned int field = field_of(c, f, element);
	unsigned int room = field < FIELD_MAX ? flow_fields[field].bytes : 0;
	enum wire_kind kind = element->kind;

	if (field == FIELD_NONE && kind != WIRE_KIND_BOOT && kind != WIRE_KIND_DURATION)
		return;
	if (kind == WIRE_KIND_STRING || (kind == WIRE_KIND_FAMILY && c->addresses)) {
		if (kind == WIRE_KIND_STRING)
			pick(c, field, f, element->rank);
		return;
	}
	if (f->bytes == IPFIX_VARIABLE || op_of(element, f->bytes, room) == OP_END) {
		wire_tally(c->w, WIRE_COUNT_FIELD_LENGTH, 1);
		return;
	}
	if (kind == WIRE_KIND_DURATION)
		pick_duration(c, f);
	if (field == FIELD_MOMENT) {
		pick(c, FIELD_START, f, element->rank);
		pick(c, FIELD_END, f, element->rank);
	} else if (field < FIELD_MAX && !is_part(kind) && !is_aside(kind)) {
		pick(c, field, f, element->rank);
	}
}

static bool is_moment(const struct compiler *c, const struct wire_template_field *f)
{
	return f && element_of(c, f)->field == FIELD_MOMENT;
}

/*
 * A duration gives the missing end or start. An exporter that knows a flow's duration has seen its
 * end. Returns the field that the duration gives; FIELD_NONE: none.
 */
static unsigned int duration_gives(struct compiler *c, unsigned int reverse)
{
	unsigned int start = FIELD_START + reverse * FLOW_REVERSE;
	unsigned int end = FIELD_END + reverse * FLOW_REVERSE;
	const struct wire_template_field *s = c->pick[start].best, *e = c->pick[end].best;

	if (!c->duration[reverse])
		return FIELD_NONE;
	if (s && !is_moment(c, s) && (!e || is_moment(c, e)))
		return end;
	return e && (!s || is_moment(c, s)) ? start : (unsigned int)FIELD_NONE;
}

static void settle_durations(struct compiler *c)
{
	for (unsigned int reverse = 0; reverse < 2; reverse++) {
		unsigned int field = duration_gives(c, reverse);

		if (field == FIELD_NONE)
			continue;
		c->pick[field] = (struct pick){.best = c->duration[reverse]};
		c->t->duration[reverse] = field == FIELD_START + reverse * FLOW_REVERSE
						  ? DURATION_GIVES_START
						  : DURATION_GIVES_END;
		c->t->post |= POST_DURATION;
	}
}

/* --- Emit ---------------------------------------------------------------------------------- */

static enum op_code code_of(struct compiler *c, const struct wire_template_field *f,
			    const struct wire_element *element, unsigned int room)
{
	enum op_code code = op_of(element, f->bytes, room);

	if (code == OP_DURATION_MS && element == &wire_elements[WIRE_flowDurationMicroseconds])
		return OP_DURATION_US;
	if (element->kind != WIRE_KIND_UPTIME)
		return code;
	/* v9 has the uptime in each header; IPFIX may not tell since when it counts. */
	c->t->uptime = true;
	if (code == OP_UPTIME && c->w->domain->origin.protocol == WIRE_V9 && !c->t->boot)
		return OP_UPTIME;
	c->t->wipe = true;
	return OP_UPTIME_TOLD;
}

/* The field's value, and its family where that hangs on which of two is read. */
static void emit_value(struct compiler *c, const struct wire_template_field *f, unsigned int field,
		       unsigned int skip_by)
{
	const struct wire_element *element = element_of(c, f);
	const struct flow_field_row *place = &flow_fields[field];
	unsigned int family = is_key_address(field) ? family_of(element->kind) : 0;
	struct template *t = c->t;

	if (skip_by)
		emit(c, skip_by, skip_by == OP_SKIP_TOLD ? place->bytes : f->bytes, place->offset,
		     family ? 2 : 1);
	emit(c, code_of(c, f, element, place->bytes), f->bytes, place->offset, place->bytes);
	if (family && t->family && t->family != family)
		t->post |= POST_FAMILY;
	if (skip_by && family)
		emit(c, OP_FAMILY, 0, 0, family);
	else if (family)
		t->family = family;
}

static void emit_picked(struct compiler *c, const struct wire_template_field *f, unsigned int field)
{
	const struct pick *p = &c->pick[field];
	struct template *t = c->t;

	if (p->next) /* now and then a part of the field, or nothing, is written */
		t->wipe = true;
	if (f != p->best)
		emit_value(c, f, field, p->best < f ? OP_SKIP_TOLD : 0);
	else if (p->next && p->next < f && !counts_from(element_of(c, f)->kind))
		emit_value(c, f, field, OP_SKIP_ZERO);
	else
		emit_value(c, f, field, 0);
	t->known |= 1ull << field;
	if (field == FIELD_BYTES && element_of(c, f)->rank != FLOW_COUNTED_IP) {
		emit(c, OP_COUNTED, 0, 0, element_of(c, f)->rank);
		t->known |= FIELD_BIT(COUNTED);
	}
}

static void emit_string(struct compiler *c, const struct wire_template_field *f, unsigned int field)
{
	unsigned int bytes = f->bytes < FLOW_NAME_BYTES ? f->bytes : FLOW_NAME_BYTES - 1;

	if (f->bytes == IPFIX_VARIABLE)
		emit(c, OP_VARIABLE_STRING, 0, flow_fields[field].offset, 0);
	else
		emit(c, OP_STRING, bytes, flow_fields[field].offset, 0);
	c->t->known |= 1ull << field;
}

static void emit_part(struct compiler *c, const struct wire_template_field *f,
		      const struct wire_element *element)
{
	size_t to = flow_fields[element->field].offset;

	if (element->kind == WIRE_KIND_LABEL) {
		to += (element - &wire_elements[WIRE_mplsTopLabelStackSection]) * sizeof(__u32);
		c->t->post |= POST_LABELS;
	} else if (c->pick[element->field].best) {
		return; /* type and code are told together */
	}
	emit(c, op_of(element, f->bytes, 0), f->bytes, to, 0);
	c->t->known |= 1ull << element->field;
	c->t->wipe = true; /* the other parts may not be told */
}

#define ASIDE(member) offsetof(struct aside, member), sizeof(((struct aside *)0)->member)

static const struct place {
	enum wire_row row;
	__u16 offset, bytes; /* in struct aside */
	__u8 says;
} asides[] = {
	{WIRE_samplerId, ASIDE(sampler), NAMES_SAMPLER},
	{WIRE_selectorId, ASIDE(sampler), NAMES_SAMPLER},
	{WIRE_lineCardId, ASIDE(line_card), NAMES_LINE_CARD},
	{WIRE_samplingInterval, ASIDE(rate.interval), TELLS_RATE},
	{WIRE_samplerRandomInterval, ASIDE(rate.random_interval), TELLS_RATE},
	{WIRE_selectorAlgorithm, ASIDE(rate.algorithm), 0},
	{WIRE_samplingPacketInterval, ASIDE(rate.packets), TELLS_RATE},
	{WIRE_samplingPacketSpace, ASIDE(rate.space), TELLS_RATE | TELLS_SPACE},
	{WIRE_samplingSize, ASIDE(rate.size), TELLS_RATE},
	{WIRE_samplingPopulation, ASIDE(rate.population), TELLS_RATE},
	{WIRE_samplingProbability, ASIDE(rate.probability), TELLS_RATE},
	{WIRE_ethernetHeaderLength, ASIDE(link_header), 0},
};

static void emit_aside(struct compiler *c, const struct wire_template_field *f,
		       const struct wire_element *element)
{
	const struct place *place = asides;

	while (place->row != (enum wire_row)(element - wire_elements))
		place++;
	/* Of the two names of a sampler selectorId holds, for it is read last. */
	if (place->says & NAMES_SAMPLER & c->t->sampling && place->row == WIRE_samplerId)
		return;
	emit(c, op_of(element, f->bytes, 0), f->bytes, place->offset, place->bytes);
	c->t->sampling |= place->says;
	if (element->kind == WIRE_KIND_LINK_HEADER)
		c->t->post |= POST_LINK_HEADER;
}

static void emit_field(struct compiler *c, const struct wire_template_field *f,
		       const struct wire_element *element)
{
	unsigned int field = field_of(c, f, element);

	if (element->kind == WIRE_KIND_STRING && field < FIELD_MAX) {
		if (c->pick[field].best == f)
			emit_string(c, f, field);
		return;
	}
	if (f->bytes == IPFIX_VARIABLE)
		return;
	if (element->kind == WIRE_KIND_DURATION || field == FIELD_MOMENT) {
		for (unsigned int i = FIELD_START; i < FIELD_MAX; i++) {
			if (c->pick[i].best == f || c->pick[i].next == f)
				emit_picked(c, f, i);
		}
	} else if (field < FIELD_MAX && (is_part(element->kind) || is_aside(element->kind))) {
		if (op_of(element, f->bytes, 0) == OP_END)
			return;
		if (is_part(element->kind))
			emit_part(c, f, element);
		else
			emit_aside(c, f, element);
	} else if (field < FIELD_MAX && (c->pick[field].best == f || c->pick[field].next == f)) {
		emit_picked(c, f, field);
	}
}

static void compile_field(struct compiler *c, const struct wire_template_field *f)
{
	const struct wire_element *element = element_of(c, f);
	bool variable = f->bytes == IPFIX_VARIABLE;
	unsigned int before = c->ops;

	if (variable && c->variable)
		c->variable->room = c->at;
	if (element && f->bytes && c->at <= 0xffff)
		emit_field(c, f, element);
	if (!variable) {
		c->at += f->bytes;
		c->min_bytes += f->bytes;
		return;
	}
	if (c->ops == before)
		emit(c, OP_VARIABLE, 0, 0, 0);
	c->variable = &c->t->op[c->ops - 1];
	c->min_bytes += 1;
	c->at = 0;
}

/*
 * What has to be known beforehand: whether addresses tell the family, and where the boot time
 * stands that the record's other times count from. Behind a value of variable length it is not
 * looked for.
 */
static void look_ahead(struct compiler *c)
{
	const struct wire_template_field *end = c->t->field + c->t->field_count;
	bool before_variable = true;

	for (const struct wire_template_field *f = c->t->field; f < end; f++) {
		const struct wire_element *element = element_of(c, f);

		before_variable = before_variable && f->bytes != IPFIX_VARIABLE;
		if (element && family_of(element->kind) && is_key_address(element->field))
			c->addresses = true;
		if (element && element->kind == WIRE_KIND_BOOT && before_variable && !c->t->boot &&
		    c->at <= 0xffff && op_of(element, f->bytes, 0) == OP_BOOT) {
			emit(c, OP_BOOT, f->bytes, 0, 0);
			c->t->boot = true;
		}
		c->at += f->bytes;
	}
	c->at = 0;
	for (const struct wire_template_field *f = c->t->field; f < end; f++) {
		const struct wire_element *element = element_of(c, f);

		if (element && f->bytes)
			look_at(c, f, element);
	}
	settle_durations(c);
}

/* A record is of a flow if it has a part of the key, or a counter. */
#define FLOW_FIELDS_OF_A_FLOW                                                                      \
	(FIELD_BIT(SRC) | FIELD_BIT(DST) | FIELD_BIT(SPORT) | FIELD_BIT(DPORT) |                   \
	 FIELD_BIT(PROTO) | FIELD_BIT(NAT_SRC) | FIELD_BIT(NAT_DST) | FIELD_BIT(PACKETS) |         \
	 FIELD_BIT(BYTES) | FIELD_BIT(REVERSE_PACKETS) | FIELD_BIT(REVERSE_BYTES))

static void finish_flow(struct template *t)
{
	const __u64 forward = FIELD_BIT(START) | FIELD_BIT(END);

	t->flow = t->known & FLOW_FIELDS_OF_A_FLOW;
	if (t->family)
		t->known |= FIELD_BIT(FAMILY);
	if (t->known & FIELD_BIT(DPORT) && !(t->known & FIELD_BIT(ICMP)))
		t->post |= POST_ICMP;
	if (t->known & FIELD_BIT(ICMP) && t->known & FIELD_BIT(PROTO))
		t->post |= POST_NO_ICMP;
	if (t->known & forward)
		t->post |= POST_TIMES;
	if (t->known & forward << FLOW_REVERSE)
		t->post |= POST_REVERSE_TIMES;
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
	finish_flow(t);
}

/* --- Options ------------------------------------------------------------------------------- */

/* As numbers and texts they are read by length, so only a length that no number has is bad. */
static bool is_measure_of(const struct wire_element *element, unsigned int bytes)
{
	if (bytes == IPFIX_VARIABLE || element->type == WIRE_STRING ||
	    element->type == WIRE_OCTETS || element->type == WIRE_ADDR4 ||
	    element->type == WIRE_ADDR6)
		return true;
	return element->type == WIRE_FLOAT64 ? bytes == 4 || bytes == 8 : bytes <= 8;
}

static void measure_option(struct compiler *c)
{
	for (const struct wire_template_field *f = c->t->field; f < c->t->field + c->t->field_count;
	     f++) {
		const struct wire_element *element = element_of(c, f);

		if (element && !is_measure_of(element, f->bytes))
			wire_tally(c->w, WIRE_COUNT_FIELD_LENGTH, 1);
		c->min_bytes += f->bytes == IPFIX_VARIABLE ? 1 : f->bytes;
	}
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

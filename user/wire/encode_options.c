// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is said besides flows, as options: records with a scope, which is what they are about.
 *
 *   interfaces   ifindex → name; description, in a record of its own: nfdump takes elements 10 and
 *                83 behind a scope of four bytes, and nothing else, for an interface's name
 *   sampling     one in one packets, in both ways that collectors know it: samplingInterval and
 *                samplingAlgorithm as NetFlow has them, and a PSAMP selector (RFC 5477)
 *   exporting    messages, bytes, flows sent, and what was not sent (RFC 7011, 4.2, 4.3)
 *   metering     packets seen, ignored, in no flow (RFC 7011, 4.1)
 *   types        what weir's own elements are (RFC 5610)
 *   distinct     for each query and key: how many different ones
 *
 * v9 has neither strings of variable length nor enterprise elements, so no types, no distinct
 * counts and a shorter metering record. Scopes of v9 are 4 bytes of the system or an interface.
 */
#include <errno.h>

#include "wire/encode_set.h"
#include "wire/statistics.h"

#define THE_PROCESS 1      /* exportingProcessId, meteringProcessId: a domain has one of each */
#define DETERMINISTIC 1    /* samplingAlgorithm */
#define SYSTEMATIC_COUNT 1 /* selectorAlgorithm: RFC 5477, 8.2.1 */
#define THE_SELECTOR 1     /* selectorId */
#define TEXT_MAX 1024      /* bytes of a string that are sent */

#define X(name, member) WIRE_##name,
static const __u16 ipfix_interfaces[] = {WIRE_ingressInterface, WIRE_interfaceName};
static const __u16 v9_interfaces[] = {WIRE_V9_INTERFACE, WIRE_interfaceName};
static const __u16 ipfix_descriptions[] = {WIRE_observationDomainId, WIRE_ingressInterface,
					   WIRE_interfaceDescription};
static const __u16 v9_descriptions[] = {WIRE_V9_SYSTEM, WIRE_ingressInterface,
					WIRE_interfaceDescription};
static const __u16 ipfix_sampling[] = {
	WIRE_selectorId,        WIRE_samplingInterval,       WIRE_samplingAlgorithm,
	WIRE_selectorAlgorithm, WIRE_samplingPacketInterval, WIRE_samplingPacketSpace};
static const __u16 v9_sampling[] = {WIRE_V9_SYSTEM, WIRE_samplingInterval, WIRE_samplingAlgorithm};
static const __u16 ipfix_exporting[] = {WIRE_exportingProcessId, WIRE_systemInitTimeMilliseconds,
					WIRE_EXPORTING_STATISTICS(X)};
static const __u16 v9_exporting[] = {WIRE_V9_SYSTEM, WIRE_systemInitTimeMilliseconds,
				     WIRE_EXPORTING_STATISTICS(X)};
static const __u16 ipfix_metering[] = {WIRE_meteringProcessId, WIRE_systemInitTimeMilliseconds,
				       WIRE_METERING_STATISTICS(X) WIRE_OWN_STATISTICS(X)};
static const __u16 v9_metering[] = {WIRE_V9_SYSTEM, WIRE_systemInitTimeMilliseconds,
				    WIRE_METERING_STATISTICS(X)};
static const __u16 ipfix_types[] = {
	WIRE_privateEnterpriseNumber,       WIRE_informationElementId,
	WIRE_informationElementDataType,    WIRE_informationElementSemantics,
	WIRE_informationElementUnits,       WIRE_informationElementRangeBegin,
	WIRE_informationElementRangeEnd,    WIRE_informationElementName,
	WIRE_informationElementDescription,
};
#undef X
#define X(name, member, kind) WIRE_##name,
static const __u16 ipfix_distinct[] = {WIRE_DISTINCT(X)};
#undef X

#define SPEC(id, scopes, fields)                                                                   \
	{                                                                                          \
		WIRE_TEMPLATE_##id, scopes, sizeof(fields) / sizeof(*fields), fields               \
	}

/* By id, from the interfaces' on. */
static const struct wire_template_spec ipfix_options[] = {
	SPEC(INTERFACES, 1, ipfix_interfaces), SPEC(DESCRIPTIONS, 1, ipfix_descriptions),
	SPEC(SAMPLING, 1, ipfix_sampling),     SPEC(EXPORTING, 1, ipfix_exporting),
	SPEC(METERING, 1, ipfix_metering),     SPEC(TYPES, 2, ipfix_types),
	SPEC(DISTINCT, 2, ipfix_distinct),
};

static const struct wire_template_spec v9_options[] = {
	SPEC(INTERFACES, 1, v9_interfaces), SPEC(DESCRIPTIONS, 1, v9_descriptions),
	SPEC(SAMPLING, 1, v9_sampling),     SPEC(EXPORTING, 1, v9_exporting),
	SPEC(METERING, 1, v9_metering),
};

static const struct wire_template_spec *spec_of(const struct wire_encoder *e,
						enum wire_template_id id)
{
	return (e->protocol == WIRE_V9 ? v9_options : ipfix_options) +
	       (id - WIRE_TEMPLATE_INTERFACES);
}

int wire_add_templates(struct wire_encoder *e)
{
	bool v9 = e->protocol == WIRE_V9;
	const struct wire_template_spec *options = spec_of(e, WIRE_TEMPLATE_INTERFACES);
	unsigned int count = v9 ? sizeof(v9_options) / sizeof(*v9_options)
				: sizeof(ipfix_options) / sizeof(*ipfix_options);
	struct wire_encoder before = *e;
	struct wire_template_spec flows[4];
	int err = 0;

	if (e->protocol == WIRE_V5)
		return 0;
	for (unsigned int i = 0, n = wire_flow_templates(e, flows); i < n && !err; i++)
		err = wire_add_template(e, &flows[i]);
	for (unsigned int i = 0; i < count && !err; i++)
		if (options[i].id != WIRE_TEMPLATE_TYPES)
			err = wire_add_template(e, &options[i]);
	if (err)
		*e = before;
	return err;
}

/* --- Records ------------------------------------------------------------------------------ */

/* A record in the making, as long as its template has it. */
struct record {
	const struct wire_encoder *e;
	const struct wire_template_spec *spec;
	unsigned int field;
	size_t length;
	__u8 bytes[2 * TEXT_MAX + 128];
};

static void begin(struct record *r, const struct wire_encoder *e, enum wire_template_id id)
{
	r->e = e;
	r->spec = spec_of(e, id);
	r->field = 0;
	r->length = 0;
}

static unsigned int next_bytes(struct record *r)
{
	__u16 field = r->spec->fields[r->field++];

	if (field & WIRE_V9_SCOPE)
		return WIRE_V9_SCOPE_BYTES;
	return wire_element_bytes(&wire_elements[field]);
}

static void number(struct record *r, __u64 value)
{
	unsigned int bytes = next_bytes(r);

	wire_put_uint(r->bytes + r->length, bytes, value);
	r->length += bytes;
}

static void real(struct record *r, double value)
{
	__u64 bits;

	memcpy(&bits, &value, sizeof(bits));
	number(r, bits);
}

static void truth(struct record *r, bool value)
{
	number(r, value ? IPFIX_TRUE : IPFIX_FALSE);
}

static void text(struct record *r, const char *value)
{
	size_t length = strnlen(value ? value : "", TEXT_MAX);
	unsigned int bytes = next_bytes(r);
	__u8 *at = r->bytes + r->length;

	if (bytes != IPFIX_VARIABLE) {
		length = length < bytes ? length : bytes;
		memset(at, 0, bytes);
		r->length += bytes;
	} else if (length < IPFIX_LONG_LENGTH) {
		*at++ = length;
		r->length += 1 + length;
	} else {
		*at++ = IPFIX_LONG_LENGTH;
		wire_put16(at, length);
		at += 2;
		r->length += 3 + length;
	}
	if (length)
		memcpy(at, value, length);
}

static int end(struct wire_encoder *e, const struct record *r)
{
	__u8 *at = wire_reserve_data(e, r->spec->id, r->length);

	if (!at)
		return -ENOSPC;
	memcpy(at, r->bytes, r->length);
	return 0;
}

int wire_add_interface(struct wire_encoder *e, __u32 ifindex, const char *name, const char *about)
{
	struct wire_encoder before = *e;
	struct record r;
	int err;

	if (e->protocol == WIRE_V5)
		return 0;
	begin(&r, e, WIRE_TEMPLATE_INTERFACES);
	number(&r, ifindex);
	text(&r, name);
	err = end(e, &r);
	if (err)
		return err;
	begin(&r, e, WIRE_TEMPLATE_DESCRIPTIONS);
	number(&r, e->domain);
	number(&r, ifindex);
	text(&r, about);
	err = end(e, &r);
	if (err)
		*e = before;
	return err;
}

int wire_add_sampling(struct wire_encoder *e)
{
	struct record r;

	if (e->protocol == WIRE_V5)
		return 0;
	begin(&r, e, WIRE_TEMPLATE_SAMPLING);
	number(&r, e->protocol == WIRE_V9 ? e->domain : THE_SELECTOR);
	number(&r, 1);
	number(&r, DETERMINISTIC);
	if (e->protocol == WIRE_IPFIX) {
		number(&r, SYSTEMATIC_COUNT);
		number(&r, 1); /* packets taken */
		number(&r, 0); /* packets left out between */
	}
	return end(e, &r);
}

int wire_add_statistics(struct wire_encoder *e, const struct wire_statistics *s)
{
	__u32 scope = e->protocol == WIRE_V9 ? e->domain : THE_PROCESS;
	struct wire_encoder before = *e;
	struct record r;
	int err;

	if (e->protocol == WIRE_V5)
		return 0;
#define X(name, member) number(&r, s->member);
	begin(&r, e, WIRE_TEMPLATE_EXPORTING);
	number(&r, scope);
	number(&r, s->start_ns / WIRE_NS_PER_MS);
	WIRE_EXPORTING_STATISTICS(X)
	err = end(e, &r);
	if (err)
		return err;
	begin(&r, e, WIRE_TEMPLATE_METERING);
	number(&r, scope);
	number(&r, s->start_ns / WIRE_NS_PER_MS);
	WIRE_METERING_STATISTICS(X)
	if (e->protocol == WIRE_IPFIX) {
		WIRE_OWN_STATISTICS(X)
	}
#undef X
	err = end(e, &r);
	if (err)
		*e = before;
	return err;
}

int wire_add_distinct(struct wire_encoder *e, const struct wire_distinct *d)
{
	struct record r;

	if (e->protocol != WIRE_IPFIX)
		return 0;
	begin(&r, e, WIRE_TEMPLATE_DISTINCT);
#define X(name, member, kind) kind(&r, d->member);
	WIRE_DISTINCT(X)
#undef X
	return end(e, &r);
}

static int add_type(struct wire_encoder *e, const struct wire_element *element)
{
	struct record r;

	begin(&r, e, WIRE_TEMPLATE_TYPES);
	number(&r, element->pen);
	number(&r, element->number);
	number(&r, element->type);
	number(&r, element->semantics);
	number(&r, element->units);
	number(&r, 0); /* no range: 0 to 0 (RFC 5610, 3.5) */
	number(&r, 0);
	text(&r, element->name);
	text(&r, element->about);
	return end(e, &r);
}

int wire_add_types(struct wire_encoder *e, unsigned int *next)
{
	struct wire_encoder before = *e;
	unsigned int first = *next,
		     end = e->protocol == WIRE_IPFIX ? WIRE_ROWS - WIRE_OWN_FIRST : 0;
	int err = 0;

	if (end && !first)
		err = wire_add_template(e, spec_of(e, WIRE_TEMPLATE_TYPES));
	while (!err && *next < end) {
		err = add_type(e, &wire_elements[WIRE_OWN_FIRST + *next]);
		*next += !err;
	}
	if (!err) {
		*next = 0;
		return 0;
	}
	if (*next > first)
		return 0;
	*e = before;
	return err;
}

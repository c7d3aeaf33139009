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

#include "wire/encode_internal.h"

#include "wire/encode_record.h"
#include "wire/statistics.h"

#define THE_PROCESS 1      /* exportingProcessId, meteringProcessId: a domain has one of each */
#define DETERMINISTIC 1    /* samplingAlgorithm */
#define SYSTEMATIC_COUNT 1 /* selectorAlgorithm: RFC 5477, 8.2.1 */
#define THE_SELECTOR 1     /* selectorId */

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
	struct wire_template_spec flows[WIRE_FLOW_TEMPLATES];
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

static void begin(struct wire_record *r, const struct wire_encoder *e, enum wire_template_id id)
{
	wire_record_begin(r, spec_of(e, id));
}

int wire_add_interface(struct wire_encoder *e, __u32 ifindex, const char *name, const char *about)
{
	struct wire_encoder before = *e;
	struct wire_record r;
	int err;

	if (e->protocol == WIRE_V5)
		return 0;
	begin(&r, e, WIRE_TEMPLATE_INTERFACES);
	wire_record_number(&r, ifindex);
	wire_record_text(&r, name);
	err = wire_record_end(e, &r);
	if (err)
		return err;
	begin(&r, e, WIRE_TEMPLATE_DESCRIPTIONS);
	wire_record_number(&r, e->domain);
	wire_record_number(&r, ifindex);
	wire_record_text(&r, about);
	err = wire_record_end(e, &r);
	if (err)
		*e = before;
	return err;
}

int wire_add_sampling(struct wire_encoder *e)
{
	struct wire_record r;

	if (e->protocol == WIRE_V5)
		return 0;
	begin(&r, e, WIRE_TEMPLATE_SAMPLING);
	wire_record_number(&r, e->protocol == WIRE_V9 ? e->domain : THE_SELECTOR);
	wire_record_number(&r, 1);
	wire_record_number(&r, DETERMINISTIC);
	if (e->protocol == WIRE_IPFIX) {
		wire_record_number(&r, SYSTEMATIC_COUNT);
		wire_record_number(&r, 1); /* packets taken */
		wire_record_number(&r, 0); /* packets left out between */
	}
	return wire_record_end(e, &r);
}

int wire_add_statistics(struct wire_encoder *e, const struct wire_statistics *s)
{
	__u32 scope = e->protocol == WIRE_V9 ? e->domain : THE_PROCESS;
	struct wire_encoder before = *e;
	struct wire_record r;
	int err;

	if (e->protocol == WIRE_V5)
		return 0;
#define X(name, member) wire_record_number(&r, s->member);
	begin(&r, e, WIRE_TEMPLATE_EXPORTING);
	wire_record_number(&r, scope);
	wire_record_number(&r, s->start_ns / NS_PER_MS);
	WIRE_EXPORTING_STATISTICS(X)
	err = wire_record_end(e, &r);
	if (err)
		return err;
	begin(&r, e, WIRE_TEMPLATE_METERING);
	wire_record_number(&r, scope);
	wire_record_number(&r, s->start_ns / NS_PER_MS);
	WIRE_METERING_STATISTICS(X)
	if (e->protocol == WIRE_IPFIX) {
		WIRE_OWN_STATISTICS(X)
	}
#undef X
	err = wire_record_end(e, &r);
	if (err)
		*e = before;
	return err;
}

int wire_add_distinct(struct wire_encoder *e, const struct wire_distinct *d)
{
	struct wire_record r;

	if (e->protocol != WIRE_IPFIX)
		return 0;
	begin(&r, e, WIRE_TEMPLATE_DISTINCT);
#define X(name, member, kind) wire_record_##kind(&r, d->member);
	WIRE_DISTINCT(X)
#undef X
	return wire_record_end(e, &r);
}

int wire_add_type(struct wire_encoder *e, const struct wire_element *element)
{
	struct wire_record r;

	begin(&r, e, WIRE_TEMPLATE_TYPES);
	wire_record_number(&r, element->pen);
	wire_record_number(&r, element->number);
	wire_record_number(&r, element->type);
	wire_record_number(&r, element->semantics);
	wire_record_number(&r, element->units);
	wire_record_number(&r, 0); /* no range: 0 to 0 (RFC 5610, 3.5) */
	wire_record_number(&r, 0);
	wire_record_text(&r, element->name);
	wire_record_text(&r, element->about);
	return wire_record_end(e, &r);
}

int wire_add_types_template(struct wire_encoder *e)
{
	return wire_add_template(e, spec_of(e, WIRE_TEMPLATE_TYPES));
}

int wire_add_types(struct wire_encoder *e, unsigned int *next)
{
	struct wire_encoder before = *e;
	unsigned int first = *next,
		     end = e->protocol == WIRE_IPFIX ? WIRE_INTERVAL_FIRST - WIRE_OWN_FIRST : 0;
	int err = 0;

	if (end && !first)
		err = wire_add_types_template(e);
	while (!err && *next < end) {
		err = wire_add_type(e, &wire_elements[WIRE_OWN_FIRST + *next]);
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Options data: what exporters tell besides flows, each in a template of its own making. A record
 * is understood by the elements in it, wherever they stand, for exporters do not agree on what is
 * a scope.
 */
#include "wire/decode_internal.h"
#include "wire/statistics.h"

/* What the values of one record were, as far as we know their elements. */
struct values {
	bool interface, statistics, distinct, type;
	__u32 ifindex;
	__u64 boot_ms, domain;
	struct rate_words rate;
	bool scoped[WIRE_RATE_SCOPE_MAX]; /* what the rate holds for ... */
	__u64 scope[WIRE_RATE_SCOPE_MAX]; /* ... and which of them */
	struct wire_statistics total;
	struct wire_distinct count;
	__u32 pen;
	__u16 number, units;
	__u8 data_type, semantics;
	struct text {
		const __u8 *at;
		size_t length;
	} if_name, if_about, type_name, type_about, query, key;
};

static void put_scope(struct values *v, enum wire_rate_scope scope, __u64 id)
{
	v->scoped[scope] = true;
	v->scope[scope] = id;
}

/* Caches, ports ... have numbers of their own kind. */
static __u64 part_of(__u16 number, __u64 id)
{
	return (__u64)number << 48 ^ id;
}

static __u32 to32(__u64 value)
{
	return value < 0xffffffff ? value : 0xffffffff;
}

static void take_number(struct values *v, enum wire_row row, __u64 value)
{
	switch (row) {
#define X(name, member)                                                                            \
	case WIRE_##name:                                                                          \
		v->total.member = value;                                                           \
		v->statistics = true;                                                              \
		break;
		WIRE_EXPORTING_STATISTICS(X)
		WIRE_METERING_STATISTICS(X)
		WIRE_OWN_STATISTICS(X)
#undef X
#define X(name, member, bit)                                                                       \
	case WIRE_##name:                                                                          \
		v->member = value;                                                                 \
		bit;                                                                               \
		break;
		X(ingressInterface, ifindex, put_scope(v, WIRE_RATE_INTERFACE, value))
		X(egressInterface, ifindex, put_scope(v, WIRE_RATE_EGRESS, value))
		X(ingressPhysicalInterface, ifindex, put_scope(v, WIRE_RATE_INTERFACE, value))
		X(egressPhysicalInterface, ifindex, put_scope(v, WIRE_RATE_EGRESS, value))
		X(observationDomainId, domain, )
		X(systemInitTimeMilliseconds, boot_ms, )
		X(privateEnterpriseNumber, pen, )
		X(informationElementId, number, v->type = true)
		X(informationElementDataType, data_type, )
		X(informationElementSemantics, semantics, )
		X(informationElementUnits, units, )
		X(queryWindowMilliseconds, count.window_ms, )
		X(distinctCoveredMilliseconds, count.covered_ms, )
		X(distinctCount, count.count, v->distinct = true)
#undef X
#define X(name, member)                                                                            \
	case WIRE_##name:                                                                          \
		v->rate.member = to32(value);                                                      \
		break;
		X(samplingInterval, interval)
		X(samplerRandomInterval, random_interval)
		X(samplingPacketInterval, packets)
		X(samplingSize, size)
		X(samplingPopulation, population)
		X(selectorAlgorithm, algorithm)
#undef X
#define X(name, scope, id)                                                                         \
	case WIRE_##name:                                                                          \
		put_scope(v, WIRE_RATE_##scope, id);                                               \
		break;
		X(samplerId, SAMPLER, value)
		X(selectorId, SAMPLER, value)
		X(lineCardId, LINE_CARD, value)
		X(templateId, TEMPLATE, value)
		X(portId, PART, part_of(142, value))
		X(observationPointId, PART, part_of(138, value))
#undef X
	case WIRE_samplingPacketSpace:
		v->rate.space = to32(value);
		v->rate.space_told = true;
		break;
	case WIRE_distinctSaturated:
		v->count.saturated = value == IPFIX_TRUE;
		break;
	default:
		break;
	}
}

static void take_text(struct values *v, enum wire_row row, const __u8 *at, size_t length)
{
	const struct text text = {at, length};

	switch (row) {
	case WIRE_interfaceName:
		v->if_name = text;
		v->interface = true;
		break;
	case WIRE_interfaceDescription:
		v->if_about = text;
		v->interface = true;
		break;
	case WIRE_informationElementName:
		v->type_name = text;
		break;
	case WIRE_informationElementDescription:
		v->type_about = text;
		break;
	case WIRE_queryName:
		v->query = text;
		break;
	case WIRE_distinctKey:
		v->key = text;
		break;
	default:
		break;
	}
}

static void take_real(struct values *v, enum wire_row row, double value)
{
	if (row == WIRE_distinctStandardError)
		v->count.error = value;
	else if (row == WIRE_samplingProbability)
		v->rate.probability = value;
}

/* RFC 3954, 6.1. */
static void take_v9_scope(struct values *v, __u16 number, __u64 id)
{
	switch (number) {
	case V9_SCOPE_INTERFACE:
		v->ifindex = id;
		put_scope(v, WIRE_RATE_INTERFACE, id);
		break;
	case V9_SCOPE_LINE_CARD:
		put_scope(v, WIRE_RATE_LINE_CARD, id);
		break;
	case V9_SCOPE_CACHE:
		put_scope(v, WIRE_RATE_PART, part_of(number, id));
		break;
	case V9_SCOPE_TEMPLATE:
		put_scope(v, WIRE_RATE_TEMPLATE, id);
		break;
	}
}

static void take(const struct work *w, struct values *v, const struct wire_template_field *f,
		 const __u8 *at, size_t length)
{
	const struct wire_element *element;

	if (w->domain->origin.protocol == WIRE_V9 && f->scope && f->number <= V9_SCOPE_MAX) {
		if (length <= 8)
			take_v9_scope(v, f->number, wire_get_uint(at, length));
		return;
	}
	element = wire_element_find(f->pen, f->number);
	if (!element)
		return;
	if (element->type == WIRE_STRING)
		take_text(v, element - wire_elements, at, length);
	else if (element->type == WIRE_FLOAT64)
		take_real(v, element - wire_elements, wire_get_real(at, length));
	else if (length <= 8)
		take_number(v, element - wire_elements, wire_get_uint(at, length));
}

/* Where the next record begins; NULL: this one ends beyond `end`. */
static const __u8 *read_values(const struct work *w, const struct template *t, const __u8 *at,
			       const __u8 *end, struct values *v)
{
	*v = (struct values){0};
	for (const struct wire_template_field *f = t->field; f < t->field + t->field_count; f++) {
		size_t length = f->bytes;

		if (f->bytes == IPFIX_VARIABLE) {
			at = wire_value_at(at, end, &length);
			if (!at)
				return NULL;
		} else if ((size_t)(end - at) < length) {
			return NULL;
		}
		take(w, v, f, at, length);
		at += length;
	}
	return at;
}

/* --- What they mean ------------------------------------------------------------------------ */

static void copy_text(char *to, size_t room, const struct text *from)
{
	size_t length = from->length < room ? from->length : room - 1;

	memset(to, 0, room);
	if (length)
		memcpy(to, from->at, length);
}

static void tell(struct work *w, const struct wire_option *option)
{
	if (w->d->sink.option)
		w->d->sink.option(w->d->sink.context, wire_origin(w), option);
}

/* Of all that it holds for the most particular; of interfaces there may be two. */
static void tell_rate(struct work *w, const struct values *v, struct rates *r, __u32 rate)
{
	static const enum wire_rate_scope order[] = {WIRE_RATE_SAMPLER,   WIRE_RATE_TEMPLATE,
						     WIRE_RATE_INTERFACE, WIRE_RATE_EGRESS,
						     WIRE_RATE_LINE_CARD, WIRE_RATE_PART,
						     WIRE_RATE_DOMAIN};
	struct wire_option option = {.kind = WIRE_OPTION_SAMPLING};
	unsigned int i = 0;

	while (order[i] != WIRE_RATE_DOMAIN && !v->scoped[order[i]])
		i++;
	option.sampling.scope = order[i];
	option.sampling.id = v->scope[order[i]];
	option.sampling.rate = rate;
	wire_rate_tell(w, r, order[i], v->scope[order[i]], rate);
	if (order[i] == WIRE_RATE_INTERFACE && v->scoped[WIRE_RATE_EGRESS])
		wire_rate_tell(w, r, WIRE_RATE_EGRESS, v->scope[WIRE_RATE_EGRESS], rate);
	tell(w, &option);
}

/* Whose rates these are: the named domain's, else those of the message's domain. */
static struct rates *rates_of(struct work *w, const struct values *v)
{
	struct domain *domain = w->domain;

	if (v->domain && v->domain != domain->origin.domain)
		domain = wire_domain_of(w, domain->origin.protocol, v->domain);
	return domain ? &domain->rates : NULL;
}

static void tell_interface(struct work *w, const struct values *v)
{
	struct wire_option option = {.kind = WIRE_OPTION_INTERFACE};

	option.interface.ifindex = v->ifindex;
	copy_text(option.interface.name, sizeof(option.interface.name), &v->if_name);
	copy_text(option.interface.about, sizeof(option.interface.about), &v->if_about);
	tell(w, &option);
}

static void tell_distinct(struct work *w, const struct values *v)
{
	struct wire_option option = {.kind = WIRE_OPTION_DISTINCT, .distinct = v->count};

	copy_text(option.distinct.query, sizeof(option.distinct.query), &v->query);
	copy_text(option.distinct.key, sizeof(option.distinct.key), &v->key);
	tell(w, &option);
}

static void tell_type(struct work *w, const struct values *v)
{
	struct wire_option option = {.kind = WIRE_OPTION_TYPE};

	option.type.pen = v->pen;
	option.type.number = v->number;
	option.type.type = v->data_type;
	option.type.semantics = v->semantics;
	option.type.units = v->units;
	copy_text(option.type.name, sizeof(option.type.name), &v->type_name);
	copy_text(option.type.about, sizeof(option.type.about), &v->type_about);
	tell(w, &option);
}

static void understand(struct work *w, struct values *v)
{
	__u32 rate = wire_rate_of(&v->rate);
	struct rates *rates = rate ? rates_of(w, v) : NULL;
	struct wire_option option;

	if (v->boot_ms) {
		w->domain->boot_ms = v->boot_ms;
		wire_boot(w->domain, &w->frame);
	}
	if (rates)
		tell_rate(w, v, rates, rate);
	if (v->statistics) {
		v->total.start_ns = v->boot_ms * NS_PER_MS;
		option = (struct wire_option){.kind = WIRE_OPTION_STATISTICS};
		option.statistics = v->total;
		tell(w, &option);
	}
	if (v->interface)
		tell_interface(w, v);
	if (v->type)
		tell_type(w, v);
	if (v->distinct)
		tell_distinct(w, v);
	if (!rate && !v->statistics && !v->interface && !v->type && !v->distinct)
		wire_tally(w, WIRE_COUNT_OTHER_OPTIONS, 1);
}

void wire_read_options(struct work *w, const struct template *t, const __u8 *at, const __u8 *end)
{
	struct values values;

	while (end - at >= t->min_bytes) {
		at = read_values(w, t, at, end, &values);
		if (!at) {
			wire_tally(w, WIRE_COUNT_RECORD, 1);
			return;
		}
		wire_tally(w, WIRE_COUNT_OPTIONS, 1);
		w->records++;
		understand(w, &values);
	}
}

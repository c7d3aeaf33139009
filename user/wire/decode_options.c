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
	bool interface, statistics, distinct, type, sampling;
	__u32 ifindex;
	__u64 selector, boot_ms;
	__u32 interval, random_interval, packets, space, size, population;
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
		X(ingressInterface, ifindex, )
		X(egressInterface, ifindex, )
		X(samplerId, selector, )
		X(selectorId, selector, )
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
		v->member = to32(value);                                                           \
		v->sampling = true;                                                                \
		break;
		X(samplingInterval, interval)
		X(samplerRandomInterval, random_interval)
		X(samplingPacketInterval, packets)
		X(samplingPacketSpace, space)
		X(samplingSize, size)
		X(samplingPopulation, population)
#undef X
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

static void take(const struct work *w, struct values *v, const struct wire_template_field *f,
		 const __u8 *at, size_t length)
{
	bool v9_scope = w->domain->origin.protocol == WIRE_V9 && f->scope;
	const struct wire_element *element;

	/* RFC 3954, 6.1: of v9's scopes an interface is the one to know. */
	if (v9_scope && f->number == V9_SCOPE_INTERFACE && length <= 8)
		v->ifindex = wire_get_uint(at, length);
	element = v9_scope && f->number <= V9_SCOPE_MAX ? NULL
							: wire_element_find(f->pen, f->number);
	if (!element)
		return;
	if (element->type == WIRE_STRING)
		take_text(v, element - wire_elements, at, length);
	else if (element - wire_elements == WIRE_distinctStandardError)
		v->count.error = wire_get_real(at, length);
	else if (length <= 8)
		take_number(v, element - wire_elements, wire_get_uint(at, length));
}

/* Where the next record begins; NULL: this one ends beyond `end`. */
static const __u8 *read_values(struct work *w, const struct template *t, const __u8 *at,
			       const __u8 *end, struct values *v)
{
	*v = (struct values){0};
	for (const struct wire_template_field *f = t->field; f < t->field + t->field_count; f++) {
		size_t length = f->bytes;

		if (f->bytes == IPFIX_VARIABLE && w->domain->origin.protocol == WIRE_IPFIX) {
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

/* One of how many packets, the most particular way of saying it first; 0: not told. */
static __u32 rate_told(const struct values *v)
{
	if (v->population && v->size)
		return v->population / v->size;
	if (v->packets && v->space)
		return to32(((__u64)v->packets + v->space) / v->packets);
	if (v->random_interval)
		return v->random_interval;
	return v->interval ? v->interval : v->packets ? 1 : 0;
}

static void remember_rate(struct domain *domain, __u64 id, __u32 rate)
{
	unsigned int i = 0;

	domain->rate = rate;
	while (i < domain->samplers && domain->sampler[i].id != id)
		i++;
	if (i == SAMPLERS) {
		i = domain->oldest;
		domain->oldest = (i + 1) % SAMPLERS;
	} else if (i == domain->samplers) {
		domain->samplers++;
	}
	domain->sampler[i] = (struct sampler){id, rate};
}

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
	__u32 rate = v->sampling ? rate_told(v) : 0;
	struct wire_option option;

	if (v->boot_ms)
		w->domain->boot_ms = v->boot_ms;
	if (rate) {
		remember_rate(w->domain, v->selector, rate);
		option = (struct wire_option){.kind = WIRE_OPTION_SAMPLING};
		option.sampling.selector = v->selector;
		option.sampling.rate = rate;
		tell(w, &option);
	}
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

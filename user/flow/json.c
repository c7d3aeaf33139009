// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "base/time_text.h"
#include "flow/text.h"

#define KEY_BYTES 64

static bool is_zero(const __u8 *at, unsigned int bytes)
{
	while (bytes--) {
		if (*at++)
			return false;
	}
	return true;
}

static json_t *address(const __u8 bytes[16], bool v4)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	return json_string(text);
}

static bool is_v4(const struct flow_record *flow, const __u8 bytes[16])
{
	return is_zero(bytes + 4, 12) && (flow->family != 6 || !is_zero(bytes, 4));
}

static json_t *labels(const struct flow_record *flow)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < flow->labels; i++)
		json_array_append_new(list, json_integer(flow->label[i]));
	return list;
}

static json_t *time_value(__s64 unix_ns)
{
	char text[TIME_TEXT_BYTES];

	return json_string(time_text(unix_ns, time_digits(unix_ns), text));
}

static json_t *word(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *value_of(const struct flow_record *flow, const struct flow_field_row *row)
{
	const __u8 *from = (const __u8 *)flow + row->offset;

	switch ((enum flow_type)row->type) {
	case FLOW_TYPE_TIME:
		return time_value(flow_field_load(from, row->bytes));
	case FLOW_TYPE_ADDRESS:
		return address(from, flow->family != 6);
	case FLOW_TYPE_EITHER_ADDRESS:
		return address(from, is_v4(flow, from));
	case FLOW_TYPE_END:
		return *from ? json_string(flow_end_text(*from)) : json_null();
	case FLOW_TYPE_DIRECTION:
		return json_string(*from ? "out" : "in");
	case FLOW_TYPE_EVENT:
		return word(flow_event_text(*from));
	case FLOW_TYPE_NAT_EVENT:
		return word(flow_nat_event_text(*from));
	case FLOW_TYPE_COUNTED:
		return word(flow_counted_text(*from));
	case FLOW_TYPE_LABELS:
		return labels(flow);
	case FLOW_TYPE_TEXT:
		return json_text((const char *)from);
	case FLOW_TYPE_DPORT:
		if (flow_is_icmp(flow) && flow->icmp)
			return json_integer(flow->icmp);
		break;
	case FLOW_TYPE_UINT:
	case FLOW_TYPE_PROTO:
	case FLOW_TYPE_FLAGS:
		break;
	}
	return json_integer(flow_field_load(from, row->bytes));
}

/* What the key of a value's number ends with, where the value itself is a word; NULL: there is none. */
static const char *number_key(const struct flow_field_row *row)
{
	switch ((enum flow_type)row->type) {
	case FLOW_TYPE_TIME:
		return "_ns";
	case FLOW_TYPE_EVENT:
	case FLOW_TYPE_NAT_EVENT:
		return "_number";
	default:
		return NULL;
	}
}

static int add(json_t *json, const struct flow_record *flow, const struct flow_field_row *row,
	       bool known)
{
	const char *end = number_key(row);
	const __u8 *from = (const __u8 *)flow + row->offset;
	char key[KEY_BYTES];

	if (row->type == FLOW_TYPE_DPORT)
		known |= flow->known >> FIELD_ICMP & 1;
	if (json_object_set_new(json, row->name, known ? value_of(flow, row) : json_null()))
		return -1;
	if (!end)
		return 0;
	snprintf(key, sizeof(key), "%s%s", row->name, end);
	return json_object_set_new(
		json, key, known ? json_integer(flow_field_load(from, row->bytes)) : json_null());
}

/* The fields to show. A biflow has in each direction what every flow has, and what kind of service
 * it got. */
static __u64 shown(const struct flow_record *flow)
{
	__u64 fields = flow->known | FLOW_BASIC;

	if (flow->known & FLOW_REVERSE_FIELDS)
		fields |= (FLOW_BASIC & FLOW_FORWARD) << FLOW_REVERSE | FIELD_BIT(REVERSE_TOS);
	return fields;
}

json_t *flow_fields_json(const struct flow_field_row *rows, unsigned int count,
			 const struct flow_record *flow)
{
	const __u64 fields = shown(flow);
	json_t *json = json_object(), *reverse = NULL;
	int err = 0;

	if (flow->known & FLOW_REVERSE_FIELDS)
		reverse = json_object();
	for (unsigned int i = 0; i < count; i++) {
		if (fields >> i & 1)
			err |= add(flow_field_is_reverse(i) ? reverse : json, flow, &rows[i],
				   flow->known >> i & 1);
	}
	if (reverse)
		err |= json_object_set_new(json, "reverse", reverse);
	if (!err)
		return json;
	json_decref(json);
	return NULL;
}

json_t *flow_record_to_json(const struct flow_record *flow)
{
	return flow_fields_json(flow_fields, FIELD_MAX, flow);
}

json_t *flow_live_json(const struct flow_ended *flow, __s64 clock_offset_ns)
{
	struct flow_record record;

	flow_ended_record(flow, &record);
	record.forward.start_ns += clock_offset_ns;
	record.forward.end_ns += clock_offset_ns;
	return flow_record_to_json(&record);
}

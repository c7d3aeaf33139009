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
	case FLOW_TYPE_LABELS:
		return labels(flow);
	case FLOW_TYPE_TEXT:
		return json_text((const char *)from);
	case FLOW_TYPE_DPORT:
		if (flow_is_icmp(flow) && flow->icmp)
			return json_integer(flow->icmp);
		break;
	case FLOW_TYPE_SPORT:
	case FLOW_TYPE_UINT:
	case FLOW_TYPE_PROTO:
	case FLOW_TYPE_FLAGS:
		break;
	}
	return json_integer(flow_field_load(from, row->bytes));
}

/* A time that is not known is no moment in 1970, a port no port 0. */
static bool is_null(const struct flow_record *flow, const struct flow_field_row *row, bool known,
		    __s64 number)
{
	if (known || number)
		return false;
	if (row->type == FLOW_TYPE_SPORT || row->type == FLOW_TYPE_DPORT)
		return !(flow->known & FIELD_BIT(ICMP));
	return row->type == FLOW_TYPE_TIME;
}

/* A time has its number beside it. */
static int add(json_t *json, const struct flow_record *flow, const struct flow_field_row *row,
	       bool known)
{
	const __s64 number = flow_field_load((const __u8 *)flow + row->offset, row->bytes);
	const bool null = is_null(flow, row, known, number);
	char key[KEY_BYTES];

	if (json_object_set_new(json, row->name, null ? json_null() : value_of(flow, row)))
		return -1;
	if (row->type != FLOW_TYPE_TIME)
		return 0;
	snprintf(key, sizeof(key), "%s_ns", row->name);
	return json_object_set_new(json, key, null ? json_null() : json_integer(number));
}

/* The fields to show. A biflow has in each direction what every flow has, and what kind of service
 * it got. */
static __u64 shown(const struct flow_record *flow)
{
	const __u64 forward = FLOW_FORWARD, reverse = forward << FLOW_REVERSE;
	__u64 fields = flow->known | FLOW_BASIC;

	if (flow->known & FIELD_BIT(REVERSE_PACKETS))
		return fields | (FLOW_BASIC & forward) << FLOW_REVERSE | FIELD_BIT(REVERSE_TOS);
	return fields & ~reverse;
}

json_t *flow_fields_json(const struct flow_field_row *rows, unsigned int count,
			 const struct flow_record *flow)
{
	const __u64 fields = shown(flow);
	json_t *json = json_object(), *reverse = NULL;
	int err = 0;

	if (flow->known & FIELD_BIT(REVERSE_PACKETS))
		reverse = json_object();
	for (unsigned int i = 0; i < count; i++) {
		if (fields >> i & 1)
			err |= add(flow_field_is_reverse(i) ? reverse : json, flow, &rows[i],
				   flow->known >> i & 1);
	}
	if (flow->known & FIELD_BIT(REVERSE_PACKETS))
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/json.h"

#include <arpa/inet.h>

#include "flow/text.h"
#include "flow/fields.h"

struct key {
	const char *name;
	enum flow_field field;
};

static const struct key addresses[] = {
	{"next_hop", FIELD_NEXT_HOP},
	{"bgp_next_hop", FIELD_BGP_NEXT_HOP},
	{"nat_src", FIELD_NAT_SRC},
	{"nat_dst", FIELD_NAT_DST},
};

static const struct key numbers[] = {
	{"tos", FIELD_TOS},
	{"icmp", FIELD_ICMP},
	{"in_if", FIELD_IN_IF},
	{"out_if", FIELD_OUT_IF},
	{"sampling", FIELD_SAMPLING},
	{"src_as", FIELD_SRC_AS},
	{"dst_as", FIELD_DST_AS},
	{"src_mask", FIELD_SRC_MASK},
	{"dst_mask", FIELD_DST_MASK},
	{"in_vrf", FIELD_IN_VRF},
	{"out_vrf", FIELD_OUT_VRF},
	{"post_vlan", FIELD_POST_VLAN},
	{"nat_sport", FIELD_NAT_SPORT},
	{"nat_dport", FIELD_NAT_DPORT},
	{"nat_event", FIELD_NAT_EVENT},
	{"initiator", FIELD_INITIATOR},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

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

static json_t *other_address(const struct flow_record *flow, const __u8 bytes[16])
{
	return address(bytes, is_zero(bytes + 4, 12) && (flow->family != 6 || !is_zero(bytes, 4)));
}

static json_int_t number(const struct flow_record *flow, enum flow_field field)
{
	const __u8 *from = (const __u8 *)flow + flow_fields[field].offset;

	switch (flow_fields[field].bytes) {
	case 1:
		return *from;
	case 2:
		return *(const __u16 *)from;
	default:
		return *(const __u32 *)from;
	}
}

/* Names come from the wire, where they may be anything. */
static json_t *name_text(const char name[FLOW_NAME_BYTES])
{
	char clean[FLOW_NAME_BYTES];
	json_t *text = json_string(name);
	size_t i;

	if (text)
		return text;
	for (i = 0; i < sizeof(clean) - 1 && name[i]; i++)
		clean[i] = name[i] & 0x80 ? '?' : name[i];
	clean[i] = 0;
	return json_string(clean);
}

static json_t *labels(const struct flow_record *flow)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < flow->labels; i++)
		json_array_append_new(list, json_integer(flow->label[i]));
	return list;
}

static json_t *traffic(const struct flow_traffic *t)
{
	return json_pack("{s:I, s:I, s:f, s:f, s:i, s:s?}", "packets", (json_int_t)t->packets,
			 "bytes", (json_int_t)t->bytes, "first",
			 (double)t->start_ns / WEIR_NS_PER_SEC, "last",
			 (double)t->end_ns / WEIR_NS_PER_SEC, "tcp_flags", (int)t->tcp_flags, "end",
			 t->end ? flow_end_text(t->end) : NULL);
}

static int set_others(json_t *json, const struct flow_record *flow)
{
	int err = 0;

	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (flow->known >> numbers[i].field & 1)
			err |= json_object_set_new(json, numbers[i].name,
						   json_integer(number(flow, numbers[i].field)));
	}
	for (size_t i = 0; i < COUNT(addresses); i++) {
		const __u8 *from = (const __u8 *)flow + flow_fields[addresses[i].field].offset;

		if (flow->known >> addresses[i].field & 1)
			err |= json_object_set_new(json, addresses[i].name,
						   other_address(flow, from));
	}
	if (flow->known & FIELD_BIT(VRF_NAME))
		err |= json_object_set_new(json, "vrf_name", name_text(flow->vrf_name));
	if (flow->known & FIELD_BIT(LABELS))
		err |= json_object_set_new(json, "labels", labels(flow));
	if (flow->known & FIELD_BIT(REVERSE_PACKETS)) {
		json_t *reverse = traffic(&flow->reverse);

		err |= json_object_set_new(reverse, "tos", json_integer(flow->reverse.tos));
		err |= json_object_set_new(json, "reverse", reverse);
	}
	return err;
}

json_t *flow_record_to_json(const struct flow_record *flow)
{
	json_t *json = traffic(&flow->forward), *key;
	bool v4 = flow->family != 6;
	int dport = flow_is_icmp(flow) && flow->icmp ? flow->icmp : flow->dport;

	key = json_pack("{s:o, s:o, s:i, s:i, s:i, s:i, s:s}", "src", address(flow->src, v4), "dst",
			address(flow->dst, v4), "sport", (int)flow->sport, "dport", dport, "proto",
			(int)flow->proto, "vlan", (int)flow->vlan, "direction",
			flow->direction ? "out" : "in");
	if (!json || !key || json_object_update(key, json) || set_others(key, flow)) {
		json_decref(key);
		key = NULL;
	}
	json_decref(json);
	return key;
}

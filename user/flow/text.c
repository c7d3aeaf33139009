// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "flow/record.h"

static const char *const end_words[] = {
	[WEIR_END_NONE] = "live", [WEIR_END_IDLE] = "idle",     [WEIR_END_ACTIVE] = "active",
	[WEIR_END_FLOW] = "end",  [WEIR_END_FORCED] = "forced", [WEIR_END_RESOURCES] = "resources",
};

const char *flow_end_text(enum weir_end end)
{
	return end <= WEIR_END_RESOURCES ? end_words[end] : "unknown";
}

/* IPFIX firewallEvent: 0 is "ignore (invalid)". */
static const char *const events[] = {
	[1] = "created", [2] = "deleted", [3] = "denied", [4] = "alert", [5] = "updated",
};

/* IPFIX natEvent, RFC 8158. */
static const char *const nat_events[] = {
	[1] = "created",
	[2] = "deleted",
	[3] = "addresses exhausted",
	[4] = "nat44 session created",
	[5] = "nat44 session deleted",
	[6] = "nat64 session created",
	[7] = "nat64 session deleted",
	[8] = "nat44 binding created",
	[9] = "nat44 binding deleted",
	[10] = "nat64 binding created",
	[11] = "nat64 binding deleted",
	[12] = "ports exhausted",
	[13] = "quota exceeded",
	[14] = "address binding created",
	[15] = "address binding deleted",
	[16] = "port block allocated",
	[17] = "port block freed",
	[18] = "threshold reached",
};

static const char *const counted_words[FLOW_COUNTED_MAX] = {
	[FLOW_COUNTED_IP] = "ip",
	[FLOW_COUNTED_PAYLOAD] = "payload",
	[FLOW_COUNTED_POST] = "post",
	[FLOW_COUNTED_LAYER2] = "layer2",
	[FLOW_COUNTED_POST_LAYER2] = "post_layer2",
	[FLOW_COUNTED_TOTAL] = "total",
	[FLOW_COUNTED_POST_TOTAL] = "post_total",
	[FLOW_COUNTED_LAYER2_TOTAL] = "layer2_total",
	[FLOW_COUNTED_POST_LAYER2_TOTAL] = "post_layer2_total",
};

#define WORD(words, i) ((i) < sizeof(words) / sizeof(*(words)) ? (words)[i] : NULL)

const char *flow_event_text(unsigned int event)
{
	return WORD(events, event);
}

const char *flow_nat_event_text(unsigned int event)
{
	return WORD(nat_events, event);
}

const char *flow_counted_text(unsigned int counted)
{
	return WORD(counted_words, counted);
}

static bool is_v6(const struct weir_flow_key *key)
{
	return key->flags & WEIR_KEY_V6;
}

static bool has_ports(const struct weir_flow_key *key)
{
	return !(key->flags & WEIR_KEY_NOPORTS);
}

static void address_text(const struct weir_flow_key *key, const struct weir_pair6 *pair,
			 bool source, char out[INET6_ADDRSTRLEN])
{
	__be32 addr4 = source ? key->src4 : key->dst4;

	if (is_v6(key))
		inet_ntop(AF_INET6, source ? pair->src : pair->dst, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET, &addr4, out, INET6_ADDRSTRLEN);
}

static void endpoint_text(const struct weir_flow_key *key, const struct weir_pair6 *pair,
			  bool source, char out[FLOW_ENDPOINT_BYTES])
{
	char address[INET6_ADDRSTRLEN];
	unsigned int port = weir_be16(source ? key->sport : key->dport);

	address_text(key, pair, source, address);
	if (!has_ports(key))
		snprintf(out, FLOW_ENDPOINT_BYTES, "%s", address);
	else
		snprintf(out, FLOW_ENDPOINT_BYTES, is_v6(key) ? "[%s]:%u" : "%s:%u", address, port);
}

void flow_source_text(const struct weir_flow_key *key, const struct weir_pair6 *pair,
		      char out[FLOW_ENDPOINT_BYTES])
{
	endpoint_text(key, pair, true, out);
}

void flow_dest_text(const struct weir_flow_key *key, const struct weir_pair6 *pair,
		    char out[FLOW_ENDPOINT_BYTES])
{
	endpoint_text(key, pair, false, out);
}

static const char *proto_word(__u8 proto)
{
	switch (proto) {
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_IGMP:
		return "igmp";
	case IPPROTO_IPIP:
		return "ipip";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_IPV6:
		return "ip6";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_UDPLITE:
		return "udplite";
	default:
		return NULL;
	}
}

void flow_proto_text(const struct weir_flow_key *key, char out[FLOW_PROTO_BYTES])
{
	__u8 proto = key->proto;
	const char *word = proto_word(proto);
	unsigned int code = weir_be16(key->dport);

	if (!(key->flags & WEIR_KEY_UNKNOWN) && (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6))
		snprintf(out, FLOW_PROTO_BYTES, "%s %u/%u", word, code >> 8, code & 0xff);
	else if (word)
		snprintf(out, FLOW_PROTO_BYTES, "%s", word);
	else
		snprintf(out, FLOW_PROTO_BYTES, "%u", proto);
}

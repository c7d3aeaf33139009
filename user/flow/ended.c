// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/ended.h"

#include <netinet/in.h>
#include <string.h>

#include "flow/fields.h"

/* What the kernel says of each direction, and of each flow. */
#define TRAFFIC                                                                                    \
	(FIELD_BIT(PACKETS) | FIELD_BIT(BYTES) | FIELD_BIT(START) | FIELD_BIT(END) |               \
	 FIELD_BIT(TCP_FLAGS) | FIELD_BIT(TOS) | FIELD_BIT(END_REASON))
#define KNOWN (FLOW_BASIC | TRAFFIC | FIELD_BIT(FAMILY))

void flow_ended_of(const struct weir_flow *flow, const struct weir_pair6 *pair, enum weir_end end,
		   __s64 clock_offset_ns, struct flow_ended *out)
{
	*out = (struct flow_ended){
		.key = flow->key,
		.end = end,
		.tcp_flags = flow->tcp_flags,
		.tos = flow->tos,
		.pair = *pair,
		.start_ns = flow->first_ns + clock_offset_ns,
		.end_ns = flow->last_ns + clock_offset_ns,
		.packets = flow->packets,
		.bytes = flow->bytes,
	};
}

static struct flow_traffic traffic_of(const struct flow_ended *ended)
{
	return (struct flow_traffic){
		.start_ns = ended->start_ns,
		.end_ns = ended->end_ns,
		.packets = ended->packets,
		.bytes = ended->bytes,
		.tcp_flags = ended->tcp_flags,
		.end = ended->end,
		.tos = ended->tos,
	};
}

/* A time of 0 is none: that of a capture that has no times. */
static __u64 unknown_times(const struct flow_ended *ended)
{
	return (ended->start_ns ? 0 : FIELD_BIT(START)) | (ended->end_ns ? 0 : FIELD_BIT(END));
}

void flow_ended_record(const struct flow_ended *ended, struct flow_record *out)
{
	const struct weir_flow_key *key = &ended->key;

	*out = (struct flow_record){
		.known = KNOWN & ~unknown_times(ended),
		.forward = traffic_of(ended),
		.vlan = key->vlan,
		.family = key->flags & WEIR_KEY_V6 ? 6 : 4,
		.proto = key->proto,
		.direction = !!(key->flags & WEIR_KEY_OUT),
	};
	if (out->family == 6) {
		memcpy(out->src, ended->pair.src, sizeof(out->src));
		memcpy(out->dst, ended->pair.dst, sizeof(out->dst));
	} else {
		memcpy(out->src, &key->src4, sizeof(key->src4));
		memcpy(out->dst, &key->dst4, sizeof(key->dst4));
	}
	if (key->flags & WEIR_KEY_UNKNOWN) {
		out->known &= ~(FIELD_BIT(SPORT) | FIELD_BIT(DPORT));
	} else if (key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6) {
		out->icmp = weir_be16(key->dport);
		out->known |= FIELD_BIT(ICMP);
	} else if (!(key->flags & WEIR_KEY_NOPORTS)) {
		out->sport = weir_be16(key->sport);
		out->dport = weir_be16(key->dport);
	}
	if (out->direction) {
		out->out_if = key->ifindex;
		out->known |= FIELD_BIT(OUT_IF);
	} else {
		out->in_if = key->ifindex;
		out->known |= FIELD_BIT(IN_IF);
	}
}

bool flow_ended_reverses(const struct flow_ended *a, const struct flow_ended *b)
{
	const struct weir_flow_key *k = &a->key, *l = &b->key;

	if (k->proto != l->proto || k->vlan != l->vlan || k->ifindex != l->ifindex ||
	    (k->flags ^ l->flags) != WEIR_KEY_OUT || k->flags & WEIR_KEY_UNKNOWN)
		return false;
	/* What is no port has no other end: an ICMP type stays what it is. */
	if (k->flags & WEIR_KEY_NOPORTS) {
		if (k->sport != l->sport || k->dport != l->dport)
			return false;
	} else if (k->sport != l->dport || k->dport != l->sport) {
		return false;
	}
	if (k->flags & WEIR_KEY_V6)
		return !memcmp(a->pair.src, b->pair.dst, sizeof(a->pair.src)) &&
		       !memcmp(a->pair.dst, b->pair.src, sizeof(a->pair.dst));
	return k->src4 == l->dst4 && k->dst4 == l->src4;
}

void flow_ended_biflow(const struct flow_ended *a, const struct flow_ended *b,
		       struct flow_record *out)
{
	const struct flow_ended *first = b->start_ns < a->start_ns ? b : a;
	const struct flow_ended *other = first == a ? b : a;

	flow_ended_record(first, out);
	out->known |= FIELD_BIT(INITIATOR) | (TRAFFIC & ~unknown_times(other)) << FLOW_REVERSE;
	out->reverse = traffic_of(other);
	out->initiator = a->start_ns != b->start_ns;
}

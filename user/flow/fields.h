/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fields of a flow, each in one row:
 *
 *   X(id, member of struct flow_record, name, type, unit, "text")
 *
 * The table makes the bits of flow_record.known (bit n is row n), and whatever shows, stores or
 * explains flows is made from it: the name is the key in JSON, the type says how the value is
 * written. A new field is a member and a row here.
 *
 * What lies in struct flow_traffic has two rows, by one list expanded twice: the forward direction
 * and, of a biflow (RFC 5103), the reverse one. Their distance is the same for all of them.
 */
#ifndef FLOW_FIELDS_H
#define FLOW_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "flow/record.h"

#define FLOW_TRAFFIC_FIELDS(X, ID, half)                                                           \
	X(ID##PACKETS, half.packets, packets, UINT, PACKETS, "packets")                            \
	X(ID##BYTES, half.bytes, bytes, UINT, OCTETS, "octets, from the IP header on")             \
	X(ID##START, half.start_ns, first, TIME, NS, "when the first packet came")                 \
	X(ID##END, half.end_ns, last, TIME, NS, "when the last packet came")                       \
	X(ID##TCP_FLAGS, half.tcp_flags, tcp_flags, FLAGS, NONE, "TCP flags of all packets")       \
	X(ID##TOS, half.tos, tos, UINT, NONE, "type of service of the first packet")               \
	X(ID##END_REASON, half.end, end_reason, END, NONE, "why the flow ended")

#define FLOW_FIELDS(X)                                                                             \
	X(SRC, src, src, ADDRESS, NONE, "source address")                                          \
	X(DST, dst, dst, ADDRESS, NONE, "destination address")                                     \
	X(SPORT, sport, sport, UINT, NONE, "source port")                                          \
	X(DPORT, dport, dport, DPORT, NONE, "destination port; of ICMP its type * 256 + code")     \
	X(PROTO, proto, proto, PROTO, NONE, "IP protocol")                                         \
	X(VLAN, vlan, vlan, UINT, NONE, "outermost VLAN, 0 for none")                              \
	FLOW_TRAFFIC_FIELDS(X, , forward)                                                          \
	X(DIRECTION, direction, direction, DIRECTION, NONE, "into the exporter or out of it")      \
	X(FAMILY, family, family, UINT, NONE, "version of IP")                                     \
	X(ICMP, icmp, icmp, UINT, NONE, "ICMP type * 256 + code")                                  \
	X(IN_IF, in_if, in_if, UINT, NONE, "interface that it came in by, as the exporter counts") \
	X(OUT_IF, out_if, out_if, UINT, NONE, "interface that it left by")                         \
	X(SAMPLING, sampling, sampling, UINT, NONE, "one packet of how many was looked at")        \
	X(SRC_AS, src_as, src_as, UINT, NONE, "autonomous system of the source")                   \
	X(DST_AS, dst_as, dst_as, UINT, NONE, "autonomous system of the destination")              \
	X(SRC_MASK, src_mask, src_mask, UINT, NONE, "prefix length of the source's network")       \
	X(DST_MASK, dst_mask, dst_mask, UINT, NONE, "prefix length of the destination's network")  \
	X(NEXT_HOP, next_hop, next_hop, EITHER_ADDRESS, NONE, "next router")                       \
	X(BGP_NEXT_HOP, bgp_next_hop, bgp_next_hop, EITHER_ADDRESS, NONE, "next router of BGP")    \
	X(IN_VRF, in_vrf, in_vrf, UINT, NONE, "routing table on the way in")                       \
	X(OUT_VRF, out_vrf, out_vrf, UINT, NONE, "routing table on the way out")                   \
	X(VRF_NAME, vrf_name, vrf_name, TEXT, NONE, "name of the routing table")                   \
	X(POST_VLAN, post_vlan, post_vlan, UINT, NONE, "VLAN on the way out")                      \
	X(NAT_SRC, nat_src, nat_src, EITHER_ADDRESS, NONE, "source after translation")             \
	X(NAT_DST, nat_dst, nat_dst, EITHER_ADDRESS, NONE, "destination after translation")        \
	X(NAT_SPORT, nat_sport, nat_sport, UINT, NONE, "source port after translation")            \
	X(NAT_DPORT, nat_dport, nat_dport, UINT, NONE, "destination port after translation")       \
	X(NAT_EVENT, nat_event, nat_event, NAT_EVENT, NONE, "what the translator did")             \
	X(EVENT, event, event, EVENT, NONE, "what the firewall did")                               \
	X(EVENT_DETAIL, event_detail, event_detail, UINT, NONE,                                    \
	  "why: NF_F_FW_EXT_EVENT of an ASA")                                                      \
	X(COUNTED, counted, counted, COUNTED, NONE, "what bytes are, where not octets of IP")      \
	X(LABELS, label, labels, LABELS, NONE, "MPLS labels, top first")                           \
	X(INITIATOR, initiator, initiator, UINT, NONE, "1: the source began (biflowDirection)")    \
	FLOW_TRAFFIC_FIELDS(X, REVERSE_, reverse)

enum flow_field {
#define X(id, ...) FIELD_##id,
	FLOW_FIELDS(X)
#undef X
	FIELD_MAX,
};

_Static_assert(FIELD_MAX <= 64, "flow_record.known has 64 bits");

#define FIELD_BIT(id) (1ull << FIELD_##id)

/* From a field of the forward direction to the reverse one's. */
#define FLOW_REVERSE (FIELD_REVERSE_PACKETS - FIELD_PACKETS)

#define X(id, ...)                                                                                 \
	_Static_assert(FIELD_REVERSE_##id == FIELD_##id + FLOW_REVERSE, "halves lie alike");
FLOW_TRAFFIC_FIELDS(X, , forward)
#undef X

#define FLOW_FORWARD_BIT(id, ...) | FIELD_BIT(id)
#define FLOW_FORWARD (0ull FLOW_TRAFFIC_FIELDS(FLOW_FORWARD_BIT, , forward))
#define FLOW_REVERSE_FIELDS (FLOW_FORWARD << FLOW_REVERSE)

/* FIELD_MAX: the field has no direction. */
static inline unsigned int flow_field_reverse(unsigned int field)
{
	return field < FIELD_MAX && FLOW_FORWARD >> field & 1 ? field + FLOW_REVERSE
							      : (unsigned int)FIELD_MAX;
}

/* What each flow has, known or not. */
#define FLOW_BASIC                                                                                 \
	(FIELD_BIT(SRC) | FIELD_BIT(DST) | FIELD_BIT(SPORT) | FIELD_BIT(DPORT) |                   \
	 FIELD_BIT(PROTO) | FIELD_BIT(VLAN) | FIELD_BIT(PACKETS) | FIELD_BIT(BYTES) |              \
	 FIELD_BIT(START) | FIELD_BIT(END) | FIELD_BIT(TCP_FLAGS) | FIELD_BIT(END_REASON) |        \
	 FIELD_BIT(DIRECTION))

enum flow_type {
	FLOW_TYPE_UINT,           /* of 1, 2, 4 or 8 bytes */
	FLOW_TYPE_TIME,           /* nanoseconds of Unix time */
	FLOW_TYPE_ADDRESS,        /* 16 bytes, of the flow's family */
	FLOW_TYPE_EITHER_ADDRESS, /* 16 bytes, of either family: see flow/json.h */
	FLOW_TYPE_DPORT,          /* 2 bytes; of ICMP, `icmp` stands for it where it is not 0 */
	FLOW_TYPE_PROTO,          /* 1 byte */
	FLOW_TYPE_FLAGS,          /* 1 byte of TCP flags */
	FLOW_TYPE_END,            /* 1 byte, enum weir_end; 0 unknown */
	FLOW_TYPE_DIRECTION,      /* 1 byte, 0 in, 1 out */
	FLOW_TYPE_EVENT,          /* 1 byte, IPFIX firewallEvent */
	FLOW_TYPE_NAT_EVENT,      /* 1 byte, IPFIX natEvent */
	FLOW_TYPE_COUNTED,        /* 1 byte, enum flow_counted */
	FLOW_TYPE_LABELS,         /* `labels` of 4 bytes each */
	FLOW_TYPE_TEXT,           /* ends with 0 */
};

enum flow_unit {
	FLOW_UNIT_NONE,
	FLOW_UNIT_PACKETS,
	FLOW_UNIT_OCTETS,
	FLOW_UNIT_NS,
};

struct flow_field_row {
	const char *name, *text;
	__u16 offset, bytes; /* within struct flow_record */
	__u8 type, unit;
};

extern const struct flow_field_row flow_fields[FIELD_MAX];

/* A number of a flow record, which has 1, 2, 4 or 8 bytes there. */
static __always_inline __u64 flow_field_load(const __u8 *from, unsigned int bytes)
{
	__u16 v16;
	__u32 v32;
	__u64 v64;

	switch (bytes) {
	case 1:
		return *from;
	case 2:
		memcpy(&v16, from, sizeof(v16));
		return v16;
	case 4:
		memcpy(&v32, from, sizeof(v32));
		return v32;
	default:
		memcpy(&v64, from, sizeof(v64));
		return v64;
	}
}

/* The table itself: for fields.c, and for code that the compiler is to make for each row. */
#define FLOW_FIELD_ROW(id, member, name, type, unit, text)                                         \
	{#name,                                                                                    \
	 text,                                                                                     \
	 offsetof(struct flow_record, member),                                                     \
	 sizeof(((struct flow_record *)0)->member),                                                \
	 FLOW_TYPE_##type,                                                                         \
	 FLOW_UNIT_##unit},
#define FLOW_FIELD_TABLE                                                                           \
	{                                                                                          \
		FLOW_FIELDS(FLOW_FIELD_ROW)                                                        \
	}

/* Is the field one of the reverse direction? Its name is the forward one's. */
static inline bool flow_field_is_reverse(unsigned int field)
{
	return field >= FLOW_REVERSE && field < FIELD_MAX &&
	       flow_field_reverse(field - FLOW_REVERSE) == field;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The books: where every packet went.
 *
 * One table makes the enum, the name, the JSON key and the explanation of each
 * counter. A counter is a pair {packets, bytes}, one per interface and CPU. Its
 * kind says what it means for the law of conservation (meter_balance() in
 * user/meter/books.c):
 *
 *   seen     handed to us by an interface
 *   evicted  left the flow cache through the ring, inside a flow record
 *   overflow reached no flow because the ring was full
 *   named    was in no flow, for the reason the name says
 *   outside  bytes of a packet in a flow that lie outside its IP packet
 *   note     already counted above; says something more about it
 *
 *   seen = flows resident in the cache + evicted + overflow + named + outside
 *
 * Bytes of seen, named and queries are frame bytes, without FCS, as interface
 * counters have them. Bytes of flows, evicted and overflow are octets from the
 * IP header on, as IPFIX's octetDeltaCount has them; `outside` is the difference.
 */
#ifndef WEIR_COUNTERS_H
#define WEIR_COUNTERS_H

#include "base.h"

#define WEIR_COUNTERS(X)                                                                           \
	X(SEEN_IN, seen_in, SEEN, "received by the interface")                                     \
	X(SEEN_OUT, seen_out, SEEN, "sent by the interface")                                       \
	X(EVICTED, evicted, EVICTED, "in flows that left the cache through the ring")              \
	X(OVERFLOW, overflow, OVERFLOW, "in no flow: the cache was full and the ring too")         \
	X(OUTSIDE, outside, OUTSIDE, "link and tunnel headers, padding of packets in flows")       \
	X(ARP, arp, NAMED, "ARP")                                                                  \
	X(NOT_IP, not_ip, NAMED, "neither IP nor ARP")                                             \
	X(PSEUDOWIRE, pseudowire, NAMED, "behind MPLS labels, not certainly IP")                   \
	X(TRUNCATED, truncated, NAMED, "the frame ends inside its link or IP header")              \
	X(MALFORMED, malformed, NAMED, "the IP header contradicts itself")                         \
	X(OWN, own, NAMED, "weir's own traffic, with count_own: false")                            \
	X(NO_TRANSPORT, no_transport, NOTE, "in a flow without ports: transport header cut off")   \
	X(NO_FIRST_FRAGMENT, no_first_fragment, NOTE, "in a flow without ports: fragment alone")   \
	X(TOO_DEEP, too_deep, NOTE, "in the flow of the last header followed: more were nested")   \
	X(WRONG_LENGTH, wrong_length, NOTE, "in a flow, by the frame's length: IP claims more")    \
	X(LATE, late, NOTE, "in a flow, but in no window: its clock is a minute behind")

enum weir_counter_kind {
	WEIR_KIND_SEEN,
	WEIR_KIND_EVICTED,
	WEIR_KIND_OVERFLOW,
	WEIR_KIND_OUTSIDE,
	WEIR_KIND_NAMED,
	WEIR_KIND_NOTE,
};

enum weir_counter {
#define X(id, name, kind, text) WEIR_##id,
	WEIR_COUNTERS(X)
#undef X
	WEIR_COUNTER_MAX,
};

struct weir_count {
	__u64 packets;
	__u64 bytes;
};

/* Value of map `books`: one interface on one CPU. */
struct weir_books {
	struct weir_count count[WEIR_COUNTER_MAX];
};

_Static_assert(sizeof(struct weir_count) == 16, "a count is two words");
_Static_assert(sizeof(struct weir_books) == 16 * WEIR_COUNTER_MAX, "no padding in the books");

#endif

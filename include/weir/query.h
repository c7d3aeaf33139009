/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Classification: which of up to 64 query terms a packet satisfies.
 *
 * A term is a conjunction, so it is one set of allowed values per dimension. For
 * each dimension the tables give, by the packet's value there, a 64-bit mask of
 * the terms that allow it; the AND over the dimensions is the answer, at a cost
 * that does not depend on the number of terms (Lakshman, Stiliadis, SIGCOMM 1998).
 *
 *   constant over a flow: direction, family, protocol, ports, VLAN, addresses;
 *     weir_classify_key(), once per flow and tables' generation
 *   new in each packet: TCP flags, DNS QR bit, length; weir_classify_packet()
 *
 * Ports and VLAN ids map to classes first (values that no term tells apart), so
 * that a scan over random ports stays in 128 KiB. Addresses map to the interval
 * they lie in, by binary search over the sorted starts of the intervals.
 */
#ifndef WEIR_QUERY_H
#define WEIR_QUERY_H

#include "countdown.h"
#include "flow.h"

#define WEIR_TERMS 64
#define WEIR_QUERIES 64
#define WEIR_VECTORS (WEIR_QUERIES * WEIR_DISTINCT_MAX)
#define WEIR_CLASSES 256
#define WEIR_NONE_CLASS 0 /* class of "no port": an ICMP packet, a lone fragment */
#define WEIR_RANGES 4096  /* address intervals per family */
#define WEIR_RANGE_STEPS 12

enum weir_qr {
	WEIR_QR_NONE,
	WEIR_QR_QUERY,
	WEIR_QR_RESPONSE,
	WEIR_QR_MAX,
};

#define WEIR_VXLAN_PORTS 8
#define WEIR_NO_VXLAN_PORT 0x10000 /* of a place that is not used */

#define WEIR_FLAGS_NONE 256 /* index of flags_mask for packets that are not TCP */

/* What the term needs to know of one packet beside its flow's key. */
struct weir_traits {
	__u32 len_bytes; /* frame */
	__u16 flags;     /* TCP flags, or WEIR_FLAGS_NONE */
	__u8 qr;         /* enum weir_qr */
	__u8 pad;
};

/*
 * Value of map `tables`, which holds two: the kernel reads tables[generation & 1] where
 * `generation` stands in weir_control. User space fills the other, then moves the generation on.
 * Integers are in host order.
 */
struct weir_tables {
	struct weir_timeouts timeouts;
	__u32 inner; /* 1: follow tunnels, 0: classify the outermost IP header */
	__u32 terms; /* how many are in use */

	__u32 vxlan_port[WEIR_VXLAN_PORTS]; /* followed where `inner` is set */

	__u64 len_terms; /* terms that limit the length */
	__u64 qr_mask[WEIR_QR_MAX];
	__u64 flags_mask[WEIR_FLAGS_NONE + 1];
	__u32 len_min[WEIR_TERMS], len_max[WEIR_TERMS];
	__u64 term_siblings[WEIR_TERMS]; /* all terms of the term's query; by weir_term_slot() */
	__u8 term_query[WEIR_TERMS];     /* the query's index in a weir_slot; by weir_term_slot() */

	__u64 distinct_terms; /* terms whose query has a vector */
	__u64 steady_terms;   /* terms that hold for all packets of a flow or for none */
	struct weir_vector vector[WEIR_QUERIES][WEIR_DISTINCT_MAX];
	__u32 distinct_rate[WEIR_QUERIES]; /* weir_vector.rate of all that the query has */

	__u64 leaves_own; /* 1: what weir itself sends and receives is in no flow and no query */

	__u64 direction_mask[2]; /* in, out */
	__u64 family_mask[2];    /* IPv4, IPv6 */
	__u64 proto_mask[256];
	__u64 sport_mask[WEIR_CLASSES], dport_mask[WEIR_CLASSES], vlan_mask[WEIR_CLASSES];
	__u8 sport_class[65536], dport_class[65536], vlan_class[4096];

	/* Interval i holds start[i] <= address < start[i + 1]; start[0] is 0. Unused intervals, at
	 * the end, start at the highest address and repeat the last one's masks. */
	__u32 start4[WEIR_RANGES];
	__u64 src4_mask[WEIR_RANGES], dst4_mask[WEIR_RANGES];
	__u8 inside4[WEIR_RANGES];    /* 1: the interval is inside */
	__u64 start6[WEIR_RANGES][2]; /* high, low half */
	__u64 src6_mask[WEIR_RANGES], dst6_mask[WEIR_RANGES];
	__u8 inside6[WEIR_RANGES];

	/* A digest of what words like `inside` and `group NAME` stand for here, and of which packets
	 * of all count; the kernel programs do not read it. */
	__u64 meaning;
};

_Static_assert(offsetof(struct weir_tables, len_terms) == 64, "tables layout");
_Static_assert(sizeof(struct weir_tables) % 8 == 0, "tables layout");
_Static_assert(1 << WEIR_RANGE_STEPS == WEIR_RANGES, "the search reaches every interval");

/* A number of its own, 0..63, for each single bit: de Bruijn's product, since BPF counts no
 * trailing zeros. */
static __always_inline __u32 weir_term_slot(__u64 bit)
{
	return (bit * 0x03f79d71b4cb0a89ull) >> 58;
}

/*
 * 1 if a < b, else 0, without a branch: the verifier follows both ways of every branch of a
 * search, 2^12 paths; arithmetic is one. The compiler would put the branch back if it saw this.
 */
static __always_inline __u64 weir_less(__u64 a, __u64 b)
{
	__u64 less;

	weir_opaque(a);
	weir_opaque(b);
	less = ((~a & b) | ((~a | b) & (a - b))) >> 63;
	weir_opaque(less);
	return less;
}

/* Interval of an IPv4 address (host order). */
static __always_inline __u32 weir_range4(const struct weir_tables *t, __u32 addr)
{
	__u64 at = 0;

	for (int step = WEIR_RANGE_STEPS - 1; step >= 0; step--) {
		__u64 next = (at | (1u << step)) & (WEIR_RANGES - 1);

		at |= (1 ^ weir_less(addr, t->start4[next])) << step;
	}
	return at & (WEIR_RANGES - 1);
}

/* Interval of an IPv6 address, halves in host order. */
static __always_inline __u32 weir_range6(const struct weir_tables *t, __u64 high, __u64 low)
{
	__u64 at = 0;

	for (int step = WEIR_RANGE_STEPS - 1; step >= 0; step--) {
		__u64 next = (at | (1u << step)) & (WEIR_RANGES - 1);
		__u64 start = t->start6[next][0], start_low = t->start6[next][1];
		__u64 above = weir_less(high, start);
		__u64 below = weir_less(start, high);

		at |= (below | (1 ^ (above | below | weir_less(low, start_low)))) << step;
	}
	return at & (WEIR_RANGES - 1);
}

/* Are the flow's source and destination inside? Sets *src and *dst to 0 or 1. */
static __always_inline __u64 weir_classify_addrs(const struct weir_tables *t,
						 const struct weir_flow_key *k,
						 const struct weir_pair6 *p, __u8 *src, __u8 *dst)
{
	__u32 s, d;

	if (k->flags & WEIR_KEY_V6) {
		s = weir_range6(t, weir_be64(p->word[0]), weir_be64(p->word[1]));
		d = weir_range6(t, weir_be64(p->word[2]), weir_be64(p->word[3]));
		*src = t->inside6[s];
		*dst = t->inside6[d];
		return t->src6_mask[s] & t->dst6_mask[d];
	}
	s = weir_range4(t, weir_be32(k->src4));
	d = weir_range4(t, weir_be32(k->dst4));
	*src = t->inside4[s];
	*dst = t->inside4[d];
	return t->src4_mask[s] & t->dst4_mask[d];
}

/* Terms whose ports, protocol, VLAN, family and direction the key satisfies. */
static __always_inline __u64 weir_classify_key(const struct weir_tables *t,
					       const struct weir_flow_key *k)
{
	__u8 sport = WEIR_NONE_CLASS, dport = WEIR_NONE_CLASS;

	if (!(k->flags & WEIR_KEY_NOPORTS)) {
		sport = t->sport_class[weir_bounded(weir_be16(k->sport), 65535)];
		dport = t->dport_class[weir_bounded(weir_be16(k->dport), 65535)];
	}
	return t->direction_mask[k->flags & WEIR_KEY_OUT ? 1 : 0] &
	       t->family_mask[k->flags & WEIR_KEY_V6 ? 1 : 0] & t->proto_mask[k->proto] &
	       t->sport_mask[sport] & t->dport_mask[dport] &
	       t->vlan_mask[t->vlan_class[k->vlan & 4095]];
}

/* Narrows `terms` of the packet's flow to those that hold for this packet. */
static __always_inline __u64 weir_classify_packet(const struct weir_tables *t, __u64 terms,
						  const struct weir_traits *p)
{
	__u16 flags = p->flags <= WEIR_FLAGS_NONE ? p->flags : WEIR_FLAGS_NONE;
	__u8 qr = p->qr < WEIR_QR_MAX ? p->qr : WEIR_QR_NONE;

	terms &= t->flags_mask[flags] & t->qr_mask[qr];
	if (terms & t->len_terms) {
		for (int i = 0; i < WEIR_TERMS; i++) {
			__u64 out = weir_less(p->len_bytes, t->len_min[i]) |
				    weir_less(t->len_max[i], p->len_bytes);

			terms &= ~(out << i);
		}
	}
	return terms;
}

#endif

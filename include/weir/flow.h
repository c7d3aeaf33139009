/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow cache, as both sides see it.
 *
 *   map `flows`, one set, 6 cache lines
 *   ┌────────┬────────┬────────┬────────┬─────────────────────────┐
 *   │ flow 0 │ flow 1 │ flow 2 │ flow 3 │ IPv6 addresses of 0..3  │
 *   └────────┴────────┴────────┴────────┴─────────────────────────┘
 *
 * The sets are shared out evenly over the possible CPUs; a CPU writes its own
 * partition only, so nothing here is locked or atomic. A flow may live in either
 * of two sets chosen by its hash: that keeps four ways from overflowing before the
 * cache is nearly full. The ways are compared in turn, and a new flow takes the
 * first that is free, so that most are found in the first two, which the processor
 * fetches together. There are no tags to look at first: waiting for them cost more
 * than comparing a second key now and then (docs/measurements.md).
 *
 * An incarnation of a flow is (slot, generation): slot = set * 4 + way, which
 * implies the CPU. The generation is odd while the kernel writes a new
 * incarnation, even when the slot holds one, 0 when it never did.
 */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include "base.h"

#define WEIR_WAYS 4

/* weir_flow_key.flags */
#define WEIR_KEY_OUT (1 << 0)     /* sent by this host, else received */
#define WEIR_KEY_V6 (1 << 1)      /* IPv6, else IPv4 */
#define WEIR_KEY_NOPORTS (1 << 2) /* sport, dport are not ports: see below */
#define WEIR_KEY_UNKNOWN (1 << 3) /* there is a transport header, but it was not seen */

/*
 * A flow is the packets of one direction that share all of this.
 * addrs: IPv4 source, destination in network order; IPv6: a fold of both, for
 *   comparison only (weir_fold6()).
 * sport, dport: of TCP, UDP, SCTP, UDP-Lite, DCCP. ICMP and ICMPv6: 0 and type * 256 + code.
 *   Otherwise 0 and 0. WEIR_KEY_NOPORTS is set unless they are ports. WEIR_KEY_UNKNOWN is set where
 *   they stand for nothing, because the header of one of these protocols is missing: cut off, or
 *   in a first fragment that was not seen.
 * vlan: outermost VLAN id, host order, 0 for none.
 */
struct weir_flow_key {
	union {
		struct {
			__be32 src4, dst4;
		};
		__u64 addrs;
	};
	union {
		struct {
			__be16 sport, dport;
			__u8 proto;
			__u8 flags;
			__u16 vlan;
		};
		__u64 rest;
	};
	__u32 ifindex;
} __attribute__((packed, aligned(4)));

/* `addrs` and `rest` put together in registers: stored in pieces and loaded whole they are slow. */
static __always_inline __u64 weir_key_addrs(__be32 src, __be32 dst)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return src | (__u64)dst << 32;
#else
	return dst | (__u64)src << 32;
#endif
}

static __always_inline __u64 weir_key_rest(__be16 sport, __be16 dport, __u8 proto, __u8 flags,
					   __u16 vlan)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return sport | (__u64)dport << 16 | (__u64)proto << 32 | (__u64)flags << 40 |
	       (__u64)vlan << 48;
#else
	return vlan | (__u64)flags << 16 | (__u64)proto << 24 | (__u64)dport << 32 |
	       (__u64)sport << 48;
#endif
}

/* Of `rest`: the ports, above them the protocol. */
static __always_inline __u64 weir_key_ports(__u64 rest)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return rest & 0xffffffffffull;
#else
	return (rest >> 24 & 0xff) << 32 | rest >> 32;
#endif
}

/* The IPv6 addresses of a flow: source, destination, network order. */
struct weir_pair6 {
	union {
		struct {
			__u8 src[16], dst[16];
		};
		__u64 word[4];
	};
};

/* One slot of the cache. first_ns, last_ns: CLOCK_BOOTTIME, in replay the capture's own. */
struct weir_flow {
	struct weir_flow_key key;
	__u32 generation;
	__u32 packets;
	__u8 tcp_flags; /* OR of all */
	__u8 tos;       /* of the first packet */
	__u16 tables;   /* low bits of the tables' generation that `terms` was computed from */
	__u64 bytes;    /* octets from the IP header on */
	__u64 first_ns;
	__u64 last_ns;
	__u64 terms; /* query terms whose flow-constant part holds */
};

/* Value of map `flows`. */
struct weir_set {
	struct weir_flow flow[WEIR_WAYS];
	struct weir_pair6 pair[WEIR_WAYS];
};

_Static_assert(sizeof(struct weir_flow_key) == 20, "key layout");
_Static_assert(offsetof(struct weir_flow_key, rest) == 8, "key layout");
_Static_assert(offsetof(struct weir_flow_key, ifindex) == 16, "key layout");
_Static_assert(sizeof(struct weir_flow) == 64, "a flow is one cache line");
_Static_assert(offsetof(struct weir_flow, generation) == 20, "flow layout");
_Static_assert(offsetof(struct weir_flow, bytes) == 32, "flow layout");
_Static_assert(offsetof(struct weir_flow, terms) == 56, "flow layout");
_Static_assert(sizeof(struct weir_set) == 384, "a set is six cache lines");

#define WEIR_TCP_FIN 0x01
#define WEIR_TCP_SYN 0x02
#define WEIR_TCP_RST 0x04
#define WEIR_TCP_PSH 0x08
#define WEIR_TCP_ACK 0x10
#define WEIR_TCP_URG 0x20
#define WEIR_TCP_ECE 0x40
#define WEIR_TCP_CWR 0x80

/* Why an incarnation ended: the codes of IPFIX flowEndReason (RFC 5102, element 136). */
enum weir_end {
	WEIR_END_NONE = 0,
	WEIR_END_IDLE = 1,
	WEIR_END_ACTIVE = 2,
	WEIR_END_FLOW = 3,
	WEIR_END_FORCED = 4,
	WEIR_END_RESOURCES = 5,
};

struct weir_timeouts {
	__u64 idle_ns;
	__u64 active_ns;
	__u64 closed_ns; /* idle time after FIN or RST */
};

/* An incarnation ends before its packet counter, 32 bits, can wrap. */
#define WEIR_FLOW_PACKETS_MAX (1u << 31)

/*
 * Is this incarnation over at `now_ns`, were a packet with `tcp_flags` to come (0 when none
 * does)? The kernel asks on every packet, the harvester when it scans, so that they never
 * disagree. A clock that stepped back ends nothing.
 */
static __always_inline enum weir_end weir_flow_over(const struct weir_flow *f,
						    const struct weir_timeouts *t, __u64 now_ns,
						    __u8 tcp_flags)
{
	__s64 idle = now_ns - f->last_ns;
	__s64 lived = now_ns - f->first_ns;

	if (f->tcp_flags & (WEIR_TCP_FIN | WEIR_TCP_RST)) {
		if ((tcp_flags & WEIR_TCP_SYN) || idle > (__s64)t->closed_ns)
			return WEIR_END_FLOW;
	}
	if (idle > (__s64)t->idle_ns)
		return WEIR_END_IDLE;
	if (lived > (__s64)t->active_ns || f->packets >= WEIR_FLOW_PACKETS_MAX)
		return WEIR_END_ACTIVE;
	return WEIR_END_NONE;
}

/* 64-bit fold of an IPv6 address pair, for weir_flow_key.addrs. Equal pairs fold equally; the
 * pair itself is compared too. */
static __always_inline __u64 weir_fold6(const struct weir_pair6 *p)
{
	return (p->word[0] + p->word[1] * 3) ^ (p->word[2] * 5 + p->word[3] * 7);
}

/*
 * Keyed hash of a key: multiply-xorshift with two random words drawn at load. It spreads; it is
 * not a MAC. Who guesses the seed can crowd one set, and crowding costs evictions, never counts.
 */
static __always_inline __u64 weir_flow_hash(const struct weir_flow_key *k, const __u64 seed[2])
{
	__u64 h = (k->addrs ^ seed[0]) * 0x9e3779b97f4a7c15ull;

	h ^= h >> 32;
	h = (h ^ k->rest ^ ((__u64)k->ifindex << 40) ^ seed[1]) * 0xd6e8feb86659fd93ull;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	return h ^ (h >> 32);
}

/* The two sets of a hash, in a partition of `sets`. */
static __always_inline __u32 weir_hash_set(__u64 hash, __u32 sets)
{
	return ((hash & 0xffffffff) * sets) >> 32;
}

static __always_inline __u32 weir_hash_set2(__u64 hash, __u32 sets)
{
	return ((hash >> 32) * sets) >> 32;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fast path: nearly all packets are plain TCP or UDP over IPv4, of a flow that is in the cache.
 * They go a shorter way, on which everything stays in registers that the general way
 * (parse.bpf.h, account.bpf.h) keeps in a map for the verifier's sake.
 *
 * Both must count a packet alike. So this one takes only what it reads completely, and leaves to
 * the general way, which reads the frame again from its start:
 *
 *   frame       no Ethernet header (programs l3); a VLAN tag in the frame, PPPoE, MPLS; shorter
 *               than 54 bytes, or not all of these readable in place; several segments (GSO)
 *   IP          IPv6, ARP and all else; options; fragments; a length that is 0, less than the
 *               headers or more than the frame has
 *   transport   neither TCP nor UDP; a TCP header shorter than 20 bytes; UDP to or from port 53,
 *               for the QR bit; any UDP while tunnels are followed, for it may be one
 *   flow        not in the cache; classified by older tables; over by its timeouts or TCP flags
 *
 * Such a packet has not been counted when the fast path gives up. Something new in the general
 * parser that a plain frame may contain needs a line here, and a condition in read_common().
 */
#ifndef WEIR_FASTPATH_BPF_H
#define WEIR_FASTPATH_BPF_H

#include "classify.bpf.h"
#include "count.bpf.h"
#include "distinct.bpf.h"
#include "flow.bpf.h"
#include "parse.bpf.h"

struct common {
	struct weir_flow_key key;
	struct weir_traits traits; /* len_bytes: of the frame */
	__u32 ip_bytes;
	__u8 tcp_flags;
};

struct common_frame {
	struct ethernet link;
	struct ipv4 ip;
	union {
		struct ports ports;
		__u8 tcp[20];
	};
} __attribute__((packed));

/* Reads a frame of `frame_bytes`, of which [start, end) can be read. False: not a common one. */
static __always_inline bool read_common(struct common *c, void *start, void *end, __u32 frame_bytes,
					__u8 key_flags, __u16 vlan, bool inner)
{
	struct common_frame *h = start;
	__be16 sport, dport;
	__u32 least; /* with all of the transport header that is read */

	if ((void *)(h + 1) > end || h->link.type != weir_be16(ETH_IPV4) ||
	    h->ip.version_ihl != 0x45 || h->ip.fragment & weir_be16(0x3fff))
		return false;
	sport = h->ports.src;
	dport = h->ports.dst;
	if (likely(h->ip.proto == PROTO_TCP)) {
		if (h->tcp[12] >> 4 < 5)
			return false;
		c->tcp_flags = h->tcp[13];
		c->traits.flags = h->tcp[13];
		least = sizeof(h->ip) + 14;
	} else {
		if (h->ip.proto != PROTO_UDP || inner || sport == weir_be16(PORT_DNS) ||
		    dport == weir_be16(PORT_DNS))
			return false;
		c->tcp_flags = 0;
		c->traits.flags = WEIR_FLAGS_NONE;
		least = sizeof(h->ip) + 8;
	}
	c->traits.qr = WEIR_QR_NONE;
	c->traits.len_bytes = frame_bytes;
	c->ip_bytes = weir_be16(h->ip.total_length);
	if (c->ip_bytes < least || c->ip_bytes + sizeof(h->link) > frame_bytes)
		return false;
	c->key.addrs = weir_key_addrs(h->ip.src, h->ip.dst);
	c->key.rest = weir_key_rest(sport, dport, h->ip.proto, key_flags, vlan);
	return true;
}

/* Did an earlier packet of flow `f` set the cells of these keys already, in the current phase? It
 * did if there was one within the phase, and if the term does not look at each packet by itself. */
static __always_inline bool has_keys(const struct packet *p, const struct weir_tables *t,
				     __u32 term, __u64 bit, const struct weir_flow *f)
{
	__u32 rate = t->distinct_rate[t->term_query[term] & (WEIR_QUERIES - 1)];

	return t->steady_terms & bit && weir_same_phase(weir_countdown_clock(p->now_ns, rate),
							weir_countdown_clock(f->last_ns, rate));
}

static __always_inline void count_common_keys(struct packet *p, const struct weir_tables *t,
					      __u64 terms, const struct common *c,
					      const struct weir_flow *f)
{
	__u32 term;
	__u64 bit;

	/* The same tick is the same phase: most packets of busy flows, and cheaper to see. */
	if (f->last_ns == p->now_ns)
		terms &= ~t->steady_terms;
	if (!terms)
		return;
	bit = terms & -terms;
	term = weir_term_slot(bit);
	terms &= ~t->term_siblings[term];
	if (!has_keys(p, t, term, bit, f))
		count_keys(p, t, term, &c->key, NULL);
	if (unlikely(terms)) {
		p->key = c->key;
		count_distinct(t, terms);
	}
}

/* Counts it, if its flow is in the cache and not over; `p` holds the clock. */
static __always_inline bool count_common(struct common *c, struct packet *p,
					 const struct weir_tables *t, __u32 generation)
{
	__u32 bytes = c->traits.len_bytes;
	struct weir_flow *f;
	struct weir_books *b;
	__u64 terms;

	if (constants.replay) {
		p->key = c->key;
		c->key.flags |= replayed_direction(generation);
	}
	f = find_flow(&c->key, NULL, hash_of(&c->key));
	if (!f || unlikely(f->tables != (__u16)generation) ||
	    unlikely(flow_over(f, t, p->now_ns, c->tcp_flags)))
		return false;
	b = books_of(c->key.ifindex);
	if (!b)
		return false;
	terms = weir_classify_packet(t, f->terms, &c->traits);
	if (terms & t->distinct_terms)
		count_common_keys(p, t, terms & t->distinct_terms, c, f);
	add_to_flow(f, 1, c->ip_bytes, c->tcp_flags, p->now_ns);
	book(b, c->key.flags & WEIR_KEY_OUT ? WEIR_SEEN_OUT : WEIR_SEEN_IN, 1, bytes);
	b->count[WEIR_OUTSIDE].bytes += bytes - c->ip_bytes;
	if (!count_queries(t, terms, p->second.second, 1, bytes))
		book(b, WEIR_LATE, 1, bytes);
	return true;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow cache: find the packet's flow, or start a new incarnation in the best
 * of its eight slots. The layout is in include/weir/flow.h.
 *
 * An incarnation that ends goes out whole through the ring. Where the ring is
 * full it stays, and the packet is booked as overflow: totals hold, and what was
 * measured is never dropped for what is new.
 */
#ifndef WEIR_FLOW_BPF_H
#define WEIR_FLOW_BPF_H

#include "classify.bpf.h"

struct place {
	struct weir_set *set;
	__u32 index; /* of the set, in map flows */
};

/* Of this CPU's part of the cache; a replay has it all for itself. */
static __always_inline bool place_at(struct place *at, __u32 set)
{
	at->index = set;
	if (!constants.replay)
		at->index += bpf_get_smp_processor_id() * constants.sets;
	at->set = bpf_map_lookup_elem(&flows, &at->index);
	return at->set;
}

/* Way of a flow in this set, or WEIR_WAYS. `pair`: NULL for IPv4. A slot that was never used has no
 * protocol and no WEIR_KEY_NOPORTS: it equals no packet. */
static __always_inline __u32 find_way(const struct place *at, const struct weir_flow_key *key,
				      const struct weir_pair6 *pair)
{
	for (__u32 way = 0; way < WEIR_WAYS; way++) {
		const struct weir_flow *f = &at->set->flow[way];
		const struct weir_pair6 *own = &at->set->pair[way];

		if (f->key.addrs != key->addrs || f->key.rest != key->rest ||
		    f->key.ifindex != key->ifindex)
			continue;
		if (likely(!pair) ||
		    (own->word[0] == pair->word[0] && own->word[1] == pair->word[1] &&
		     own->word[2] == pair->word[2] && own->word[3] == pair->word[3]))
			return way;
	}
	return WEIR_WAYS;
}

/* The way longest unused, and in *idle_ns how long; a free way has been so for ever. */
static __always_inline __u32 oldest_way(const struct place *at, __u64 now_ns, __s64 *idle_ns)
{
	__u32 oldest = 0;

	*idle_ns = -1;
	for (__u32 way = 0; way < WEIR_WAYS; way++) {
		const struct weir_flow *f = &at->set->flow[way];
		__s64 idle = f->generation ? (__s64)(now_ns - f->last_ns) : (__s64)(~0ull >> 1);

		if (idle > *idle_ns) {
			*idle_ns = idle;
			oldest = way;
		}
	}
	return oldest;
}

/* Sends the incarnation in a slot through the ring. False: the ring is full. */
static __always_inline bool evict(struct weir_flow *f, const struct weir_pair6 *pair, __u32 slot,
				  enum weir_end end)
{
	struct weir_event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	struct weir_books *b;
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!e)
		return false;
	e->slot = slot;
	e->end = end;
	e->flow = *f;
	e->pair = *pair;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= constants.ring_wake)
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(e, flags);
	b = books_of(f->key.ifindex);
	if (b)
		book(b, WEIR_EVICTED, f->packets, f->bytes);
	return true;
}

/* Writes a new incarnation into a slot; the reader sees an odd generation meanwhile. */
static __always_inline void begin(struct weir_flow *f, struct weir_pair6 *pair,
				  const struct packet *p, __u32 generation)
{
	__u32 next = (f->generation | 1) + 1;

	f->generation |= 1;
	barrier();
	f->key = p->key;
	if (p->key.flags & WEIR_KEY_V6)
		*pair = p->pair;
	f->packets = p->segments;
	f->bytes = p->ip_bytes;
	f->tcp_flags = p->tcp_flags;
	f->tos = p->tos;
	f->tables = generation;
	f->first_ns = p->now_ns;
	f->last_ns = p->now_ns;
	f->terms = p->terms;
	barrier();
	f->generation = next ? next : 2;
}

/*
 * Is the flow over when this packet comes? A capture's clock may step back: up to the idle timeout
 * before the flow's first packet it is disorder, further back it is another flow.
 */
static __always_inline enum weir_end
flow_over(const struct weir_flow *f, const struct weir_tables *t, __u64 now_ns, __u8 tcp_flags)
{
	if (constants.replay && (__s64)(f->first_ns - now_ns) > (__s64)t->timeouts.idle_ns)
		return WEIR_END_IDLE;
	return weir_flow_over(f, &t->timeouts, now_ns, tcp_flags);
}

/* The packet's flow is over, or its slot belongs to another: out with it, in with the new. */
static __always_inline bool replace(struct place *at, __u32 way, const struct packet *p,
				    const struct weir_tables *t, __u32 generation)
{
	struct weir_flow *f = &at->set->flow[way];
	struct weir_pair6 *pair = &at->set->pair[way];
	enum weir_end end;

	if (f->generation) {
		end = flow_over(f, t, p->now_ns, p->tcp_flags);
		if (!evict(f, pair, at->index * WEIR_WAYS + way, end ? end : WEIR_END_RESOURCES))
			return false;
	}
	begin(f, pair, p, generation);
	return true;
}

enum counted {
	IN_FLOW,
	IN_NO_FLOW, /* the ring is full: book it as overflow */
	LEFT_OUT,   /* it is weir's own */
};

/*
 * The packet's flow, which is not in the cache or is over, gets a slot: its own again, or the one
 * of the eight longest unused. enum counted. Global for the verifier's sake, as classify_flow() is.
 */
__noinline int start_flow(__u64 hash, __u32 generation)
{
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	__u32 way, way2;
	struct place at, second;
	__s64 idle, idle2;

	if (!t || !p || !place_at(&at, weir_hash_set(hash, constants.sets)) ||
	    !place_at(&second, weir_hash_set2(hash, constants.sets)))
		return IN_NO_FLOW;
	if (classify_flow(generation))
		return LEFT_OUT;
	way = find_way(&at, &p->key, pair_of(p));
	way2 = find_way(&second, &p->key, pair_of(p));
	if (way == WEIR_WAYS && way2 == WEIR_WAYS) {
		way = oldest_way(&at, p->now_ns, &idle);
		way2 = oldest_way(&second, p->now_ns, &idle2);
		if (idle2 > idle)
			way = WEIR_WAYS;
	}
	if (way == WEIR_WAYS) {
		at = second;
		way = way2;
	}
	return replace(&at, forget(way) & (WEIR_WAYS - 1), p, t, generation) ? IN_FLOW : IN_NO_FLOW;
}

static __always_inline __u64 hash_of(const struct weir_flow_key *key)
{
	__u64 seed[2] = {constants.seed[0], constants.seed[1]};

	return weir_flow_hash(key, seed);
}

/* The flow, if it is in the cache, over or not. */
static __always_inline struct weir_flow *find_flow(const struct weir_flow_key *key,
						   const struct weir_pair6 *pair, __u64 hash)
{
	struct place at;
	__u32 way;

	if (!place_at(&at, weir_hash_set(hash, constants.sets)))
		return NULL;
	way = find_way(&at, key, pair);
	if (unlikely(way == WEIR_WAYS)) {
		if (!place_at(&at, weir_hash_set2(hash, constants.sets)))
			return NULL;
		way = find_way(&at, key, pair);
		if (way == WEIR_WAYS)
			return NULL;
	}
	return &at.set->flow[forget(way) & (WEIR_WAYS - 1)];
}

static __always_inline void add_to_flow(struct weir_flow *f, __u32 packets, __u32 bytes,
					__u8 tcp_flags, __u64 now_ns)
{
	f->packets += packets;
	f->bytes += bytes;
	f->tcp_flags |= tcp_flags;
	if (constants.replay && now_ns < f->first_ns)
		f->first_ns = now_ns;
	if (!constants.replay || now_ns > f->last_ns)
		f->last_ns = now_ns;
}

/*
 * Adds the packet to its flow, new or known, and sets p->terms; or leaves it out. Only a packet without
 * a flow is checked for being weir's own, because traffic that is left out never has a flow.
 */
static __always_inline enum counted count_flow(struct packet *p, const struct weir_tables *t,
					       __u32 generation)
{
	__u64 hash = hash_of(&p->key);
	struct weir_flow *f = find_flow(&p->key, pair_of(p), hash);

	if (!f || unlikely(flow_over(f, t, p->now_ns, p->tcp_flags)))
		return start_flow(hash, generation);
	if (unlikely(f->tables != (__u16)generation)) {
		if (classify_flow(generation))
			return LEFT_OUT;
		f->terms = p->terms;
		f->tables = generation;
	}
	p->terms = f->terms;
	add_to_flow(f, p->segments, p->ip_bytes, p->tcp_flags, p->now_ns);
	return IN_FLOW;
}

#endif

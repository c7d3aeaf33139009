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

static __always_inline bool place_at(struct place *at, __u32 set)
{
	at->index = bpf_get_smp_processor_id() * weir_sets + set;
	at->set = bpf_map_lookup_elem(&flows, &at->index);
	return at->set;
}

/* A slot that was never used has no protocol and no WEIR_KEY_NOPORTS: it equals no packet. */
static __always_inline bool is_flow(const struct place *at, __u32 way, const struct packet *p)
{
	const struct weir_flow *f = &at->set->flow[way];
	const struct weir_pair6 *pair = &at->set->pair[way];

	if (f->key.addrs != p->key.addrs || f->key.rest != p->key.rest ||
	    f->key.ifindex != p->key.ifindex)
		return false;
	if (likely(!(p->key.flags & WEIR_KEY_V6)))
		return true;
	return pair->word[0] == p->pair.word[0] && pair->word[1] == p->pair.word[1] &&
	       pair->word[2] == p->pair.word[2] && pair->word[3] == p->pair.word[3];
}

/* Way of the packet's flow in this set, or WEIR_WAYS. */
static __always_inline __u32 find_way(const struct place *at, const struct packet *p)
{
	for (__u32 way = 0; way < WEIR_WAYS; way++)
		if (is_flow(at, way, p))
			return way;
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
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= weir_ring_wake)
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

/* The packet's flow is over, or its slot belongs to another: out with it, in with the new. */
static __always_inline bool replace(struct place *at, __u32 way, const struct packet *p,
				    const struct weir_tables *t, __u32 generation)
{
	struct weir_flow *f = &at->set->flow[way];
	struct weir_pair6 *pair = &at->set->pair[way];
	enum weir_end end;

	if (f->generation) {
		end = weir_flow_over(f, &t->timeouts, p->now_ns, p->tcp_flags);
		if (!evict(f, pair, at->index * WEIR_WAYS + way, end ? end : WEIR_END_RESOURCES))
			return false;
	}
	begin(f, pair, p, generation);
	return true;
}

/*
 * The packet's flow, which is not in the cache or is over, gets a slot: its own again, or the one
 * of the eight longest unused. 0, or -1 when the ring is full. Global for the verifier's sake, as
 * classify_flow() is.
 */
__noinline int start_flow(__u64 hash, __u32 generation)
{
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	__u32 way, way2;
	struct place at, second;
	__s64 idle, idle2;

	if (!t || !p || !place_at(&at, weir_hash_set(hash, weir_sets)) ||
	    !place_at(&second, weir_hash_set2(hash, weir_sets)))
		return -1;
	classify_flow(generation);
	way = find_way(&at, p);
	way2 = find_way(&second, p);
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
	return replace(&at, forget(way) & (WEIR_WAYS - 1), p, t, generation) ? 0 : -1;
}

/*
 * Adds the packet to its flow, new or known, and sets p->terms. False: no flow could take it, book
 * it as overflow.
 */
static __always_inline bool count_flow(struct packet *p, const struct weir_tables *t,
				       __u32 generation)
{
	__u64 seed[2] = {weir_seed[0], weir_seed[1]};
	__u64 hash = weir_flow_hash(&p->key, seed);
	__u32 way;
	struct weir_flow *f;
	struct place at;

	if (!place_at(&at, weir_hash_set(hash, weir_sets)))
		return false;
	way = find_way(&at, p);
	if (unlikely(way == WEIR_WAYS)) {
		if (!place_at(&at, weir_hash_set2(hash, weir_sets)))
			return false;
		way = find_way(&at, p);
		if (way == WEIR_WAYS)
			return start_flow(hash, generation) == 0;
	}
	f = &at.set->flow[forget(way) & (WEIR_WAYS - 1)];
	if (unlikely(weir_flow_over(f, &t->timeouts, p->now_ns, p->tcp_flags)))
		return start_flow(hash, generation) == 0;
	if (unlikely(f->tables != (__u16)generation)) {
		classify_flow(generation);
		f->terms = p->terms;
		f->tables = generation;
	}
	p->terms = f->terms;
	f->packets += p->segments;
	f->bytes += p->ip_bytes;
	f->tcp_flags |= p->tcp_flags;
	f->last_ns = p->now_ns;
	return true;
}

#endif

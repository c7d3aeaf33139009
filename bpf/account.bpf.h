/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The same at every hook: the clock before parsing; books → flow → classify → windows after. */
#ifndef WEIR_ACCOUNT_BPF_H
#define WEIR_ACCOUNT_BPF_H

#include "classify.bpf.h"
#include "count.bpf.h"
#include "distinct.bpf.h"
#include "flow.bpf.h"
#include "packet.bpf.h"
#include "parse.bpf.h"

/*
 * The kernel clock, read once a tick (1 to 10 ms) on each CPU: the tick counter is a load, each
 * clock a call, 20 ns and more where returns are guarded against speculation. Boot time goes on while
 * the machine sleeps (5.8).
 */
static __always_inline void read_clock(struct packet *p)
{
	__u64 tick = bpf_jiffies64();

	if (unlikely(p->tick != tick)) {
		p->tick = tick;
		p->cpu = bpf_get_smp_processor_id();
		p->tick_ns = bpf_ktime_get_boot_ns();
		weir_second_of(&p->second, p->tick_ns);
	}
	p->now_ns = p->tick_ns;
}

static __always_inline void book_notes(struct weir_books *b, const struct packet *p)
{
	if (likely(!p->notes))
		return;
	if (p->no_transport)
		book(b, WEIR_NO_TRANSPORT, p->segments, p->frame_bytes);
	if (p->no_first_fragment)
		book(b, WEIR_NO_FIRST_FRAGMENT, p->segments, p->frame_bytes);
	if (p->too_deep)
		book(b, WEIR_TOO_DEEP, p->segments, p->frame_bytes);
	if (p->wrong_length)
		book(b, WEIR_WRONG_LENGTH, p->segments, p->frame_bytes);
}

/* Everything after parsing. */
static __always_inline void account(struct packet *p, const struct weir_tables *t, __u32 generation,
				    int fate)
{
	struct weir_books *b = books_of(p->key.ifindex);
	enum counted counted;
	__u64 terms;

	if (!b)
		return;
	if (constants.replay && fate == PARSED)
		p->key.flags |= replayed_direction(generation);
	book(b, p->key.flags & WEIR_KEY_OUT ? WEIR_SEEN_OUT : WEIR_SEEN_IN, p->segments,
	     p->frame_bytes);
	if (unlikely(fate != PARSED)) {
		__u64 counter = fate;

		/* Checked in the register that it is used in, see weir_bounded(). */
		weir_opaque(counter);
		if (counter < WEIR_COUNTER_MAX)
			book(b, counter, p->segments, p->frame_bytes);
		return;
	}
	counted = count_flow(p, t, generation);
	if (unlikely(counted == LEFT_OUT)) {
		book(b, WEIR_OWN, p->segments, p->frame_bytes);
		return;
	}
	b->count[WEIR_OUTSIDE].bytes += p->frame_bytes - p->ip_bytes;
	book_notes(b, p);
	if (counted == IN_NO_FLOW)
		book(b, WEIR_OVERFLOW, p->segments, p->ip_bytes);
	p->traits.len_bytes = p->frame_bytes;
	terms = weir_classify_packet(t, p->terms, &p->traits);
	if (!count_queries(t, terms, p->second.second, p->segments, p->frame_bytes))
		book(b, WEIR_LATE, p->segments, p->frame_bytes);
	count_distinct(t, terms & t->distinct_terms);
}

/* The length that an IP header claims can exceed the frame, and is unknown where it is left to the
 * hardware: the frame wins. */
static __always_inline void settle_ip_bytes(struct packet *p)
{
	__u32 room = p->frame_bytes - p->ip_offset;

	if (unlikely(p->ip_bytes > room))
		p->wrong_length = true;
	if (!p->ip_bytes || p->ip_bytes > room)
		p->ip_bytes = room;
}

#endif

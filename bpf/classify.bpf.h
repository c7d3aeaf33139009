/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which query terms hold: the arithmetic is in include/weir/query.h. */
#ifndef WEIR_CLASSIFY_BPF_H
#define WEIR_CLASSIFY_BPF_H

#include "packet.bpf.h"

/*
 * Global functions, so that the verifier looks at them once and not once for each state of their
 * callers; kernel 5.10 lets those take numbers only, hence the packet is looked up again. They
 * run once per flow, not per packet.
 */

/* Is the packet of a connection of weir's own? */
__noinline int is_own(void)
{
	struct packet *p = this_packet();
	struct weir_own key;
	const __u64 *until_ns;

	if (!p)
		return 0;
	weir_own_of(&p->key, &p->pair, &key);
	until_ns = bpf_map_lookup_elem(&own, &key);
	return until_ns && p->now_ns < *until_ns;
}

/* Sets the packet's terms to those whose flow-constant part holds. 1: it is weir's own, which is to be
 * left out. */
__noinline int classify_flow(__u32 generation)
{
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	__u8 src, dst;

	if (!t || !p)
		return 0;
	p->terms = weir_classify_key(t, &p->key) &
		   weir_classify_addrs(t, &p->key, &p->pair, &src, &dst);
	return t->leaves_own && is_own();
}

/* WEIR_KEY_OUT or 0. A capture does not say which way a packet went: what goes from inside to
 * outside goes out. */
__noinline int leaves(__u32 generation)
{
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	__u8 src = 0, dst = 0;

	if (!t || !p)
		return 0;
	weir_classify_addrs(t, &p->key, &p->pair, &src, &dst);
	return src && !dst ? WEIR_KEY_OUT : 0;
}

/* What it returns clang 22 knows, and uses as an index, and the verifier does not ("R4 unbounded
 * memory access", 6.18). */
static __always_inline __u8 replayed_direction(__u32 generation)
{
	return weir_bounded(leaves(generation), WEIR_KEY_OUT);
}

#endif

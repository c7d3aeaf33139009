/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Distinct counts: the packet's keys into the vectors of every query it satisfies. The arithmetic
 * is in include/weir/countdown.h. */
#ifndef WEIR_DISTINCT_BPF_H
#define WEIR_DISTINCT_BPF_H

#include "classify.bpf.h"

static __always_inline struct weir_line *line_at(__u32 slab, __u32 line)
{
	void *lines = bpf_map_lookup_elem(&vectors, &slab);

	line &= WEIR_SLAB_LINES - 1;
	return lines ? bpf_map_lookup_elem(lines, &line) : NULL;
}

/* Once a step for each line in use. 0: the packet is older than all that a window reaches. Global
 * for the verifier's sake, as classify_flow() is. */
__noinline int age_line(__u32 slab, __u32 line, __u32 epoch)
{
	struct weir_line *l = line_at(slab, line);

	if (!l)
		return 0;
	weir_line_age(l, epoch);
	return weir_epoch_steps(epoch, l->epoch) < WEIR_CELL_FULL;
}

static __always_inline void count_key(const struct weir_vector *v, __u64 hash,
				      const struct packet *p)
{
	struct weir_cell cell = weir_cell_of(hash, v->slabs);
	__u32 slab = v->first + p->cpu * v->slabs + cell.line / WEIR_SLAB_LINES;
	__u64 clock = weir_countdown_clock(p->now_ns, v->rate);
	__u32 epoch = weir_line_epoch(weir_line_clock(clock, cell.line));
	struct weir_line *l = line_at(slab, cell.line);

	if (!l || cell.byte >= sizeof(l->cells))
		return;
	if (unlikely(l->epoch != epoch) && !age_line(slab, cell.line, epoch))
		return;
	l->cells[cell.byte] |= cell.mask;
}

/* The packet's keys into the vectors of the query that the term is of. `pair`: NULL for IPv4. */
static __always_inline void count_keys(struct packet *p, const struct weir_tables *t, __u32 term,
				       const struct weir_flow_key *key,
				       const struct weir_pair6 *pair)
{
	const struct weir_vector *v = t->vector[t->term_query[term] & (WEIR_QUERIES - 1)];

#pragma unroll
	for (int distinct = 0; distinct < WEIR_DISTINCT_MAX; distinct++) {
		if (!v[distinct].slabs ||
		    (distinct == WEIR_DISTINCT_DPORT && key->flags & WEIR_KEY_NOPORTS))
			continue;
		count_key(&v[distinct],
			  weir_distinct_hash(distinct, key, pair, constants.distinct_seed), p);
	}
}

/* The same for the packet in work. Global, as age_line() is. */
__noinline int count_keys_of(__u32 term)
{
	const struct weir_tables *t = current_tables(control.generation);
	struct packet *p = this_packet();

	if (t && p)
		count_keys(p, t, term & (WEIR_TERMS - 1), &p->key, pair_of(p));
	return 0;
}

/* For each query once that one of the terms is of; the packet in work. */
static __always_inline void count_distinct(const struct weir_tables *t, __u64 terms)
{
	terms = forget(terms);
	for (int i = 0; i < WEIR_TERMS && terms; i++) {
		__u32 term = weir_term_slot(terms & -terms);

		terms &= ~t->term_siblings[term];
		count_keys_of(term);
	}
}

#endif

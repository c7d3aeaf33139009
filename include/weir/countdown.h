/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many different flows, sources, ... in the last w seconds: a Countdown
 * Vector (Sanjuas-Cuxart, Barlet-Ros, Sole-Pareta, NETWORKING 2009).
 *
 * Each key has by its hash one of many cells. A packet sets its key's cell to 15;
 * every cell counts down by one each step, not all at once but in turn. So a cell
 * is 0 when its keys were silent for a window, and the number of keys follows from
 * the share of cells at 0 (linear counting, Whang et al. 1990).
 *
 *   one line, 64 bytes: 120 cells of 4 bits, and the step in which they were right
 *   ┌───────┬────┬────┬────┬─────┬────┐
 *   │ epoch │ 15 │  3 │  0 │ ... │ 11 │
 *   └───────┴────┴────┴────┴─────┴────┘
 *
 * Nobody visits the cells. A line's steps begin at a phase of its own, so that its
 * present step is known from the clock, and who touches or reads a line that lags
 * by d steps takes d from each of its cells: what they would hold had they been
 * visited in turn, at every instant, as tests/unit/sketch/test_countdown.c proves. The
 * epoch never wraps within the cells' sight, so nothing has to be swept either.
 *
 *   vector: slabs of 256 lines, so many for each CPU; map `vectors` holds them
 *
 * A cell at 15 - k was last set between k - 1 and k steps before the line's step
 * began. Phases differ, so the lines of a vector together tell the age of what
 * they hold to a fraction of a step, and any window up to WEIR_WINDOW_STEPS
 * steps can be asked for (user/sketch/countdown.h).
 */
#ifndef WEIR_COUNTDOWN_H
#define WEIR_COUNTDOWN_H

#include "flow.h"

#define WEIR_CELLS 120    /* of a line */
#define WEIR_CELL_FULL 15 /* a cell that was set in the line's present step */
#define WEIR_WINDOW_STEPS 14
#define WEIR_PHASE_SHIFT 28 /* of the clock: lines begin their steps with one of its 16 parts */
#define WEIR_PHASES_MASK (~0u << WEIR_PHASE_SHIFT)
#define WEIR_SLAB_LINES 256 /* 16 KiB */
#define WEIR_SLABS_MAX 1024 /* of all vectors on one CPU: 16 MiB */

/* Value of the maps in map `vectors`. */
struct weir_line {
	__u32 epoch; /* 0: never used, or being brought up to date */
	__u8 cells[WEIR_CELLS / 2];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct weir_line) == 64, "a line is one cache line");

#define WEIR_SLAB_BYTES (WEIR_SLAB_LINES * sizeof(struct weir_line))

/* What is counted: the different values of this in the packets that a query selects. */
enum weir_distinct {
	WEIR_DISTINCT_FLOW, /* addresses, ports (ICMP: type and code), protocol */
	WEIR_DISTINCT_SRC,
	WEIR_DISTINCT_DST,
	WEIR_DISTINCT_PAIR, /* source and destination */
	WEIR_DISTINCT_DPORT,
	WEIR_DISTINCT_MAX,
};

/* Where a vector is and how fast it counts down: in weir_tables. */
struct weir_vector {
	__u32 slabs; /* of each CPU; 0: there is no such vector */
	__u32 first; /* slab in map `vectors`; CPU n's begin at first + n * slabs */
	__u32 rate;  /* 2^42 / step in ns: weir_countdown_clock() */
	__u32 pad;
	__u64 since_ns; /* it counts since then; for user space */
};

_Static_assert(sizeof(struct weir_vector) == 24, "vector layout");

/* --- Hash ------------------------------------------------------------------------------ */

#define WEIR_DISTINCT_SEEDS 10 /* 64-bit words, random, drawn at load */

/*
 * Sum over pairs of 32-bit words a, b of (seed + a) * (seed' + b): strongly universal in its upper
 * half (multilinear-HM, Lemire, Kaser 2014), so that who does not know the seeds can choose no keys
 * that collide more than chance has them. Then stirred: keys in a row would be spread too evenly
 * otherwise, and linear counting counts on chance.
 */
static __always_inline __u64 weir_hash_words(__u64 words, const volatile __u64 *seed)
{
	return (seed[0] + (__u32)words) * (seed[1] + (words >> 32));
}

static __always_inline __u64 weir_hash_stir(__u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	return h ^ h >> 32;
}

static __always_inline __u64 weir_hash_addr6(const __u64 word[2], const volatile __u64 *seed)
{
	return weir_hash_words(word[0], seed) + weir_hash_words(word[1], seed + 2);
}

/* Hash of what is counted in a packet of flow `k`; `p`: NULL for IPv4. */
static __always_inline __u64 weir_distinct_hash(enum weir_distinct distinct,
						const struct weir_flow_key *k,
						const struct weir_pair6 *p,
						const volatile __u64 *seed)
{
	__u64 h = 0;

	switch (distinct) {
	case WEIR_DISTINCT_SRC:
		h = p ? weir_hash_addr6(p->word, seed) : weir_hash_words(k->src4, seed);
		break;
	case WEIR_DISTINCT_DST:
		h = p ? weir_hash_addr6(p->word + 2, seed) : weir_hash_words(k->dst4, seed);
		break;
	case WEIR_DISTINCT_DPORT:
		h = weir_hash_words(k->dport, seed);
		break;
	case WEIR_DISTINCT_FLOW:
		h = weir_hash_words(weir_key_ports(k->rest), seed + 8);
		/* fall through */
	default:
		if (p)
			h += weir_hash_addr6(p->word, seed) +
			     weir_hash_addr6(p->word + 2, seed + 4);
		else
			h += weir_hash_words(k->addrs, seed);
	}
	return weir_hash_stir(h);
}

/* --- Time ------------------------------------------------------------------------------ */

/* `now_ns` in steps, the point before bit 32. */
static __always_inline __u64 weir_countdown_clock(__u64 now_ns, __u32 rate)
{
	return (now_ns >> 10) * rate;
}

/* A line's own clock: its steps begin with one part or another of the clock's. */
static __always_inline __u64 weir_line_clock(__u64 clock, __u32 line)
{
	return clock + (line * 0x9e3779b9u & WEIR_PHASES_MASK);
}

/* Are two times in the same 16th of a step? Then they are in the same step of every line, so that a
 * cell set at the one is as it would be set at the other. */
static __always_inline bool weir_same_phase(__u64 clock, __u64 other)
{
	return clock >> WEIR_PHASE_SHIFT == other >> WEIR_PHASE_SHIFT;
}

/* The step a line is in, 31 bits of it, and above them one that is set: 0 is none. */
static __always_inline __u32 weir_line_epoch(__u64 line_clock)
{
	return line_clock >> 32 | 1u << 31;
}

/* --- Update ---------------------------------------------------------------------------- */

/* Takes `steps` (0..15) from each of the 16 cells of a word, down to 0. */
static __always_inline __u64 weir_cells_age(__u64 cells, __u32 steps)
{
	const __u64 ones = 0x0101010101010101ull, tens = ones << 4;
	__u64 take = steps * ones;
	/* A lender above each cell: it is still there where the cell was no smaller. */
	__u64 even = ((cells & (tens - ones)) | tens) - take;
	__u64 odd = ((cells >> 4 & (tens - ones)) | tens) - take;
	__u64 even_left = even & tens, odd_left = odd & tens;

	even &= even_left - (even_left >> 4);
	odd &= odd_left - (odd_left >> 4);
	return even | odd << 4;
}

/* Where in a vector a hash has its cell. */
struct weir_cell {
	__u32 line; /* of the vector */
	__u32 byte; /* of weir_line.cells */
	__u32 mask; /* the cell, full */
};

static __always_inline struct weir_cell weir_cell_of(__u64 hash, __u32 slabs)
{
	__u32 cell = (hash & 0xffff) * WEIR_CELLS >> 16;

	return (struct weir_cell){
		.line = (hash >> 32) * slabs >> 24,
		.byte = cell >> 1,
		.mask = WEIR_CELL_FULL << (cell & 1) * 4,
	};
}

/* Steps from epoch `was` to `epoch`; negative when the clock stepped back. A line that nobody
 * looked at for 2^30 steps, two years at the least, seems to be ahead. */
static __always_inline __s32 weir_epoch_steps(__u32 was, __u32 epoch)
{
	return (__s32)((epoch - was) << 1) >> 1;
}

/* What the cells of a line at `was` are too high by, 15 at most. Nothing when the clock stepped
 * back: the line waits for it. */
static __always_inline __u32 weir_line_lag(__u32 was, __u32 epoch)
{
	__s32 steps = weir_epoch_steps(was, epoch);

	if (!was || steps > WEIR_CELL_FULL)
		return WEIR_CELL_FULL;
	return steps < 0 ? 0 : steps;
}

/* Brings a line up to `epoch`. A reader that sees epoch 0 comes again. */
static __always_inline void weir_line_age(struct weir_line *line, __u32 epoch)
{
	__u32 steps = weir_line_lag(line->epoch, epoch);
	__u64 *word = (__u64 *)line;

	if (!steps)
		return;
	line->epoch = 0;
	for (int i = 0; i < 8; i++) {          /* the epoch is 0, and 0 has no age */
		asm volatile("" ::: "memory"); /* word by word: stack is scarce in BPF */
		word[i] = weir_cells_age(word[i], steps);
	}
	asm volatile("" ::: "memory");
	line->epoch = epoch;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ways to count the different flows of the last window, side by side: one hash of a flow
 * goes in with each of its packets, a number comes out.
 *
 *   countdown    weir's: weir/countdown.h as the kernel programs have it, on two CPUs
 *   countdown15  the published Countdown Vector, counters of 4 bits
 *   countdown255                                               8 bits
 *                (Sanjuas-Cuxart, Barlet-Ros, Sole-Pareta, NETWORKING 2009)
 *   timestamp    Timestamp Vector, stamps of 32 bits (Kim, O'Hallaron, GLOBECOM 2003)
 *   slidinghll   Sliding HyperLogLog (Chabchoub, Hebrail, ICDM workshops 2010)
 *   ideal        a Timestamp Vector of as many cells as weir's has, whatever memory it
 *                takes: what is left is the error of linear counting in so many cells
 *
 * The published ones are references: plain, and as published.
 */
#ifndef BENCH_SKETCHES_H
#define BENCH_SKETCHES_H

#include <linux/types.h>

struct sketch_size {
	__u32 bytes;  /* weir's: of what the CPUs' lines merge to */
	double flows; /* expected in a window: only slidinghll needs to know */
	__u32 window; /* ticks */
	__u32 tick_ns;
};

struct sketch_kind {
	const char *name;
	void *(*open)(const struct sketch_size *size);
	void (*close)(void *sketch);
	void (*see)(void *sketch, __u32 tick, __u64 hash);
	/* Flows seen in the window before `tick`, as far as the sketch can tell. */
	double (*count)(void *sketch, __u32 tick);
};

enum sketch {
	SKETCH_WEIR,
	SKETCH_COUNTDOWN15,
	SKETCH_COUNTDOWN255,
	SKETCH_TIMESTAMP,
	SKETCH_SLIDINGHLL,
	SKETCH_IDEAL,
	SKETCHES,
};

extern const struct sketch_kind sketches[SKETCHES];

#endif

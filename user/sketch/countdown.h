/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking a Countdown Vector (weir/countdown.h): the lines of all CPUs merge by the
 * younger cell into numbers of cells by age, and those give the number of keys.
 *
 *   lines of each CPU ──countdown_add()──→ countdown_ages ──countdown_estimate()──→ keys in a window
 *
 * Pure: memory in, numbers out.
 */
#ifndef SKETCH_COUNTDOWN_H
#define SKETCH_COUNTDOWN_H

#include "base/section.h"
#include <stdbool.h>

#include "weir/countdown.h"

#define COUNTDOWN_CLASSES 16 /* as many as lines have phases */

/*
 * Merged cells, by the class of their line and by what they hold at the time of reading. A line is
 * in class c when c/16 of its present step have passed, and `part` of another 16th. A cell that holds 15 was set
 * within that fraction of a step; one that holds 15 - k, k in 1..14, between k - 1 and k steps
 * before that; 0 longer ago or never.
 */
struct countdown_ages {
	__u32 cells[COUNTDOWN_CLASSES][WEIR_CELL_FULL + 1];
	__u32 part; /* the clock within a 16th of a step, by which all lines are further on */
};

/*
 * Adds lines first..first + count - 1 of a vector at `clock` (weir_countdown_clock()). part[i]
 * points to CPU i's line `first`, of memory that the kernel may be writing to.
 */
void countdown_add(struct countdown_ages *ages, const struct weir_line *const *part,
		   unsigned int parts, __u32 first, __u32 count, __u64 clock);

struct countdown_estimate {
	double count;   /* keys; of a saturated vector, a number that they hardly fall short of */
	double error;   /* standard error, in keys; 0 when saturated */
	bool saturated; /* so few cells are empty that no number can be told: "at least" */
};

/* Keys seen in the last `steps` (above 0, up to WEIR_WINDOW_STEPS) before the ages were read. */
struct countdown_estimate countdown_estimate(const struct countdown_ages *ages, double steps);

/* Steps that `window_ns` are long, at this rate. */
double countdown_steps(__u64 window_ns, __u32 rate);
/* The highest rate at which WEIR_WINDOW_STEPS hold `window_ns` (up to an hour). */
__u32 countdown_rate(__u64 window_ns);
/* Slabs a CPU needs so that `expect` keys are told within `error` (0.01: 1 %), one standard error;
 * 0 when even WEIR_SLABS_MAX are too few. */
__u32 countdown_slabs(double expect, double error);
/* The standard error of linear counting, relative, of `keys` in a vector of so many slabs. */
double countdown_error(__u32 slabs, double keys);
/* "flow", "src", "dst", "pair", "dport": as the configuration and exporters have them. */
const char *countdown_key_name(enum weir_distinct key);
extern const struct key_choice
	countdown_keys[WEIR_DISTINCT_MAX + 1]; /* ends with one without a word */

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a value will go. A moving window's is foreseeable in part: what it holds now will leave it,
 * second by second, and the host has the counts; only what arrives is unknown.
 *
 *   V(t+j) = remains(t+j) + arrives(t+1 .. t+j)      as long as j is within the window
 *
 * What arrives is taken from the past: moments whose last seconds looked like the last seconds now,
 * and what came after each. The course goes where an interval of the width at hand holds the most
 * of these for the longest, the likely way and not the mean one:
 *
 *   arrives │        ╱ ╱ ╱              5 moments went on like this ...
 *           │    ┌──╱─╱─╱──┐ ← width
 *           │   ╱╱ ╱ ╱ ________         ... 2 stopped
 *           │ ╱╱ ╱ ___╱
 *           └───────────────── j
 *
 * The value itself may so be anywhere in the interval when the course begins.
 */
#ifndef INTERVAL_FORECAST_H
#define INTERVAL_FORECAST_H

#include "interval/interval.h"

#define FORECAST_PAST 4096 /* ticks */

/* What is learned of one query's value. All zero: nothing yet. */
struct forecast {
	__s64 last_value, last_tick;
	double square; /* mean square of what a tick moves away from the course, thousandths^2 */
	__u32 moves;   /* that it is the mean of, until it forgets */
	__u32 past;    /* ticks in arrived[], the last at (at - 1) % FORECAST_PAST */
	__u32 at;
	float arrived[FORECAST_PAST]; /* counts */
};

struct source_value;

/* Each tick, before any course is made of it. `course`: the one in force; NULL: none. */
void forecast_learn(struct forecast *f, const struct interval_course *course, __s64 tick,
		    const struct source_value *value);

/* The course from this tick on, for an interval of `width`: level where nothing is foreseen. The
 * value is within half the width of its beginning. */
void forecast_course(const struct forecast *f, __s64 tick, const struct source_value *value,
		     __u64 width, struct interval_course *out);

/* Root mean square of what one tick moves the value away from its course; thousandths. */
__u64 forecast_step(const struct forecast *f);

/*
 * The longest lines through at[0 .. count), which are relative to out->centre, from at[0] on at
 * out->tick. Each is at most `tolerance` away at every tick; where INTERVAL_KNOTS of them do not
 * suffice up to four times as far; and where that is not enough either they end early. Moves are in
 * units of tolerance / 8 or less.
 */
void forecast_lines(const double *at, __u32 count, double tolerance, struct interval_course *out);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A path into few lines, one pass (the swing filter: Elmeleegy et al., VLDB 2009). From each knot a
 * cone of the slopes that come near every tick since; where it closes, the next knot.
 *
 *          ╱ ·        · the path, within the tolerance above and below
 *        ╱ ·   ╲
 *   knot · ────── ×   here no slope is left
 */
#include <math.h>
#include <stdint.h>

#include "interval/forecast.h"

#define AFTER_MAX 65535
#define DOUBLINGS 3

/* The knot behind tick `from`, whose course is at `start`: returns its tick, *to its place. */
static __u32 reach(const double *at, __u32 count, __u32 from, double start, double tolerance,
		   double *to)
{
	double low = -INFINITY, high = INFINITY;
	__u32 j;

	for (j = from + 1; j < count && j - from <= AFTER_MAX; j++) {
		double down = (at[j] - tolerance - start) / (j - from);
		double up = (at[j] + tolerance - start) / (j - from);

		if (down > high || up < low)
			break;
		low = fmax(low, down);
		high = fmin(high, up);
	}
	j--;
	/* Of the slopes that are left, the one closest to the path's end. */
	*to = start + fmax(low, fmin(high, (at[j] - start) / (j - from))) * (j - from);
	return j;
}

static bool fits(double moved)
{
	return moved >= INT32_MIN && moved <= INT32_MAX;
}

/* Returns up to which tick of the path lines come. */
static __u32 draw(const double *at, __u32 count, double tolerance, struct interval_course *out)
{
	double unit = ldexp(1, out->shift), start = rint(at[0]);
	/* Knots are rounded to units, and so is what lies between them. */
	double near = fmax(tolerance - 2 * unit, unit / 2);
	__u32 from = 0;

	for (out->knots = 0; from + 1 < count && out->knots < INTERVAL_KNOTS; out->knots++) {
		double to, units;
		__u32 next = reach(at, count, from, start, near, &to);

		units = nearbyint((to - start) / unit);
		if (!fits(units))
			break;
		out->knot[out->knots].after = next - from;
		out->knot[out->knots].move = units;
		start += units * unit;
		from = next;
	}
	return from + 1;
}

void forecast_lines(const double *at, __u32 count, double tolerance, struct interval_course *out)
{
	out->centre += llrint(at[0]);
	out->shift = 0;
	for (int times = 0; times < DOUBLINGS; times++, tolerance *= 2) {
		while (out->shift < INTERVAL_SHIFT_MAX && ldexp(1, out->shift + 3) <= tolerance)
			out->shift++;
		if (draw(at, count, tolerance, out) >= count)
			break;
	}
	while (out->knots && !out->knot[out->knots - 1].move)
		out->knots--;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Making a course (forecast.h has the idea).
 *
 *   learn     each second: arrived[], what came in each of the last 4096 seconds, and `square`, how
 *             far a second moves the value from its course
 *   look      for a course: moments of the past whose last seconds brought about as much as the
 *             last ones now. A moment is SPANS rates, over a sixtieth, an eighth and all of the
 *             window; being unlike is their distance, plus a part for having to be scaled
 *   follow    each of the MOMENTS nearest gives a way from now on: what came after it, scaled to
 *             the present rate. At a few leads into the future the densest band of the interval's
 *             width is found, and ways outside it are dropped; when one in FEW is left, nothing is
 *             known further ahead
 *   draw      the middles of the bands, less what leaves the window by then, as straight lines of
 *             few bytes (forecast_lines.c)
 *
 * With too little past, what came last is taken to continue. Without slots, or for a window that is
 * too long, the course is level. That is always right, for a course only says where the interval is,
 * and the host reports as soon as its value leaves it: a bad forecast costs messages, never truth.
 */
#include "interval/forecast.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "interval/source.h"

#define WINDOW_MAX 256       /* ticks of a window that is foreseen */
#define PAST_LEAST 4         /* windows of the past, before it is asked */
#define PERSIST_TICKS 3      /* until then, what came in these goes on coming */
#define MOVES_MAX 32         /* ticks that `square` remembers */
#define TOLERANCE (1.0 / 32) /* of the width: how far a course may be from the way it stands for */
#define LEADS 16
#define SPANS 3          /* of last ticks by which moments are like each other */
#define STRIDE 2         /* ticks between moments that are looked at */
#define MOMENTS 64       /* that are followed */
#define FEW 8            /* one of so many still inside: further ahead nothing is known */
#define SCALE_MAX 3.0    /* what followed a moment is scaled by so much at most */
#define SCALE_WEIGHT 0.3 /* of having to be scaled, in how unlike moments are */

/* --- Learning ----------------------------------------------------------------------------- */

static void learn_move(struct forecast *f, const struct interval_course *course, __s64 tick,
		       __s64 value)
{
	__s64 foreseen = 0;
	double move;

	if (course && course->tick <= f->last_tick)
		foreseen = interval_centre(course, tick) - interval_centre(course, f->last_tick);
	move = (double)(value - f->last_value - foreseen);
	f->moves += f->moves < MOVES_MAX;
	f->square += (move * move / (double)(tick - f->last_tick) - f->square) / f->moves;
}

static void learn_arrivals(struct forecast *f, __u32 ticks, const struct source_value *value)
{
	__u32 known = ticks < value->slot_count ? ticks : value->slot_count;

	if (ticks > known)
		f->past = 0;
	for (__u32 i = value->slot_count - known; i < value->slot_count; i++) {
		f->arrived[f->at] = (float)value->slots[i];
		f->at = (f->at + 1) % FORECAST_PAST;
		f->past += f->past < FORECAST_PAST;
	}
}

/* The mean of the last few ticks. */
static double last_rate(const struct source_value *value)
{
	__u32 window = value->slot_count, ticks = window < PERSIST_TICKS ? window : PERSIST_TICKS;
	double sum = 0;

	for (__u32 i = 1; i <= ticks; i++)
		sum += (double)value->slots[window - i];
	return sum / ticks;
}

void forecast_learn(struct forecast *f, const struct interval_course *course, __s64 tick,
		    const struct source_value *value)
{
	__s64 ticks = tick - f->last_tick;

	if (f->last_tick && ticks > 0)
		learn_move(f, course, tick, value->value);
	if (value->slots && value->slot_count)
		learn_arrivals(f, f->last_tick && ticks < UINT32_MAX ? ticks : UINT32_MAX, value);
	f->last_tick = tick;
	f->last_value = value->value;
}

__u64 forecast_step(const struct forecast *f)
{
	return (__u64)ceil(sqrt(f->square));
}

/* --- The past ----------------------------------------------------------------------------- */

/* Sums of arrivals: up[k] of the k oldest. */
struct past {
	__u32 ticks, window;
	__u32 lead[LEADS]; /* ticks ahead that moments are compared at */
	double up[FORECAST_PAST + 1];
};

/* Close together at first, one a window ahead, where the way bends, and two behind. */
static void set_leads(struct past *p)
{
	for (__u32 i = 0; i < LEADS - 2; i++) {
		double at = round(pow(p->window, i / (LEADS - 3.0)));

		p->lead[i] = fmax(i ? p->lead[i - 1] + 1 : 1, at);
	}
	for (__u32 i = LEADS - 2; i < LEADS; i++)
		p->lead[i] = p->lead[i - 1] + p->window / 4 + 1;
}

static void past_open(struct past *p, const struct forecast *f, __u32 window)
{
	p->ticks = f->past;
	p->window = window;
	set_leads(p);
	p->up[0] = 0;
	for (__u32 k = 0; k < p->ticks; k++) {
		__u32 at = (f->at + FORECAST_PAST - p->ticks + k) % FORECAST_PAST;

		p->up[k + 1] = p->up[k] + (double)f->arrived[at];
	}
}

/* Of the `span` ticks before `moment`. */
static double arrived(const struct past *p, __u32 moment, __u32 span)
{
	return p->up[moment] - p->up[moment - span];
}

struct moment {
	double away;  /* how unlike now it is */
	double scale; /* of what came after it */
	__u32 at;
};

/* The k smallest to the front, in no order (Hoare 1961). */
static void nearest(struct moment *m, __u32 count, __u32 k)
{
	__s64 low = 0, high = (__s64)count - 1;

	while (low < high) {
		double pivot = m[(low + high) / 2].away;
		__s64 i = low, j = high;

		while (i <= j) {
			while (m[i].away < pivot)
				i++;
			while (m[j].away > pivot)
				j--;
			if (i <= j) {
				struct moment swap = m[i];

				m[i++] = m[j];
				m[j--] = swap;
			}
		}
		if ((__s64)k <= j)
			high = j;
		else if ((__s64)k >= i)
			low = i;
		else
			break;
	}
}

/* Arrivals per tick in spans that end with the moment. */
static void spans_of(const struct past *p, __u32 moment, double out[SPANS])
{
	const __u32 ticks[SPANS] = {p->window / 60 + 1, p->window / 8 + 1, p->window};

	for (int i = 0; i < SPANS; i++)
		out[i] = arrived(p, moment, ticks[i]) / ticks[i];
}

/* The root evens out noise that grows with the count as a Poisson's does. */
static double away(double then, double now)
{
	double d = sqrt(then) - sqrt(now);

	return d * d;
}

/* Moments like the last one, brought to its level; returns how many. */
static __u32 find_moments(const struct past *p, struct moment out[FORECAST_PAST / STRIDE + 1])
{
	static const double weight[SPANS] = {1, 0.5, 0.1};
	double now[SPANS], then[SPANS];
	__u32 count = 0;

	spans_of(p, p->ticks, now);
	for (__u32 at = p->window; at + p->lead[LEADS - 1] <= p->ticks; at += STRIDE) {
		struct moment m = {.at = at};

		spans_of(p, at, then);
		m.scale = fmax(1 / SCALE_MAX, fmin(SCALE_MAX, (now[0] + 1) / (then[0] + 1)));
		m.away = SCALE_WEIGHT * away(then[0], now[0]);
		for (int i = 0; i < SPANS; i++)
			m.away += weight[i] * away(then[i] * m.scale, now[i]);
		out[count++] = m;
	}
	if (count <= MOMENTS)
		return count;
	nearest(out, count, MOMENTS);
	return MOMENTS;
}

/* --- The way through ---------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of rising v[], the most within `width`, of these the closest together. */
static void densest(const double *v, __u32 count, double width, double *low, double *high)
{
	__u32 first = 0, best = 0;
	double spread = 0;

	for (__u32 last = 0; last < count; last++) {
		__u32 inside;

		while (v[last] - v[first] > width)
			first++;
		inside = last - first + 1;
		if (inside > best || (inside == best && v[last] - v[first] < spread)) {
			best = inside;
			spread = v[last] - v[first];
			*low = v[first];
			*high = v[last];
		}
	}
}

/*
 * What will have arrived in the window, by lead, along the way on which an interval of `width`
 * counts keeps the most moments. Returns how many leads that way goes.
 */
static __u32 find_way(const struct past *p, double width, double middle[LEADS])
{
	struct moment moments[FORECAST_PAST / STRIDE + 1];
	__u32 count = find_moments(p, moments), inside = count, leads = 0;
	double sorted[MOMENTS], sums[MOMENTS];

	while (leads < LEADS && inside > count / FEW) {
		__u32 span = p->lead[leads] < p->window ? p->lead[leads] : p->window, kept = 0;
		double low = 0, high = 0;

		for (__u32 k = 0; k < inside; k++) {
			const struct moment *m = &moments[k];

			sums[k] = arrived(p, m->at + p->lead[leads], span) * m->scale;
			sorted[k] = sums[k];
		}
		qsort(sorted, inside, sizeof(*sorted), compare);
		densest(sorted, inside, width, &low, &high);
		middle[leads++] = (low + high) / 2;
		for (__u32 k = 0; k < inside; k++) {
			if (sums[k] >= low && sums[k] <= high)
				moments[kept++] = moments[k];
		}
		inside = kept;
	}
	return leads;
}

/* --- Courses ------------------------------------------------------------------------------ */

#define PATH_MAX (WINDOW_MAX + 2 * (WINDOW_MAX / 4 + 1) + LEADS + 1)

/* With too little past: what came last goes on, until the window holds nothing else. */
static __u32 persist(const struct source_value *value, double at[PATH_MAX])
{
	__u32 window = value->slot_count;
	double rate = last_rate(value);

	for (__u32 j = 1; j <= window; j++)
		at[j] = at[j - 1] + (rate - (double)value->slots[j - 1]) * INTERVAL_ONE;
	return window + 1;
}

/* The way of the likely arrivals, less what leaves. */
static __u32 follow(const struct past *p, const struct source_value *value, double width,
		    double at[PATH_MAX])
{
	double middle[LEADS] = {0}, left = 0, from, room = width / 2 * (1 - TOLERANCE);
	__u32 leads = find_way(p, width / INTERVAL_ONE, middle), j = 0;

	/* At its own tick the value is inside, at the edge if need be. */
	from = fmax(-room, fmin(room, middle[0] * INTERVAL_ONE));
	at[0] = from;
	for (__u32 i = 0; i < leads; i++) {
		__u32 start = i ? p->lead[i - 1] : 0;
		double to = middle[i] * INTERVAL_ONE;

		while (j < p->lead[i]) {
			if (j++ < p->window)
				left += (double)value->slots[j - 1] * INTERVAL_ONE;
			at[j] = from - left + (to - from) * (j - start) / (p->lead[i] - start);
		}
		from = to;
	}
	return j + 1;
}

void forecast_course(const struct forecast *f, __s64 tick, const struct source_value *value,
		     __u64 width, struct interval_course *out)
{
	double at[PATH_MAX];
	struct past past;
	__u32 count;

	*out = (struct interval_course){.tick = tick, .centre = value->value};
	if (!value->slots || !value->slot_count || value->slot_count > WINDOW_MAX)
		return;
	at[0] = 0;
	if (f->past < PAST_LEAST * value->slot_count) {
		count = persist(value, at);
	} else {
		past_open(&past, f, value->slot_count);
		count = follow(&past, value, (double)width, at);
	}
	forecast_lines(at, count, (double)width * TOLERANCE, out);
	if (!interval_course_is_sound(out))
		*out = (struct interval_course){.tick = tick, .centre = value->value};
}

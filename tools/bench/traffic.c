// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A wheel of ticks holds the flows by the tick of their next packet, which is never
 * further away than the wheel is long:
 *
 *   wheel  ┌───┬───┬───┬─ ─┬───┐      fresh  ┌───┬───┬───┬─ ─┬───┐
 *          │   │ ● │   │   │ ● │             │ 7 │ 4 │ 9 │   │ 5 │  flows by the tick
 *          └───┴─│─┴───┴─ ─┴─│─┘             └───┴───┴───┴─ ─┴───┘  of their last packet
 *                ●           ●
 *                ●
 *
 * A flow moves along `fresh` with each packet. What stands there at the tick that leaves
 * the window has left with it, and the sum over it is the exact count.
 */
#include "traffic.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "bench.h"

#define WHEEL 2048
#define NONE (~0u)

#define SINGLE 0.6 /* share of flows that are one packet */
#define EXPONENTIAL_S 10
#define PARETO_ALPHA 1.5
#define PARETO_LEAST_S 2
#define PARETO_MOST_S 600

struct flow {
	__u64 hash;
	__u32 last, end; /* ticks */
	__u32 next;      /* flow: of the same tick, or free */
};

struct traffic {
	struct traffic_shape shape;
	__u64 draws;
	__u64 numbers;   /* flows' hashes */
	double per_s;    /* flows that arrive while nothing changes */
	double arrivals; /* expected up to now */
	double next;     /* expected arrivals at which the next comes */
	__u32 tick;
	__u32 wheel[WHEEL];
	struct flow *flows;
	__u32 room, free;
	__u32 *fresh;
	__u32 window; /* ticks, and slots of `fresh` */
	__u32 distinct;
};

__u64 traffic_draw(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* In (0, 1]. */
static double draw(struct traffic *t)
{
	return ((traffic_draw(&t->draws) >> 11) + 1) * 0x1p-53;
}

/* --- Flows ------------------------------------------------------------------------------- */

/* Mean of draw_duration(), in seconds. */
static double mean_duration(void)
{
	double pareto =
		(PARETO_ALPHA * PARETO_LEAST_S -
		 PARETO_MOST_S * pow((double)PARETO_LEAST_S / PARETO_MOST_S, PARETO_ALPHA)) /
		(PARETO_ALPHA - 1);

	return (1 - SINGLE) * (EXPONENTIAL_S + pareto) / 2;
}

static __u32 draw_duration(struct traffic *t)
{
	double kind = draw(t), s;

	if (kind <= SINGLE)
		return 0;
	if (kind <= SINGLE + (1 - SINGLE) / 2)
		s = -EXPONENTIAL_S * log(draw(t));
	else
		s = fmin(PARETO_LEAST_S * pow(draw(t), -1 / PARETO_ALPHA), PARETO_MOST_S);
	return s * TRAFFIC_HZ;
}

static __u32 take_flow(struct traffic *t)
{
	__u32 f = t->free;

	if (f == NONE) {
		f = t->room;
		t->room = t->room ? 2 * t->room : 1024;
		t->flows = realloc(t->flows, t->room * sizeof(*t->flows));
		if (!t->flows)
			fail("flows", ENOMEM);
		for (__u32 i = f; i < t->room; i++)
			t->flows[i].next = i + 1 < t->room ? i + 1 : NONE;
	}
	t->free = t->flows[f].next;
	return f;
}

/* Where the flow goes after its packet of this tick. */
static void move_on(struct traffic *t, __u32 f)
{
	struct flow *flow = &t->flows[f];
	__u32 *list = &t->free;

	if (flow->end > t->tick) {
		__u32 gap = (0.5 + draw(t)) * TRAFFIC_HZ;
		__u32 next = gap < flow->end - t->tick ? t->tick + gap : flow->end;

		flow->last = t->tick;
		list = &t->wheel[next % WHEEL];
	}
	flow->next = *list;
	*list = f;
}

/* --- Time -------------------------------------------------------------------------------- */

static double rate(const struct traffic *t)
{
	double now_s = (double)t->tick / TRAFFIC_HZ, factor = 1;

	for (int i = 0; i < TRAFFIC_CHANGES; i++) {
		const struct traffic_change *c = &t->shape.changes[i];

		if (c->factor > 0 && now_s >= c->from_s && now_s < c->until_s)
			factor *= c->factor;
	}
	return t->per_s * factor;
}

static void begin_flows(struct traffic *t, traffic_sink *sink, void *context)
{
	t->arrivals += rate(t) / TRAFFIC_HZ;
	for (; t->next < t->arrivals; t->next -= log(draw(t))) {
		__u32 f = take_flow(t);

		t->flows[f].hash = traffic_draw(&t->numbers);
		t->flows[f].end = t->tick + draw_duration(t);
		t->distinct++;
		t->fresh[t->tick % t->window]++;
		sink(context, t->tick, t->flows[f].hash);
		move_on(t, f);
	}
}

static void continue_flows(struct traffic *t, traffic_sink *sink, void *context)
{
	__u32 *due = &t->wheel[t->tick % WHEEL], f = *due;

	*due = NONE;
	while (f != NONE) {
		__u32 next = t->flows[f].next;

		t->fresh[t->flows[f].last % t->window]--;
		t->fresh[t->tick % t->window]++;
		sink(context, t->tick, t->flows[f].hash);
		move_on(t, f);
		f = next;
	}
}

void traffic_run(struct traffic *t, __u32 until, traffic_sink *sink, void *context)
{
	while (t->tick < until) {
		t->tick++;
		t->distinct -= t->fresh[t->tick % t->window];
		t->fresh[t->tick % t->window] = 0;
		continue_flows(t, sink, context);
		begin_flows(t, sink, context);
	}
}

__u32 traffic_distinct(const struct traffic *t)
{
	return t->distinct;
}

/* --- Life -------------------------------------------------------------------------------- */

struct traffic *traffic_new(const struct traffic_shape *shape, __u64 seed)
{
	struct traffic *t = calloc(1, sizeof(*t));

	if (!t)
		fail("traffic", ENOMEM);
	t->shape = *shape;
	t->draws = traffic_draw(&seed);
	t->numbers = traffic_draw(&seed);
	/* A flow is in the window while it lasts and for a window after. */
	t->per_s = shape->flows / (shape->window_s + mean_duration());
	t->next = -log(draw(t));
	t->window = shape->window_s * TRAFFIC_HZ;
	t->fresh = calloc(t->window, sizeof(*t->fresh));
	if (!t->fresh)
		fail("traffic", ENOMEM);
	for (int i = 0; i < WHEEL; i++)
		t->wheel[i] = NONE;
	t->free = NONE;
	return t;
}

void traffic_free(struct traffic *t)
{
	free(t->flows);
	free(t->fresh);
	free(t);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Widths by what is known of each object, moved when it is worth the grants.
 *
 * What is known is how many updates come per tick at a width W. A value without foresight walks: it
 * takes some x^2 ticks to be x steps away. A value whose course travels strays when what is foreseen
 * goes wrong, and then at a steady pace.
 *
 *   walks     r(W) = 1 / (1 + (W / s)^2)    s: two of the steps that the host tells, times what
 *                                              updates say beside what r leads to expect
 *   travels   r(W) = 1 / (1 + W / s)        s: by updates alone
 *
 * The least sum of r under the budgets: width has a price in each answer, and an object takes as much
 * as makes r fall by what its answers ask for the next bit of it. Of walks, r is concave up to one
 * step to each side: who would get less than that gets nothing, for others save more by it.
 *
 * When to move: regret is what the best widths would have saved since the last move. Once it has come
 * to what the move costs, the move is made (rent or buy: Karlin, Manasse, Rudolph, Sleator 1988):
 * whatever comes after, staying too long has cost no more than moving at once. Objects that are
 * nearly right stay as they are.
 */
#include <math.h>
#include <stddef.h>

#include "interval/allocate.h"

#define WALK_TICKS 200.0    /* for so long a walk's updates count */
#define WALK_PRIOR 4.0      /* updates that the step's word weighs as much as */
#define QUIET 4.0           /* so many expected and none came: the step is no more what it was */
#define TRAVEL_TICKS 3000.0 /* for so long a traveller's updates count, ... */
#define TRAVEL_UPDATES 8.0  /* ... but for so many updates at least */
#define LOOK_TICKS 5        /* between looks, and one more for each LOOK_OBJECTS objects */
#define LOOK_OBJECTS 2000
#define LOOK_TICKS_MAX 60
#define ROUNDS 60           /* of prices */
#define PRICE_LEAST 1e-18   /* per thousandth of width, where there is no end of width */
#define ROUNDING (1 - 1e-9) /* of sums of widths */
#define NEARLY 1.25         /* a width within this factor of its best stays */
#define REGRET_LEAST 2      /* messages: no move costs less */
#define REGRET_FADE 0.995   /* at each look: what small errors add up to is no reason */

static double rate_of(const struct allocate_object *o, double width)
{
	double x = width / o->scale;

	return o->travels ? 1 / (1 + x) : 1 / (1 + x * x);
}

/* The width at which r falls by `price` per unit of it, where that is better than none. */
static double width_at(const struct allocate_object *o, double price)
{
	double c = price * o->scale, x;

	if (o->travels)
		return c < 1 ? o->scale * (1 / sqrt(c) - 1) : 0;
	/* 2x = c (1 + x^2)^2. At 1/2 and above r(0) is less than r and price of any width. */
	if (c >= 0.5)
		return 0;
	/* The root above 1, from above, where Newton goes straight to it. */
	x = cbrt(2 / c);
	for (int i = 0; i < 6; i++) {
		double y = 1 + x * x;

		x -= (c * y * y - 2 * x) / (4 * c * x * y - 2);
	}
	return fmax(x, 1) * o->scale;
}

/* --- The best widths ---------------------------------------------------------------------- */

/* An object that does not move keeps its width: its wish. */
static bool moves(const struct allocate_object *o)
{
	return o->live && o->answers && !o->stays;
}

/* answer.sum: of the wishes of those that move. */
static void sum_wishes(struct allocation *a)
{
	for (__u32 j = 0; j < a->answers; j++)
		a->answer[j].sum = 0;
	for (__u32 i = 0; i < a->objects; i++) {
		const struct allocate_object *o = &a->object[i];

		for (__u32 k = 0; moves(o) && k < o->answers; k++)
			a->answer[a->member[o->first + k]].sum += o->wish;
	}
}

/* answer.left: of the budget, for those that move. */
static void find_left(struct allocation *a)
{
	for (__u32 j = 0; j < a->answers; j++)
		a->answer[j].left = (double)a->answer[j].budget * ROUNDING;
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];

		if (moves(o))
			continue;
		o->wish = (double)o->width;
		for (__u32 k = 0; k < o->answers; k++)
			a->answer[a->member[o->first + k]].left -= o->wish;
	}
	for (__u32 j = 0; j < a->answers; j++)
		a->answer[j].left = fmax(a->answer[j].left, 0);
}

static void wish(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];
		double price = 0;

		if (!moves(o))
			continue;
		for (__u32 k = 0; k < o->answers; k++)
			price += a->answer[a->member[o->first + k]].target;
		o->wish = fmin(width_at(o, price), (double)INTERVAL_WIDTH_MAX);
	}
	sum_wishes(a);
}

/* Where too much is wished for the price rises, else it falls: by less and less. */
static void find_prices(struct allocation *a)
{
	for (__u32 j = 0; j < a->answers; j++) {
		struct allocate_answer *answer = &a->answer[j];

		if (!(answer->target > 0))
			answer->target = 1 / fmax(answer->left, 1);
	}
	for (int round = 0; round < ROUNDS; round++) {
		double power = round < ROUNDS / 2 ? 1.5 : 30.0 / (ROUNDS / 2 + round);
		bool near = true;

		wish(a);
		for (__u32 j = 0; j < a->answers; j++) {
			struct allocate_answer *answer = &a->answer[j];
			double ratio = (answer->sum + 1e-3) / (answer->left + 1e-3);

			near &= ratio < 1.01 && (ratio > 0.99 || answer->target <= PRICE_LEAST);
			ratio = pow(fmax(0.2, fmin(5, ratio)), power);
			answer->target = fmax(PRICE_LEAST, fmin(1, answer->target * ratio));
		}
		if (near)
			break;
	}
}

/* Multiplies wishes by what all of their answers have room for, up or down. */
static void fill(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];
		double least = INFINITY;

		if (!moves(o) || !(o->wish > 0))
			continue;
		for (__u32 k = 0; k < o->answers; k++) {
			const struct allocate_answer *answer = &a->answer[a->member[o->first + k]];

			least = fmin(least, answer->left / answer->sum);
		}
		o->wish *= least;
	}
	sum_wishes(a);
}

/* Who got less than a step to each side leaves it to the others. */
static void drop(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];

		if (moves(o) && !o->travels && o->wish < o->scale)
			o->wish = 0;
	}
	sum_wishes(a);
}

static double room_for(const struct allocation *a, const struct allocate_object *o)
{
	double room = INFINITY;

	for (__u32 k = 0; k < o->answers; k++) {
		const struct allocate_answer *answer = &a->answer[a->member[o->first + k]];

		room = fmin(room, answer->left - answer->sum);
	}
	return room;
}

/* What is left goes to those that save the most by it; twice at most, it is little. */
static void give_rest(struct allocation *a)
{
	for (int times = 0; times < 2; times++) {
		struct allocate_object *best = NULL;
		double most = 0;

		for (__u32 i = 0; i < a->objects; i++) {
			struct allocate_object *o = &a->object[i];
			double room = moves(o) ? room_for(a, o) : 0, saved;

			if (room < 2)
				continue;
			saved = rate_of(o, o->wish) - rate_of(o, o->wish + room);
			if (saved > most) {
				most = saved;
				best = o;
			}
		}
		if (!best)
			return;
		best->wish += room_for(a, best);
		sum_wishes(a);
	}
}

static void find_wishes(struct allocation *a)
{
	find_left(a);
	find_prices(a);
	fill(a);
	drop(a);
	fill(a);
	give_rest(a);
}

static void take_wishes(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];

		if (moves(o))
			o->target = (__u64)o->wish & ~1ull;
	}
	a->regret = 0;
}

static void move_all(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++)
		a->object[i].stays = false;
	find_wishes(a);
}

/* --- What is known ---------------------------------------------------------------------------- */

static double two_steps(const struct allocate_object *o)
{
	return 2 * fmax((double)o->step, 1);
}

static void hear_walk(struct allocate_object *o)
{
	double x = (double)o->width / two_steps(o), rate = 1 / (1 + x * x), ratio;

	o->heard += o->updates - o->heard / WALK_TICKS;
	o->expected += rate - o->expected / WALK_TICKS;
	o->quiet = o->updates ? 0 : o->quiet + rate;
	ratio = (o->heard + WALK_PRIOR) / (o->expected + WALK_PRIOR);
	if (o->quiet > QUIET)
		ratio = fmin(ratio, QUIET / 2 / o->quiet);
	o->scale = two_steps(o) * sqrt(ratio);
}

/* The scale rises with each update, and falls with each that was expected. */
static void hear_traveller(struct allocate_object *o)
{
	double rate = rate_of(o, (double)o->width);

	o->scale *= exp((o->updates - rate) / fmax(TRAVEL_UPDATES, TRAVEL_TICKS * rate));
	o->scale = fmax(1, fmin(o->scale, (double)INTERVAL_WIDTH_MAX));
}

static void hear(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];

		if (!o->live)
			continue;
		if (o->travels && o->scale > 0)
			hear_traveller(o);
		else
			hear_walk(o);
	}
}

void allocate_best(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];

		if (!(o->scale > 0))
			o->scale = two_steps(o);
	}
	move_all(a);
	take_wishes(a);
}

/* --- When --------------------------------------------------------------------------------- */

/* Updates a tick that the wishes save, and what it costs to get there: a grant each, and an update
 * where the value is no more inside. */
static double gain_of(const struct allocation *a, double *cost)
{
	double gain = 0;

	*cost = 0;
	for (__u32 i = 0; i < a->objects; i++) {
		const struct allocate_object *o = &a->object[i];
		double width = (double)o->width;

		if (!moves(o))
			continue;
		gain += rate_of(o, width) - rate_of(o, o->wish);
		*cost += o->wish < width ? 2 - o->wish / width : 1;
	}
	return gain;
}

static void keep_nearly_right(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];
		double width = (double)o->width;

		o->stays = o->wish <= width * NEARLY && o->wish >= width / NEARLY;
	}
}

bool allocate_auto(struct allocation *a)
{
	__s64 ticks = a->tick - a->looked;
	double all, all_cost, gain, cost;

	hear(a);
	if (ticks < LOOK_TICKS + a->objects / LOOK_OBJECTS)
		return false;
	a->looked = a->tick;
	move_all(a);
	all = gain_of(a, &all_cost);
	ticks = ticks < LOOK_TICKS_MAX ? ticks : LOOK_TICKS_MAX;
	a->regret = a->regret * REGRET_FADE + fmax(all, 0) * (double)ticks;
	if (a->regret < REGRET_LEAST)
		return false;
	keep_nearly_right(a);
	find_wishes(a);
	gain = gain_of(a, &cost);
	if (gain < all / 2) {
		move_all(a);
		cost = all_cost;
	}
	if (a->regret < cost)
		return false;
	take_wishes(a);
	return true;
}

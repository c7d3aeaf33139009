// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * As published: each period every width has shrunk by itself; what that frees goes to the objects
 * with the highest burden, updates per second and unit of width, over what their answers demand.
 *
 *   B_i = N_i / (T W_i)                                       burden of an object
 *   min over t >= 0 of sum_i (B_i - sum_{j: i in S_j} t_j)^2  burden targets of the answers
 *   D_i = B_i - sum_{j: i in S_j} t_j                         widths grow in this order, as far as
 *                                                             there is room
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "interval/allocate.h"

#define SWEEPS 30 /* of descent towards the burden targets; those of the last period are close */

static double target_of(const struct allocation *a, const struct allocate_object *o)
{
	double sum = 0;

	for (__u32 k = 0; k < o->answers; k++)
		sum += a->answer[a->member[o->first + k]].target;
	return sum;
}

/* Steps along the gradient, each answer's divided by its row sum of the normal matrix: with that
 * no sweep leads further away, however answers overlap. */
static void find_targets(struct allocation *a)
{
	for (__u32 j = 0; j < a->answers; j++)
		a->answer[j].weight = 0;
	for (__u32 i = 0; i < a->objects; i++) {
		const struct allocate_object *o = &a->object[i];

		for (__u32 k = 0; k < o->answers; k++)
			a->answer[a->member[o->first + k]].weight += o->answers;
	}
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		for (__u32 j = 0; j < a->answers; j++)
			a->answer[j].sum = 0;
		for (__u32 i = 0; i < a->objects; i++) {
			const struct allocate_object *o = &a->object[i];
			double over = o->burden - target_of(a, o);

			for (__u32 k = 0; k < o->answers; k++)
				a->answer[a->member[o->first + k]].sum += over;
		}
		for (__u32 j = 0; j < a->answers; j++) {
			struct allocate_answer *answer = &a->answer[j];

			if (answer->weight > 0)
				answer->target =
					fmax(0, answer->target + answer->sum / answer->weight);
		}
	}
}

struct rank {
	double over;
	__u32 object;
};

static int compare(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->over != y->over)
		return x->over < y->over ? 1 : -1;
	return (x->object > y->object) - (x->object < y->object);
}

/* What is left for it in each of its answers. */
static __u64 room_for(const struct allocation *a, const struct allocate_object *o)
{
	__u64 room = o->answers ? INTERVAL_WIDTH_MAX : 0;

	for (__u32 k = 0; k < o->answers; k++) {
		const struct allocate_answer *answer = &a->answer[a->member[o->first + k]];
		__u64 left = answer->held < answer->budget ? answer->budget - answer->held : 0;

		room = left < room ? left : room;
	}
	return room & ~1ull;
}

static void grow(struct allocation *a, const struct rank *order, __u32 count)
{
	for (__u32 n = 0; n < count; n++) {
		struct allocate_object *o = &a->object[order[n].object];
		__u64 room = room_for(a, o);

		if (!room)
			continue;
		o->target = o->width + room;
		for (__u32 k = 0; k < o->answers; k++)
			a->answer[a->member[o->first + k]].held += room;
	}
}

bool allocate_adaptive(struct allocation *a)
{
	const __s64 period_s = a->rules.period_s;
	struct rank *order;
	__u32 count = 0;

	for (__u32 i = 0; i < a->objects; i++)
		a->object[i].heard += a->object[i].updates;
	if (!period_s || a->tick / period_s == a->looked / period_s)
		return false;
	a->looked = a->tick;
	order = malloc((a->objects + 1) * sizeof(*order));
	if (!order)
		return false;
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];
		double width = fmax((double)o->width, 1);

		o->burden = o->live ? o->heard / ((double)period_s * width) : 0;
		o->heard = 0;
		/* What is to be lowered, because a budget was, stays so. */
		o->target = o->target < o->width ? o->target : o->width;
	}
	find_targets(a);
	for (__u32 i = 0; i < a->objects; i++) {
		const struct allocate_object *o = &a->object[i];

		if (o->live)
			order[count++] =
				(struct rank){.over = o->burden - target_of(a, o), .object = i};
	}
	qsort(order, count, sizeof(*order), compare);
	grow(a, order, count);
	free(order);
	return true;
}

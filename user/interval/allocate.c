// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "interval/allocate.h"

void allocate_uniform(struct allocation *a)
{
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *o = &a->object[i];
		__u64 least = o->answers ? INTERVAL_WIDTH_MAX : 0;

		for (__u32 k = 0; k < o->answers; k++) {
			const struct allocate_answer *answer = &a->answer[a->member[o->first + k]];
			__u64 share = answer->budget / answer->objects;

			least = share < least ? share : least;
		}
		o->target = least & ~1ull;
	}
}

void allocate_anew(struct allocation *a)
{
	bool known = false;

	for (__u32 i = 0; i < a->objects; i++)
		known |= a->object[i].step > 0;
	a->regret = 0;
	if (a->method == INTERVAL_AUTO && known)
		allocate_best(a);
	else
		allocate_uniform(a);
}

bool allocate_tick(struct allocation *a)
{
	switch (a->method) {
	case INTERVAL_AUTO:
		return allocate_auto(a);
	case INTERVAL_ADAPTIVE:
		return allocate_adaptive(a);
	default:
		return false;
	}
}

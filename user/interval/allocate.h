/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who gets which width: sum of the widths of an answer's objects <= its budget, for each of many
 * answers that may share objects. An allocator only sets targets; the coordinator moves widths there
 * so that no budget is exceeded at any tick (coordinator.h).
 */
#ifndef INTERVAL_ALLOCATE_H
#define INTERVAL_ALLOCATE_H

#include "interval/interval.h"

struct allocate_object {
	/* In. */
	__u32 first, answers; /* its answers: allocation.member[first ... first + answers) */
	__u64 width;          /* that counts against the budgets now */
	__u32 updates;        /* since the last tick */
	__u64 step;           /* of its last update */
	bool live;            /* its host is there */
	bool travels;         /* courses of it were not level */
	/* Out. */
	__u64 target;
	/* The allocator's own; zero for a new object. */
	double heard;    /* adaptive: updates in this period; auto: of the last ticks the most */
	double burden;   /* adaptive: updates per second and width */
	double expected; /* auto: what `heard` would be if steps explained all */
	double quiet;    /* auto: updates expected since the last one */
	double scale;    /* auto: the width at which it tells every other tick */
	double wish;     /* auto: the width that it should have */
	bool stays;      /* auto: at the width that it has */
};

struct allocate_answer {
	__u64 budget; /* that the widths' sum must not exceed */
	__u64 held;   /* that sum now */
	__u32 objects;
	/* The allocator's own; zero for a new answer. */
	double target;            /* adaptive: burden target; auto: what a unit of width is worth */
	double sum, left, weight; /* scratch */
};

struct allocation {
	enum interval_method method;
	struct interval_rules rules;
	__s64 tick; /* now */
	struct allocate_object *object;
	struct allocate_answer *answer;
	const __u32 *member; /* answers by object */
	__u32 objects, answers;
	/* The allocator's own. */
	__s64 looked;  /* auto: tick of the last look */
	double regret; /* auto: messages that better widths would have saved */
};

/* Objects, answers or budgets have changed. */
void allocate_anew(struct allocation *a);
/* Each tick. Returns whether targets were set. */
bool allocate_tick(struct allocation *a);

/* By method. uniform: W_i = min over its answers of budget / objects. */
void allocate_uniform(struct allocation *a);
bool allocate_adaptive(struct allocation *a);
bool allocate_auto(struct allocation *a);
/* The widths that are best by what is known of the objects, whatever it takes to get there. */
void allocate_best(struct allocation *a);

#endif

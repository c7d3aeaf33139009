// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who gets which width, against closed forms and against searches that try everything. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interval/allocate.h"

#define OBJECTS 32
#define ANSWERS 8

static __u64 draw(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct bed {
	struct allocation a;
	struct allocate_object object[OBJECTS];
	struct allocate_answer answer[ANSWERS];
	__u32 member[OBJECTS * ANSWERS];
};

/* in[i]: bits of the answers that object i is a part of. */
static void set_up(struct bed *b, enum interval_method method, __u32 objects, __u32 answers,
		   const __u32 *in, const __u64 *budget)
{
	__u32 members = 0;

	memset(b, 0, sizeof(*b));
	b->a = (struct allocation){
		.method = method,
		.rules = {.method = method, .period_s = 10, .shrink_ppm = 50000},
		.tick = 1000001,
		.object = b->object,
		.answer = b->answer,
		.member = b->member,
		.objects = objects,
		.answers = answers,
		.looked = 1000001,
	};
	for (__u32 j = 0; j < answers; j++)
		b->answer[j].budget = budget[j];
	for (__u32 i = 0; i < objects; i++) {
		b->object[i].live = true;
		b->object[i].first = members;
		for (__u32 j = 0; j < answers; j++) {
			if (!(in[i] >> j & 1))
				continue;
			b->member[members++] = j;
			b->object[i].answers++;
			b->answer[j].objects++;
		}
	}
}

/* What the coordinator does, without the wait. */
static void move(struct bed *b)
{
	for (__u32 j = 0; j < b->a.answers; j++)
		b->answer[j].held = 0;
	for (__u32 i = 0; i < b->a.objects; i++) {
		struct allocate_object *o = &b->object[i];

		o->width = o->live ? o->target : o->width;
		for (__u32 k = 0; k < o->answers; k++)
			b->answer[b->member[o->first + k]].held += o->width;
	}
}

static void budgets_are_kept(const struct bed *b)
{
	for (__u32 j = 0; j < b->a.answers; j++)
		assert_true(b->answer[j].held <= b->answer[j].budget);
}

/* --- Uniform ------------------------------------------------------------------------------ */

static void uniform_is_the_smallest_share_of_an_objects_answers(void **state)
{
	static const __u32 in[] = {1, 1, 3, 2, 2, 2, 0};
	static const __u64 budget[] = {3000, 4004};
	static const __u64 expected[] = {1000, 1000, 1000, 1000, 1000, 1000, 0};
	struct bed b;

	set_up(&b, INTERVAL_STATIC, 7, 2, in, budget);
	allocate_anew(&b.a);
	for (int i = 0; i < 7; i++)
		assert_int_equal(b.object[i].target, expected[i]);
	b.answer[0].budget = 2999;
	b.answer[1].budget = 4400;
	allocate_anew(&b.a);
	assert_int_equal(b.object[0].target, 998); /* even */
	assert_int_equal(b.object[2].target, 998);
	assert_int_equal(b.object[3].target, 1100);
	assert_false(allocate_tick(&b.a));
}

/* --- Adaptive ----------------------------------------------------------------------------- */

static void all_that_is_left_goes_to_the_heaviest_burden(void **state)
{
	static const __u32 in[] = {1, 1, 1};
	static const __u64 budget[] = {3000};
	struct bed b;

	set_up(&b, INTERVAL_ADAPTIVE, 3, 1, in, budget);
	allocate_anew(&b.a);
	move(&b);
	for (int i = 0; i < 3; i++)
		b.object[i].target = 950;
	move(&b);
	/* Half as many updates at less than half of the width. */
	b.object[0].width = b.object[0].target = 400;
	b.answer[0].held = 400 + 950 + 950;
	b.object[0].updates = 5;
	b.object[1].updates = 10;
	assert_false(allocate_tick(&b.a)); /* in the middle of a period */
	b.object[0].updates = b.object[1].updates = 0;
	b.a.tick = 1000010;
	assert_true(allocate_tick(&b.a));
	assert_int_equal(b.object[0].target, 400 + 700);
	assert_int_equal(b.object[1].target, 950);
	assert_int_equal(b.object[2].target, 950);
}

static double misfit(const struct bed *b, const double *burden, const __u32 *in, const double *t)
{
	double sum = 0;

	for (__u32 i = 0; i < b->a.objects; i++) {
		double over = burden[i];

		for (__u32 j = 0; j < b->a.answers; j++)
			over -= in[i] >> j & 1 ? t[j] : 0;
		sum += over * over;
	}
	return sum;
}

/* Least squares over t >= 0 by trying each set of answers that have any: Gauss, then compare. */
static double best_fit(const struct bed *b, const double *burden, const __u32 *in, __u32 set,
		       double t[ANSWERS])
{
	double m[ANSWERS][ANSWERS + 1] = {0};
	__u32 n = b->a.answers;

	for (__u32 j = 0; j < n; j++) {
		m[j][j] = set >> j & 1 ? 0 : 1;
		for (__u32 i = 0; (set >> j & 1) && i < b->a.objects; i++) {
			if (!(in[i] >> j & 1))
				continue;
			m[j][n] += burden[i];
			for (__u32 k = 0; k < n; k++)
				m[j][k] += (set & in[i]) >> k & 1;
		}
	}
	for (__u32 j = 0; j < n; j++) {
		__u32 pivot = j;

		for (__u32 k = j; k < n; k++)
			pivot = fabs(m[k][j]) > fabs(m[pivot][j]) ? k : pivot;
		if (fabs(m[pivot][j]) < 1e-12)
			return INFINITY;
		for (__u32 c = 0; c <= n; c++) {
			double swap = m[j][c];

			m[j][c] = m[pivot][c];
			m[pivot][c] = swap;
		}
		for (__u32 k = 0; k < n; k++) {
			double factor = k == j ? 0 : m[k][j] / m[j][j];

			for (__u32 c = j; c <= n; c++)
				m[k][c] -= factor * m[j][c];
		}
	}
	for (__u32 j = 0; j < n; j++) {
		t[j] = m[j][n] / m[j][j];
		if (t[j] < -1e-12)
			return INFINITY;
	}
	return misfit(b, burden, in, t);
}

static void burden_targets_of_overlapping_answers_are_the_best_fit(void **state)
{
	/* Five answers over ten objects: all, halves, a middle, a pair. */
	static const __u32 in[] = {3, 3, 3, 11, 11, 13, 13, 21, 21, 5};
	static const __u64 budget[] = {100000, 60000, 60000, 40000, 20000};
	double burden[10], t[ANSWERS], least = INFINITY;
	__u64 seed = 1;
	struct bed b;

	set_up(&b, INTERVAL_ADAPTIVE, 10, 5, in, budget);
	allocate_anew(&b.a);
	move(&b);
	for (int i = 0; i < 10; i++)
		b.object[i].updates = 1 + draw(&seed) % 40;
	for (int period = 1; period <= 200; period++) {
		b.a.tick = 1000000 + 10 * period;
		assert_true(allocate_tick(&b.a));
	}
	for (int i = 0; i < 10; i++)
		burden[i] = b.object[i].updates / (10.0 * b.object[i].width);
	for (__u32 set = 0; set < 32; set++)
		least = fmin(least, best_fit(&b, burden, in, set, t));
	for (int j = 0; j < 5; j++)
		t[j] = b.answer[j].target;
	assert_true(misfit(&b, burden, in, t) <= least * 1.000001);
}

/* --- Auto --------------------------------------------------------------------------------- */

static void widths_of_long_walks_go_with_the_two_thirds_of_their_steps(void **state)
{
	static const __u32 in[] = {1, 1};
	static const __u64 budget[] = {100000000};
	struct bed b;

	set_up(&b, INTERVAL_AUTO, 2, 1, in, budget);
	b.object[0].step = 1000;
	b.object[1].step = 8000;
	allocate_anew(&b.a);
	move(&b);
	budgets_are_kept(&b);
	/* min s1^2/W1^2 + s2^2/W2^2: W ~ s^(2/3), 1 to 4. */
	assert_true(fabs((double)b.object[1].width / b.object[0].width - 4) < 0.04);
	assert_true(b.answer[0].held > budget[0] * 0.99);
}

static double walk(double step, double width)
{
	double x = width / (2 * step);

	return 1 / (1 + x * x);
}

static void where_some_are_hopeless_the_rest_is_as_good_as_any_that_can_be_tried(void **state)
{
	static const __u32 in[] = {1, 1, 1};
	static const __u64 budget[] = {40000};
	static const double step[] = {1000, 3000, 30000};
	double least = INFINITY, mine = 0;
	struct bed b;

	set_up(&b, INTERVAL_AUTO, 3, 1, in, budget);
	for (int i = 0; i < 3; i++)
		b.object[i].step = step[i];
	allocate_anew(&b.a);
	move(&b);
	budgets_are_kept(&b);
	for (int x = 0; x <= 400; x++) {
		for (int y = 0; x + y <= 400; y++)
			least = fmin(least, walk(step[0], x * 100) + walk(step[1], y * 100) +
						    walk(step[2], (400 - x - y) * 100));
	}
	for (int i = 0; i < 3; i++)
		mine += walk(step[i], b.object[i].width);
	assert_true(mine < least * 1.01);
	assert_int_equal(b.object[2].width, 0);
}

static void overlapping_answers_come_near_the_best_that_can_be_tried(void **state)
{
	/* 0 and 1 in the first, 1 and 2 in the second. */
	static const __u32 in[] = {1, 3, 2};
	static const __u64 budget[] = {60000, 90000};
	static const double step[] = {2000, 1000, 3000};
	double least = INFINITY, mine = 0;
	struct bed b;

	set_up(&b, INTERVAL_AUTO, 3, 2, in, budget);
	for (int i = 0; i < 3; i++)
		b.object[i].step = step[i];
	allocate_anew(&b.a);
	move(&b);
	budgets_are_kept(&b);
	for (double w = 0; w <= 60000; w += 100)
		least = fmin(least, walk(step[0], 60000 - w) + walk(step[1], w) +
					    walk(step[2], 90000 - w));
	for (int i = 0; i < 3; i++)
		mine += walk(step[i], b.object[i].width);
	assert_true(mine < least * 1.03);
}

static void what_is_right_is_left_alone(void **state)
{
	static const __u32 in[] = {1, 1, 1, 1};
	static const __u64 budget[] = {400000};
	__u64 seed = 5;
	struct bed b;

	set_up(&b, INTERVAL_AUTO, 4, 1, in, budget);
	for (int i = 0; i < 4; i++)
		b.object[i].step = 1000 * (i + 1);
	allocate_anew(&b.a);
	move(&b);
	for (int t = 0; t < 20000; t++) {
		b.a.tick++;
		for (int i = 0; i < 4; i++) {
			double rate = walk(b.object[i].step, b.object[i].width);

			b.object[i].updates = (double)(draw(&seed) >> 11) * 0x1p-53 < rate;
		}
		assert_false(allocate_tick(&b.a));
	}
}

static void a_silent_object_gives_its_width_to_one_that_needs_it(void **state)
{
	static const __u32 in[] = {1, 1};
	static const __u64 budget[] = {100000};
	bool moved = false;
	struct bed b;

	set_up(&b, INTERVAL_AUTO, 2, 1, in, budget);
	b.object[0].step = 20000;
	b.object[1].step = 1000;
	allocate_anew(&b.a);
	move(&b);
	assert_true(b.object[0].width > 60000);
	/* The first says nothing from now on, the second has become ten times as fast. */
	b.object[1].step = 10000;
	for (int t = 0; t < 600; t++) {
		b.a.tick++;
		b.object[1].updates = b.object[1].width < 60000 || t % 10 == 0;
		moved |= allocate_tick(&b.a);
		move(&b);
		budgets_are_kept(&b);
	}
	assert_true(moved);
	assert_true(b.object[1].width > 60000);
}

/* --- All ---------------------------------------------------------------------------------- */

static void set_up_any(struct bed *b, enum interval_method method, __u64 *seed)
{
	__u32 in[OBJECTS], objects = 1 + draw(seed) % OBJECTS, answers = 1 + draw(seed) % ANSWERS;
	__u64 budget[ANSWERS];

	for (__u32 i = 0; i < objects; i++)
		in[i] = draw(seed) & draw(seed) & ((1u << answers) - 1);
	for (__u32 j = 0; j < answers; j++)
		budget[j] = draw(seed) % 8 ? draw(seed) >> (6 + draw(seed) % 58) : 0;
	set_up(b, method, objects, answers, in, budget);
}

static void whatever_happens_no_budget_is_exceeded(void **state)
{
	static const enum interval_method methods[] = {INTERVAL_AUTO, INTERVAL_ADAPTIVE,
						       INTERVAL_STATIC};
	__u64 seed = 7;

	for (int run = 0; run < 600; run++) {
		struct bed b;

		set_up_any(&b, methods[run % 3], &seed);
		allocate_anew(&b.a);
		move(&b);
		budgets_are_kept(&b);
		for (int t = 0; t < 120; t++) {
			b.a.tick++;
			for (__u32 i = 0; i < b.a.objects; i++) {
				struct allocate_object *o = &b.object[i];

				o->updates = draw(&seed) % 2;
				o->travels |= draw(&seed) % 100 == 0;
				o->live = draw(&seed) % 10 > 0;
				if (o->updates)
					o->step = draw(&seed) >> (6 + draw(&seed) % 58);
				if (b.a.method == INTERVAL_ADAPTIVE && b.a.tick % 10 == 0)
					o->width = o->width / 20 * 19 & ~1ull;
				o->target = o->width;
			}
			move(&b);
			allocate_tick(&b.a);
			move(&b);
			budgets_are_kept(&b);
			for (__u32 i = 0; i < b.a.objects; i++)
				assert_int_equal(b.object[i].target & 1, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uniform_is_the_smallest_share_of_an_objects_answers),
		cmocka_unit_test(all_that_is_left_goes_to_the_heaviest_burden),
		cmocka_unit_test(burden_targets_of_overlapping_answers_are_the_best_fit),
		cmocka_unit_test(widths_of_long_walks_go_with_the_two_thirds_of_their_steps),
		cmocka_unit_test(
			where_some_are_hopeless_the_rest_is_as_good_as_any_that_can_be_tried),
		cmocka_unit_test(overlapping_answers_come_near_the_best_that_can_be_tried),
		cmocka_unit_test(what_is_right_is_left_alone),
		cmocka_unit_test(a_silent_object_gives_its_width_to_one_that_needs_it),
		cmocka_unit_test(whatever_happens_no_budget_is_exceeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "bench.h"
#include "traffic.h"
#include "world.h"

static double uniform(__u64 *state)
{
	return (double)(traffic_draw(state) >> 11) * 0x1p-53;
}

static __u32 poisson(__u64 *state, double mean)
{
	double left = uniform(state), term = exp(-mean);
	__u32 count = 0;

	/* Beyond, a normal of the same mean and variance (Box, Muller 1958). */
	if (mean > 50)
		return fmax(0, round(mean + sqrt(-2 * log(1 - left) * mean) *
						    cos(2 * M_PI * uniform(state))));
	while (left > term && count < 1000) {
		left -= term;
		term *= mean / ++count;
	}
	return count;
}

struct work *work_new(__u32 ticks, __u32 queries, __u32 window_s, bool counts)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w)
		fail("work", ENOMEM);
	w->ticks = ticks;
	w->queries = queries;
	w->window_s = window_s;
	for (int h = 0; h < WORLD_HOSTS; h++) {
		for (__u32 q = 0; q < queries; q++) {
			void *memory = calloc(ticks, sizeof(__u64));

			if (!memory)
				fail("work", ENOMEM);
			if (counts)
				w->count[h][q] = memory;
			else
				w->value[h][q] = memory;
		}
	}
	return w;
}

void work_free(struct work *w)
{
	for (int h = 0; h < WORLD_HOSTS; h++) {
		for (__u32 q = 0; q < w->queries; q++) {
			free(w->count[h][q]);
			free(w->value[h][q]);
		}
	}
	free(w);
}

double work_mean(const struct work *w, __u32 query)
{
	double sum = 0;

	for (int h = 0; h < WORLD_HOSTS; h++) {
		for (__u32 t = 0; t < w->ticks; t++)
			sum += (double)w->count[h][query][t];
	}
	return sum / w->ticks;
}

struct work *work_walks(__u32 ticks, __u32 period_s)
{
	static const double steps[WORLD_HOSTS] = {.1, .2, .5, 1, 1, 2, 3, 5, 8, 10};
	struct work *w = work_new(ticks, 1, 1, false);
	__u64 state = 1;

	for (int h = 0; h < WORLD_HOSTS; h++) {
		__s64 at = 0;

		for (__u32 t = 0; t < ticks; t++) {
			bool turned = period_s && t / period_s & 1;
			__s64 step = lrint(steps[turned ? WORLD_HOSTS - 1 - h : h] * INTERVAL_ONE);

			w->value[h][0][t] = at;
			at += traffic_draw(&state) & 1 ? step : -step;
		}
	}
	return w;
}

/*
 * A host's packets per second, while it is on: a level drawn for each burst, times a factor drawn
 * for each second, both from 0 to 2; while it is off: quiet. Both last exponential times.
 */
struct work *work_bursts(__u32 ticks)
{
	const double on_s = 80, off_s = 200, quiet = 0.08, spread = 200, mean = 349;
	struct work *w = work_new(ticks, 1, 60, true);
	__u64 state = 1;
	double sum = 0;

	for (int h = 0; h < WORLD_HOSTS; h++)
		sum += pow(spread, h / (WORLD_HOSTS - 1.0));
	for (int h = 0; h < WORLD_HOSTS; h++) {
		double rate = mean * pow(spread, h / (WORLD_HOSTS - 1.0)) / sum * (on_s + off_s) /
			      (on_s + quiet * off_s);
		double level = rate * 2 * uniform(&state);
		bool on = uniform(&state) * (on_s + off_s) < on_s;

		for (__u32 t = 0; t < ticks; t++) {
			if (uniform(&state) * (on ? on_s : off_s) < 1) {
				on = !on;
				level = rate * 2 * uniform(&state);
			}
			w->count[h][0][t] =
				poisson(&state, on ? level * 2 * uniform(&state) : rate * quiet);
		}
	}
	return w;
}

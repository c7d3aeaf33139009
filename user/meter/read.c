// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading windows and flows. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "meter/meter_internal.h"

#define TORN_TRIES 100

__u64 meter_now(void)
{
	return clock_boot_ns();
}

static void add_counts(struct weir_count *sum, const struct weir_count *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

static void add_slot(const struct weir_slot *slot, __u64 now, struct meter_series *series)
{
	const __u64 at = slot->second + WEIR_WINDOW_MAX - now;
	const bool complete = weir_slot_in_window(slot, now, WEIR_WINDOW_MAX);

	if (!complete && slot->second != now)
		return;
	for (int q = 0; q < WEIR_QUERIES; q++)
		add_counts(complete ? &series->query[q][at] : &series->rest[q], &slot->query[q]);
}

int meter_series(const struct meter *m, __u64 now_ns, struct meter_series *out)
{
	struct weir_slot *slots = calloc(m->cpus, sizeof(*slots));
	struct meter_series *series = calloc(1, sizeof(*series));
	int code = slots && series ? 0 : -ENOMEM;

	for (__u32 i = 0; i < WEIR_SLOTS && !code; i++) {
		if (bpf_map_lookup_elem(m->map[MAP_WINDOWS], &i, slots))
			code = -errno;
		for (int cpu = 0; cpu < m->cpus && !code; cpu++)
			add_slot(&slots[cpu], now_ns / WEIR_NS_PER_SEC, series);
	}
	if (!code) {
		series->now_ns = now_ns;
		memcpy(out, series, sizeof(*out));
	}
	free(series);
	free(slots);
	return code;
}

int meter_rates(const struct meter *m, __u64 now_ns, const struct meter_span *spans,
		struct meter_rate *rates)
{
	struct meter_series *series = malloc(sizeof(*series));
	int code = series ? meter_series(m, now_ns, series) : -ENOMEM;

	if (!code)
		meter_series_rates(series, spans, rates);
	free(series);
	return code;
}

int meter_rate(const struct meter *m, __u32 query, __u64 now_ns, __u32 window_s,
	       struct meter_rate *out)
{
	struct meter_span spans[WEIR_QUERIES] = {};
	struct meter_rate rates[WEIR_QUERIES];
	int code;

	if (query >= WEIR_QUERIES || window_s > WEIR_WINDOW_MAX)
		return -EINVAL;
	spans[query].window_s = window_s;
	code = meter_rates(m, now_ns, spans, rates);
	if (!code)
		*out = rates[query];
	return code;
}

/*
 * Copies one slot whole: the kernel makes the generation odd before it writes a new incarnation
 * and even after, so a copy with the same even generation before and behind is of one. Counters of
 * that incarnation may still be a packet apart.
 */
static bool copy_flow(const struct weir_set *set, int way, struct weir_flow *flow,
		      struct weir_pair6 *pair)
{
	const struct weir_flow *f = &set->flow[way];

	for (int i = 0; i < TORN_TRIES; i++) {
		__u32 generation = __atomic_load_n(&f->generation, __ATOMIC_ACQUIRE);

		if (!generation)
			return false;
		memcpy(flow, (const void *)f, sizeof(*flow));
		memcpy(pair, (const void *)&set->pair[way], sizeof(*pair));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(generation & 1) &&
		    generation == __atomic_load_n(&f->generation, __ATOMIC_RELAXED))
			return true;
	}
	return false; /* its CPU was stopped in the middle of a store: it will be there next time */
}

int meter_each_flow(const struct meter *m, meter_flow_fn fn, void *ctx)
{
	struct weir_flow flow;
	struct weir_pair6 pair;

	for (__u32 s = 0; s < m->sets; s++) {
		for (int way = 0; way < WEIR_WAYS; way++) {
			int code;

			if (!copy_flow(&m->set[s], way, &flow, &pair))
				continue;
			code = fn(ctx, s * WEIR_WAYS + way, &flow, &pair);
			if (code)
				return code;
		}
	}
	return 0;
}

struct counting {
	struct meter_census census;
	const struct weir_timeouts *timeouts;
	__u64 now_ns;
};

static int count_flow(void *ctx, __u32 slot, const struct weir_flow *flow,
		      const struct weir_pair6 *pair)
{
	struct counting *c = ctx;

	(void)slot;
	(void)pair;
	c->census.resident++;
	c->census.live += !weir_flow_over(flow, c->timeouts, c->now_ns, 0);
	return 0;
}

struct meter_census meter_census(const struct meter *m, const struct weir_timeouts *timeouts)
{
	struct counting c = {.timeouts = timeouts, .now_ns = meter_now()};

	meter_each_flow(m, count_flow, &c);
	return c.census;
}

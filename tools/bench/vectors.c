// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a Countdown Vector costs in the kernel programs and to read, and how near it comes when a
 * known number of flows is sent as live frames.
 *
 * Cost is that of a packet (packet_ns()) with a vector of 64 KiB on one of the two queries that
 * match, less that without, in one round. A query that looks at addresses and ports only need not
 * set the cell of a flow again that had a packet in the same 16th of a step; in EVERY it does so.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "query/compile.h"

#define ROUNDS 20 /* a multiple of SCENES */
#define TRIES 3   /* of which the best counts */
#define READS 201
#define WINDOW_NS (60 * WEIR_NS_PER_SEC)
#define HOT_FLOWS (1u << 10)
#define COLD_FLOWS (1u << 16)
#define CACHE_FLOWS (1u << 17) /* room on the CPU that runs */
#define SLABS 4                /* 64 KiB */

static void add_vectors(struct meter *m, struct weir_tables *t, int first, int last, __u32 slabs)
{
	for (int d = first; d <= last; d++)
		t->vector[0][d] = (struct weir_vector){.slabs = slabs,
						       .first = METER_UNMADE,
						       .rate = countdown_rate(WINDOW_NS),
						       .since_ns = meter_now()};
	check(meter_make_vectors(m, t), "vectors");
	query_mark_vectors(t);
}

/* The five queries; on the first of them one vector, the same set by each packet, a vector for each
 * key. */
enum scene {
	NONE,
	ONE,
	EVERY,
	FIVE,
	SCENES,
};

static void make_scenes(struct meter *m, struct weir_tables **scenes)
{
	for (int i = ONE; i < SCENES; i++)
		scenes[i] = make_tables(0);
	add_vectors(m, scenes[FIVE], 0, WEIR_DISTINCT_MAX - 1, SLABS);
	scenes[ONE]->vector[0][WEIR_DISTINCT_FLOW] = scenes[FIVE]->vector[0][WEIR_DISTINCT_FLOW];
	query_mark_vectors(scenes[ONE]);
	*scenes[EVERY] = *scenes[ONE];
	scenes[EVERY]->steady_terms = 0;
}

static double cost(struct meter *m, struct bench_bpf *b, __u32 flows, const struct weir_tables *t)
{
	double ns = INFINITY;

	check(meter_set_tables(m, t), "tables");
	for (int i = 0; i < TRIES; i++)
		ns = fmin(ns, packet_ns(b, BENCH_XDP, flows, m->prog[PROG_XDP]));
	return ns;
}

/* What each scene costs more than NONE, [scene][round]. They take turns in who is first. */
static void measure(__u32 flows, double more[SCENES][ROUNDS])
{
	struct weir_tables *scenes[SCENES] = {make_tables(0)};
	struct bench_bpf *b;
	struct meter m;

	load_meter(CACHE_FLOWS * libbpf_num_possible_cpus(), scenes[NONE], &m);
	make_scenes(&m, scenes);
	b = load_bench(flows, m.frags);
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < SCENES; i++) {
			int scene = (i + r) % SCENES;

			more[scene][r] = cost(&m, b, flows, scenes[scene]);
		}
		for (int i = SCENES - 1; i >= 0; i--)
			more[i][r] -= more[NONE][r];
	}
	bench_bpf__destroy(b);
	for (int i = 0; i < SCENES; i++)
		free(scenes[i]);
	meter_close(&m);
}

static double read_us(const struct meter *m, double *us)
{
	struct meter_distinct d;

	for (int i = 0; i < READS; i++) {
		double start = seconds_of(CLOCK_MONOTONIC);

		check(meter_distinct(m, 0, WEIR_DISTINCT_FLOW, meter_now(), 0, WINDOW_NS, &d),
		      "read");
		us[i] = (seconds_of(CLOCK_MONOTONIC) - start) * 1e6;
	}
	return median(us, READS);
}

/* `flows` different flows, twice each, as live frames into a vector of so many slabs: how far off
 * it is, percent of the number. Twice its standard error is what it may be. */
static void flood_known(const char *name, __u32 flows, __u32 slabs)
{
	struct weir_tables *t = make_tables(0);
	static double us[READS];
	struct meter_distinct d;
	char full[64], goal[64];
	struct wire w;
	struct meter m;

	load_meter(flows, t, &m);
	add_vectors(&m, t, WEIR_DISTINCT_FLOW, WEIR_DISTINCT_FLOW, slabs);
	check(meter_set_tables(&m, t), "tables");
	wire_up(&w, flows, m.frags);
	receive_with(&w, m.prog[PROG_XDP]);
	flood(&w, 2 * flows);
	check(meter_distinct(&m, 0, WEIR_DISTINCT_FLOW, meter_now(), 0, WINDOW_NS, &d), "vector");
	snprintf(full, sizeof(full), "distinct_flood_%s_error_percent", name);
	snprintf(goal, sizeof(goal), "<= %.2f, twice its own error",
		 200 * d.keys.error / d.keys.count);
	tell(full, 100 * fabs(d.keys.count - flows) / flows, goal);
	if (slabs == SLABS)
		tell("distinct_read_us", read_us(&m, us), "<= 100");
	wire_down(&w);
	meter_close(&m);
	free(t);
}

void bench_vectors(void)
{
	static double hot[SCENES][ROUNDS], cold[SCENES][ROUNDS];
	cpu_set_t before = use_cpu();

	measure(HOT_FLOWS, hot);
	measure(COLD_FLOWS, cold);
	check(sched_setaffinity(0, sizeof(before), &before), "CPU");
	tell("distinct_hot_ns", median(hot[ONE], ROUNDS), "<= 3");
	tell("distinct_hot_every_ns", median(hot[EVERY], ROUNDS), "");
	tell("distinct_hot_five_ns", median(hot[FIVE], ROUNDS) / WEIR_DISTINCT_MAX, "a vector");
	tell("distinct_cold_ns", median(cold[ONE], ROUNDS), "<= 10");
	tell("distinct_cold_every_ns", median(cold[EVERY], ROUNDS), "");
	tell("distinct_cold_five_ns", median(cold[FIVE], ROUNDS) / WEIR_DISTINCT_MAX, "a vector");
	flood_known("131072", 1u << 17, SLABS);
	flood_known("1048576", 1u << 20, 4 * SLABS);
}

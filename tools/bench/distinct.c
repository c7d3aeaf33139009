// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How far from the exact count the distinct counts are, weir's and the published ones in the
 * same memory, over the same traffic (traffic.h, sketches.h):
 *
 *            ┌─→ the exact count ─────────────────┐
 *   traffic ─┤                                    ├─→ error in %, every 1.37 s
 *            └─→ each sketch, of the same bytes ──┘
 *
 * Once for each course and seed; nothing else is drawn, so the figures are the same each time. The
 * plot is of a course of its own, one seed.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "plot.h"
#include "sketches.h"
#include "traffic.h"

#define PLOT "build/distinct-transient.svg"

#define THREADS 2
#define SAMPLES_MAX 512

#define WINDOW_S 60
#define WARMUP_S 120 /* two windows, and most of the long flows */
#define SAMPLE_S 1.37

/* Arrivals, within a course that changes: 8 times as many for a while, or a tenth from then on. */
#define CHANGE_S 150
#define BURST_S 30
#define BURST_FACTOR 8
#define DROP_FACTOR 0.1
#define PLOT_DROP_S 330 /* the plot has both */

struct course {
	const char *name;
	__u32 bytes;
	double flows, until_s;
	unsigned int seeds;
	struct traffic_change changes[TRAFFIC_CHANGES];
};

static const struct course steady_100k = {"100k_64KiB", 64 << 10, 1e5, 240, 20};
static const struct course steady_1m = {"1M_256KiB", 256 << 10, 1e6, 240, 8};
static const struct course burst = {
	"burst", 16 << 10, 2e4, 360, 20, {{CHANGE_S, CHANGE_S + BURST_S, BURST_FACTOR}},
};
static const struct course drop = {
	"drop", 16 << 10, 2e4, 330, 20, {{CHANGE_S, INFINITY, DROP_FACTOR}},
};
static const struct course plotted = {
	"plot",
	16 << 10,
	2e4,
	480,
	1,
	{{CHANGE_S, CHANGE_S + BURST_S, BURST_FACTOR}, {PLOT_DROP_S, INFINITY, DROP_FACTOR}},
};

/* --- One run ----------------------------------------------------------------------------- */

struct sample {
	double at_s, exact;
	double percent[SKETCHES]; /* error, of the exact count */
};

struct run {
	const struct course *course;
	__u64 seed;
	unsigned int count;
	struct sample samples[SAMPLES_MAX];
};

static void see(void *context, __u32 tick, __u64 hash)
{
	void **open = context;

	for (int i = 0; i < SKETCHES; i++)
		sketches[i].see(open[i], tick, hash);
}

static void sample(struct run *r, const struct traffic *t, void *const *open, __u32 tick)
{
	struct sample *s = &r->samples[r->count++];

	s->at_s = (double)tick / TRAFFIC_HZ;
	s->exact = traffic_distinct(t);
	for (int i = 0; i < SKETCHES; i++) {
		double count = sketches[i].count(open[i], tick);

		s->percent[i] = 100 * (count - s->exact) / s->exact;
	}
}

static void run(struct run *r)
{
	const struct course *c = r->course;
	const struct sketch_size size = {c->bytes, c->flows, WINDOW_S * TRAFFIC_HZ,
					 1000000000 / TRAFFIC_HZ};
	struct traffic_shape shape = {.flows = c->flows, .window_s = WINDOW_S};
	struct traffic *t;
	void *open[SKETCHES];

	for (int i = 0; i < TRAFFIC_CHANGES; i++)
		shape.changes[i] = c->changes[i];
	t = traffic_new(&shape, r->seed);
	for (int i = 0; i < SKETCHES; i++)
		open[i] = sketches[i].open(&size);
	for (double at = WARMUP_S; at < c->until_s && r->count < SAMPLES_MAX; at += SAMPLE_S) {
		traffic_run(t, at * TRAFFIC_HZ, see, open);
		sample(r, t, open, at * TRAFFIC_HZ);
	}
	for (int i = 0; i < SKETCHES; i++)
		sketches[i].close(open[i]);
	traffic_free(t);
}

/* --- All runs ---------------------------------------------------------------------------- */

struct runs {
	struct run *all;
	unsigned int count, next;
};

static void *work(void *context)
{
	struct runs *runs = context;
	unsigned int i;

	while ((i = __atomic_fetch_add(&runs->next, 1, __ATOMIC_RELAXED)) < runs->count)
		run(&runs->all[i]);
	return NULL;
}

/* Runs `course` over its seeds; the caller frees. */
static struct runs run_course(const struct course *course)
{
	struct runs runs = {.count = course->seeds};
	pthread_t threads[THREADS];

	runs.all = calloc(runs.count, sizeof(*runs.all));
	if (!runs.all)
		fail("runs", ENOMEM);
	for (unsigned int i = 0; i < runs.count; i++) {
		runs.all[i].course = course;
		runs.all[i].seed = i + 1;
	}
	for (int i = 0; i < THREADS; i++)
		check(-pthread_create(&threads[i], NULL, work, &runs), "thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return runs;
}

/* --- Figures ----------------------------------------------------------------------------- */

struct score {
	double rmse, worst; /* % */
};

static struct score score(const struct runs *runs, enum sketch sketch)
{
	struct score s = {0};
	unsigned int samples = 0;

	for (const struct run *r = runs->all; r < runs->all + runs->count; r++) {
		for (unsigned int i = 0; i < r->count; i++) {
			double percent = r->samples[i].percent[sketch];

			s.rmse += percent * percent;
			s.worst = fmax(s.worst, fabs(percent));
		}
		samples += r->count;
	}
	s.rmse = sqrt(s.rmse / samples);
	return s;
}

static void tell_of(enum sketch sketch, const char *what, const char *course, double value,
		    const char *goal)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s_%s_percent", sketches[sketch].name, what, course);
	tell(name, value, sketch == SKETCH_WEIR ? goal : "");
}

static void measure_steady(const struct course *c)
{
	struct runs runs = run_course(c);

	for (int i = 0; i < SKETCHES; i++)
		tell_of(i, "rmse", c->name, score(&runs, i).rmse, "<= 0.35");
	free(runs.all);
}

static void measure_changes(void)
{
	struct runs up = run_course(&burst), down = run_course(&drop);

	for (int i = 0; i < SKETCHES; i++) {
		struct score at_burst = score(&up, i), at_drop = score(&down, i);

		tell_of(i, "rmse", burst.name, at_burst.rmse, "");
		tell_of(i, "rmse", drop.name, at_drop.rmse, "");
		tell_of(i, "worst", burst.name, at_burst.worst, "");
		tell_of(i, "worst", drop.name, at_drop.worst, "");
		tell_of(i, "worst", "transient", fmax(at_burst.worst, at_drop.worst), "<= 2.5");
	}
	free(up.all);
	free(down.all);
}

/* --- Plot --------------------------------------------------------------------------------- */

static void draw(const struct run *r)
{
	static double x[SAMPLES_MAX], exact[SAMPLES_MAX], percent[SKETCHES][SAMPLES_MAX];
	const struct plot_panel panels[] = {
		{
			.title = "Different flows in the last 60 s, in thousands",
			.height = 150,
			.high = 100,
			.tick = 20,
			.unit = "",
			.curves = {{"exact", "#222", 2, exact}},
		},
		{
			.title = "Error, 16 KiB each",
			.height = 320,
			.low = -10,
			.high = 10,
			.tick = 2,
			.unit = " %",
			.curves = {{"Timestamp Vector", "#cc79a7", 1.3, percent[SKETCH_TIMESTAMP]},
				   {"Sliding HyperLogLog", "#56b4e9", 1.3,
				    percent[SKETCH_SLIDINGHLL]},
				   {"Countdown Vector, 4 bits", "#e69f00", 1.3,
				    percent[SKETCH_COUNTDOWN15]},
				   {"weir", "#004488", 2, percent[SKETCH_WEIR]}},
		},
	};
	const struct plot_span spans[] = {
		{CHANGE_S - WARMUP_S, CHANGE_S + BURST_S - WARMUP_S, "8 times"},
		{PLOT_DROP_S - WARMUP_S, INFINITY, "a tenth of the flows arrive"},
	};
	const struct plot plot = {
		.title = "Distinct counts through a burst and a drop",
		.description = "Errors of weir and of published sketches over time.",
		.points = r->count,
		.x = x,
		.tick = 30,
		.panels = panels,
		.panel_count = sizeof(panels) / sizeof(*panels),
		.spans = spans,
		.span_count = sizeof(spans) / sizeof(*spans),
	};

	for (unsigned int i = 0; i < r->count; i++) {
		const struct sample *s = &r->samples[i];

		x[i] = s->at_s - WARMUP_S;
		exact[i] = s->exact / 1000;
		for (int k = 0; k < SKETCHES; k++)
			percent[k][i] = s->percent[k];
	}
	plot_write(PLOT, &plot);
}

void bench_accuracy(void)
{
	struct runs plot;

	measure_steady(&steady_100k);
	measure_steady(&steady_1m);
	measure_changes();
	plot = run_course(&plotted);
	draw(plot.all);
	free(plot.all);
}

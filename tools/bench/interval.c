// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How many messages ten hosts and their coordinator need to keep answers as precise as is asked:
 * uniform widths, the published adaptive filter (every 10 s, 5 %), and weir's `auto`. Updates and
 * grants both count. Each answer of each run is held against the truth (world.h).
 *
 *   walks      random walks, steps 0.1 to 10; SUM within 100, within 400
 *   regime     the same within 100, and each 2000 s the hosts turn their steps around
 *   bursty     packets in bursts, means over 60 s; SUM within 2, 5, 20 % of the mean
 *   captures   five queries; SUM of each within 5, 20 % of its mean
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "world.h"

#define CAPTURES "../shared/pcaps" /* or WEIR_PCAPS */
#define WALK_TICKS 200000
#define BURST_TICKS 100000
#define CAPTURE_TICKS 50000
#define REGIME_S 2000

static const struct {
	const char *name;
	struct interval_rules rules;
} methods[] = {
	{"uniform", {INTERVAL_STATIC}},
	{"adaptive", {INTERVAL_ADAPTIVE, 10, 50000}},
	{"auto", {INTERVAL_AUTO}},
};

struct goal {
	const char *name;
	const struct work *work;
	double precision; /* of a value per second; 0: by the mean */
	double percent;   /* of the mean */
	const char *words[3];
};

static void say(const char *name, const char *method, const char *what, double value,
		const char *goal)
{
	char full[128];

	snprintf(full, sizeof(full), "interval_%s_%s%s", name, method, what);
	tell(full, value, goal ? goal : "");
}

static void compare(const struct goal *g)
{
	struct world_plan plan = {.work = g->work};
	struct world_result r = {0};

	for (__u32 q = 0; q < g->work->queries; q++)
		plan.precision[q] = g->precision > 0 ? g->precision
						     : work_mean(g->work, q) * g->percent / 100;
	for (size_t m = 0; m < sizeof(methods) / sizeof(*methods) && !bench_stopped; m++) {
		plan.rules = methods[m].rules;
		r = world_run(&plan);
		say(g->name, methods[m].name, "_mps", r.updates + r.grants, g->words[m]);
		say(g->name, methods[m].name, "_bytes_per_s", r.bytes, "");
	}
	say(g->name, "auto", "_grants_per_s", r.grants, "");
	say(g->name, "auto", "_knots", r.knots, "");
	say(g->name, "every", "_mps", r.every_mps, "each change told");
	say(g->name, "every", "_bytes_per_s", r.every_bytes, "");
}

static void compare_walks(void)
{
	struct work *walks = work_walks(WALK_TICKS, 0), *turned = work_walks(WALK_TICKS, REGIME_S);
	const struct goal goals[] = {
		{"walk20", walks, 20, 0, {"reference: 5.66", "reference: 6.33", ""}},
		{"walk100",
		 walks,
		 100,
		 0,
		 {"reference: 2.68", "reference: 1.79", "goal: 1.33 at most"}},
		{"walk400",
		 walks,
		 400,
		 0,
		 {"reference: 0.296", "reference: 0.295", "goal: 0.15 at most"}},
		{"regime",
		 turned,
		 100,
		 0,
		 {"reference: 2.68", "reference: 1.90", "goal: less than both"}},
	};

	for (size_t i = 0; i < sizeof(goals) / sizeof(*goals); i++)
		compare(&goals[i]);
	work_free(walks);
	work_free(turned);
}

static void compare_bursts(void)
{
	struct work *w = work_bursts(BURST_TICKS);
	const struct goal goals[] = {
		{"bursty2", w, 0, 2, {"", "", ""}},
		{"bursty5", w, 0, 5, {"reference: 1.60", "reference: 1.67", ""}},
		{"bursty20",
		 w,
		 0,
		 20,
		 {"reference: 0.756", "reference: 0.659", "goal: 0.26 at most"}},
	};

	for (size_t i = 0; i < sizeof(goals) / sizeof(*goals); i++)
		compare(&goals[i]);
	work_free(w);
}

static void compare_captures(void)
{
	const char *folder = getenv("WEIR_PCAPS") ? getenv("WEIR_PCAPS") : CAPTURES;
	struct work *w = work_captures(folder, CAPTURE_TICKS);
	const struct goal goals[] = {
		{"captures5", w, 0, 5, {"", "", "goal: half of adaptive at most"}},
		{"captures20", w, 0, 20, {"", "", "goal: half of adaptive at most"}},
	};

	if (!w) {
		printf("%-36s            left out: no captures in %s\n", "interval_captures",
		       CAPTURES);
		return;
	}
	for (size_t i = 0; i < sizeof(goals) / sizeof(*goals); i++)
		compare(&goals[i]);
	work_free(w);
}

void bench_interval(void)
{
	compare_walks();
	compare_bursts();
	compare_captures();
}

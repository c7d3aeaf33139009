// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/interval/interval_sim.h"

#define START_NS (1795305600ull * SIM_NS) /* 2026-11-22 00:00 */

/* splitmix64 */
__u64 sim_random(struct sim *s)
{
	__u64 x = s->random += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

__u64 sim_below(struct sim *s, __u64 limit)
{
	return limit ? sim_random(s) % limit : 0;
}

/* Once in `in`. */
bool sim_chance(struct sim *s, __u32 in)
{
	return !sim_below(s, in);
}

/* The first failure is the one that counts. */
void sim_fail(struct sim *s, const char *format, ...)
{
	struct why what;
	va_list args;

	if (s->failed)
		return;
	s->failed = true;
	va_start(args, format);
	why_vset(&what, 0, format, args);
	va_end(args);
	why_set(&s->why, 0, "at %.3f s: %s", (double)(s->now_ns - s->start_ns) / SIM_NS, what.text);
}

bool sim_is_quiet(const struct sim *s)
{
	return s->now_ns >= s->quiet_ns;
}

/* In a stacked world the first two hosts are the parent's, and its child is one, too. */
struct sim_coordinator *sim_coordinator_of(struct sim *s, const struct sim_host *h)
{
	__u32 i = h - s->host;

	return &s->coordinator[s->stacked && i >= 2 && i < SIM_HOSTS];
}

static bool is_used(const struct sim *s, __u32 i)
{
	return i < s->hosts || (s->stacked && i == SIM_HOSTS);
}

/* --- A world -------------------------------------------------------------------------------- */

static void make_value(struct sim *s, struct sim_value *v, bool bursty, __u32 window_s)
{
	*v = (struct sim_value){
		.bursty = bursty,
		.window_s = window_s,
		.step = sim_below(s, 2 + sim_below(s, 4000)),
		.rate = 1 + sim_below(s, 1 + sim_below(s, 60)),
		.value = bursty ? 0 : 50000 + sim_below(s, 200000),
	};
}

static void make_hosts(struct sim *s)
{
	static const __u32 windows[] = {10, 30, 60};
	bool bursty[SIM_QUERIES];

	for (__u32 q = 0; q < SIM_QUERIES; q++) {
		struct coordinator_query *query = &s->coordinator[0].query[q];

		bursty[q] = sim_chance(s, 2);
		query->window_s = windows[sim_below(s, 3)];
		snprintf(query->name, sizeof(query->name), "q%u", q);
		snprintf(query->measure, sizeof(query->measure), "packets");
		snprintf(query->match, sizeof(query->match), "in and dst port %u", q);
		s->coordinator[1].query[q] = *query;
	}
	for (__u32 i = 0; i < SIM_NODES; i++) {
		struct sim_host *h = &s->host[i];
		__u64 skew_ns = sim_below(s, sim_chance(s, 3) ? 20 * SIM_NS : SIM_NS);

		skew_ns = s->together ? sim_below(s, SIM_NS / 20) : skew_ns;

		h->id = 3 * i + 2;
		h->current = -1;
		h->runs = h->wanted = is_used(s, i);
		h->instance = sim_random(s);
		h->skew_ns = sim_chance(s, 2) ? (__s64)skew_ns : -(__s64)skew_ns;
		h->slow_ns = 1000000 + sim_below(s, SIM_NS / 4);
		h->second = (s->now_ns + h->skew_ns) / SIM_NS;
		h->again_ns = s->now_ns + sim_below(s, 2 * SIM_NS);
		for (__u32 q = 0; q < SIM_QUERIES; q++)
			make_value(s, &h->value[q], bursty[q], s->coordinator[0].query[q].window_s);
	}
}

/* A child's answer for each query is finer by far than what its parent is asked. */
static __u64 finer(const struct sim *s, __u32 query, __u64 precision)
{
	const struct sim_coordinator *parent = &s->coordinator[0];

	for (__u32 i = 0; i < parent->plan.ask_count; i++) {
		if (parent->ask[i].query == query && parent->ask[i].precision / 20 < precision)
			precision = parent->ask[i].precision / 20;
	}
	return precision;
}

static void make_asks(struct sim *s, struct sim_coordinator *at, bool child)
{
	at->plan.ask_count = child ? s->queries : 1 + sim_below(s, SIM_ASKS);
	for (__u32 i = 0; i < at->plan.ask_count; i++) {
		struct coordinator_ask *ask = &at->ask[i];
		__u64 width = 200 + sim_below(s, 2000 + sim_below(s, 60000));

		ask->query = child ? i : sim_below(s, s->queries);
		ask->aggregate = !child && sim_chance(s, 3) ? COORDINATOR_AVG : COORDINATOR_SUM;
		ask->relative = !s->stacked && sim_chance(s, 3);
		ask->precision = width * 1000 / at->query[ask->query].window_s;
		if (child)
			ask->precision = finer(s, i, ask->precision);
		if (ask->relative)
			ask->precision = 10000 + sim_below(s, 200000);
		snprintf(ask->name, sizeof(ask->name), "%s%u", child ? "child" : "Q", i);
		if (child || !sim_chance(s, 3))
			continue;
		for (__u32 k = 0; k < at->ids; k++) {
			if (sim_chance(s, 2) || k == at->ids - 1)
				at->subset[i][ask->host_count++] = at->id[k];
		}
		ask->hosts = at->subset[i];
	}
}

static void make_coordinator(struct sim *s, struct sim_coordinator *at, bool child)
{
	at->sim = s;
	for (__u32 i = 0; i < SIM_NODES; i++) {
		if (is_used(s, i) && sim_coordinator_of(s, &s->host[i]) == at)
			at->id[at->ids++] = s->host[i].id;
	}
	at->plan = (struct coordinator_plan){
		.rules = {.method = s->method,
			  .period_s = s->method == INTERVAL_ADAPTIVE ? 5 + sim_below(s, 20) : 0,
			  .shrink_ppm = 50000},
		.queries = at->query,
		.asks = at->ask,
		.hosts = s->listed ? at->id : NULL,
		.query_count = s->queries,
		.host_count = s->listed ? at->ids : 0,
		.forget_s = 10,
	};
	snprintf(at->plan.name, sizeof(at->plan.name), "coordinator");
	make_asks(s, at, child);
	if (child && !s->together)
		at->skew_ns = (__s64)sim_below(s, 3 * SIM_NS) - (__s64)SIM_NS;
	if (child)
		s->host[SIM_HOSTS].skew_ns = at->skew_ns;
	sim_coordinator_begin(s, at);
}

static void make(struct sim *s, __u64 seed)
{
	s->random = seed * 0x2545f4914f6cdd1dull;
	s->now_ns = s->start_ns = START_NS + sim_below(s, 100 * SIM_NS);
	s->end_ns = s->start_ns + SIM_TICKS * SIM_NS;
	s->quiet_ns = s->end_ns - SIM_QUIET * SIM_NS;
	s->method = seed % INTERVAL_METHODS;
	s->stacked = sim_chance(s, 4);
	s->together = sim_chance(s, 2);
	s->listed = !sim_chance(s, 3);
	s->hosts = s->stacked ? 3 + sim_below(s, SIM_HOSTS - 2) : 1 + sim_below(s, SIM_HOSTS);
	s->queries = 1 + sim_below(s, SIM_QUERIES);
	make_hosts(s);
	make_coordinator(s, &s->coordinator[0], false);
	if (s->stacked)
		make_coordinator(s, &s->coordinator[1], true);
}

/* --- What goes wrong ------------------------------------------------------------------------ */

static void crash(struct sim *s, struct sim_host *h)
{
	struct sim_connection *c = h->current >= 0 ? &h->connection[h->current] : NULL;

	if (c && sim_chance(s, 2))
		sim_queue_clear(&c->up);
	h->runs = false;
	sim_host_end(s, h, s->now_ns + sim_below(s, 6 * SIM_NS));
	s->totals->crashes++;
}

static void leave(struct sim *s, struct sim_host *h)
{
	if (h->wanted && h->welcome)
		sim_say(s, h, &h->connection[h->current], true, SIM_GOODBYE);
	if (h->wanted)
		sim_host_end(s, h, s->now_ns);
	h->wanted = !h->wanted;
}

static void set_clock(struct sim *s, struct sim_host *h)
{
	h->skew_ns += (__s64)sim_below(s, 8 * SIM_NS) - 4 * (__s64)SIM_NS;
	h->odd = true;
}

static void trouble_host(struct sim *s, struct sim_host *h)
{
	bool child = h == &s->host[SIM_HOSTS];

	switch (sim_below(s, 8)) {
	case 0:
	case 1:
	case 2:
		sim_break(s, h);
		break;
	case 3:
	case 4:
		h->stuck_until_ns = s->now_ns + sim_below(s, 7 * SIM_NS);
		break;
	case 5:
		if (!child)
			crash(s, h);
		break;
	case 6:
		if (!child)
			leave(s, h);
		break;
	default:
		if (!child && !s->together && sim_chance(s, 3))
			set_clock(s, h);
	}
}

static void trouble(struct sim *s)
{
	for (__u32 i = 0; i < SIM_NODES; i++) {
		if (is_used(s, i) && sim_chance(s, 400))
			trouble_host(s, &s->host[i]);
	}
	for (int n = 0; n < 1 + s->stacked; n++) {
		if (sim_chance(s, 2000))
			sim_coordinator_crash(s, &s->coordinator[n]);
		if (sim_chance(s, 500) && !s->stacked)
			sim_coordinator_replan(s, &s->coordinator[n]);
	}
}

static void calm(struct sim *s)
{
	for (__u32 i = 0; i < SIM_NODES; i++) {
		s->host[i].wanted = is_used(s, i);
		s->host[i].stuck_until_ns = 0;
		if (s->host[i].odd && s->host[i].welcome)
			sim_break(s, &s->host[i]);
		for (__u32 q = 0; q < SIM_QUERIES; q++)
			s->host[i].unknown[q] = false;
	}
}

/* --- Running -------------------------------------------------------------------------------- */

static void run(struct sim *s)
{
	while (s->now_ns < s->end_ns && !s->failed) {
		s->now_ns += 1000000 + sim_below(s, SIM_NS / 8);
		if (!sim_is_quiet(s))
			trouble(s);
		else
			calm(s);
		for (__u32 i = 0; i < s->hosts; i++)
			sim_host_turn(s, &s->host[i]);
		if (s->stacked) {
			sim_coordinator_turn(s, &s->coordinator[1]);
			sim_child_turn(s);
		}
		sim_coordinator_turn(s, &s->coordinator[0]);
	}
	if (!s->failed)
		sim_check_end(s);
}

bool sim_run(__u64 seed, struct sim_totals *totals, struct why *why)
{
	struct sim *s = calloc(1, sizeof(*s));
	bool good;

	if (!s)
		abort();
	s->totals = totals;
	make(s, seed);
	run(s);
	totals->runs++;
	*why = s->why;
	good = !s->failed;
	for (__u32 i = 0; i < SIM_NODES; i++)
		sim_connections_free(&s->host[i]);
	for (int n = 0; n < 2; n++)
		coordinator_free(s->coordinator[n].coordinator);
	free(s);
	return good;
}

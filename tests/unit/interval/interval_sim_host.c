// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The hosts: their values, and what `weir run` does with a source and a connection. */
#include <stdio.h>
#include <string.h>

#include "unit/interval/interval_sim.h"

static void walk(struct sim *s, struct sim_value *v)
{
	v->value += (__s64)sim_below(s, 2 * v->step + 1) - v->step;
	if (v->value < 0)
		v->value = -v->value;
}

/* Packets come in bursts: what arrives, and what leaves the window, moves the sum. */
static void burst(struct sim *s, struct sim_value *v)
{
	__u64 arrives;

	if (sim_chance(s, v->on ? 8 : 15))
		v->on = !v->on;
	arrives = v->on ? sim_below(s, 2 * v->rate + 1) : 0;
	memmove(v->slot, v->slot + 1, (v->window_s - 1) * sizeof(v->slot[0]));
	v->slot[v->window_s - 1] = arrives;
	v->value = 0;
	for (__u32 i = 0; i < v->window_s; i++)
		v->value += v->slot[i] * INTERVAL_ONE;
}

/* A second passes. */
void sim_host_values(struct sim *s, struct sim_host *h)
{
	for (__u32 q = 0; q < s->queries; q++) {
		if (h->value[q].bursty)
			burst(s, &h->value[q]);
		else
			walk(s, &h->value[q]);
		if (sim_chance(s, h->unknown[q] ? 3 : 200))
			h->unknown[q] = !h->unknown[q] && !sim_is_quiet(s);
	}
}

/* --- Sessions ------------------------------------------------------------------------------- */

static void connect_to(struct sim *s, struct sim_host *h)
{
	struct sim_coordinator *at = sim_coordinator_of(s, h);
	struct sim_connection *c = NULL;
	struct sim_word *word;

	for (int i = 0; i < SIM_CONNECTIONS && !c; i++) {
		c = &h->connection[i];
		h->current = i;
		if (c->at_host || c->at_coordinator)
			c = NULL;
	}
	if (!c || !at->coordinator) {
		h->current = -1;
		h->again_ns = s->now_ns + SIM_NS / 2 + sim_below(s, SIM_NS);
		return;
	}
	sim_queue_clear(&c->up);
	sim_queue_clear(&c->down);
	c->at_host = c->at_coordinator = true;
	c->session = 0;
	c->host_learns_ns = c->coordinator_learns_ns = ~0ull;
	h->welcome = false;
	word = sim_say(s, h, c, true, SIM_HELLO);
	word->hello = (struct interval_hello){
		.host = h->id,
		.instance = h->instance,
		.time_ms = (s->now_ns + h->skew_ns) / 1000000,
	};
	snprintf(word->hello.name, sizeof(word->hello.name), "host%u", h->id);
}

/* The host's end is closed; what is under way to the coordinator may still come. */
void sim_host_end(struct sim *s, struct sim_host *h, __u64 again_ns)
{
	struct sim_connection *c;

	h->welcome = false;
	h->again_ns = again_ns;
	if (h->current < 0)
		return;
	c = &h->connection[h->current];
	c->at_host = false;
	if (c->coordinator_learns_ns == ~0ull)
		c->coordinator_learns_ns = s->now_ns + sim_below(s, 2 * SIM_NS);
	sim_queue_clear(&c->down);
	h->current = -1;
}

static void begin(struct sim *s, struct sim_host *h, struct sim_connection *c,
		  const struct interval_welcome *welcome)
{
	for (__u32 q = 0; q < s->queries; q++) {
		struct sim_word *word = sim_say(s, h, c, true, SIM_ASK);

		word->ask.query = q;
		word->ask.width = h->source.count ? source_width(&h->source, q) : 0;
		h->lack[q][0] = '\0';
		h->granted[q] = 0;
	}
	source_begin(&h->source, &welcome->rules, s->queries);
	h->shift_s = welcome->shift_s;
	h->welcome = true;
}

static void listen_down(struct sim *s, struct sim_host *h)
{
	struct sim_connection *c = &h->connection[h->current];
	struct sim_word *word;

	while ((word = sim_hear(s, h, &c->down))) {
		if (word->kind == SIM_WELCOME)
			begin(s, h, c, &word->welcome);
		else if (source_grant(&h->source, &word->grant))
			sim_fail(s, "host %u refuses grant %u", h->id, word->grant.serial);
	}
	if (c->host_learns_ns <= s->now_ns)
		sim_host_end(s, h, s->now_ns + sim_below(s, SIM_NS));
}

/* --- Ticks ---------------------------------------------------------------------------------- */

/* Says who is missing in a value where that has changed; "": nobody. */
static void say_lack(struct sim *s, struct sim_host *h, struct sim_connection *c, __u32 query,
		     const char *missing)
{
	struct sim_word *word;

	if (!strcmp(h->lack[query], missing))
		return;
	snprintf(h->lack[query], sizeof(h->lack[query]), "%s", missing);
	word = sim_say(s, h, c, true, SIM_LACK);
	word->lack = (struct interval_lack){.query = query, .tick = h->source.tick};
	snprintf(word->lack.missing, sizeof(word->lack.missing), "%s", missing);
	s->totals->lacks++;
}

static void say_tick(struct sim *s, struct sim_host *h, __s64 tick,
		     const struct source_value *values, const char *const *missing)
{
	struct sim_connection *c = &h->connection[h->current];
	struct interval_update update[SIM_QUERIES];
	struct interval_tick done;
	__u32 updates = source_tick(&h->source, tick, values, update, &done);

	for (__u32 i = 0; i < updates; i++)
		sim_say(s, h, c, true, SIM_UPDATE)->update = update[i];
	for (__u32 q = 0; q < s->queries; q++)
		say_lack(s, h, c, q, missing[q]);
	sim_say(s, h, c, true, SIM_TICK)->tick = done;
}

static void tick(struct sim *s, struct sim_host *h)
{
	struct source_value values[SIM_QUERIES] = {0};
	const char *missing[SIM_QUERIES];
	__s64 now = h->second + h->shift_s;

	/* A busy host passes over a second. */
	if (!h->welcome || now <= h->source.tick || (sim_chance(s, 60) && !sim_is_quiet(s)))
		return;
	for (__u32 q = 0; q < s->queries; q++) {
		const struct sim_value *v = &h->value[q];

		values[q] = (struct source_value){
			.known = !h->unknown[q],
			.value = v->value,
			.slots = v->bursty ? v->slot : NULL,
			.slot_count = v->bursty ? v->window_s : 0,
		};
		missing[q] = h->unknown[q] ? "not measured" : "";
		sim_tell_truth(h, now, q, !h->unknown[q], v->value);
	}
	say_tick(s, h, now, values, missing);
}

static void keep_session(struct sim *s, struct sim_host *h)
{
	if (h->current >= 0)
		listen_down(s, h);
	if (h->current < 0 && h->wanted && s->now_ns >= h->again_ns)
		connect_to(s, h);
}

void sim_host_turn(struct sim *s, struct sim_host *h)
{
	__s64 second = (s->now_ns + h->skew_ns) / SIM_NS;

	if (!h->runs) {
		if (s->now_ns < h->again_ns)
			return;
		memset(&h->source, 0, sizeof(h->source));
		h->runs = true;
	}
	/* A clock that was put back. */
	if (second < h->second) {
		h->second = second;
		sim_host_end(s, h, s->now_ns + sim_below(s, SIM_NS));
	}
	keep_session(s, h);
	if (second == h->second)
		return;
	h->second = second;
	sim_host_values(s, h);
	tick(s, h);
}

/* --- A coordinator as a host ---------------------------------------------------------------- */

static const struct sim_answered *answered(const struct sim_coordinator *at, __u32 ask, __s64 when)
{
	const struct sim_answered *a = &at->answered[ask][when % SIM_TRUTHS];

	return a->tick == when ? a : NULL;
}

/* Its asks are one for each query, in their order. */
static void tick_child(struct sim *s, struct sim_host *h, const struct sim_coordinator *at)
{
	struct source_value values[SIM_QUERIES] = {0};
	const char *missing[SIM_QUERIES];
	__s64 now = h->second + h->shift_s;

	if (!h->welcome || now <= h->source.tick)
		return;
	for (__u32 q = 0; q < s->queries; q++) {
		const struct sim_answered *a = answered(at, q, h->second);

		if (!a)
			return;
	}
	for (__u32 q = 0; q < s->queries; q++) {
		const struct sim_answered *a = answered(at, q, h->second);

		values[q] = (struct source_value){
			.known = true,
			.value = a->low + (a->high - a->low) / 2,
			.error = (a->high - a->low + 1) / 2,
		};
		missing[q] = a->missing;
		sim_tell_truth(h, now, q, a->complete, a->truth);
	}
	say_tick(s, h, now, values, missing);
	s->totals->stacked++;
}

void sim_child_turn(struct sim *s)
{
	struct sim_coordinator *at = &s->coordinator[1];
	struct sim_host *h = &s->host[SIM_HOSTS];
	__s64 least = at->last[0];

	if (!at->coordinator) {
		sim_host_end(s, h, 0);
		memset(&h->source, 0, sizeof(h->source));
		return;
	}
	keep_session(s, h);
	for (__u32 q = 1; q < s->queries; q++)
		least = at->last[q] < least ? at->last[q] : least;
	if (least < h->second || least > h->second + SIM_TRUTHS / 2)
		h->second = least - 1; /* it was started again */
	while (h->second < least) {
		h->second++;
		tick_child(s, h, at);
	}
}

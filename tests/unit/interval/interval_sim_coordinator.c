// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What `weir coordinate` does with a coordinator and its connections. */
#include <stdio.h>
#include <string.h>

#include "unit/interval/interval_sim.h"

static __u64 clock_of(const struct sim *s, const struct sim_coordinator *at)
{
	return s->now_ns + at->skew_ns;
}

static struct sim_connection *connection_of(struct sim *s, const struct sim_coordinator *at,
					    __u32 session, struct sim_host **host)
{
	for (int i = 0; i < SIM_NODES; i++) {
		for (int k = 0; k < SIM_CONNECTIONS; k++) {
			struct sim_connection *c = &s->host[i].connection[k];

			*host = &s->host[i];
			if (c->at_coordinator && c->session == session &&
			    sim_coordinator_of(s, *host) == at)
				return c;
		}
	}
	return NULL;
}

static void take_grant(void *context, __u32 session, const struct interval_grant *grant)
{
	struct sim_coordinator *at = context;
	struct sim_host *h;
	struct sim_connection *c = connection_of(at->sim, at, session, &h);

	if (!c) {
		sim_fail(at->sim, "a grant for session %u, which is no more", session);
		return;
	}
	sim_say(at->sim, h, c, false, SIM_GRANT)->grant = *grant;
	at->sim->totals->raised += grant->width > h->granted[grant->query];
	at->sim->totals->lowered += grant->width < h->granted[grant->query];
	h->granted[grant->query] = grant->width;
}

static void take_answer(void *context, const struct coordinator_answer *answer)
{
	struct sim_coordinator *at = context;

	sim_check_answer(at->sim, at, answer);
}

void sim_coordinator_begin(struct sim *s, struct sim_coordinator *at)
{
	const struct coordinator_sink sink = {at, take_grant, take_answer};

	at->coordinator = coordinator_new(&at->plan, &sink, clock_of(s, at));
	if (!at->coordinator)
		sim_fail(s, "no memory");
	memset(at->last, 0, sizeof(at->last));
	memset(at->answered, 0, sizeof(at->answered));
	at->due_ns = 0;
	at->replanned_ns = s->now_ns;
}

/* The end of a connection at the coordinator; the host learns of it. */
static void close_here(struct sim *s, struct sim_host *h, struct sim_connection *c)
{
	c->at_coordinator = false;
	sim_queue_clear(&c->up);
	sim_queue_clear(&c->down);
	if (c->host_learns_ns == ~0ull)
		c->host_learns_ns = s->now_ns + sim_below(s, SIM_NS);
	h->settled_ns = 0;
}

static void close_all(struct sim *s, const struct sim_coordinator *at)
{
	for (int i = 0; i < SIM_NODES; i++) {
		struct sim_host *h = &s->host[i];

		for (int k = 0; k < SIM_CONNECTIONS && sim_coordinator_of(s, h) == at; k++) {
			if (h->connection[k].at_coordinator)
				close_here(s, h, &h->connection[k]);
		}
	}
}

static void count(struct sim *s, const struct sim_coordinator *at)
{
	struct sim_totals *t = s->totals;

	t->updates += coordinator_counted(at->coordinator, COORDINATOR_UPDATES);
	t->takeovers += coordinator_counted(at->coordinator, COORDINATOR_TAKEOVERS);
	t->silences += coordinator_counted(at->coordinator, COORDINATOR_SILENCES);
	t->skipped += coordinator_counted(at->coordinator, COORDINATOR_SKIPPED);
}

void sim_coordinator_crash(struct sim *s, struct sim_coordinator *at)
{
	if (!at->coordinator)
		return;
	count(s, at);
	coordinator_free(at->coordinator);
	at->coordinator = NULL;
	at->again_ns = s->now_ns + sim_below(s, 4 * SIM_NS);
	close_all(s, at);
	s->totals->crashes++;
}

/* Another precision of one answer, or, seldom, other rules. */
void sim_coordinator_replan(struct sim *s, struct sim_coordinator *at)
{
	struct coordinator_ask *ask = &at->ask[sim_below(s, at->plan.ask_count)];
	int code;

	if (!at->coordinator)
		return;
	if (sim_chance(s, 10))
		at->plan.rules.period_s = 5 + sim_below(s, 20);
	else
		ask->precision = ask->precision * (40 + sim_below(s, 200)) / 100;
	code = coordinator_replan(at->coordinator, &at->plan, clock_of(s, at));
	if (code < 0)
		sim_fail(s, "no memory");
	if (code > 0)
		close_all(s, at);
	at->replanned_ns = s->now_ns;
	at->due_ns = 0;
	s->totals->replans++;
}

/* --- What hosts say ------------------------------------------------------------------------- */

static int take_hello(struct sim *s, struct sim_coordinator *at, struct sim_host *h,
		      struct sim_connection *c, const struct interval_hello *hello, struct why *why)
{
	struct interval_welcome welcome;
	struct sim_connection *old;
	__u32 session, replaced = 0;
	struct sim_host *same;
	int code = coordinator_hello(at->coordinator, hello, clock_of(s, at), &welcome, &session,
				     &replaced, why);

	if (code)
		return code;
	h->odd = clock_of(s, at) + h->skew_ns - at->skew_ns > hello->time_ms * 1000000 + SIM_NS / 2;
	old = replaced ? connection_of(s, at, replaced, &same) : NULL;
	if (replaced && (!old || same != h))
		sim_fail(s, "session %u is replaced, which is none of host %u", replaced, h->id);
	if (old)
		close_here(s, h, old);
	c->session = session;
	at->members_ns = s->now_ns;
	sim_say(s, h, c, false, SIM_WELCOME)->welcome = welcome;
	return 0;
}

static int take_ask(struct sim *s, struct sim_coordinator *at, __u32 session,
		    const struct sim_word *word, struct why *why)
{
	const struct coordinator_query *q = &at->query[word->ask.query];
	struct interval_ask ask = {
		.query = word->ask.query,
		.window_ms = q->window_s * 1000,
		.width = word->ask.width,
	};

	memcpy(ask.measure, q->measure, sizeof(ask.measure));
	memcpy(ask.name, q->name, sizeof(ask.name));
	memcpy(ask.match, q->match, sizeof(ask.match));
	return coordinator_query(at->coordinator, session, &ask, clock_of(s, at), why);
}

static int take_tick(struct sim *s, struct sim_coordinator *at, struct sim_host *h, __u32 session,
		     const struct interval_tick *tick, struct why *why)
{
	h->spoke_ns = s->now_ns;
	if (!h->settled_ns) {
		h->settled_ns = s->now_ns;
		h->settled_tick = tick->tick;
	}
	return coordinator_tick(at->coordinator, session, tick, clock_of(s, at), why);
}

static int take(struct sim *s, struct sim_coordinator *at, struct sim_host *h,
		struct sim_connection *c, const struct sim_word *word, struct why *why)
{
	__u64 now_ns = clock_of(s, at);

	switch (word->kind) {
	case SIM_HELLO:
		return take_hello(s, at, h, c, &word->hello, why);
	case SIM_ASK:
		return take_ask(s, at, c->session, word, why);
	case SIM_UPDATE:
		return coordinator_update(at->coordinator, c->session, &word->update, now_ns, why);
	case SIM_LACK:
		return coordinator_lack(at->coordinator, c->session, &word->lack, now_ns, why);
	case SIM_TICK:
		return take_tick(s, at, h, c->session, &word->tick, why);
	default:
		coordinator_end(at->coordinator, c->session, true, now_ns);
		close_here(s, h, c);
		at->members_ns = s->now_ns;
		return 0;
	}
}

/* A clock that was set, or a greeting that was long under way, makes ticks that cannot be; and so do
 * answers of a child that has such a host. */
static bool may_refuse(struct sim *s, const struct sim_host *h)
{
	bool odd = h->odd;

	for (__u32 i = 0; i < s->hosts && h == &s->host[SIM_HOSTS]; i++)
		odd |= s->host[i].odd;
	return odd;
}

static bool listen_up(struct sim *s, struct sim_coordinator *at, struct sim_host *h,
		      struct sim_connection *c)
{
	struct why why = {};
	struct sim_word *heard, word;
	bool any = false;

	while (c->at_coordinator && !s->failed && (heard = sim_hear(s, h, &c->up))) {
		any = true;
		word = *heard;
		if (!take(s, at, h, c, &word, &why))
			continue;
		if (!may_refuse(s, h))
			sim_fail(s, "host %u is refused: %s", h->id, why.text);
		s->totals->refusals++;
		coordinator_end(at->coordinator, c->session, false, clock_of(s, at));
		close_here(s, h, c);
	}
	if (!c->at_coordinator || c->coordinator_learns_ns > s->now_ns || c->up.count)
		return any;
	/* The host has closed it, or it broke. */
	if (c->session)
		coordinator_end(at->coordinator, c->session, false, clock_of(s, at));
	close_here(s, h, c);
	return true;
}

void sim_coordinator_turn(struct sim *s, struct sim_coordinator *at)
{
	bool any = false;

	if (!at->coordinator) {
		if (s->now_ns < at->again_ns)
			return;
		sim_coordinator_begin(s, at);
	}
	for (int i = 0; i < SIM_NODES; i++) {
		struct sim_host *h = &s->host[i];

		for (int k = 0; k < SIM_CONNECTIONS && sim_coordinator_of(s, h) == at; k++) {
			if (h->connection[k].at_coordinator)
				any |= listen_up(s, at, h, &h->connection[k]);
		}
	}
	if ((any || clock_of(s, at) >= at->due_ns) && !s->failed)
		at->due_ns = coordinator_turn(at->coordinator, clock_of(s, at));
	sim_check_silence(s, at);
	if (s->now_ns >= s->end_ns)
		count(s, at);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A coordinator adds up what many hosts count, and says each second within which bounds the sum is.
 * What makes that hard is that hosts, clocks and networks are late, die and come back, and an answer
 * must be true all the same, or say whom it lacks. This file is the order of events; what follows
 * from them is next door:
 *
 *   host ──HELLO──→ admit ─→ session ──ASK──→ object: this query of this host
 *                                    ──UPDATE─→ object.said[]     where its value goes from a tick
 *                                    ──LACK───→ object.lack[]     whom a coordinator below misses
 *                                    ──SINCE──→ object.counted[]  since when it counts
 *                                    ──TICK───→ host.confirmed    "that was all up to this tick"
 *                                                 ├─→ width_confirm()    grants that it now keeps
 *                                                 └─→ answer_confirm()   answers that waited for it
 *   time ────────────────────────────────────────→ coordinator_turn()    silences, widths, answers
 *
 * Nothing is counted before the tick that completes it, so it does not matter how late a message
 * is. A tick that comes COORDINATOR_LATE_TICKS behind our clock, or no tick for
 * COORDINATOR_SILENT_NS, makes the host missing: answers stop waiting for it and name it. It is
 * back with its next tick in time.
 *
 * A word that cannot be ends the session, and the host starts again with a hello: both sides then
 * agree on nothing being granted. A host that is already here keeps its number, unless the newcomer
 * proves to be the same one (instance) or the old one is silent.
 *
 * `floor` is the first tick for which nothing has been counted on yet; grants take effect from
 * there (coordinator_width.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "interval/coordinator_internal.h"

const struct coordinator_count_name coordinator_count_names[COORDINATOR_COUNT_MAX] = {
#define X(id, name, text) [COORDINATOR_##id] = {#name, text},
	COORDINATOR_COUNTS(X)
#undef X
};

void coordinator_advance(struct coordinator *c, __u64 now_ns)
{
	if (now_ns > c->now_ns)
		c->now_ns = now_ns;
	c->tick = c->now_ns / NS_PER_S;
	if (c->floor < c->tick)
		c->floor = c->tick;
}

/* --- Sessions ----------------------------------------------------------------------------- */

static struct host *host_of(struct coordinator *c, __u32 session)
{
	struct host *h = NULL;

	HASH_FIND(hh, c->sessions, &session, sizeof(session), h);
	return h;
}

static void session_end(struct coordinator *c, struct host *h)
{
	if (!h->session)
		return;
	HASH_DEL(c->sessions, h);
	h->session = 0;
	/* What it said still counts up to its last tick: its width is free from the next. */
	if (c->floor <= h->confirmed)
		c->floor = h->confirmed + 1;
	c->recount = true;
}

static int session_begin(struct coordinator *c, struct host *h, const struct interval_hello *hello)
{
	__s64 skew_ms = (__s64)hello->time_ms - (__s64)(c->now_ns / 1000000);

	h->session = ++c->last_session;
	HASH_ADD(hh, c->sessions, session, sizeof(h->session), h);
	if (!h->hh.tbl) {
		h->session = 0;
		return -ENOMEM;
	}
	h->instance = hello->instance;
	memcpy(h->name, hello->name, sizeof(h->name));
	c->changed |= h->left;
	h->missing = h->late = h->left = false;
	h->heard_ns = c->now_ns;
	h->late_ns = 0;
	h->since = c->tick;
	h->confirmed = h->latest = 0;
	h->ticked = 0;
	h->skew_ms = skew_ms > INT32_MAX ? INT32_MAX : skew_ms < INT32_MIN ? INT32_MIN : skew_ms;
	h->serial = 0;
	h->updates = h->grants = 0;
	for (__u32 n = 0; n < SOURCE_QUERIES; n++)
		h->query[n] = -1;
	for (__u32 q = 0; q < c->plan.query_count; q++) {
		c->changed |= h->refused[q] != NULL;
		free(h->refused[q]);
		h->refused[q] = NULL;
		if (h->object[q])
			object_begin(h->object[q], 0);
	}
	c->recount = true;
	c->count[COORDINATOR_SESSIONS]++;
	return 0;
}

/* May the host have a session? */
static int admit(struct coordinator *c, const struct host *h, const struct interval_hello *hello,
		 struct why *why)
{
	const struct coordinator_plan *p = &c->plan;

	if (!hello->host)
		return why_set(why, -EINVAL, "host 0: hosts are numbered from 1");
	if (p->hosts && !plan_lists(p->hosts, p->host_count, hello->host)) {
		c->count[COORDINATOR_STRANGERS]++;
		return why_set(why, -EACCES, "host %u (%s) is not in `coordinate.hosts`",
			       hello->host, hello->name);
	}
	if (!h && p->host_most && c->hosts >= p->host_most) {
		c->count[COORDINATOR_STRANGERS]++;
		return why_set(why, -EACCES, "host %u is one too many: %u are known", hello->host,
			       c->hosts);
	}
	if (h && h->session && h->instance != hello->instance &&
	    c->now_ns - h->heard_ns < COORDINATOR_SILENT_NS) {
		c->count[COORDINATOR_TWICE]++;
		return why_set(why, -EEXIST,
			       "host %u is here already: another machine, '%s', has that number",
			       hello->host, h->name);
	}
	return 0;
}

static __s32 shift_of(const struct host *h)
{
	__s32 half = h->skew_ms > 0 ? 500 : -500;

	if (h->skew_ms >= -COORDINATOR_SKEW_MS && h->skew_ms <= COORDINATOR_SKEW_MS)
		return 0;
	return -(__s32)(((__s64)h->skew_ms + half) / 1000);
}

int coordinator_hello(struct coordinator *c, const struct interval_hello *hello, __u64 now_ns,
		      struct interval_welcome *out, __u32 *session, __u32 *replaced,
		      struct why *why)
{
	struct host *h = host_find(c, hello->host);
	__u32 old;
	int code;

	coordinator_advance(c, now_ns);
	code = admit(c, h, hello, why);
	if (code)
		return code;
	h = h ? h : host_new(c, hello->host);
	if (!h)
		return why_set(why, -ENOMEM, "no memory for another host");
	old = h->session;
	session_end(c, h);
	if (session_begin(c, h, hello))
		return why_set(why, -ENOMEM, "no memory for another host");
	c->count[COORDINATOR_TAKEOVERS] += old > 0;
	*replaced = old;
	*session = h->session;
	*out = (struct interval_welcome){.rules = c->plan.rules, .shift_s = shift_of(h)};
	memcpy(out->name, c->plan.name, sizeof(out->name));
	return 0;
}

void coordinator_end(struct coordinator *c, __u32 session, bool leaves, __u64 now_ns)
{
	struct host *h = host_of(c, session);

	coordinator_advance(c, now_ns);
	if (!h)
		return;
	session_end(c, h);
	h->left = leaves;
	if (!leaves)
		return;
	c->changed = true;
	for (__u32 q = 0; q < c->plan.query_count; q++) {
		if (h->object[q])
			object_free(c, h->object[q]);
	}
	width_anew(c);
}

/* --- What hosts say ----------------------------------------------------------------------- */

static int bad(struct coordinator *c, int code)
{
	c->count[COORDINATOR_BAD]++;
	return code;
}

static int find_query(const struct coordinator *c, const char *name)
{
	for (__u32 q = 0; q < c->plan.query_count; q++) {
		if (!strcmp(c->plan.queries[q].name, name))
			return q;
	}
	return -1;
}

void coordinator_asked(const struct coordinator *c, const char *name, struct interval_ask *out)
{
	const int q = find_query(c, name);
	const struct coordinator_query *query = &c->plan.queries[q < 0 ? 0 : q];

	*out = (struct interval_ask){0};
	snprintf(out->name, sizeof(out->name), "%s", name);
	if (q < 0)
		return;
	out->window_ms = query->window_s * 1000;
	memcpy(out->measure, query->measure, sizeof(out->measure));
	memcpy(out->match, query->match, sizeof(out->match));
}

int coordinator_query(struct coordinator *c, __u32 session, const struct interval_ask *ask,
		      __u64 now_ns, struct why *why)
{
	struct host *h = host_of(c, session);
	struct interval_ask here;
	struct object *o;
	struct why other;
	int q, code;

	coordinator_advance(c, now_ns);
	if (!h || ask->query >= SOURCE_QUERIES || h->query[ask->query] >= 0 || h->confirmed)
		return bad(c, why_set(why, -EPROTO, "query %u is declared twice, or late",
				      ask->query));
	q = find_query(c, ask->name);
	if (q < 0)
		return why_set(why, -ENOENT, "no query named '%s' on this coordinator", ask->name);
	coordinator_asked(c, ask->name, &here);
	code = interval_ask_compare(ask, "there", &here, &other);
	if (code) {
		c->changed |= !h->refused[q];
		free(h->refused[q]);
		h->refused[q] = strdup(other.text);
		if (h->object[q])
			object_free(c, h->object[q]);
		c->count[COORDINATOR_OTHER_QUERY]++;
		return why_set(why, code, "%s", other.text);
	}
	for (__u32 n = 0; n < SOURCE_QUERIES; n++) {
		if (h->query[n] == q)
			return bad(c, why_set(why, -EPROTO, "'%s' is declared twice", ask->name));
	}
	o = h->object[q] ? h->object[q] : object_new(c, h, q, ask->width);
	if (!o)
		return why_set(why, -ENOMEM, "no memory for another query");
	object_begin(o, ask->query);
	h->query[ask->query] = q;
	c->moving = true;
	return 0;
}

/* The object that a host speaks of; NULL: it is left out. -EPROTO: it was never declared. */
static int object_of(struct coordinator *c, struct host *h, __u32 number, struct object **out,
		     struct why *why)
{
	if (!h || number >= SOURCE_QUERIES)
		return bad(c, why_set(why, -EPROTO, "there is no query %u", number));
	*out = h->query[number] >= 0 ? h->object[h->query[number]] : NULL;
	return 0;
}

static int check_tick(struct coordinator *c, const struct host *h, __s64 tick, struct why *why)
{
	if (tick <= h->confirmed || tick < h->latest)
		return bad(c,
			   why_set(why, -EPROTO, "tick %lld comes after tick %lld", (long long)tick,
				   (long long)(tick < h->latest ? h->latest : h->confirmed)));
	if (tick > c->tick + AHEAD_TICKS)
		return bad(c, why_set(why, -EPROTO, "its clock is ahead by %lld s",
				      (long long)(tick - c->tick)));
	return 0;
}

/* A host says something of its query at `tick`. As object_of(). */
static int hear(struct coordinator *c, struct host *h, __u32 query, __s64 tick, __u64 now_ns,
		struct object **o, struct why *why)
{
	int code;

	coordinator_advance(c, now_ns);
	code = object_of(c, h, query, o, why);
	return code ? code : check_tick(c, h, tick, why);
}

int coordinator_update(struct coordinator *c, __u32 session, const struct interval_update *update,
		       __u64 now_ns, struct why *why)
{
	struct host *h = host_of(c, session);
	struct object *o = NULL;
	int code = hear(c, h, update->query, update->course.tick, now_ns, &o, why);

	if (code || !o)
		return code;
	if (o->said_count && said_newest(o)->course.tick >= update->course.tick)
		return bad(c, why_set(why, -EPROTO, "two updates of query %u at one tick",
				      update->query));
	if (update->width > width_of(c, o, update->course.tick))
		return bad(c, why_set(why, -EPROTO, "query %u is wider there than was granted",
				      update->query));
	o->said_at = (o->said_at + 1) % HISTORY;
	o->said_count += o->said_count < HISTORY;
	o->said[o->said_at] = (struct saying){.course = update->course, .error = update->error};
	/* A host that has just begun does not know yet. */
	if (update->step)
		o->step = update->step;
	h->latest = update->course.tick;
	h->updates++;
	c->allocation.object[o->index].updates++;
	c->count[COORDINATOR_UPDATES]++;
	return 0;
}

int coordinator_lack(struct coordinator *c, __u32 session, const struct interval_lack *lack,
		     __u64 now_ns, struct why *why)
{
	struct host *h = host_of(c, session);
	struct object *o = NULL;
	char *missing = NULL;
	int code = hear(c, h, lack->query, lack->tick, now_ns, &o, why);

	if (code || !o)
		return code;
	if (lack->missing[0] && !(missing = strdup(lack->missing)))
		return why_set(why, -ENOMEM, "no memory");
	h->latest = lack->tick;
	free(o->lack[1].missing);
	o->lack[1] = o->lack[0];
	o->lack[0].from = lack->tick;
	o->lack[0].missing = missing;
	return 0;
}

int coordinator_since(struct coordinator *c, __u32 session, const struct interval_since *since,
		      __u64 now_ns, struct why *why)
{
	struct host *h = host_of(c, session);
	struct object *o = NULL;
	int code = hear(c, h, since->query, since->tick, now_ns, &o, why);

	if (code || !o)
		return code;
	h->latest = since->tick;
	if (o->counted[0].from != since->tick)
		o->counted[1] = o->counted[0];
	o->counted[0].from = since->tick;
	o->counted[0].since = since->since;
	return 0;
}

static __u64 shift_in(__u64 bits, __s64 ticks, bool bit)
{
	return ticks < 64 ? bits << ticks | bit : bit;
}

/* A clock was set, or has drifted: the host's ticks will not be in time again by themselves. */
static bool lags(const struct coordinator *c, struct host *h, __s64 tick)
{
	if (c->tick - tick <= COORDINATOR_LATE_TICKS)
		h->late_ns = 0;
	else if (!h->late_ns)
		h->late_ns = c->now_ns;
	return h->late_ns && c->now_ns - h->late_ns >= COORDINATOR_LAG_NS;
}

int coordinator_tick(struct coordinator *c, __u32 session, const struct interval_tick *tick,
		     __u64 now_ns, struct why *why)
{
	struct host *h = host_of(c, session);
	__s64 before;
	int code;

	coordinator_advance(c, now_ns);
	if (!h || tick->serial > h->serial)
		return bad(c, why_set(why, -EPROTO, "grant %u was never sent", tick->serial));
	code = check_tick(c, h, tick->tick, why);
	if (code)
		return code;
	if (lags(c, h, tick->tick))
		return bad(c, why_set(why, -EPROTO, "its clock lags by %lld s",
				      (long long)(c->tick - tick->tick)));
	before = h->confirmed;
	h->heard_ns = c->now_ns;
	h->confirmed = h->known = tick->tick;
	h->ticked = shift_in(h->ticked, tick->tick - before, true);
	for (__u32 q = 0; q < c->plan.query_count; q++) {
		struct object *o = h->object[q];

		if (!o)
			continue;
		o->lacked = shift_in(o->lacked, tick->tick - before, o->lack[0].missing);
		if (o->said_count && !o->lack[0].missing)
			o->whole = tick->tick;
	}
	if (c->floor < tick->tick)
		c->floor = tick->tick;
	c->count[COORDINATOR_TICKS]++;
	width_confirm(c, h, tick->tick, tick->serial);
	h->late = c->tick - h->confirmed > COORDINATOR_LATE_TICKS;
	if (h->missing && !h->late) {
		h->missing = false;
		c->recount = true;
		/* Budgets may have become less meanwhile. */
		width_anew(c);
	}
	if (!before)
		c->recount = true;
	else if (!c->changed && !c->recount)
		answer_confirm(c, h, before);
	return 0;
}

/* --- Time --------------------------------------------------------------------------------- */

/* Marks who has fallen silent, forgets who has been for long. When the next one is due. */
static __u64 watch(struct coordinator *c)
{
	const __u64 forget_ns = c->plan.forget_s ? c->plan.forget_s * NS_PER_S : ~0ull;
	__u64 due_ns = ~0ull;

	for (__u32 i = 0; i < c->hosts; i++) {
		struct host *h = c->host[i];
		__u64 silent_ns = c->now_ns - h->heard_ns;

		if (host_is_live(h)) {
			h->late = h->confirmed && c->tick - h->confirmed > COORDINATOR_LATE_TICKS;
			if (silent_ns >= COORDINATOR_SILENT_NS || h->late) {
				h->missing = true;
				c->recount = true;
				c->count[COORDINATOR_SILENCES]++;
			} else if (h->heard_ns + COORDINATOR_SILENT_NS < due_ns) {
				due_ns = h->heard_ns + COORDINATOR_SILENT_NS;
			}
		} else if (!h->session && (h->left || silent_ns >= forget_ns) &&
			   !plan_expects(&c->plan, h->id)) {
			host_remove(c, h);
			i--;
		}
	}
	return due_ns;
}

__u64 coordinator_turn(struct coordinator *c, __u64 now_ns)
{
	__u64 due_ns, next_ns;
	bool tick, changed, recount;

	coordinator_advance(c, now_ns);
	due_ns = watch(c);
	next_ns = (c->tick + 1) * NS_PER_S;
	tick = c->turned < c->tick;
	changed = c->changed;
	recount = c->recount;
	c->recount = false;
	if (changed && plan_link(c))
		return c->now_ns + NS_PER_S / 10; /* memory may come back */
	c->turned = c->tick;
	width_turn(c, tick);
	for (__u32 i = 0; i < c->plan.ask_count; i++) {
		if (changed || recount || (tick && !c->answer[i].waiting))
			answer_turn(c, i);
	}
	due_ns = due_ns < next_ns ? due_ns : next_ns;
	return due_ns < c->anew_ns ? due_ns : c->anew_ns;
}

/* --- Begin, end, look --------------------------------------------------------------------- */

struct coordinator *coordinator_new(const struct coordinator_plan *plan,
				    const struct coordinator_sink *sink, __u64 now_ns)
{
	struct coordinator *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->sink = *sink;
	c->now_ns = now_ns;
	c->tick = c->floor = now_ns / NS_PER_S;
	c->anew_ns = ~0ull;
	c->bytes = sizeof(*c);
	if (plan_copy(plan, &c->plan) ||
	    !(c->answer = calloc(plan->ask_count + 1, sizeof(*c->answer))) || plan_link(c)) {
		coordinator_free(c);
		return NULL;
	}
	return c;
}

void coordinator_free(struct coordinator *c)
{
	if (!c)
		return;
	hosts_drop(c);
	answers_free(c->answer, c->plan.ask_count);
	free(c->host);
	free(c->object);
	free(c->allocation.object);
	free(c->allocation.answer);
	free(c->member);
	plan_free(&c->plan);
	free(c);
}

__u64 coordinator_counted(const struct coordinator *c, enum coordinator_count what)
{
	return c->count[what];
}

__u64 coordinator_bytes(const struct coordinator *c)
{
	return c->bytes;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An answer as of tick t is due when every member that is there has confirmed t. So that this costs
 * little with thousands of hosts, an answer counts those it still waits for:
 *
 *   goal = t + 1    waiting = 3 ──tick of a host──→ 2 ──→ 1 ──→ 0: answer, count again
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "interval/coordinator_internal.h"

__extension__ typedef __int128 wide;

static __s64 clamp(wide sum)
{
	const wide limit = INT64_MAX;

	return sum > limit ? INT64_MAX : sum < -limit ? -INT64_MAX : (__s64)sum;
}

static const struct saying *said_at(const struct object *o, __s64 tick)
{
	for (__u32 n = 0; n < o->said_count; n++) {
		const struct saying *s = &o->said[(o->said_at + HISTORY - n) % HISTORY];

		if (s->course.tick <= tick)
			return s;
	}
	return NULL;
}

static const char *lack_at(const struct object *o, __s64 tick)
{
	return o->lack[0].from <= tick ? o->lack[0].missing : o->lack[1].missing;
}

static __s64 counted_since(const struct object *o, __s64 tick)
{
	return o->counted[o->counted[0].from > tick].since;
}

/* Why a host is missing that has told nothing of a tick. */
static const char *why_missing(const struct host *h, __u32 query, const struct object *o)
{
	if (!h)
		return "has not come yet";
	if (h->left)
		return "has left";
	if (h->refused[query])
		return h->refused[query];
	if (!h->session)
		return "not connected";
	if (h->missing)
		return h->late ? "late" : "silent";
	if (!h->confirmed)
		return "has told nothing yet";
	return !o ? "does not ask this query" : "did not tell this second";
}

static void part_missing(struct coordinator_part *p, __s64 since, const char *what, const char *why)
{
	const int length = snprintf(p->why, sizeof(p->why), "%s%s", what, why);

	p->missing = true;
	p->since = since;
	if (length < 0 || (size_t)length < sizeof(p->why))
		return;
	strcpy(p->why + utf8_cut(p->why, sizeof(p->why) - sizeof("...")), "...");
}

/* A count is never below 0, even if the interval reaches there: the answer is [0, high]. Filters and
 * budgets use the whole interval. */
static void part_clamp(struct coordinator_part *p)
{
	const __s64 half = (__s64)(p->width / 2), high = p->centre + half;

	if (p->centre >= half)
		return;
	p->centre = high > 0 ? high / 2 + high % 2 : 0;
	p->width = 2 * (__u64)p->centre;
}

static void part_make(const struct coordinator *c, const struct member *m, __u32 query, __s64 tick,
		      struct coordinator_part *p)
{
	const struct host *h = m->host;
	const struct object *o = h ? h->object[query] : NULL;
	const struct saying *s = o ? said_at(o, tick) : NULL;

	*p = (struct coordinator_part){.host = m->id, .name = h ? h->name : ""};
	if (o && !h->refused[query] && host_told(h, tick) && object_lacked(o, tick)) {
		const char *lack = lack_at(o, tick);

		part_missing(p, o->whole < tick ? o->whole : tick - 1, lack ? "lacks " : "",
			     lack ? lack : "has not measured it");
		return;
	}
	if (!s || !host_told(h, tick) || !width_is_known(o, tick)) {
		part_missing(p, h ? h->known : 0, "", why_missing(h, query, o));
		return;
	}
	p->counted_since = counted_since(o, tick);
	p->centre = interval_centre(&s->course, tick);
	p->width = width_of(c, o, tick);
	if (p->width < 2 * s->error)
		p->width = 2 * s->error;
}

/* Of those that are there the latest, unless one does not know. */
static __s64 latest_since(const struct coordinator_part *parts, __u32 count)
{
	__s64 latest = 0;

	for (__u32 i = 0; i < count; i++) {
		if (parts[i].missing)
			continue;
		if (!parts[i].counted_since)
			return 0;
		if (parts[i].counted_since > latest)
			latest = parts[i].counted_since;
	}
	return latest;
}

static void give(struct coordinator *c, __u32 ask, __s64 tick)
{
	struct answer *a = &c->answer[ask];
	const struct coordinator_ask *asked = &c->plan.asks[ask];
	struct coordinator_answer *out = &a->last;
	wide centre = 0, width = 0, low = 0, high = 0;

	*out = (struct coordinator_answer){
		.ask = asked,
		.query = &c->plan.queries[asked->query],
		.index = ask,
		.tick = tick,
		.parts = a->part,
		.part_count = a->members,
	};
	for (__u32 i = 0; i < a->members; i++) {
		struct coordinator_part *p = &a->part[i];

		part_make(c, &a->member[i], asked->query, tick, p);
		low += p->centre - (wide)(p->width / 2);
		high += p->centre + (wide)(p->width / 2);
		part_clamp(p);
		centre += p->centre;
		width += p->width;
		out->missing += p->missing;
	}
	out->counted_since = latest_since(a->part, a->members);
	out->sum_low = clamp(low);
	out->sum_high = clamp(high);
	out->present = a->members - out->missing;
	out->low = clamp(centre - width / 2);
	out->high = clamp(centre + width / 2);
	out->budget = width_budget(c, ask, out->low);
	out->precise = !out->missing && width <= out->budget;
	c->count[COORDINATOR_ANSWERS]++;
	c->count[COORDINATOR_INCOMPLETE] += out->missing > 0;
	if (c->sink.answer)
		c->sink.answer(c->sink.context, out);
}

/* The tick up to which an answer can be given. */
static __s64 ready(const struct coordinator *c, const struct answer *a)
{
	__s64 least = INT64_MAX;

	for (__u32 i = 0; i < a->members; i++) {
		const struct host *h = a->member[i].host;

		if (h && host_is_awaited(h) && h->confirmed < least)
			least = h->confirmed;
	}
	/* Nobody is there to wait for. */
	return least == INT64_MAX ? c->tick - 1 : least;
}

static void count_waiting(struct answer *a)
{
	a->waiting = 0;
	a->goal = a->last.tick + 1;
	for (__u32 i = 0; i < a->members; i++) {
		const struct host *h = a->member[i].host;

		a->waiting += h && host_is_awaited(h) && h->confirmed < a->goal;
	}
}

void answer_turn(struct coordinator *c, __u32 ask)
{
	struct answer *a = &c->answer[ask];
	__s64 to = ready(c, a), from = a->last.tick + 1;

	/* When the last one leaves, the sum is nought and has to be said; before the first comes,
	 * nothing is known. */
	a->peopled |= a->members > 0;
	if (!a->peopled)
		return;
	if (a->last.tick && to - from >= HISTORY - 2) {
		c->count[COORDINATOR_SKIPPED] += to - from;
		from = to;
	}
	if (!a->last.tick)
		from = to;
	for (; to > 0 && from <= to; from++)
		give(c, ask, from);
	count_waiting(a);
}

void answer_confirm(struct coordinator *c, struct host *h, __s64 from)
{
	for (__u32 i = 0; i < h->asks; i++) {
		struct answer *a = &c->answer[h->ask[i]];

		/* Before the first answer any tick will do. */
		if (from >= a->goal || h->confirmed < a->goal || !a->waiting)
			continue;
		if (!--a->waiting)
			answer_turn(c, h->ask[i]);
	}
}

bool coordinator_last(const struct coordinator *c, __u32 index, struct coordinator_answer *out)
{
	if (index >= c->plan.ask_count || !c->answer[index].last.ask)
		return false;
	*out = c->answer[index].last;
	return true;
}

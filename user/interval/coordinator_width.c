// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Widths on their way to the allocator's targets. At every tick from c->floor on
 *
 *   sum over an answer's objects of the width that counts <= its budget
 *
 * where the width that counts is the wider of what the host may be using and what it was granted:
 *
 *   raise  ──grant──────────────────────→ host uses it          counts from the grant's tick on
 *   lower  ──grant──→ host uses it ──tick──→ confirmed          counts until that tick
 *
 * so lowering comes first, and what it frees is given out only when it is confirmed.
 */
#include <string.h>

#include "interval/coordinator_internal.h"

#define MILLION 1000000ull
#define BUDGET_ROOM_PPM 900000  /* a relative budget is this part of what it may be ... */
#define BUDGET_LEAST_PPM 700000 /* ... and is made larger when it has become less than that */

void width_push(struct object *o, __s64 from, __s64 base, __u64 width)
{
	/* What held for no tick is written over. */
	if (!o->width_count || width_newest(o)->from < from) {
		o->width_at = (o->width_at + 1) % WIDTHS;
		o->width_count += o->width_count < WIDTHS;
	}
	o->width[o->width_at] = (struct width){.from = from, .base = base, .width = width};
}

__u64 width_of(const struct coordinator *c, const struct object *o, __s64 tick)
{
	const struct width *w = NULL;

	for (__u32 n = 0; n < o->width_count; n++) {
		w = &o->width[(o->width_at + WIDTHS - n) % WIDTHS];
		if (w->from <= tick)
			break;
	}
	return w ? interval_width_at(&c->plan.rules, w->width, w->base, tick) : 0;
}

bool width_is_known(const struct object *o, __s64 tick)
{
	const struct width *oldest = &o->width[(o->width_at + 1) % WIDTHS];

	return o->width_count < WIDTHS || oldest->from <= tick;
}

/* What counts against budgets beside `least`: of a host that is gone, what it will have when it
 * comes back. */
static __u64 held(const struct coordinator *c, const struct object *o)
{
	__u64 width;

	if (!object_is_asked(o))
		return c->allocation.object[o->index].target;
	width = width_of(c, o, c->floor);
	return width > o->least ? width - o->least : 0;
}

/* Targets and budgets of allocators are without it. */
static __u64 wanted(const struct coordinator *c, const struct object *o)
{
	const __u64 width = c->allocation.object[o->index].target + o->least;

	return (width > INTERVAL_WIDTH_MAX ? INTERVAL_WIDTH_MAX : width) & ~1ull;
}

/* Errors of a coordinator as a host move with its own widths: in steps, as relative budgets do. */
static bool set_least(struct object *o)
{
	const struct saying *s = said_newest(o);
	__u64 least = s ? 2 * s->error : o->least;

	/* Without somebody's values errors are less, until those are back. */
	if (least <= o->least && (2 * least >= o->least || o->lack[0].missing))
		return false;
	o->least = (least + least / 4) & ~1ull;
	return true;
}

void width_confirm(struct coordinator *c, struct host *h, __s64 tick, __u32 serial)
{
	for (__u32 q = 0; q < c->plan.query_count; q++) {
		struct object *o = h->object[q];

		if (!o || !o->lowers || o->lower.serial > serial)
			continue;
		width_push(o, tick, o->lower.tick, o->lower.width);
		o->lowers = false;
		c->moving = true;
	}
}

/* --- Budgets ------------------------------------------------------------------------------ */

static __u64 times(__u64 value, __u64 ppm)
{
	__extension__ unsigned __int128 product = (unsigned __int128)value * ppm / MILLION;

	return product > INTERVAL_WIDTH_MAX ? INTERVAL_WIDTH_MAX : (__u64)product;
}

__u64 width_budget(const struct coordinator *c, __u32 ask, __s64 low)
{
	const struct coordinator_ask *asked = &c->plan.asks[ask];
	__u64 rate, least = INTERVAL_ONE;

	if (asked->relative) {
		rate = low > 0 ? times(low, asked->precision) : 0;
		return (rate > least ? rate : least) & ~1ull;
	}
	/* Millionths per second to thousandths in the window. */
	rate = times(asked->precision,
		     (__u64)INTERVAL_ONE * c->plan.queries[asked->query].window_s);
	if (asked->aggregate == COORDINATOR_AVG)
		rate = times(rate, MILLION * c->answer[ask].members);
	return rate & ~1ull;
}

/* What is given out of an answer's budget. A relative one moves with the answer: in steps, and
 * below what it may be, so that small moves of the answer move no widths. */
static bool set_budget(struct coordinator *c, __u32 ask)
{
	const struct coordinator_ask *asked = &c->plan.asks[ask];
	struct answer *a = &c->answer[ask];
	__u64 most = width_budget(c, ask, a->last.sum_low), budget = a->budget;

	if (!asked->relative)
		budget = most;
	else if (!a->last.tick)
		budget = 0; /* of what is not known yet */
	else if (budget > most || budget < times(most, BUDGET_LEAST_PPM) || !budget)
		budget = times(most, BUDGET_ROOM_PPM) & ~1ull;
	c->allocation.answer[ask].budget = budget;
	if (budget == a->budget)
		return false;
	a->budget = budget;
	return true;
}

/* --- Grants ------------------------------------------------------------------------------- */

static void send_grant(struct coordinator *c, struct object *o, __u64 width)
{
	struct interval_grant grant = {
		.query = o->number,
		.serial = ++o->host->serial,
		.tick = c->floor,
		.width = width,
	};

	if (width < width_of(c, o, c->floor)) {
		o->lowers = true;
		o->lower = grant;
	} else {
		width_push(o, c->floor, c->floor, width);
	}
	o->host->grants++;
	c->count[COORDINATOR_GRANTS]++;
	c->sink.grant(c->sink.context, o->host->session, &grant);
}

/* Widths and errors are what hosts say they are: many may be more than fits. */
static void add(__u64 *sum, __u64 more)
{
	*sum = more > ~0ull - *sum ? ~0ull : *sum + more;
}

static void sum_held(struct coordinator *c)
{
	struct allocation *a = &c->allocation;

	for (__u32 i = 0; i < a->answers; i++)
		a->answer[i].held = c->answer[i].least = 0;
	for (__u32 i = 0; i < a->objects; i++) {
		struct allocate_object *object = &a->object[i];

		object->width = held(c, c->object[i]);
		for (__u32 k = 0; k < object->answers; k++) {
			const __u32 ask = a->member[object->first + k];

			add(&a->answer[ask].held, object->width);
			add(&c->answer[ask].least, c->object[i]->least);
		}
	}
	for (__u32 i = 0; i < a->answers; i++) {
		const struct answer *answer = &c->answer[i];

		/* Errors that leave nothing to give out: no widths make the answer precise, and the
		 * other hosts are not to pay for it. */
		a->answer[i].budget = answer->budget;
		if (answer->least < answer->budget)
			a->answer[i].budget -= answer->least;
	}
}

static bool has_room(const struct allocation *a, const struct allocate_object *o, __u64 more)
{
	for (__u32 k = 0; k < o->answers; k++) {
		const struct allocate_answer *answer = &a->answer[a->member[o->first + k]];

		if (answer->held > answer->budget || more > answer->budget - answer->held)
			return false;
	}
	return o->answers > 0;
}

static void raise(struct coordinator *c, struct object *o)
{
	struct allocation *a = &c->allocation;
	struct allocate_object *object = &a->object[o->index];

	for (__u32 k = 0; k < object->answers; k++)
		a->answer[a->member[object->first + k]].held += object->target - object->width;
	object->width = object->target;
	send_grant(c, o, wanted(c, o));
}

static bool may_move(const struct object *o)
{
	return host_is_live(o->host) && object_is_asked(o) && !o->lowers;
}

/* Lowers what is to be lowered, raises what there is room for. */
static void move(struct coordinator *c)
{
	struct allocation *a = &c->allocation;

	sum_held(c);
	c->moving = false;
	for (__u32 i = 0; i < a->objects; i++) {
		struct object *o = c->object[i];

		if (may_move(o) && wanted(c, o) < width_of(c, o, c->floor))
			send_grant(c, o, wanted(c, o));
	}
	for (__u32 i = 0; i < a->objects; i++) {
		struct object *o = c->object[i];
		__u64 width = a->object[i].width, target;

		a->object[i].target &= ~1ull;
		target = a->object[i].target;
		if (may_move(o) && target > width && has_room(a, &a->object[i], target - width))
			raise(c, o);
	}
}

/* --- Targets ------------------------------------------------------------------------------ */

static void tell_allocator(struct coordinator *c)
{
	struct allocation *a = &c->allocation;

	a->method = c->plan.rules.method;
	a->rules = c->plan.rules;
	a->tick = c->floor;
	sum_held(c);
	for (__u32 i = 0; i < a->objects; i++) {
		const struct object *o = c->object[i];
		const struct saying *s = said_newest(o);

		a->object[i].live = host_is_live(o->host);
		a->object[i].step = o->step;
		a->object[i].travels |= s && s->course.knots;
	}
}

static void heard(struct coordinator *c)
{
	for (__u32 i = 0; i < c->allocation.objects; i++)
		c->allocation.object[i].updates = 0;
}

void width_anew(struct coordinator *c)
{
	if (c->anew_ns == ~0ull)
		c->anew_ns = c->now_ns + JOIN_NS;
}

/* After a restart hosts tell which widths they had: if these fit, nothing needs to move. */
static bool resume(struct coordinator *c)
{
	struct allocation *a = &c->allocation;
	bool fits = c->told_widths;

	c->told_widths = false;
	for (__u32 i = 0; i < a->answers; i++)
		a->answer[i].held = 0;
	for (__u32 i = 0; i < a->objects && fits; i++) {
		fits = a->object[i].target && has_room(a, &a->object[i], a->object[i].target);
		for (__u32 k = 0; k < a->object[i].answers; k++)
			add(&a->answer[a->member[a->object[i].first + k]].held,
			    a->object[i].target);
	}
	return fits;
}

void width_turn(struct coordinator *c, bool tick)
{
	const bool anew = c->now_ns >= c->anew_ns;
	bool changed = anew;

	/* Under another plan budgets are others at once. */
	for (__u32 i = 0; (tick || anew) && i < c->plan.ask_count; i++)
		changed |= set_budget(c, i);
	for (__u32 i = 0; tick && i < c->objects; i++)
		changed |= set_least(c->object[i]);
	if (changed) {
		c->anew_ns = ~0ull;
		if (!resume(c)) {
			tell_allocator(c);
			allocate_anew(&c->allocation);
		}
		c->moving = true;
	}
	if (tick) {
		tell_allocator(c);
		c->moving |= allocate_tick(&c->allocation);
		heard(c);
	}
	if (c->moving)
		move(c);
}

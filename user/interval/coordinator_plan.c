// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interval/coordinator_internal.h"

static void *copy_of(const void *from, size_t bytes)
{
	void *copy = malloc(bytes ? bytes : 1);

	return copy && bytes ? memcpy(copy, from, bytes) : copy;
}

int plan_copy(const struct coordinator_plan *from, struct coordinator_plan *out)
{
	struct coordinator_ask *asks = copy_of(from->asks, from->ask_count * sizeof(*asks));
	bool whole = asks;

	*out = *from;
	out->asks = asks;
	out->queries = copy_of(from->queries, from->query_count * sizeof(*from->queries));
	out->hosts = from->hosts ? copy_of(from->hosts, from->host_count * sizeof(__u32)) : NULL;
	for (__u32 i = 0; asks && i < from->ask_count; i++) {
		if (!asks[i].hosts)
			continue;
		asks[i].hosts = copy_of(asks[i].hosts, asks[i].host_count * sizeof(__u32));
		whole = whole && asks[i].hosts;
	}
	if (whole && out->queries && !from->hosts == !out->hosts)
		return 0;
	plan_free(out);
	return -ENOMEM;
}

void plan_free(struct coordinator_plan *plan)
{
	for (__u32 i = 0; plan->asks && i < plan->ask_count; i++)
		free((void *)plan->asks[i].hosts);
	free((void *)plan->asks);
	free((void *)plan->queries);
	free((void *)plan->hosts);
	memset(plan, 0, sizeof(*plan));
}

bool plan_same_queries(const struct coordinator_plan *a, const struct coordinator_plan *b)
{
	if (a->query_count != b->query_count)
		return false;
	for (__u32 i = 0; i < a->query_count; i++) {
		const struct coordinator_query *p = &a->queries[i], *q = &b->queries[i];

		if (p->window_s != q->window_s || strcmp(p->name, q->name) ||
		    strcmp(p->measure, q->measure) || strcmp(p->match, q->match))
			return false;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

bool plan_lists(const __u32 *hosts, __u32 count, __u32 id)
{
	return bsearch(&id, hosts, count, sizeof(*hosts), compare);
}

bool plan_expects(const struct coordinator_plan *plan, __u32 id)
{
	for (__u32 i = 0; i < plan->ask_count; i++) {
		const struct coordinator_ask *ask = &plan->asks[i];

		if (ask->hosts && plan_lists(ask->hosts, ask->host_count, id))
			return true;
	}
	return plan->hosts && plan_lists(plan->hosts, plan->host_count, id);
}

/* --- Links -------------------------------------------------------------------------------- */

static bool is_member(const struct coordinator *c, const struct coordinator_ask *ask,
		      const struct host *h)
{
	if (ask->hosts)
		return plan_lists(ask->hosts, ask->host_count, h->id);
	if (c->plan.hosts)
		return plan_lists(c->plan.hosts, c->plan.host_count, h->id);
	return !h->left && (h->object[ask->query] || h->refused[ask->query]);
}

static bool has_room_for_name(const struct answer *a, __u32 id)
{
	return !a->members || a->member[a->members - 1].id != id;
}

/* Members by rising id: hosts that are known, and those that are listed and never came. */
static int make_members(struct coordinator *c, const struct coordinator_ask *ask, struct answer *a)
{
	const __u32 *listed = ask->hosts ? ask->hosts : c->plan.hosts;
	__u32 count = ask->hosts ? ask->host_count : c->plan.host_count, at = 0;
	__u32 most = c->hosts + (listed ? count : 0);

	count = listed ? count : 0;
	a->members = 0;
	a->member = calloc(most + 1, sizeof(*a->member));
	a->part = calloc(most + 1, sizeof(*a->part));
	if (!a->member || !a->part)
		return -ENOMEM;
	for (__u32 i = 0; i <= c->hosts; i++) {
		struct host *h = i < c->hosts ? c->host[i] : NULL;

		for (; at < count && (!h || listed[at] < h->id); at++) {
			if (has_room_for_name(a, listed[at]))
				a->member[a->members++].id = listed[at];
		}
		if (h && is_member(c, ask, h))
			a->member[a->members++] = (struct member){.id = h->id, .host = h};
		if (h && at < count && listed[at] == h->id)
			at++;
	}
	return 0;
}

static int make_answers(struct coordinator *c, struct answer *answer)
{
	for (__u32 i = 0; i < c->plan.ask_count; i++) {
		int code = make_members(c, &c->plan.asks[i], &answer[i]);

		if (code)
			return code;
		answer[i].last = c->answer[i].last;
		answer[i].budget = c->answer[i].budget;
		answer[i].peopled = c->answer[i].peopled;
		answer[i].last.parts = NULL;
		answer[i].last.part_count = 0;
	}
	return 0;
}

void answers_free(struct answer *answer, __u32 count)
{
	for (__u32 i = 0; answer && i < count; i++) {
		free(answer[i].member);
		free(answer[i].part);
	}
	free(answer);
}

/* Which answers each host is in, and through it each object. */
static int link_hosts(struct coordinator *c)
{
	for (__u32 i = 0; i < c->hosts; i++) {
		free(c->host[i]->ask);
		c->host[i]->ask = calloc(c->plan.ask_count + 1, sizeof(__u32));
		c->host[i]->asks = 0;
		if (!c->host[i]->ask)
			return -ENOMEM;
	}
	for (__u32 i = 0; i < c->plan.ask_count; i++) {
		for (__u32 m = 0; m < c->answer[i].members; m++) {
			struct host *h = c->answer[i].member[m].host;

			if (h)
				h->ask[h->asks++] = i;
		}
	}
	return 0;
}

static int link_objects(struct coordinator *c)
{
	struct allocation *a = &c->allocation;
	struct allocate_answer *answer = calloc(c->plan.ask_count + 1, sizeof(*answer));
	__u32 *member, at = 0, most = 0;

	for (__u32 i = 0; i < c->plan.ask_count; i++)
		most += c->answer[i].members;
	member = calloc(most + 1, sizeof(*member));
	if (!answer || !member) {
		free(answer);
		free(member);
		return -ENOMEM;
	}
	for (__u32 i = 0; i < c->objects; i++) {
		const struct object *o = c->object[i];

		a->object[i].first = at;
		for (__u32 k = 0; k < o->host->asks; k++) {
			if (c->plan.asks[o->host->ask[k]].query == o->query)
				member[at++] = o->host->ask[k];
		}
		a->object[i].answers = at - a->object[i].first;
	}
	for (__u32 i = 0; i < c->plan.ask_count && a->answer && i < a->answers; i++)
		answer[i] = a->answer[i];
	for (__u32 i = 0; i < c->plan.ask_count; i++)
		answer[i].objects = c->answer[i].members;
	free(a->answer);
	free(c->member);
	a->answer = answer;
	a->answers = c->plan.ask_count;
	a->objects = c->objects;
	a->member = c->member = member;
	return 0;
}

int plan_link(struct coordinator *c)
{
	struct answer *answer = calloc(c->plan.ask_count + 1, sizeof(*answer));

	if (!answer || make_answers(c, answer)) {
		answers_free(answer, c->plan.ask_count);
		return -ENOMEM;
	}
	answers_free(c->answer, c->plan.ask_count);
	c->answer = answer;
	if (link_hosts(c) || link_objects(c))
		return -ENOMEM;
	c->changed = false;
	return 0;
}

/* --- Another plan ------------------------------------------------------------------------- */

/* Answers go on where those of the same name were. */
static struct answer *carry_answers(const struct coordinator *c, const struct coordinator_plan *to)
{
	struct answer *answer = calloc(to->ask_count + 1, sizeof(*answer));

	for (__u32 i = 0; answer && i < to->ask_count; i++) {
		for (__u32 k = 0; k < c->plan.ask_count; k++) {
			if (strcmp(to->asks[i].name, c->plan.asks[k].name))
				continue;
			answer[i].last.tick = c->answer[k].last.tick;
			/* Or a relative budget would begin at its least and take all widths. */
			if (to->asks[i].query != c->plan.asks[k].query)
				continue;
			answer[i].last.sum_low = c->answer[k].last.sum_low;
			answer[i].budget = c->answer[k].budget;
		}
	}
	return answer;
}

/* Must hosts begin anew under another plan? */
static bool begins_anew(const struct coordinator *c, const struct coordinator_plan *to)
{
	if (memcmp(&c->plan.rules, &to->rules, sizeof(to->rules)) ||
	    !plan_same_queries(&c->plan, to))
		return true;
	for (__u32 i = 0; i < c->hosts; i++) {
		if (to->hosts && !plan_lists(to->hosts, to->host_count, c->host[i]->id))
			return true;
	}
	return false;
}

int coordinator_replan(struct coordinator *c, const struct coordinator_plan *plan, __u64 now_ns)
{
	struct coordinator_plan copy;
	struct answer *answer;
	bool anew;

	coordinator_advance(c, now_ns);
	if (plan_copy(plan, &copy))
		return -ENOMEM;
	answer = carry_answers(c, &copy);
	if (!answer) {
		plan_free(&copy);
		return -ENOMEM;
	}
	anew = begins_anew(c, &copy);
	if (anew)
		hosts_drop(c);
	answers_free(c->answer, c->plan.ask_count);
	plan_free(&c->plan);
	c->plan = copy;
	c->answer = answer;
	for (__u32 i = 0; i < c->hosts; i++)
		c->host[i]->asks = 0;
	free(c->allocation.answer);
	c->allocation.answer = NULL;
	c->allocation.answers = 0;
	c->changed = true;
	c->anew_ns = c->now_ns;
	return anew;
}

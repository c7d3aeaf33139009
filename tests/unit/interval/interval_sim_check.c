// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What must be so of every answer:
 *   - each host that it has in it told its tick, and the value told is inside its interval
 *   - so the sum of the values is inside the answer, whose ends are the parts' sums
 *   - it has every host that it should have, present or missing by name, in order
 *   - an absolute precision is kept at every tick, but for a while after it was changed
 *   - `precise` means that nobody is missing, and high - low is what was asked for
 *   - ticks rise
 * A host of which nothing is heard is missing after 3 s (8 s where clocks are wrong, hosts come or
 * coordinators stack), and some time after the last disturbance all answers are complete and precise.
 */
#include <stdio.h>
#include <string.h>

#include "unit/interval/interval_sim.h"

#define GRACE_NS (25 * SIM_NS) /* for lower widths to be confirmed by hosts that are stuck */

__extension__ typedef __int128 wide;

/* By tick, and by session: a clock that is set tells the same tick twice. */
void sim_tell_truth(struct sim_host *h, __s64 tick, __u32 query, bool known, __s64 value)
{
	struct sim_truth *t = &h->truth[h->truths % SIM_TRUTHS];

	if (!query) {
		t = &h->truth[++h->truths % SIM_TRUTHS];
		memset(t, 0, sizeof(*t));
		t->tick = tick;
	}
	t->known[query] = known;
	t->value[query] = value;
}

static struct sim_host *host_of(struct sim *s, __u32 id)
{
	for (int i = 0; i < SIM_NODES; i++) {
		if (s->host[i].id == id)
			return &s->host[i];
	}
	return NULL;
}

static bool inside(const struct coordinator_part *p, __s64 value)
{
	wide twice = 2 * ((wide)value - p->centre);

	return twice <= (wide)p->width && -twice <= (wide)p->width;
}

/* Sets *value to what is true of a part; a coordinator as a host knows its own only by intervals,
 * so there the truth is that of its hosts. */
static bool part_is_true(struct sim *s, const struct coordinator_answer *answer,
			 const struct coordinator_part *p, __s64 *value)
{
	const struct sim_host *h = host_of(s, p->host);
	__u32 q = answer->ask->query, told = 0;
	bool found = false;

	for (int i = 0; h && i < SIM_TRUTHS; i++) {
		const struct sim_truth *t = &h->truth[i];

		if (t->tick != answer->tick || !t->known[q])
			continue;
		told++;
		if (!inside(p, t->value[q])) {
			*value = found ? *value : t->value[q];
			continue;
		}
		*value = t->value[q];
		found = true;
	}
	s->totals->ambiguous += told > 1;
	if (!told)
		sim_fail(s, "%s of tick %lld has host %u, which told none", answer->ask->name,
			 (long long)answer->tick, p->host);
	else if (!found)
		sim_fail(s, "%s of tick %lld: host %u has %lld, outside of %lld +- %llu / 2",
			 answer->ask->name, (long long)answer->tick, p->host, (long long)*value,
			 (long long)p->centre, (unsigned long long)p->width);
	return found;
}

static const struct coordinator_part *part_of(const struct coordinator_answer *answer, __u32 host)
{
	for (__u32 i = 0; i < answer->part_count; i++) {
		if (answer->parts[i].host == host)
			return &answer->parts[i];
	}
	return NULL;
}

/* Whom the plan lists; else at least all that have been there for a while. */
static void check_hosts(struct sim *s, const struct sim_coordinator *at,
			const struct coordinator_answer *answer)
{
	const __u32 *listed = answer->ask->hosts ? answer->ask->hosts : at->plan.hosts;
	__u32 count = answer->ask->hosts ? answer->ask->host_count : at->plan.host_count;
	bool right = !listed || answer->part_count == count;

	for (__u32 i = 0; right && listed && i < count; i++)
		right = answer->parts[i].host == listed[i];
	for (__u32 i = 1; right && i < answer->part_count; i++)
		right = answer->parts[i].host > answer->parts[i - 1].host;
	for (__u32 i = 0; right && !listed && i < SIM_NODES; i++) {
		const struct sim_host *h = &s->host[i];

		if (sim_coordinator_of(s, h) == at && h->spoke_ns && h->settled_ns &&
		    s->now_ns - h->settled_ns > 2 * SIM_NS && answer->tick > h->settled_tick)
			right = part_of(answer, h->id);
	}
	if (!right)
		sim_fail(s, "%s of tick %lld has not the hosts that it should have",
			 answer->ask->name, (long long)answer->tick);
}

/* The budget by the plan alone, thousandths. */
static wide budget_of(const struct coordinator_answer *answer)
{
	wide precision = answer->ask->precision;

	if (answer->ask->relative) {
		wide part = answer->low > 0 ? precision * answer->low / 1000000 : 0;

		return part > INTERVAL_ONE ? part : INTERVAL_ONE;
	}
	precision = precision * answer->query->window_s / 1000;
	return answer->ask->aggregate == COORDINATOR_AVG ? precision * answer->part_count
							 : precision;
}

static void check_width(struct sim *s, struct sim_coordinator *at,
			const struct coordinator_answer *answer)
{
	wide width = (wide)answer->high - answer->low, budget = budget_of(answer);
	/* The budget of an average is that of its members. */
	bool moves = answer->ask->aggregate == COORDINATOR_AVG;
	__u64 changed_ns = at->replanned_ns;
	bool stacks = s->stacked && at == &s->coordinator[0];

	if (at->counted[answer->index] != answer->part_count) {
		at->counted[answer->index] = answer->part_count;
		at->counted_ns[answer->index] = s->now_ns;
	}
	if (moves && at->counted_ns[answer->index] > changed_ns)
		changed_ns = at->counted_ns[answer->index];
	if (answer->precise != (!answer->missing && width <= (wide)answer->budget))
		sim_fail(s, "%s of tick %lld: what it says of its precision is wrong",
			 answer->ask->name, (long long)answer->tick);
	if ((wide)answer->budget > budget)
		sim_fail(s, "%s of tick %lld has a budget of %llu instead of %lld",
			 answer->ask->name, (long long)answer->tick,
			 (unsigned long long)answer->budget, (long long)budget);
	/* What a child knows is as wide as it is, until its own widths have come down. */
	if (!answer->ask->relative && !stacks && s->now_ns - changed_ns > GRACE_NS &&
	    width > budget)
		sim_fail(s, "%s of tick %lld is %lld wide, its budget is %lld", answer->ask->name,
			 (long long)answer->tick, (long long)width, (long long)budget);
}

static void check_sum(struct sim *s, const struct coordinator_answer *answer, wide truth)
{
	wide low = 0, high = 0;
	__u32 present = 0, missing = 0;

	for (__u32 i = 0; i < answer->part_count; i++) {
		const struct coordinator_part *p = &answer->parts[i];

		missing += p->missing;
		present += !p->missing;
		low += p->missing ? 0 : 2 * (wide)p->centre - p->width;
		high += p->missing ? 0 : 2 * (wide)p->centre + p->width;
		if (p->missing && !p->why[0])
			sim_fail(s, "%s does not say why host %u is missing", answer->ask->name,
				 p->host);
	}
	if (answer->present != present || answer->missing != missing || 2 * answer->low != low ||
	    2 * answer->high != high)
		sim_fail(s, "%s of tick %lld is not the sum of its parts", answer->ask->name,
			 (long long)answer->tick);
	if (answer->low < 0)
		sim_fail(s, "%s of tick %lld begins below 0", answer->ask->name,
			 (long long)answer->tick);
	if (truth < answer->low || truth > answer->high)
		sim_fail(s, "%s of tick %lld is [%lld, %lld], the truth is %lld", answer->ask->name,
			 (long long)answer->tick, (long long)answer->low, (long long)answer->high,
			 (long long)truth);
}

static void check_settled(struct sim *s, struct sim_coordinator *at,
			  const struct coordinator_answer *answer)
{
	bool stacks = s->stacked && at == &s->coordinator[0];

	if (s->now_ns < s->end_ns - SIM_SETTLED * SIM_NS)
		return;
	at->settled[answer->index]++;
	at->precise[answer->index] += answer->precise;
	if (answer->missing || (!answer->precise && !answer->ask->relative && !stacks))
		sim_fail(s,
			 "%s of tick %lld, long after the last disturbance: %u missing, %lld wide, "
			 "budget %llu",
			 answer->ask->name, (long long)answer->tick, answer->missing,
			 (long long)(answer->high - answer->low),
			 (unsigned long long)answer->budget);
}

static void keep(struct sim_coordinator *at, const struct coordinator_answer *answer, __s64 truth)
{
	struct sim_answered *a = &at->answered[answer->index][answer->tick % SIM_TRUTHS];

	*a = (struct sim_answered){
		.tick = answer->tick,
		.low = answer->sum_low, /* what a coordinator above is told */
		.high = answer->sum_high,
		.truth = truth,
		.complete = !answer->missing,
	};
	for (__u32 i = 0; i < answer->part_count; i++) {
		if (answer->parts[i].missing)
			snprintf(a->missing, sizeof(a->missing), "host %u", answer->parts[i].host);
	}
}

void sim_check_answer(struct sim *s, struct sim_coordinator *at,
		      const struct coordinator_answer *answer)
{
	wide truth = 0;

	if (answer->tick <= at->last[answer->index])
		sim_fail(s, "%s of tick %lld comes after that of tick %lld", answer->ask->name,
			 (long long)answer->tick, (long long)at->last[answer->index]);
	at->last[answer->index] = answer->tick;
	check_hosts(s, at, answer);
	for (__u32 i = 0; i < answer->part_count && !s->failed; i++) {
		__s64 value = 0;

		if (answer->parts[i].missing)
			continue;
		if (!part_is_true(s, answer, &answer->parts[i], &value))
			return;
		truth += value;
		s->totals->parts++;
	}
	check_sum(s, answer, truth);
	check_width(s, at, answer);
	check_settled(s, at, answer);
	keep(at, answer, truth);
	s->totals->answers++;
	s->totals->complete += !answer->missing;
	s->totals->incomplete += answer->missing > 0;
}

/*
 * An answer that lacks a host is as of the next tick. Others may not have spoken for it yet: whose
 * clocks are behind that host's, who have hosts of their own to wait for, or who have only come.
 */
static __u64 silence_ns(const struct sim *s, const struct sim_coordinator *at)
{
	bool simple = s->together && !s->stacked && s->now_ns - at->members_ns > 6 * SIM_NS;

	for (int i = 0; i < SIM_NODES; i++)
		simple &= !s->host[i].odd;
	return (simple ? 3 : 8) * SIM_NS;
}

/* Others that fell silent within the same second may not have said the next tick: they are waited
 * for until they are missing, too. */
static __u64 others_ns(struct sim *s, const struct sim_coordinator *at, const struct sim_host *h)
{
	for (int i = 0; i < SIM_NODES; i++) {
		const struct sim_host *other = &s->host[i];

		if (sim_coordinator_of(s, other) == at && other->spoke_ns > h->spoke_ns &&
		    other->spoke_ns < h->spoke_ns + SIM_NS)
			return SIM_NS;
	}
	return 0;
}

void sim_check_silence(struct sim *s, struct sim_coordinator *at)
{
	const __u64 limit_ns = silence_ns(s, at);

	for (__u32 i = 0; i < at->plan.ask_count; i++) {
		struct coordinator_answer last;

		if (!coordinator_last(at->coordinator, i, &last))
			continue;
		for (__u32 k = 0; k < last.part_count; k++) {
			const struct coordinator_part *p = &last.parts[k];
			const struct sim_host *h = host_of(s, p->host);

			if (p->missing || s->now_ns - h->spoke_ns <= limit_ns + others_ns(s, at, h))
				continue;
			sim_fail(s, "host %u is in %s of tick %lld, and said nothing for %llu ms",
				 p->host, last.ask->name, (long long)last.tick,
				 (unsigned long long)((s->now_ns - h->spoke_ns) / 1000000));
		}
	}
}

void sim_check_end(struct sim *s)
{
	/* A budget that moves, or what a child knows, is caught up with in some ticks. */
	for (int n = 0; n < 1 + s->stacked; n++) {
		const struct sim_coordinator *at = &s->coordinator[n];

		for (__u32 i = 0; i < at->plan.ask_count; i++) {
			__u32 least = at->ask[i].relative ? 1 : at->settled[i] / 2;

			if (at->settled[i] < SIM_SETTLED - 5 || at->precise[i] < least)
				sim_fail(s, "%s was given %u times in the last %u s, %u precise",
					 at->ask[i].name, at->settled[i], SIM_SETTLED,
					 at->precise[i]);
		}
	}
}

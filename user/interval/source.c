// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "interval/source.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

void source_begin(struct source *s, const struct interval_rules *rules, __u32 count)
{
	s->rules = *rules;
	s->count = count;
	s->serial = 0;
	s->tick = 0;
	for (__u32 q = 0; q < SOURCE_QUERIES; q++) {
		/* What was learned is last, and stays; memory that was never used is not touched. */
		memset(&s->query[q], 0, offsetof(struct source_query, forecast));
	}
}

int source_grant(struct source *s, const struct interval_grant *grant)
{
	struct source_query *q;

	if (grant->query >= s->count || grant->serial != s->serial + 1 || grant->width & 1 ||
	    grant->width > INTERVAL_WIDTH_MAX)
		return -EINVAL;
	q = &s->query[grant->query];
	/* Of those for one tick the last holds; none of them does before it. */
	if (q->waits && q->waiting[q->waits - 1].tick == grant->tick) {
		q->waiting[q->waits - 1].width = grant->width;
	} else {
		if (q->waits == SOURCE_GRANTS)
			return -ENOBUFS;
		q->waiting[q->waits++] = *grant;
	}
	s->serial = grant->serial;
	return 0;
}

/* Grants whose tick has come. The first that waits on makes those behind it wait, too. */
static void take_grants(struct source_query *q, __s64 tick)
{
	__u32 taken = 0;

	while (taken < q->waits && q->waiting[taken].tick <= tick) {
		q->width = q->waiting[taken].width;
		q->set_tick = q->waiting[taken].tick;
		taken++;
	}
	q->waits -= taken;
	memmove(q->waiting, q->waiting + taken, q->waits * sizeof(q->waiting[0]));
}

/* The last grant before the first that waits. */
static __u32 serial_in_force(const struct source *s)
{
	__u32 serial = s->serial;

	for (__u32 i = 0; i < s->count; i++) {
		const struct source_query *q = &s->query[i];

		if (q->waits && q->waiting[0].serial <= serial)
			serial = q->waiting[0].serial - 1;
	}
	return serial;
}

__u64 source_width(const struct source *s, __u32 query)
{
	const struct source_query *q = &s->query[query];

	return interval_width_at(&s->rules, q->width, q->set_tick, s->tick);
}

static bool holds(const struct source_query *q, __u64 width, __s64 tick,
		  const struct source_value *value)
{
	return q->told && interval_holds(interval_centre(&q->course, tick), width, q->least,
					 value->value, value->error);
}

/* Level from the value on. */
static void set_level(struct interval_course *course, __s64 tick, __s64 value)
{
	*course = (struct interval_course){.tick = tick, .centre = value};
}

static void tell(struct source *s, __u32 query, const struct source_value *value, __u64 width,
		 struct interval_update *out)
{
	struct source_query *q = &s->query[query];

	set_level(&q->course, s->tick, value->value);
	q->told = true;
	q->least = value->error;
	if (s->rules.method == INTERVAL_AUTO)
		forecast_course(&q->forecast, s->tick, value, width, &q->course);
	/* The guarantee does not hang on how well is foreseen. */
	if (!holds(q, width, s->tick, value))
		set_level(&q->course, s->tick, value->value);
	*out = (struct interval_update){
		.query = query,
		.width = width,
		.error = value->error,
		.step = forecast_step(&q->forecast),
		.course = q->course,
	};
}

__u32 source_tick(struct source *s, __s64 tick, const struct source_value *values,
		  struct interval_update *out, struct interval_tick *done)
{
	__u32 updates = 0;

	s->tick = tick;
	for (__u32 i = 0; i < s->count; i++) {
		struct source_query *q = &s->query[i];
		__u64 width;

		take_grants(q, tick);
		if (!values[i].known)
			continue;
		width = source_width(s, i);
		forecast_learn(&q->forecast, q->told ? &q->course : NULL, tick, &values[i]);
		if (!holds(q, width, tick, &values[i]))
			tell(s, i, &values[i], width, &out[updates++]);
	}
	*done = (struct interval_tick){.tick = tick, .serial = serial_in_force(s)};
	return updates;
}

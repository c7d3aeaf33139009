// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "agent/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "peer/ask.h"

#define COUNTS_MAX (INTERVAL_VALUE_MAX / INTERVAL_ONE)

/* --- Whom, and what ------------------------------------------------------------------------ */

/* Different values are estimates, and those of several hosts do not add up. */
static void choose(struct report *r, const struct config *config, const __u8 *window,
		   struct interval_ask *asks)
{
	r->count = 0;
	for (unsigned int i = 0; i < config->query_count; i++) {
		const struct config_query *query = &config->queries[i];

		if (query->measure == WEIR_MEASURE_DISTINCT)
			continue;
		peer_ask(query->name, query->match, query->measure == WEIR_MEASURE_BYTES,
			 query->window_s, &asks[r->count]);
		r->query[r->count].at = i;
		r->query[r->count].window = window[i];
		r->query[r->count].bytes = query->measure == WEIR_MEASURE_BYTES;
		r->query[r->count].window_s = query->window_s;
		r->count++;
	}
}

void report_close(struct report *r)
{
	uplink_free(r->uplink, true);
	r->uplink = NULL;
	r->tick = 0;
}

int report_apply(struct report *r, const struct config *config, const __u8 *window, __u64 identity)
{
	const struct peer_options *to = &config->report;
	struct interval_ask asks[SOURCE_QUERIES];
	enum uplink_change change = UPLINK_ELSEWHERE;

	r->tick = 0;
	if (!to->address.text) {
		report_close(r);
		return 0;
	}
	choose(r, config, window, asks);
	if (r->uplink)
		change = uplink_compare(r->uplink, to, asks, r->count);
	if (change == UPLINK_SAME)
		return 0;
	uplink_free(r->uplink, change == UPLINK_ELSEWHERE);
	r->uplink = uplink_new(to, identity, asks, r->count, r->say, r->context);
	if (!r->uplink) {
		r->say(r->context, "report: no memory");
		report_close(r);
		return -ENOMEM;
	}
	uplink_watch(r->uplink, r->sockets);
	uplink_join(r->uplink, r->loop);
	return 0;
}

/* --- Each second --------------------------------------------------------------------------- */

/*
 * A value stands for a rate: its reader divides it by the window. Until the window is full, the
 * count is scaled up to the window's length, in whole counts; without a complete second the value is
 * unknown.
 */
static void make_value(struct report *r, __u32 q, const struct meter_series *series, __u64 since_ns)
{
	const struct weir_count *end = series->query[r->query[q].window] + WEIR_WINDOW_MAX;
	const __u32 window_s = r->query[q].window_s;
	const __u32 covered_s = weir_covered_s(since_ns, series->now_ns, window_s);
	const bool full = covered_s == window_s;
	__u64 sum = 0;

	for (__u32 i = window_s - covered_s; i < window_s; i++) {
		const struct weir_count *second = end - window_s + i;

		r->slot[q][i] = r->query[q].bytes ? second->bytes : second->packets;
		sum += r->slot[q][i];
	}
	if (sum <= COUNTS_MAX && !full && covered_s)
		sum = (sum * window_s + covered_s / 2) / covered_s;
	r->value[q] = (struct source_value){
		.known = covered_s && sum <= COUNTS_MAX,
		.value = sum * INTERVAL_ONE,
		.since = weir_first_whole_s(since_ns) + r->offset_s,
		.slots = full ? r->slot[q] : NULL,
		.slot_count = full ? window_s : 0,
	};
}

/* Rounded down, also before 1970. */
static __s64 whole_seconds(__s64 ns)
{
	const __s64 second = WEIR_NS_PER_SEC;

	return ns / second - (ns % second < 0);
}

/* The other end has closed a session by the time the machine wakes, but may be unable to say so. */
static void follow_sleep(struct report *r, const struct clocks *now)
{
	const __u64 slept_ns = now->boot_ns - now->monotonic_ns;

	if (r->offset_s && slept_ns > r->slept_ns + WEIR_NS_PER_SEC)
		uplink_restart(r->uplink, "the machine slept", now->monotonic_ns);
	r->slept_ns = slept_ns;
}

static void follow_clock(struct report *r, const struct clocks *now)
{
	const __s64 offset_s = whole_seconds(clocks_offset_ns(now));
	const __s64 moved_s = offset_s - r->offset_s;

	follow_sleep(r, now);
	if (moved_s >= -1 && moved_s <= 1)
		return;
	if (r->offset_s)
		uplink_restart(r->uplink, "the clock was set", now->monotonic_ns);
	r->offset_s = offset_s;
}

static void say_unread(struct report *r, int code)
{
	char line[128];

	if (code && !r->unread) {
		snprintf(line, sizeof(line),
			 "report: nothing is sent while counts cannot be read: %s",
			 strerror(-code));
		r->say(r->context, line);
	}
	r->unread = code;
}

void report_second(struct report *r, const struct meter_series *series,
		   const struct weir_label *labels, int code, const struct clocks *now)
{
	r->tick = 0;
	if (!r->uplink)
		return;
	follow_clock(r, now);
	say_unread(r, series ? 0 : code);
	if (series) {
		for (__u32 q = 0; q < r->count; q++)
			make_value(r, q, series, labels[r->query[q].window].since_ns);
		r->tick = uplink_values(r->uplink,
					(__s64)(now->boot_ns / WEIR_NS_PER_SEC) + r->offset_s,
					r->value, NULL, 0, now->monotonic_ns);
	}
}

bool report_told(const struct report *r, unsigned int query, __s64 *tick, __u64 *counts)
{
	for (__u32 q = 0; r->tick && q < r->count; q++) {
		if (r->query[q].at != query)
			continue;
		*tick = r->tick;
		*counts = r->value[q].value / INTERVAL_ONE;
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `weir run` reports to a coordinator: each second, for each query that counts packets or bytes, what
 * its window has counted; until the window is full, what it would hold at the rate so far.
 *
 *   CLOCK_BOOTTIME   ──┬────────┬────────┬──→   the kernel's seconds, which the counts are in
 *                    S - 1      S      S + 1
 *   tick            ...    S + offset           Unix time at the end of a second, rounded down
 *
 * The offset stays while a session lasts, so that each of the kernel's seconds is one tick; when it
 * is more than a second off, because the clock was set, a new session begins with a new offset. A new
 * session also begins after the machine has slept.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include "base/clock.h"
#include "config/config.h"
#include "peer/uplink.h"
#include "meter/meter.h"

struct report {
	struct uplink *uplink; /* NULL: the configuration names no coordinator */
	struct loop *loop;     /* in which it takes its turns */
	const struct socket_watch *sockets;
	void (*say)(void *context, const char *line);
	void *context;

	__u32 count;
	struct {
		__u32 at; /* index in the configuration's queries, and in the kernel's windows */
		__u8 window;
		bool bytes;
		__u32 window_s;
	} query[SOURCE_QUERIES];

	__s64 offset_s; /* from CLOCK_BOOTTIME to Unix time; 0: not known yet */
	__u64 slept_ns; /* CLOCK_BOOTTIME less CLOCK_MONOTONIC */
	bool unread;    /* and people know */
	__s64 tick;     /* that the coordinator was told in the last second; 0: it was not */
	struct source_value value[SOURCE_QUERIES];
	__u64 slot[SOURCE_QUERIES][WEIR_WINDOW_MAX];
};

_Static_assert(SOURCE_QUERIES >= WEIR_QUERIES, "all can be reported");

/*
 * Whom `config` wants to be told what. window[i] is where the i-th query counts; identity: the
 * meter's. Goes on with the session there is if nothing has changed. -ENOMEM after a line: there is
 * no uplink any more.
 */
int report_apply(struct report *r, const struct config *config, const __u8 *window, __u64 identity);
/* The host leaves: says goodbye. */
void report_close(struct report *r);

/* A second is over. series NULL: it could not be read, because of `code`. labels: by window, which say
 * since when it counts. */
void report_second(struct report *r, const struct meter_series *series,
		   const struct weir_label *labels, int code, const struct clocks *now);

/* What the coordinator was told in the last second of the i-th query of the configuration: counts in
 * its window. False: nothing. */
bool report_told(const struct report *r, unsigned int query, __s64 *tick, __u64 *counts);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The session with a coordinator, from the side of who reports: `weir run`, or a coordinator with a
 * parent. Sessions are made again for as long as the uplink lives; the caller polls, and hands in
 * the values of each second.
 *
 *   wait ─→ open ─→ HELLO ─→ (welcome) ASK... ─→ up: uplink_values() ─→ UPDATE... LACK... TICK
 *    ↑       │        │                          │       ←─ GRANT ─→ filters (interval/source.h)
 *    └───────┴────────┴── lost, or refused ──────┘
 *
 * How long it waits: not at all after a session that was steady, then 0.5, 1, 2, 2 ... s from one
 * attempt to the next, each given up after 2.5 s, so that a link is in use again within 3 s of its
 * being restored; every fourth has longer, for slow name servers. After a refusal 1, 2, 4 ... 30 s.
 * Certificates are read again for each attempt.
 *
 * Times are of CLOCK_MONOTONIC unless they say otherwise.
 */
#ifndef PEER_UPLINK_H
#define PEER_UPLINK_H

#include "peer/options.h"
#include "base/loop.h"
#include "base/why.h"
#include "net/sockets.h"
#include "interval/source.h"

enum uplink_phase {
	UPLINK_DOWN, /* being opened, or waiting for that */
	UPLINK_UP,
	UPLINK_REFUSED,
	UPLINK_PHASES,
};

struct uplink_status {
	__u64 phase;    /* enum uplink_phase */
	__u64 since_ns; /* of Unix time */
	__u64 method;   /* enum interval_method, of the last welcome */
	__u64 host;
	/* Over all sessions. */
	__u64 sessions, updates, ticks, grants, sent_messages, sent_bytes, read_messages,
		read_bytes;
	__s64 tick; /* reported last; 0: none */
	char address[URL_BYTES];
	char name[INTERVAL_NAME_BYTES]; /* of the coordinator, by the last welcome */
	struct why why;                 /* it is not up */
	/* By this session: queries that the coordinator leaves out, and why. */
	unsigned int refused_count;
	struct {
		char query[INTERVAL_NAME_BYTES], why[INTERVAL_TEXT_BYTES];
	} refused[SOURCE_QUERIES];
};

struct uplink;

/*
 * Everything is copied. asks[count] are numbered by their place; `query` and `width` in them do not
 * matter. `say` takes lines for people: up, lost, refused, queries that are, each new reason once.
 * NULL: no memory.
 */
struct uplink *uplink_new(const struct peer_options *options, __u64 instance,
			  const struct interval_ask *asks, __u32 count,
			  void (*say)(void *context, const char *line), void *context);
/* `goodbye`: the coordinator learns that this host leaves, and forgets it; without, it waits for the
 * host. NULL is none. */
void uplink_free(struct uplink *u, bool goodbye);

/* Whether certificates can be used: 0, or a negative errno with the reason. */
int uplink_check(const struct peer_options *options, struct why *why);

enum uplink_change {
	UPLINK_SAME,
	UPLINK_CHANGED, /* it takes a new session, of the same host with the same coordinator */
	UPLINK_ELSEWHERE,
};
enum uplink_change uplink_compare(const struct uplink *u, const struct peer_options *options,
				  const struct interval_ask *asks, __u32 count);

/* Before the first turn. `watch` is told of its sockets. */
void uplink_watch(struct uplink *u, const struct socket_watch *watch);
/* From now on it takes its turns in the loop by itself, until it is freed. Else: */
void uplink_join(struct uplink *u, struct loop *loop);

/* For poll; they change with each turn. fd -1: none. due: ~0: never. */
int uplink_fd(const struct uplink *u);
short uplink_events(const struct uplink *u);
__u64 uplink_due_ns(const struct uplink *u);
void uplink_turn(struct uplink *u, __u64 now_ns);

/*
 * The values of the windows that end with this second of Unix time: values[count], and who is
 * missing in which (the whole of it each time; of the lacks, `tick` does not matter). Returns the
 * tick under which they were reported; 0: they were not, because there is no session or a
 * value is not known.
 */
__s64 uplink_values(struct uplink *u, __s64 unix_second, const struct source_value *values,
		    const struct interval_lack *lacks, __u32 lack_count, __u64 now_ns);

/* The caller's seconds have jumped: the session, if there is one, ends, and a new one begins. */
void uplink_restart(struct uplink *u, const char *why, __u64 now_ns);

bool uplink_is_up(const struct uplink *u);
void uplink_status(const struct uplink *u, struct uplink_status *out);

#endif

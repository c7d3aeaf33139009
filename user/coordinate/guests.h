/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Guests: the connections of hosts, from the moment that they are accepted. */
#ifndef COORDINATE_GUESTS_H
#define COORDINATE_GUESTS_H

#include "base/loop.h"
#include "coordinate/refusals.h"
#include "coordinate/steady.h"
#include "interval/coordinator.h"
#include "net/link.h"

/* What guests work with; all of it outlives them. */
struct guests_setting {
	struct loop *loop;
	struct steady *clock;
	struct coordinator *engine;
	struct refusals *refusals;
	struct notes *notes;
};

struct guests;

/* `most`: connections at one time. NULL: no memory. */
struct guests *guests_new(const struct guests_setting *setting, unsigned int most);
/* Ends all sessions. NULL is none. */
void guests_free(struct guests *gs);
void guests_allow(struct guests *gs, unsigned int most);

/* Whether one more may wait until it has said hello; one that has said nothing for a second makes
 * room. */
bool guests_have_room(struct guests *gs, __u64 now_ns);
/* The same, and nobody makes room. */
bool guests_may_wait(const struct guests *gs);
/* Takes the link of one that comes. */
void guests_enter(struct guests *gs, struct link *link, __u64 now_ns);

/* From the engine: sent at the end of the turn. */
void guests_grant(struct guests *gs, __u32 session, const struct interval_grant *grant);
/* The engine has ended all sessions: so do the connections. */
void guests_end_sessions(struct guests *gs);

/* Before each wait: those that had more to say say it. */
void guests_turn(struct guests *gs);
/* After the engine's turn: sends what is to be sent, frees what is gone. */
void guests_settle(struct guests *gs);
/* Each quarter of a second: whose time is over. */
void guests_sweep(struct guests *gs, __u64 now_ns);

struct guests_traffic {
	__u64 messages_in, messages_out, bytes_in, bytes_out;
};
/* Of all hosts, since the start. */
struct guests_traffic guests_traffic(const struct guests *gs);

#endif

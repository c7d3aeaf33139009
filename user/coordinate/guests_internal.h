/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Guests from inside: guests.c has what they have in common, guest.c what one of them says. */
#ifndef COORDINATE_GUESTS_INTERNAL_H
#define COORDINATE_GUESTS_INTERNAL_H

#include "coordinate/guests.h"
#include "coordinate/owners.h"
#include "peer/talk.h"

#define GUESTS_WAITING 64 /* that have said no hello yet */
#define GUESTS_LEAVING 256

enum guest_state {
	GUEST_OPENING,
	GUEST_SILENT, /* is up, has said no hello */
	GUEST_HERE,
	GUEST_LEAVING, /* was refused; what it says is not heard any more */
	GUEST_GONE,    /* freed when guests settle */
};

struct guest {
	struct guests *all;
	struct loop_watch watch;
	struct talk talk;
	enum guest_state state;
	bool goodbye, again, dirty;
	__u64 since_ns; /* accepted; leaving */
	__u32 host, session;
	struct interval_grant *grants; /* to be sent when guests settle */
	unsigned int grant_count;
	struct guest *before, *after; /* of all */
	struct guest *next_session, *next_dirty, *next_gone;
};

struct guests {
	struct guests_setting with;
	unsigned int most, count, leaving_count;
	bool again; /* some guest has more to say */
	struct guest *first, *dirty, *gone;
	struct guest *waiting[GUESTS_WAITING]; /* the oldest first */
	unsigned int waiting_count;
	struct guest **session; /* hash of sessions, chained */
	unsigned int session_mask;
	struct owners owners;
	struct guests_traffic before; /* of connections that are over */
};

/* --- guest.c --- */
/* Takes the link. NULL: no memory, and the link is closed. */
struct guest *guest_new(struct guests *gs, struct link *link, __u64 now_ns);
void guest_turn(struct guest *g, __u64 now_ns);
/* Sends the reason if that is possible, and ends the connection. */
void guest_refuse(struct guest *g, enum refusal reason, const char *why);
void guest_send_grants(struct guest *g);

/* --- guests.c --- */
/* Ends the connection, and the session with it, unless another has taken that over. */
void guest_end(struct guest *g, bool taken_over);
/* The session alone. */
void guest_end_session(struct guest *g, bool taken_over);
void guest_begin_session(struct guest *g, __u32 session);
void guest_waits_no_more(struct guest *g);
/* NULL: there is no such session. */
struct guest *guest_of_session(struct guests *gs, __u32 session);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `weir coordinate` is while it runs: one thread, one epoll.
 *
 *   coordinate.c         starts, waits for what happens, stops
 *   coordinate_plan.c    the config as the engine takes it
 *   coordinate_door.c    listeners, who may come in, what is refused, counted and said
 *   coordinate_guest.c   one connection: words in, words out
 *   coordinate_answer.c  what to do with an answer: log, parent, when to print
 *   coordinate_screen.c  what is printed each second
 *   coordinate_local.c   the local socket that weir show answers reads
 *   coordinate_read.c    weir coordinate --read
 *   answers.c            answers as JSON, and as tables of that
 */
#ifndef COORDINATE_COORDINATE_H
#define COORDINATE_COORDINATE_H

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "config/config.h"
#include "view/notes.h"
#include "view/output.h"
#include "peer/uplink.h"
#include "interval/coordinator.h"
#include "interval/log.h"
#include "peer/talk.h"

#define COORDINATE_DOMAIN 1
#define COORDINATE_WAITING 64 /* connections that have said no hello yet */
#define COORDINATE_WAITING_ADDRESS 32
#define COORDINATE_HELLO_NS 5000000000ull
#define COORDINATE_ROOM_NS 1000000000ull  /* after which one that says nothing makes room */
#define COORDINATE_LEAVE_NS 1000000000ull /* so that a refusal is read before the end */
#define COORDINATE_PRINT_NS 1500000000ull /* so late it is printed without all answers */
#define COORDINATE_LOCALS 16

/* Why a connection is refused or ended. X(id, name, text); those without a name are counted by the
 * engine. */
#define COORDINATE_REFUSALS(X)                                                                     \
	X(CERTIFICATE, "refused_handshakes",                                                       \
	  "connections refused: no certificate of our CA, no TLS")                                 \
	X(NOT_IPFIX, "refused_bytes", "connections ended: what came is no IPFIX")                  \
	X(MESSAGE, "refused_messages", "connections ended: a message cannot be read")              \
	X(OVERSIZED, "refused_oversized", "connections ended: a message is too long")              \
	X(ORDER, "refused_order", "connections ended: words out of order")                         \
	X(SILENT, "refused_silent", "connections ended: no hello in time")                         \
	X(FULL, "refused_full", "connections refused: too many are here")                          \
	X(ADDRESS, "refused_address", "connections refused: too many wait of one address")         \
	X(BOUND, "refused_bound", "sessions refused: the host is another certificate's")           \
	X(SLOW, "ended_slow", "connections ended: the host does not read")                         \
	X(TWICE, NULL, NULL)                                                                       \
	X(STRANGER, NULL, NULL)                                                                    \
	X(WORDS, NULL, NULL)                                                                       \
	X(QUERY, NULL, NULL)

enum coordinate_refusal {
#define X(id, name, text) COORDINATE_##id,
	COORDINATE_REFUSALS(X)
#undef X
	COORDINATE_REFUSAL_MAX,
};
extern const struct coordinator_count_name coordinate_refusal_names[COORDINATE_REFUSAL_MAX];

/* What an epoll event belongs to. */
enum coordinate_kind {
	COORDINATE_SIGNALS,
	COORDINATE_LISTENER,
	COORDINATE_GUEST,
	COORDINATE_LOCAL_LISTENER,
	COORDINATE_LOCAL,
	COORDINATE_UPLINK,
};
struct coordinate_watch {
	enum coordinate_kind kind;
	int fd; /* as epoll knows it; -1: it does not */
	short events;
};

enum guest_state {
	GUEST_OPENING,
	GUEST_SILENT, /* is up, has said no hello */
	GUEST_HERE,
	GUEST_LEAVING, /* was refused; what it says is not heard any more */
	GUEST_GONE,    /* freed at the end of the turn */
};

struct coordinate_traffic {
	__u64 messages_in, messages_out, bytes_in, bytes_out;
};

struct guest {
	struct coordinate_watch watch; /* first */
	struct talk talk;
	enum guest_state state;
	bool goodbye, again, dirty;
	__u64 since_ns; /* accepted; leaving */
	__u32 host, session;
	struct interval_grant *grants; /* to be sent at the end of the turn */
	unsigned int grant_count;
	struct guest *before, *after; /* of all */
	struct guest *next_session, *next_dirty, *next_gone;
};

struct coordinate_listener {
	struct coordinate_watch watch; /* first */
	int fd;
	char *text;
	bool tls;
};

/* A host's number is its certificate's that came first. */
struct coordinate_owner {
	__u32 host;
	char *subject;
};

struct coordinate_said {
	__u64 second;
	unsigned int lines, unsaid;
	char why[96];
};

/* An answer's last ticks, so that the parent gets all of the same one. */
#define COORDINATE_HISTORY 16
struct coordinate_offer {
	__u32 ask;
	struct coordinate_past {
		__s64 tick;
		struct source_value value;
		char missing[INTERVAL_TEXT_BYTES];
	} past[COORDINATE_HISTORY]; /* at tick % COORDINATE_HISTORY */
	__s64 tick;                 /* the last; 0: none yet */
};

struct coordinate {
	struct config config;
	const char *config_path; /* NULL: the built-in defaults */
	enum output output;
	bool quiet, again, paused;
	bool starved; /* paused for want of files or memory */
	int epoll;
	__u64 clock_ns, clock_mono_ns; /* of the last coordinate_now() */
	__u64 start_ns;

	struct coordinator *engine;
	unsigned int ask_count;
	struct coordinate_last {
		json_t *json; /* as it was given; NULL: none was yet */
		__u64 at_ns;
	} * last; /* by ask */

	struct coordinate_listener listener[CONFIG_LISTENERS];
	unsigned int listeners;
	struct secure_context *tls;
	struct guest *guests, *dirty, *gone;
	struct guest *waiting[COORDINATE_WAITING]; /* the oldest first */
	unsigned int guest_count, waiting_count, leaving_count;
	struct guest **session; /* hash of sessions */
	unsigned int session_mask;
	struct coordinate_owner *owner; /* by rising host */
	unsigned int owners;
	struct coordinate_traffic before; /* of connections that are over */
	__u64 refused[COORDINATE_REFUSAL_MAX];
	struct coordinate_said said[COORDINATE_REFUSAL_MAX];

	struct interval_log *log;
	bool log_failed, log_broke; /* as was said; in this turn */
	__u64 log_again_ns;         /* after a failure: not before */
	__u64 printed_ns;
	bool answered; /* in this turn */
	bool whole;    /* all answers that come each second have come since the last print */

	struct uplink *uplink;
	struct coordinate_watch uplink_watch;
	struct coordinate_offer *offer; /* what the parent gets, by its numbers */
	__s64 told;                     /* the last tick that it got */
	unsigned int offered_count;

	char socket[CONFIG_SOCKET_BYTES]; /* as it was at the start */
	int local_fd;                     /* listening there; -1: no */
	dev_t local_device;
	ino_t local_inode;
	struct coordinate_watch local_listener;
	struct coordinate_local *locals;
	unsigned int local_count;

	struct notes notes;
};

/* coordinate.c */
struct coordinate_options {
	const char *config_path; /* NULL: the built-in defaults */
	enum output output;
	bool quiet; /* nothing each second */
};
/* Until it is stopped. 0 or a negative errno after a line. */
int coordinate_run(const struct coordinate_options *options);
void coordinate_say(struct coordinate *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Unix time that does not go back. */
__u64 coordinate_now(struct coordinate *c);
/* Has epoll watch `fd` for `events`, or nothing (-1). 0 or -errno. */
int coordinate_watch(struct coordinate *c, struct coordinate_watch *watch, int fd, short events);

/* coordinate_plan.c */
struct coordinate_plan {
	struct coordinator_plan plan;
	struct coordinator_query *queries;
	struct coordinator_ask *asks;
	__u32 *query_of; /* of the config's query: index in the plan */
};
/* Points into the config. 0 or -ENOMEM; for coordinate_plan_free(). */
int coordinate_plan_make(const struct config *config, struct coordinate_plan *out);
void coordinate_plan_free(struct coordinate_plan *plan);

/* coordinate_door.c */
int door_open(struct coordinate *c);
void door_close(struct coordinate *c);
/* What listeners that want TLS are to show and to ask for. -errno after a line. */
int door_tls(struct coordinate *c, const struct config_coordinate *config,
	     struct secure_context **out);
void door_enter(struct coordinate *c, struct coordinate_listener *listener);
/* Each quarter of a second: who has had his time, and whether others may come. */
void door_sweep(struct coordinate *c, __u64 now_ns);
/* At the end of a turn: is there room again? */
void door_settle(struct coordinate *c);
void door_waits_no_more(struct coordinate *c, struct guest *g);
/* Counts it and says it, if not too much was said of its kind lately. */
void door_refused(struct coordinate *c, enum coordinate_refusal reason, const char *who,
		  const char *why);

/* coordinate_guest.c */
/* Takes the link. NULL: no memory, and the link is closed. */
struct guest *guest_new(struct coordinate *c, struct link *link, __u64 now_ns);
void guest_turn(struct coordinate *c, struct guest *g, __u64 now_ns);
/* Tells it why if it can be told, and lets it go. */
void guest_refuse(struct coordinate *c, struct guest *g, enum coordinate_refusal reason,
		  const char *why);
/* Ends the connection, and the session with it, unless another has taken that over. */
void guest_end(struct coordinate *c, struct guest *g, bool taken_over);
void guests_grant(void *context, __u32 session, const struct interval_grant *grant);
/* Of all hosts, since the start. */
struct coordinate_traffic guests_traffic(const struct coordinate *c);
/* Sends what is to be sent, frees what is gone. */
void guests_settle(struct coordinate *c);

/* coordinate_answer.c */
void answer_take(void *context, const struct coordinator_answer *answer);
/* Whether the parent's certificates and the log of a config can be had; says why not. *log: opened
 * if the config has one. Nothing else changes. */
int answers_try(struct coordinate *c, const struct config_coordinate *config,
		struct interval_log **log);
/* Takes last[count], all zero: the plan's answers, of which none was given yet. */
void answers_expect(struct coordinate *c, struct coordinate_last *last, unsigned int count);
/* The parent, as the config has it now. */
int answers_open_uplink(struct coordinate *c);
void answers_close(struct coordinate *c);
/* At the end of a turn: flushes the log, tells the parent. */
void answers_settle(struct coordinate *c, __u64 now_ns);
void answers_turn_uplink(struct coordinate *c);

/* coordinate_screen.c */
void coordinate_screen_open(struct coordinate *c);
void coordinate_screen_close(struct coordinate *c);
/* -EIO: nobody reads along any more. */
int coordinate_screen_tick(struct coordinate *c, __u64 now_ns);
void coordinate_screen_totals(struct coordinate *c);
/* {time, up_s, hosts: {here, missing}, messages, bytes, counters}; with `all` hosts: [...] too. */
json_t *coordinate_status_json(struct coordinate *c, bool all);

/* coordinate_local.c */
int local_open(struct coordinate *c);
void local_close(struct coordinate *c);
void local_enter(struct coordinate *c);
void local_turn(struct coordinate *c, struct coordinate_watch *watch);
void local_sweep(struct coordinate *c, __u64 now_ns);

/* coordinate_read.c */
struct coordinate_at {
	__s64 second;
	bool of_start; /* seconds after the log's start, not Unix time */
};
/* Prints what a log holds: each second at which an interval changed, or the state `at` one. 0 or a
 * negative errno after a line. */
int coordinate_read(const char *path, const struct coordinate_at *at, bool json);

#endif

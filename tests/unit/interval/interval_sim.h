/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A world of hosts and coordinators for tests: the sources and coordinators that weir runs, on a
 * clock of its own, joined by connections that are slow, get stuck and break.
 *
 *   values ──→ struct source ══connection══→ struct coordinator ──answers──→ checks
 *     │                      ←══════════════          │ (in some worlds: as a host of another one)
 *     └──────────── what was true of each tick ──────────────────────────────────→
 *
 * All of it follows from one seed. What is checked of every answer stands in interval_sim_check.c.
 */
#ifndef UNIT_INTERVAL_SIM_H
#define UNIT_INTERVAL_SIM_H

#include "interval/coordinator.h"
#include "interval/source.h"

#define SIM_HOSTS 6 /* that measure; one more stands for a coordinator as a host */
#define SIM_NODES (SIM_HOSTS + 1)
#define SIM_QUERIES 3
#define SIM_ASKS 4
#define SIM_TICKS 180 /* of a run; the last SIM_QUIET without disturbance */
#define SIM_QUIET 50
#define SIM_SETTLED 20 /* and in the last of these all is as it should be */
#define SIM_TRUTHS 32
#define SIM_WINDOW_MAX 60
#define SIM_CONNECTIONS 4
#define SIM_NS 1000000000ull

enum sim_word_kind {
	SIM_HELLO,
	SIM_ASK,
	SIM_UPDATE,
	SIM_TICK,
	SIM_LACK,
	SIM_GOODBYE,
	SIM_WELCOME,
	SIM_GRANT
};

struct sim_word {
	__u64 due_ns;
	enum sim_word_kind kind;
	union {
		struct interval_hello hello;
		struct {
			__u32 query;
			__u64 width;
		} ask;
		struct interval_update update;
		struct interval_tick tick;
		struct interval_lack lack;
		struct interval_welcome welcome;
		struct interval_grant grant;
	};
};

struct sim_queue {
	struct sim_word *word;
	__u32 first, count, room;
	__u64 last_due_ns;
};

/* Each end finds out in its own time that a connection is broken. */
struct sim_connection {
	bool at_host, at_coordinator;                /* open there */
	__u32 session;                               /* the coordinator's; 0: no hello yet */
	__u64 host_learns_ns, coordinator_learns_ns; /* ~0: nothing is wrong */
	struct sim_queue up, down;
};

/* What was so at a tick, as the host told it to a session. */
struct sim_truth {
	__s64 tick;
	bool known[SIM_QUERIES];
	__s64 value[SIM_QUERIES];
};

struct sim_value {
	bool bursty; /* a window's counts; else a walk */
	__u32 window_s;
	__s64 value, step;
	__u64 slot[SIM_WINDOW_MAX]; /* the oldest first */
	__u64 rate;
	bool on;
};

struct sim_host {
	__u32 id;
	bool runs;
	bool wanted; /* has not left */
	__s64 skew_ns;
	__u64 instance;
	__u64 slow_ns, stuck_until_ns; /* its connections' delay; nothing moves until */
	__u64 again_ns;                /* tries to connect, starts again */
	struct sim_connection connection[SIM_CONNECTIONS];
	int current; /* -1: none */
	bool welcome;
	__s32 shift_s;
	__s64 second;
	struct source source;
	struct sim_value value[SIM_QUERIES];
	bool unknown[SIM_QUERIES];
	__u64 granted[SIM_QUERIES];
	char lack[SIM_QUERIES][INTERVAL_NAME_BYTES];
	struct sim_truth truth[SIM_TRUTHS];
	__u32 truths;
	bool odd;         /* its clock was set since its greeting, or that was late */
	__u64 spoke_ns;   /* when a tick of it came to the coordinator */
	__u64 settled_ns; /* first tick of its session there; 0: it has none */
	__s64 settled_tick;
};

/* What a coordinator answered, for its parent. */
struct sim_answered {
	__s64 tick, low, high, truth;
	bool complete;
	char missing[INTERVAL_NAME_BYTES];
};

struct sim_coordinator {
	struct sim *sim;
	struct coordinator *coordinator; /* NULL: crashed */
	__s64 skew_ns;
	__u64 again_ns, due_ns;
	__u64 replanned_ns, members_ns; /* the last change of budgets, of who is there */
	__u32 counted[SIM_ASKS];        /* members of the last answer */
	__u64 counted_ns[SIM_ASKS];     /* when that was another number */
	struct coordinator_query query[SIM_QUERIES];
	struct coordinator_ask ask[SIM_ASKS];
	struct coordinator_plan plan;
	__u32 ids, id[SIM_NODES], subset[SIM_ASKS][SIM_NODES];
	__s64 last[SIM_ASKS];
	struct sim_answered answered[SIM_ASKS][SIM_TRUTHS];
	__u32 settled[SIM_ASKS], precise[SIM_ASKS]; /* answers in the settled end of the run */
};

struct sim_totals {
	__u64 runs, answers, complete, parts, ambiguous, updates, raised, lowered, takeovers,
		silences, skipped, incomplete, refusals, losses, crashes, replans, stacked, lacks;
};

struct sim {
	__u64 random, now_ns, start_ns, quiet_ns, end_ns;
	enum interval_method method;
	bool stacked, listed, together;        /* clocks are right, as with NTP */
	__u32 hosts, queries;                  /* hosts that measure */
	struct sim_host host[SIM_NODES];       /* the last is the child as a host of its parent */
	struct sim_coordinator coordinator[2]; /* 0: the one whose answers count; 1: its child */
	struct sim_totals *totals;
	struct sim_word nowhere;
	bool failed;
	struct why why;
};

/* Runs the world of a seed; adds to totals. False: `why` says what is wrong. */
bool sim_run(__u64 seed, struct sim_totals *totals, struct why *why);

/* Between the files. */
__u64 sim_random(struct sim *s);
__u64 sim_below(struct sim *s, __u64 limit);
bool sim_chance(struct sim *s, __u32 in);
__attribute__((format(printf, 2, 3))) void sim_fail(struct sim *s, const char *format, ...);
bool sim_is_quiet(const struct sim *s);
/* interval_sim_link.c */
struct sim_word *sim_say(struct sim *s, struct sim_host *h, struct sim_connection *c, bool up,
			 enum sim_word_kind kind);
struct sim_word *sim_hear(struct sim *s, struct sim_host *h, struct sim_queue *q);
void sim_break(struct sim *s, struct sim_host *h);
void sim_queue_clear(struct sim_queue *q);
void sim_connections_free(struct sim_host *h);
/* interval_sim_host.c */
void sim_host_values(struct sim *s, struct sim_host *h);
void sim_host_turn(struct sim *s, struct sim_host *h);
void sim_host_end(struct sim *s, struct sim_host *h, __u64 again_ns);
void sim_child_turn(struct sim *s);
struct sim_coordinator *sim_coordinator_of(struct sim *s, const struct sim_host *h);
/* interval_sim_coordinator.c */
void sim_coordinator_begin(struct sim *s, struct sim_coordinator *at);
void sim_coordinator_crash(struct sim *s, struct sim_coordinator *at);
void sim_coordinator_turn(struct sim *s, struct sim_coordinator *at);
void sim_coordinator_replan(struct sim *s, struct sim_coordinator *at);
/* interval_sim_check.c */
void sim_tell_truth(struct sim_host *h, __s64 tick, __u32 query, bool known, __s64 value);
void sim_check_answer(struct sim *s, struct sim_coordinator *at,
		      const struct coordinator_answer *answer);
void sim_check_silence(struct sim *s, struct sim_coordinator *at);
void sim_check_end(struct sim *s);

#endif

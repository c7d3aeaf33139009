/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The coordinator's side, pure: what hosts say goes in; grants and answers come out; the clock is
 * passed in. docs/adaptive.md argues why an answer is true.
 *
 *   An answer is as of a tick. It comes out when every host that is there has said all it has to say
 *   up to that tick, so no bound on delays is assumed: a late host delays answers, and makes them
 *   incomplete by name after COORDINATOR_SILENT_NS.
 *   A grant that raises a width holds here from the tick it names, at the host later; one that
 *   lowers it holds here from the tick on at which the host says that it does. Budgets are kept at
 *   every tick, counting the wider of the two.
 */
#ifndef INTERVAL_COORDINATOR_H
#define INTERVAL_COORDINATOR_H

#include "base/why.h"
#include "interval/interval.h"

#define COORDINATOR_SILENT_NS 2500000000ull /* from a host's last word to its being missing */
#define COORDINATOR_LATE_TICKS 3         /* so far behind the clock, its ticks count as missing, */
#define COORDINATOR_LAG_NS 5000000000ull /* and after so long the host has to come anew */
#define COORDINATOR_SKEW_MS 1000         /* of a host's clock, beyond which its ticks are shifted */
#define COORDINATOR_PART_BYTES 96

enum coordinator_aggregate {
	COORDINATOR_SUM,
	COORDINATOR_AVG,
};

struct coordinator_query {
	char name[INTERVAL_NAME_BYTES];
	char measure[INTERVAL_NAME_BYTES];
	char match[INTERVAL_TEXT_BYTES];
	__u32 window_s;
};

/* An answer that is asked for. */
struct coordinator_ask {
	char name[INTERVAL_NAME_BYTES];
	__u32 query; /* index in the plan */
	enum coordinator_aggregate aggregate;
	const __u32 *hosts; /* rising; NULL: all that have the query */
	__u32 host_count;
	/* U - L at most: millionths per second (of the query's unit), or with `relative` millionths
	 * of the answer's lower end. */
	__u64 precision;
	bool relative;
};

struct coordinator_plan {
	struct interval_rules rules;
	char name[INTERVAL_NAME_BYTES]; /* of this coordinator */
	const struct coordinator_query *queries;
	const struct coordinator_ask *asks;
	const __u32 *hosts; /* rising: that may and should come; NULL: any */
	__u32 query_count, ask_count, host_count;
	__u32 host_most; /* known at one time, here or not; 0: no limit */
	__u32 forget_s; /* without contact for so long a host is forgotten, unless `hosts` has it */
};

/* One host in an answer. */
struct coordinator_part {
	__u32 host;
	const char *name;
	bool missing;
	/* Missing: the last tick that is known of it, as a coordinator of all below it; 0: never. */
	__s64 since;
	char why[COORDINATOR_PART_BYTES]; /* missing: in a few words */
	__s64 counted_since;              /* else; 0: not known */
	__s64 centre;
	__u64 width; /* of the interval as it holds: twice the error where that is more */
};

struct coordinator_answer {
	const struct coordinator_ask *ask;
	const struct coordinator_query *query;
	__u32 index; /* of ask */
	__s64 tick;  /* as of */
	/* Sums over the parts that are not missing, thousandths of counts in the window; for AVG
	 * still the sum: `present` is the divisor. */
	__s64 low, high;
	/* The same before it is cut at 0, as filters and budgets use it. For a coordinator above. */
	__s64 sum_low, sum_high;
	/* All that are present have counted since then, or for less than the window, to whose length
	 * values are brought; 0: not known. */
	__s64 counted_since;
	__u64 budget; /* that high - low may be */
	__u32 present, missing;
	bool precise;                         /* nobody is missing, and high - low <= budget */
	const struct coordinator_part *parts; /* by rising host; valid until the next call */
	__u32 part_count;
};

struct coordinator_sink {
	void *context;
	void (*grant)(void *context, __u32 session, const struct interval_grant *grant);
	void (*answer)(void *context, const struct coordinator_answer *answer);
};

/* X(id, name, text): what happened, counted. */
#define COORDINATOR_COUNTS(X)                                                                      \
	X(UPDATES, updates, "updates taken")                                                       \
	X(GRANTS, grants, "grants sent")                                                           \
	X(TICKS, ticks, "ticks of hosts")                                                          \
	X(ANSWERS, answers, "answers given")                                                       \
	X(INCOMPLETE, incomplete, "answers that lacked a host")                                    \
	X(SESSIONS, sessions, "sessions begun")                                                    \
	X(TAKEOVERS, takeovers, "sessions taken over by a new connection of the same host")        \
	X(TWICE, refused_twice, "sessions refused: the host is here already")                      \
	X(STRANGERS, refused_strangers, "sessions refused: no host of this coordinator")           \
	X(OTHER_QUERY, refused_queries, "queries refused: they are not what is asked here")        \
	X(BAD, refused_words, "sessions ended: what the host said cannot be")                      \
	X(SILENCES, silences, "times that a host fell silent")                                     \
	X(SKIPPED, skipped, "ticks passed over without an answer")

enum coordinator_count {
#define X(id, name, text) COORDINATOR_##id,
	COORDINATOR_COUNTS(X)
#undef X
	COORDINATOR_COUNT_MAX,
};

struct coordinator_count_name {
	const char *name, *text;
};
extern const struct coordinator_count_name coordinator_count_names[COORDINATOR_COUNT_MAX];

struct coordinator;

/* The plan is copied. NULL: no memory. now_ns everywhere: Unix time, by the coordinator's clock;
 * it must not go back. */
struct coordinator *coordinator_new(const struct coordinator_plan *plan,
				    const struct coordinator_sink *sink, __u64 now_ns);
void coordinator_free(struct coordinator *c);
/*
 * Another plan. 0: sessions go on. 1: queries, rules or the hosts that may come are others; all
 * sessions are over, and the caller closes them, so that hosts come anew. -ENOMEM: all is as before.
 */
int coordinator_replan(struct coordinator *c, const struct coordinator_plan *plan, __u64 now_ns);

/*
 * A host says hello. 0: *session is its number, from 1, and *replaced that of the session it takes
 * over (0: none), which the caller closes without coordinator_end(). -EEXIST: a host of that number
 * is here already, -EACCES: it is not in the plan, or there are too many, -EINVAL: its hello is
 * impossible; and why.
 */
int coordinator_hello(struct coordinator *c, const struct interval_hello *hello, __u64 now_ns,
		      struct interval_welcome *out, __u32 *session, __u32 *replaced,
		      struct why *why);

/* 0; -ENOENT and why: the query is not asked here, or is another; it is left out and the session
 * goes on. -EPROTO and why: the caller ends the session. The other four so, too. */
int coordinator_query(struct coordinator *c, __u32 session, const struct interval_ask *ask,
		      __u64 now_ns, struct why *why);
/* The query of that name, for a host whose query differs; without a measure: there is none. */
void coordinator_asked(const struct coordinator *c, const char *name, struct interval_ask *out);
int coordinator_update(struct coordinator *c, __u32 session, const struct interval_update *update,
		       __u64 now_ns, struct why *why);
int coordinator_lack(struct coordinator *c, __u32 session, const struct interval_lack *lack,
		     __u64 now_ns, struct why *why);
int coordinator_since(struct coordinator *c, __u32 session, const struct interval_since *since,
		      __u64 now_ns, struct why *why);
int coordinator_tick(struct coordinator *c, __u32 session, const struct interval_tick *tick,
		     __u64 now_ns, struct why *why);

/* The session is over. `leaves`: the host said goodbye, it is no part of any answer any more. */
void coordinator_end(struct coordinator *c, __u32 session, bool leaves, __u64 now_ns);

/* What time brings: silences, periods, widths. Returns when it is to be called again at the latest.
 * Grants and answers come out of this and the four above. */
__u64 coordinator_turn(struct coordinator *c, __u64 now_ns);

/* The last answer to asks[index], as it was given; false: none was yet. */
bool coordinator_last(const struct coordinator *c, __u32 index, struct coordinator_answer *out);

struct coordinator_host {
	__u32 host;
	char name[INTERVAL_NAME_BYTES];
	bool here;
	__s64 since;   /* here: its session's start; else the last tick known of it (0: none) */
	__s32 skew_ms; /* its clock against ours at hello, delay included */
	__u64 updates, grants; /* in this session */
};
/* Each host, by rising number. */
void coordinator_hosts(const struct coordinator *c,
		       void (*each)(void *context, const struct coordinator_host *host),
		       void *context);

__u64 coordinator_counted(const struct coordinator *c, enum coordinator_count what);
/* Memory that hosts and objects take. */
__u64 coordinator_bytes(const struct coordinator *c);

#endif

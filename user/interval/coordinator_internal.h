/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A coordinator from inside.
 *
 *   coordinator.c          sessions, what hosts say, time
 *   coordinator_host.c     hosts and their objects
 *   coordinator_plan.c     what is asked; who is a member of which answer; another plan
 *   coordinator_width.c    budgets; widths on their way to the allocator's targets
 *   coordinator_answer.c   when an answer is due, and what it is
 */
#ifndef INTERVAL_COORDINATOR_INTERNAL_H
#define INTERVAL_COORDINATOR_INTERNAL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "interval/allocate.h"
#include "interval/coordinator.h"
#include "interval/source.h"

#define NS_PER_S 1000000000ull
/* Ticks of an object that are kept: answers lag behind a host by COORDINATOR_LATE_TICKS at most,
 * and hosts run ahead of the clock by AHEAD_TICKS at most. */
#define HISTORY 8
#define AHEAD_TICKS 3
#define JOIN_NS 1000000000ull /* hosts that come together are given widths together */

#define WIDTHS 10 /* that are kept: they are set for one tick more, behind a session's last */

_Static_assert(HISTORY > COORDINATOR_LATE_TICKS + AHEAD_TICKS, "history of an object");
_Static_assert(WIDTHS > COORDINATOR_LATE_TICKS + AHEAD_TICKS + 1, "widths of an object");

/* What a host said of a query. */
struct saying {
	struct interval_course course;
	__u64 error;
};

/* A width from tick `from` on, shrinking since tick `base`. */
struct width {
	__s64 from, base;
	__u64 width;
};

/* One query of one host. The newest of each circle is at index `at`. */
struct object {
	struct host *host;
	__u32 query;  /* of the plan */
	__u32 number; /* in the session */
	__u32 index;  /* in coordinator.object and in the allocation */
	struct saying said[HISTORY];
	struct width width[WIDTHS];
	__u8 said_at, said_count, width_at, width_count;
	bool lowers; /* a lower width is sent and not confirmed: */
	struct interval_grant lower;
	__u64 step;
	__u64 least; /* that is set aside of budgets, for its interval is as wide by its errors */
	struct {
		__s64 from;
		char *missing; /* NULL: nobody */
	} lack[2];             /* the newest first */
	struct {
		__s64 from, since;
	} counted[2]; /* the newest first */
	__u64 lacked; /* bit n: somebody was missing at the host's tick `confirmed` - n */
	__s64 whole;  /* the last tick, of whatever session, at which nobody was */
};

struct host {
	__u32 id;
	__u64 instance;
	char name[INTERVAL_NAME_BYTES];
	__u32 session; /* 0: none */
	bool missing;  /* silent or late, though in a session */
	bool late;
	bool left;
	__u64 heard_ns;
	__u64 late_ns;   /* since when its ticks come late; 0: they do not */
	__s64 known;     /* the last tick known of it, in whatever session */
	__s64 confirmed; /* the last tick of this session; 0: none yet */
	__u64 ticked;    /* bit n: it has said all of tick `confirmed` - n */
	__s64 latest;    /* of an update */
	__s32 skew_ms;
	__u32 serial;
	__u64 updates, grants;
	__s64 since;
	struct object **object;      /* by query of the plan; NULL */
	char **refused;              /* by query of the plan: why; NULL */
	__s16 query[SOURCE_QUERIES]; /* by number in the session; -1: none */
	__u32 *ask;                  /* answers that it is a member of */
	__u32 asks;
	UT_hash_handle hh; /* by session */
};

/* A member of an answer. */
struct member {
	__u32 id;
	struct host *host; /* NULL: it never came */
};

struct answer {
	struct member *member;
	__u32 members;
	struct coordinator_part *part; /* [members] */
	__u32 waiting;                 /* members that are there and have not confirmed `goal` */
	__s64 goal;
	__u64 budget;
	__u64 least;                    /* what is set aside of it */
	bool peopled;                   /* it has had a member under this plan */
	struct coordinator_answer last; /* tick 0: none yet */
};

struct coordinator {
	struct coordinator_plan plan; /* all that it points to is ours */
	struct coordinator_sink sink;
	__u64 now_ns;
	__s64 tick;         /* of the clock */
	__s64 turned;       /* the last one on which widths were looked at */
	__s64 floor;        /* from which grants hold: not before anything that is counted on */
	struct host **host; /* by rising id */
	__u32 hosts, host_room;
	struct host *sessions;
	__u32 last_session;
	struct object **object;
	__u32 objects, object_room;
	struct answer *answer; /* by ask */
	struct allocation allocation;
	__u32 *member;    /* of the allocation */
	bool told_widths; /* new objects came with a width from before */
	bool moving;      /* widths are not at their targets */
	bool recount;     /* what answers wait for */
	bool changed;     /* members have changed: links between hosts and answers are stale */
	__u64 anew_ns;    /* when widths are allocated anew; ~0: not */
	__u64 bytes;
	__u64 count[COORDINATOR_COUNT_MAX];
};

static inline const struct saying *said_newest(const struct object *o)
{
	return o->said_count ? &o->said[o->said_at] : NULL;
}

static inline const struct width *width_newest(const struct object *o)
{
	return &o->width[o->width_at];
}

/* Has the host said all there is to say of that tick, itself, in this session? */
static inline bool host_told(const struct host *h, __s64 tick)
{
	__s64 ago = h->confirmed - tick;

	return ago >= 0 && ago < 64 && h->ticked >> ago & 1;
}

/* Was the host's value of that tick, which it has told, without somebody's? */
static inline bool object_lacked(const struct object *o, __s64 tick)
{
	return o->lacked >> (o->host->confirmed - tick) & 1;
}

/* Is the host there? */
static inline bool host_is_live(const struct host *h)
{
	return h->session && !h->missing;
}

/* Do answers wait for it? Ticks before the first of a session never come. */
static inline bool host_is_awaited(const struct host *h)
{
	return host_is_live(h) && h->confirmed;
}

/* Has the host asked the query in this session, so that its width can be spoken of? */
static inline bool object_is_asked(const struct object *o)
{
	return o->host->session && o->host->query[o->number] == (__s16)o->query;
}

/* coordinator.c. Time, as far as it has not been seen. */
void coordinator_advance(struct coordinator *c, __u64 now_ns);

/* coordinator_host.c. NULL: there is none, or no memory for another. */
struct host *host_find(const struct coordinator *c, __u32 id);
struct host *host_new(struct coordinator *c, __u32 id);
void host_remove(struct coordinator *c, struct host *h);
/* All, with their sessions. Answers still point to them. */
void hosts_drop(struct coordinator *c);
/* width: what it had with another run of the coordinator; 0: none. */
struct object *object_new(struct coordinator *c, struct host *h, __u32 query, __u64 width);
/* A session's beginning: nothing is said yet, and the host's width is 0. */
void object_begin(struct object *o, __u32 number);
void object_free(struct coordinator *c, struct object *o);

/* coordinator_plan.c */
int plan_copy(const struct coordinator_plan *from, struct coordinator_plan *out);
void plan_free(struct coordinator_plan *plan);
bool plan_same_queries(const struct coordinator_plan *a, const struct coordinator_plan *b);
bool plan_lists(const __u32 *hosts, __u32 count, __u32 id);
/* Is the host listed anywhere, so that it is missed when it is not there? */
bool plan_expects(const struct coordinator_plan *plan, __u32 id);
/* After hosts, objects or asks have changed. -ENOMEM: as before, and still stale. */
int plan_link(struct coordinator *c);
void answers_free(struct answer *answer, __u32 count);

/* coordinator_width.c */
/* The width that counts for the object at a tick. */
__u64 width_of(const struct coordinator *c, const struct object *o, __s64 tick);
/* Is the width of that tick still in the circle, which a host may have gone round since? */
bool width_is_known(const struct object *o, __s64 tick);
void width_push(struct object *o, __s64 from, __s64 base, __u64 width);
/* The host's tick confirms grants up to `serial`. */
void width_confirm(struct coordinator *c, struct host *h, __s64 tick, __u32 serial);
/* U - L that the answer may have, at a lower end of `low`. */
__u64 width_budget(const struct coordinator *c, __u32 ask, __s64 low);
/* Budgets, targets, grants: whatever is due at c->now_ns. */
void width_turn(struct coordinator *c, bool tick);
void width_anew(struct coordinator *c);

/* coordinator_answer.c */
/* Counts again which members an answer waits for, and gives what is due. */
void answer_turn(struct coordinator *c, __u32 ask);
/* The host has come from tick `from` (0: none) to h->confirmed. */
void answer_confirm(struct coordinator *c, struct host *h, __s64 from);

#endif

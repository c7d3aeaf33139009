/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Adaptive filters (Olston, Jiang, Widom, SIGMOD 2003): what a host and its coordinator both know.
 *
 *   An object is one query on one host. Its value V changes every second, a tick. The host keeps an
 *   interval around a course, and so does the coordinator, the same or a wider one:
 *
 *        V │         ┌──────────────────── upper end
 *          │   x  x  │  x     x
 *          │ ──┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄─── course: constant, or where the host expects to go
 *          │         │     x     x   ✗ ← outside: an update, with a new course by V
 *          └─────────┴──────────────────── tick
 *
 *   While V stays inside, nothing is said. Hosts set the course, the coordinator sets the width.
 *
 * Units. A value is a count of packets or bytes within the query's window, in thousandths, so that
 * every rate a person writes with three decimals is exact; divided by 1000 and the window it is a
 * rate per second. Widths are even: half a width is exact too. A tick is a second of Unix time as
 * the coordinator has it; a value of tick t covers the window that ends with second t.
 */
#ifndef INTERVAL_INTERVAL_H
#define INTERVAL_INTERVAL_H

#include <linux/types.h>
#include <stdbool.h>

#include "base/section.h"
#include "base/why.h"

#define INTERVAL_ONE 1000              /* of a count */
#define INTERVAL_VALUE_MAX (1ll << 58) /* of |value|, width and error: sums of 16 fit */
#define INTERVAL_WIDTH_MAX (1ull << 58)
#define INTERVAL_KNOTS 16
#define INTERVAL_SHIFT_MAX 26
#define INTERVAL_NAME_BYTES 64
#define INTERVAL_TEXT_BYTES 256

enum interval_method {
	INTERVAL_AUTO,     /* courses, widths by what hosts tell of their values */
	INTERVAL_ADAPTIVE, /* constant courses, widths shrink by themselves and grow by burden */
	INTERVAL_STATIC,   /* constant courses, uniform widths */
	INTERVAL_METHODS,
};
extern const struct key_choice interval_methods[INTERVAL_METHODS + 1];

/* What a coordinator tells each host at the start of a session. */
struct interval_rules {
	enum interval_method method;
	__u32 period_s;   /* widths shrink at the ticks that it divides; 0: never */
	__u32 shrink_ppm; /* by so many millionths */
};

/*
 * A course: straight lines between knots, from `centre` at `tick` on; level behind the last. Knot
 * k lies `after` ticks and `move` times 2^shift after the one before it; in between, a part of the
 * move is rounded towards nought, in units of 2^shift.
 */
struct interval_course {
	__s64 tick, centre;
	__u8 shift, knots;
	struct {
		__u16 after; /* from 1 */
		__s32 move;
	} knot[INTERVAL_KNOTS];
};

/* Where the course is at a tick not before its own. The same integers on every machine. */
__s64 interval_centre(const struct interval_course *course, __s64 tick);
/* Is it one that interval_centre() may be asked of: shift, knots, `after`, and values in range? */
bool interval_course_is_sound(const struct interval_course *course);

/* A width that was set at tick `from`, at tick `at`: shrunk at each multiple of the period within
 * (from, at], rounded down to even each time. */
__u64 interval_width_at(const struct interval_rules *rules, __u64 width, __s64 from, __s64 at);

/* V is known to be within +- error (0, but for coordinators as sources). Is all of it within half
 * a width, or, where that is less, `least`, of the centre? */
static inline bool interval_holds(__s64 centre, __u64 width, __u64 least, __s64 value, __u64 error)
{
	__u64 away = value > centre ? (__u64)value - (__u64)centre : (__u64)centre - (__u64)value;
	__u64 half = width / 2 > least ? width / 2 : least;

	return away + error <= half;
}

/* --- What is said ------------------------------------------------------------------------- */

/* Host to coordinator, first. The coordinator answers with a welcome, or a refusal and the end. */
struct interval_hello {
	__u32 host;
	__u64 instance; /* the same after the agent was killed, another on another machine */
	__u64 time_ms;  /* Unix time by the host's clock */
	char name[INTERVAL_NAME_BYTES];
};

struct interval_welcome {
	struct interval_rules rules;
	__s32 shift_s; /* what the host adds to its clock's seconds to have ticks */
	char name[INTERVAL_NAME_BYTES];
};

/* Host to coordinator, once for each query in a session; `query` is its number from then on. */
struct interval_ask {
	__u32 query;
	__u32 window_ms;
	__u64 width; /* that it had in the session before; 0: none */
	char measure[INTERVAL_NAME_BYTES];
	char name[INTERVAL_NAME_BYTES];
	char match[INTERVAL_TEXT_BYTES]; /* cut where it is longer */
};

/* 0 if both ask the same; else -ENOENT and what differs. `there` says where the far one is. Long
 * matches are cut. */
int interval_ask_compare(const struct interval_ask *far, const char *there,
			 const struct interval_ask *here, struct why *why);

struct interval_update {
	__u32 query;
	__u64 width; /* of the host at this tick */
	__u64 error; /* of the value: the interval is never narrower than +- error */
	__u64 step;  /* how far the value strays from its course in one tick: root mean square */
	struct interval_course course; /* course.tick is the update's */
};

/* All that is to be said of ticks up to this one has been said. */
struct interval_tick {
	__s64 tick;
	__u32 serial; /* grants up to this one hold from this tick on */
};

/* A host that is itself a coordinator, of a query: who is missing in its values from `tick` on
 * (empty: nobody any more). */
struct interval_lack {
	__u32 query;
	__s64 tick;
	char missing[INTERVAL_TEXT_BYTES];
};

/* Host to coordinator: since which second a query's values are counted, from `tick` on. Until that is
 * a window, they are what the window would hold at the rate so far. */
struct interval_since {
	__u32 query;
	__s64 tick, since; /* since 0: not known, as without this word */
};

/* Coordinator to host: a width that holds from the host's first tick >= `tick` on. */
struct interval_grant {
	__u32 query;
	__u32 serial; /* 1, 2, ... in a session */
	__s64 tick;
	__u64 width;
};

#endif

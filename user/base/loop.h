/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One event loop: descriptors, timers and signals, each with the function that takes its turn.
 *
 *   loop_watch(loop, &door->watch, fd, POLLIN)      whenever fd is readable: door->watch.turn()
 *   loop_timer(loop, &door->timer, due_ns)          once, when it is due: door->timer.turn()
 *   loop_signal(loop, SIGHUP, reload, agent)        on that signal
 *   loop_each(loop, settle, agent)                  before each wait
 *   loop_run(loop)                                  until loop_stop()
 *
 * Watches and timers lie in what they belong to and are zero but for `turn` and `context`, so that
 * nothing is allocated for them. They may be changed and removed in any turn, their own included;
 * one that is removed takes no turn any more. A descriptor is let go before it is closed.
 *
 * One thread. Times are of CLOCK_MONOTONIC.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <linux/types.h>
#include <poll.h>
#include <stdbool.h>

struct loop;

/* The functions may be NULL: the loop wakes up, and loop_each() does what there is to do. */
struct loop_watch {
	/* Events: POLLIN, POLLOUT, and POLLERR, POLLHUP unasked. */
	void (*turn)(void *context, short events);
	void *context;

	/* The loop's. */
	int fd;
	short events; /* 0: not watched */
};

struct loop_timer {
	void (*turn)(void *context, __u64 now_ns);
	void *context;

	/* The loop's. */
	__u64 due_ns;
	struct loop_timer *next;
	bool listed;
};

#define LOOP_NEVER (~0ull)

/* NULL and errno. The process ignores SIGPIPE from now on: who writes gets EPIPE. */
struct loop *loop_new(void);
/* The descriptors that are still watched stay open. NULL is none. */
void loop_free(struct loop *loop);

/* Has `fd` watched for `events` (POLLIN, POLLOUT) from now on, instead of what the watch was for;
 * fd -1 or events 0: for nothing. 0 or a negative errno. */
int loop_watch(struct loop *loop, struct loop_watch *watch, int fd, short events);
/* The same of a descriptor that belongs to somebody else, who may have closed it and got another
 * under the same number meanwhile. */
int loop_follow(struct loop *loop, struct loop_watch *watch, int fd, short events);

/* LOOP_NEVER: not at all. A timer is over when it takes its turn, and may be set again there. */
void loop_timer(struct loop *loop, struct loop_timer *timer, __u64 due_ns);

/* The signal is blocked in this thread and in those that it starts, and taken in turn. 0 or a
 * negative errno. */
int loop_signal(struct loop *loop, int signal, void (*turn)(void *context), void *context);

/* What is done before each wait, and what it does may still stop the loop. One function. */
void loop_each(struct loop *loop, void (*turn)(void *context), void *context);
/* From within a turn: do not wait before the next one. */
void loop_again(struct loop *loop);

/* Takes turns until loop_stop(), and returns its code; or a negative errno: it cannot wait. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int code);

#endif

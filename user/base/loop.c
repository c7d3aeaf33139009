// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * epoll for descriptors, a signalfd for signals, and a short list of timers: there are a handful,
 * so the next one is looked for each time.
 *
 * A turn may remove any watch while the events of the same wait are handed out, so those that are
 * left of the wait lie in the loop, and whoever goes is struck out of them.
 */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"

#define EVENTS 256
#define SIGNALS 32

struct loop {
	int epoll;
	struct epoll_event event[EVENTS]; /* of the last wait */
	int event_count;
	struct loop_timer *timers;
	bool again, stopped;
	int code;

	void (*each)(void *context);
	void *each_context;

	sigset_t signals;
	struct loop_watch signal_watch;
	struct {
		void (*turn)(void *context);
		void *context;
	} signal[SIGNALS];
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&loop->signals);
	loop->signal_watch.fd = -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->signal_watch.fd >= 0)
		close(loop->signal_watch.fd);
	close(loop->epoll);
	free(loop);
}

/* --- Descriptors ----------------------------------------------------------------------- */

static void strike_out(struct loop *loop, const struct loop_watch *watch)
{
	for (int i = 0; i < loop->event_count; i++) {
		if (loop->event[i].data.ptr == watch)
			loop->event[i].data.ptr = NULL;
	}
}

static int tell_epoll(struct loop *loop, int op, struct loop_watch *watch)
{
	struct epoll_event event = {
		.events = (watch->events & POLLIN ? EPOLLIN : 0u) |
			  (watch->events & POLLOUT ? EPOLLOUT : 0u),
		.data.ptr = watch,
	};

	return epoll_ctl(loop->epoll, op, watch->fd, &event) ? -errno : 0;
}

static int watch_as(struct loop *loop, struct loop_watch *watch, int fd, short events, bool known)
{
	const bool was = watch->events, same = was && watch->fd == fd;
	int code;

	if (fd < 0 || !events) {
		fd = -1;
		events = 0;
	}
	if (known && (was ? same && watch->events == events : !events))
		return 0;
	if (was && !(same && events)) {
		/* It may be closed by now, and so have left epoll by itself. */
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
		strike_out(loop, watch);
	}
	watch->fd = fd;
	watch->events = events;
	if (!events)
		return 0;
	code = tell_epoll(loop, same ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch);
	if (code == -ENOENT)
		code = tell_epoll(loop, EPOLL_CTL_ADD, watch);
	if (code) {
		watch->fd = -1;
		watch->events = 0;
	}
	return code;
}

int loop_watch(struct loop *loop, struct loop_watch *watch, int fd, short events)
{
	return watch_as(loop, watch, fd, events, true);
}

int loop_follow(struct loop *loop, struct loop_watch *watch, int fd, short events)
{
	return watch_as(loop, watch, fd, events, false);
}

/* --- Timers ---------------------------------------------------------------------------- */

void loop_timer(struct loop *loop, struct loop_timer *timer, __u64 due_ns)
{
	timer->due_ns = due_ns;
	if (timer->listed || due_ns == LOOP_NEVER) {
		struct loop_timer **at = &loop->timers;

		while (due_ns == LOOP_NEVER && *at && *at != timer)
			at = &(*at)->next;
		if (due_ns == LOOP_NEVER && *at) {
			*at = timer->next;
			timer->listed = false;
		}
		return;
	}
	timer->next = loop->timers;
	timer->listed = true;
	loop->timers = timer;
}

/* The one that is due first; NULL: there is none. */
static struct loop_timer *next_timer(const struct loop *loop)
{
	struct loop_timer *first = loop->timers;

	for (struct loop_timer *t = first; t; t = t->next) {
		if (t->due_ns < first->due_ns)
			first = t;
	}
	return first;
}

/* All that are due at one instant, each once: one that sets itself again for then is put behind the
 * others, and its next turn comes after a look at the descriptors. */
static void take_timers(struct loop *loop)
{
	const __u64 now_ns = clock_monotonic_ns();
	struct loop_timer *timer;

	while (!loop->stopped && (timer = next_timer(loop)) && timer->due_ns <= now_ns) {
		loop_timer(loop, timer, LOOP_NEVER);
		if (timer->turn)
			timer->turn(timer->context, now_ns);
		if (timer->listed && timer->due_ns <= now_ns) {
			timer->due_ns = now_ns + 1;
			loop->again = true;
		}
	}
}

/* --- Signals --------------------------------------------------------------------------- */

static void take_signals(void *context, short events)
{
	struct loop *loop = context;
	struct signalfd_siginfo info;

	(void)events;
	while (!loop->stopped && read(loop->signal_watch.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo < SIGNALS && loop->signal[info.ssi_signo].turn)
			loop->signal[info.ssi_signo].turn(loop->signal[info.ssi_signo].context);
	}
}

int loop_signal(struct loop *loop, int signal, void (*turn)(void *context), void *context)
{
	int fd;

	if (signal <= 0 || signal >= SIGNALS)
		return -EINVAL;
	sigaddset(&loop->signals, signal);
	sigprocmask(SIG_BLOCK, &loop->signals, NULL);
	fd = signalfd(loop->signal_watch.fd, &loop->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	loop->signal[signal].turn = turn;
	loop->signal[signal].context = context;
	loop->signal_watch.turn = take_signals;
	loop->signal_watch.context = loop;
	return loop_watch(loop, &loop->signal_watch, fd, POLLIN);
}

/* --- Turns ----------------------------------------------------------------------------- */

void loop_each(struct loop *loop, void (*turn)(void *context), void *context)
{
	loop->each = turn;
	loop->each_context = context;
}

void loop_again(struct loop *loop)
{
	loop->again = true;
}

void loop_stop(struct loop *loop, int code)
{
	loop->stopped = true;
	loop->code = code;
}

/* Rounded up: rounded down, the last millisecond would be spent in turns of nothing. */
static int wait_ms(const struct loop *loop)
{
	const struct loop_timer *timer = next_timer(loop);
	__u64 now_ns;

	if (loop->again)
		return 0;
	if (!timer)
		return -1;
	now_ns = clock_monotonic_ns();
	if (timer->due_ns <= now_ns)
		return 0;
	if (timer->due_ns - now_ns > HOUR_NS)
		return HOUR_NS / NS_PER_MS;
	return (timer->due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
}

static int take_events(struct loop *loop)
{
	const int wait = wait_ms(loop);
	int count;

	loop->again = false;
	count = epoll_wait(loop->epoll, loop->event, EVENTS, wait);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	loop->event_count = count;
	for (int i = 0; i < count && !loop->stopped; i++) {
		struct loop_watch *watch = loop->event[i].data.ptr;
		const __u32 events = loop->event[i].events;

		if (watch && watch->turn)
			watch->turn(watch->context, (events & EPOLLIN ? POLLIN : 0) |
							    (events & EPOLLOUT ? POLLOUT : 0) |
							    (events & EPOLLERR ? POLLERR : 0) |
							    (events & EPOLLHUP ? POLLHUP : 0));
	}
	loop->event_count = 0;
	return 0;
}

int loop_run(struct loop *loop)
{
	loop->stopped = false;
	for (;;) {
		int code;

		if (loop->each)
			loop->each(loop->each_context);
		if (loop->stopped)
			return loop->code;
		code = take_events(loop);
		if (code)
			return code;
		take_timers(loop);
	}
}

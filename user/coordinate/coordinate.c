// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir coordinate: take what hosts say, and answer, until stopped.
 *
 *   SIGINT, SIGTERM  close what is open, print the totals
 *   SIGHUP           read the config again; what is wrong with it changes nothing
 *   SIGKILL          hosts come again to the next run, and the log is valid as it is
 */
#include "coordinate/coordinate.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "view/text.h"
#include "cli/standing.h"

#define SWEEP_NS (250 * NS_PER_MS)
#define EVENTS 256

void coordinate_say(struct coordinate *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	notes_vsay(&c->notes, format, args);
	va_end(args);
}

/* When the clock is set back, time goes on from where it was until the clock has come there. */
__u64 coordinate_now(struct coordinate *c)
{
	const __u64 real_ns = clock_ns(CLOCK_REALTIME), mono_ns = clock_ns(CLOCK_MONOTONIC);
	const __u64 on_ns = c->clock_ns + (mono_ns - c->clock_mono_ns);

	c->clock_ns = !c->clock_ns || real_ns >= c->clock_ns ? real_ns : on_ns;
	c->clock_mono_ns = mono_ns;
	return c->clock_ns;
}

int coordinate_watch(struct coordinate *c, struct coordinate_watch *watch, int fd, short events)
{
	struct epoll_event event = {.data.ptr = watch};
	int op;

	if (!events)
		fd = -1;
	event.events = (events & POLLIN ? EPOLLIN : 0) | (events & POLLOUT ? EPOLLOUT : 0);
	/* An uplink may have another descriptor under the same number. */
	if (watch->fd == fd && watch->events == events && watch->kind != COORDINATE_UPLINK)
		return 0;
	if (watch->fd >= 0 && watch->events && watch->fd != fd)
		epoll_ctl(c->epoll, EPOLL_CTL_DEL, watch->fd, NULL); /* it may be closed by now */
	op = watch->fd == fd && watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	watch->fd = fd;
	watch->events = events;
	if (fd < 0 || !epoll_ctl(c->epoll, op, fd, &event))
		return 0;
	/* A closed descriptor has left epoll by itself, and its number may have come again. */
	if (errno == ENOENT && !epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event))
		return 0;
	return -errno;
}

/* --- The configuration ----------------------------------------------------------------- */

static int load_config(struct coordinate *c, struct config *out)
{
	struct why err = {};
	int code = config_load(c->config_path, out, &err);

	if (code)
		coordinate_say(c, "%s", err.text);
	return code;
}

static bool same_doors(const struct config_coordinate *a, const struct config_coordinate *b)
{
	if (a->listen_count != b->listen_count)
		return false;
	for (unsigned int i = 0; i < a->listen_count; i++)
		if (!text_same(a->listen[i].text, b->listen[i].text))
			return false;
	return text_same(a->socket, b->socket);
}

/* 0: sessions go on; 1: the engine has ended them; -ENOMEM: nothing has changed. */
static int replan(struct coordinate *c, const struct config *config)
{
	struct coordinate_last *last;
	struct coordinate_plan plan;
	int code = coordinate_plan_make(config, &plan);

	if (code)
		return code;
	last = calloc(plan.plan.ask_count + 1, sizeof(*last));
	code = last ? coordinator_replan(c->engine, &plan.plan, coordinate_now(c)) : -ENOMEM;
	if (code >= 0)
		answers_expect(c, last, plan.plan.ask_count);
	else
		free(last);
	coordinate_plan_free(&plan);
	return code;
}

/* The engine has ended them already. */
static void end_sessions(struct coordinate *c)
{
	struct guest *g, *after;

	for (g = c->guests; g; g = after) {
		after = g->after;
		if (g->state == GUEST_HERE)
			guest_end(c, g, true);
	}
}

/* Certificates are read again: they are renewed under their names. Connections keep theirs. */
static void follow(struct coordinate *c, const struct config *config, struct interval_log *log,
		   struct secure_context *tls)
{
	const bool same_door = same_doors(&c->config.coordinate, &config->coordinate);

	if (text_same(c->config.coordinate.log, config->coordinate.log)) {
		interval_log_close(log);
	} else {
		interval_log_close(c->log);
		c->log = log;
	}
	if (tls) {
		secure_context_free(c->tls);
		c->tls = tls;
	}
	config_free(&c->config);
	c->config = *config;
	coordinate_say(c, "%s: read again, %u answers", c->config_path, c->ask_count);
	if (!same_door)
		coordinate_say(c, "listen and socket take effect at the next start");
	if (answers_open_uplink(c))
		coordinate_say(c, "parent: %s", strerror(ENOMEM));
}

static void reload(struct coordinate *c)
{
	struct interval_log *log = NULL;
	struct secure_context *tls = NULL;
	struct config config;
	int code;

	if (!c->config_path) {
		coordinate_say(c, "no configuration to reload: the defaults stay");
		return;
	}
	if (load_config(c, &config))
		return;
	if ((c->tls && door_tls(c, &config.coordinate, &tls)) ||
	    answers_try(c, &config.coordinate, &log)) {
		secure_context_free(tls);
		config_free(&config);
		return;
	}
	code = replan(c, &config);
	if (code < 0) {
		coordinate_say(c, "%s: %s", c->config_path, strerror(-code));
		secure_context_free(tls);
		interval_log_close(log);
		config_free(&config);
		return;
	}
	follow(c, &config, log, tls);
	if (code) {
		coordinate_say(c, "what hosts were told has changed: they all begin anew");
		end_sessions(c);
	}
}

/* --- While it runs --------------------------------------------------------------------- */

/* 1: stop. */
static int take_signal(struct coordinate *c, int fd)
{
	const enum standing_signal signal = standing_take_signal(fd);

	if (signal == SIGNAL_RELOAD)
		reload(c);
	return signal == SIGNAL_STOP;
}

static int take_event(struct coordinate *c, struct coordinate_watch *watch)
{
	switch (watch->kind) {
	case COORDINATE_SIGNALS:
		return take_signal(c, watch->fd);
	case COORDINATE_LISTENER:
		door_enter(c, (struct coordinate_listener *)watch);
		break;
	case COORDINATE_GUEST:
		guest_turn(c, (struct guest *)watch, coordinate_now(c));
		break;
	case COORDINATE_LOCAL_LISTENER:
		local_enter(c);
		break;
	case COORDINATE_LOCAL:
		local_turn(c, watch);
		break;
	case COORDINATE_UPLINK:
		coordinate_now(c);
		answers_turn_uplink(c);
		break;
	}
	return 0;
}

static void turn_again(struct coordinate *c)
{
	struct guest *g, *after;

	if (!c->again)
		return;
	c->again = false;
	for (g = c->guests; g; g = after) {
		after = g->after;
		if (g->again)
			guest_turn(c, g, coordinate_now(c));
	}
}

static int wait_ms(const struct coordinate *c, __u64 now_ns, __u64 due_ns)
{
	const __u64 up_ns = c->uplink ? uplink_due_ns(c->uplink) : ~0ull;
	__u64 wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;

	/* The uplink's time is another clock's. */
	if (up_ns < c->clock_mono_ns + wait_ns)
		wait_ns = up_ns > c->clock_mono_ns ? up_ns - c->clock_mono_ns : 0;
	/* Rounded up: rounded down, the last millisecond would be spent in turns of nothing. */
	return c->again ? 0 : (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
}

static int loop(struct coordinate *c)
{
	__u64 sweep_ns = coordinate_now(c);

	for (;;) {
		struct epoll_event events[EVENTS];
		__u64 now_ns = coordinate_now(c), due_ns;
		int count;

		due_ns = coordinator_turn(c->engine, now_ns);
		guests_settle(c);
		answers_settle(c, now_ns);
		if (coordinate_screen_tick(c, now_ns))
			return 0; /* whoever read along has gone */
		due_ns = due_ns < sweep_ns ? due_ns : sweep_ns;
		count = epoll_wait(c->epoll, events, EVENTS, wait_ms(c, now_ns, due_ns));
		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++)
			if (take_event(c, events[i].data.ptr))
				return 0;
		turn_again(c);
		now_ns = coordinate_now(c);
		if (c->uplink && uplink_due_ns(c->uplink) <= c->clock_mono_ns)
			answers_turn_uplink(c);
		if (now_ns >= sweep_ns) {
			door_sweep(c, now_ns);
			local_sweep(c, now_ns);
			sweep_ns = now_ns + SWEEP_NS;
		}
		door_settle(c);
	}
}

/* --- Start and stop -------------------------------------------------------------------- */

static int start_engine(struct coordinate *c)
{
	const struct coordinator_sink sink = {c, guests_grant, answer_take};
	struct coordinate_plan plan;
	int code = coordinate_plan_make(&c->config, &plan);

	if (code)
		return code;
	c->last = calloc(plan.plan.ask_count + 1, sizeof(*c->last));
	c->ask_count = plan.plan.ask_count;
	if (c->last)
		c->engine = coordinator_new(&plan.plan, &sink, coordinate_now(c));
	coordinate_plan_free(&plan);
	return c->engine ? 0 : -ENOMEM;
}

static int watch_signals(struct coordinate *c, struct coordinate_watch *watch)
{
	const int fd = standing_watch_signals();

	return fd < 0 ? -errno : coordinate_watch(c, watch, fd, POLLIN);
}

/* A line says why not, but for what the system itself lacks. */
static int start(struct coordinate *c)
{
	int code = start_engine(c);

	code = code ? code : local_open(c);
	code = code ? code : door_open(c);
	code = code ? code : answers_try(c, &c->config.coordinate, &c->log);
	return code ? code : answers_open_uplink(c);
}

static int coordinate(struct coordinate *c)
{
	struct coordinate_watch signals = {.kind = COORDINATE_SIGNALS, .fd = -1};
	int code;

	c->local_fd = -1;
	c->local_listener = (struct coordinate_watch){.kind = COORDINATE_LOCAL_LISTENER, .fd = -1};
	c->uplink_watch = (struct coordinate_watch){.kind = COORDINATE_UPLINK, .fd = -1};
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	code = c->epoll < 0 ? -errno : watch_signals(c, &signals);
	if (code) {
		log_err("cannot watch for signals: %s", strerror(-code));
		return code;
	}
	c->start_ns = coordinate_now(c);
	code = start(c);
	if (code == -ENOMEM)
		log_err("%s", strerror(ENOMEM));
	if (!code) {
		for (unsigned int i = 0; i < c->listeners; i++)
			coordinate_say(c, "listening at %s", c->listener[i].text);
		coordinate_screen_open(c);
		code = loop(c);
		coordinate_screen_close(c);
		coordinate_screen_totals(c);
	}
	local_close(c);
	door_close(c);
	answers_close(c);
	if (c->engine)
		coordinator_free(c->engine);
	close(c->epoll);
	return code;
}

int coordinate_run(const struct coordinate_options *options)
{
	struct coordinate *c = calloc(1, sizeof(*c));
	int code;

	if (!c) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	c->config_path = options->config_path;
	c->quiet = options->quiet;
	c->output = options->output;
	c->notes.screen = options->output == OUTPUT_SCREEN;
	code = load_config(c, &c->config);
	if (!code)
		code = coordinate(c);
	config_free(&c->config);
	free(c);
	return code;
}

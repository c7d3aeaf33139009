// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What an uplink is made of, and whether that is still what the configuration says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "peer/uplink_internal.h"

static char *copied(const char *text, bool *ok)
{
	char *copy = text ? strdup(text) : NULL;

	*ok &= !text || copy;
	return copy;
}

static bool copy_options(struct uplink *u, const struct peer_options *options)
{
	char machine[INTERVAL_NAME_BYTES] = "";
	bool ok = true;

	gethostname(machine, sizeof(machine) - 1);
	u->options = *options;
	u->options.address.text = copied(options->address.text, &ok);
	u->options.name = copied(options->name ? options->name : machine, &ok);
	u->options.ca = copied(options->ca, &ok);
	u->options.cert = copied(options->cert, &ok);
	u->options.key = copied(options->key, &ok);
	return ok;
}

struct uplink *uplink_new(const struct peer_options *options, __u64 instance,
			  const struct interval_ask *asks, __u32 count,
			  void (*say)(void *context, const char *line), void *context)
{
	struct uplink *u = count > SOURCE_QUERIES ? NULL : calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	if (!copy_options(u, options)) {
		uplink_free(u, false);
		return NULL;
	}
	u->instance = instance;
	u->count = count;
	u->say = say;
	u->context = context;
	for (__u32 q = 0; q < count; q++) {
		u->ask[q] = asks[q];
		u->ask[q].query = q;
		u->ask[q].width = 0;
	}
	u->status.host = options->host;
	snprintf(u->status.address, sizeof(u->status.address), "%s", options->address.text);
	uplink_set_phase(u, UPLINK_DOWN);
	return u;
}

static void turn_on_event(void *context, short events)
{
	(void)events;
	uplink_turn(context, clock_monotonic_ns());
}

static void turn_on_time(void *context, __u64 now_ns)
{
	uplink_turn(context, now_ns);
}

void uplink_watch(struct uplink *u, const struct socket_watch *watch)
{
	u->sockets = watch;
}

void uplink_join(struct uplink *u, struct loop *loop)
{
	u->loop = loop;
	u->watch = (struct loop_watch){.turn = turn_on_event, .context = u};
	u->timer = (struct loop_timer){.turn = turn_on_time, .context = u};
	uplink_follow(u);
}

/* One that cannot be watched still takes the turns that time brings. */
void uplink_follow(struct uplink *u)
{
	if (!u->loop)
		return;
	loop_follow(u->loop, &u->watch, uplink_fd(u), uplink_events(u));
	loop_timer(u->loop, &u->timer, uplink_due_ns(u));
}

static void leave_loop(struct uplink *u)
{
	if (!u->loop)
		return;
	loop_watch(u->loop, &u->watch, -1, 0);
	loop_timer(u->loop, &u->timer, LOOP_NEVER);
}

void uplink_free(struct uplink *u, bool goodbye)
{
	if (!u)
		return;
	leave_loop(u);
	if (goodbye && u->stage == STAGE_UP)
		uplink_say_goodbye(u);
	uplink_close(u);
	peer_options_free(&u->options);
	free(u);
}

int uplink_check(const struct peer_options *options, struct why *why)
{
	const struct secure_files files = {options->ca, options->cert, options->key};
	struct secure_context *tls;
	int code;

	if (options->address.url.transport != URL_TLS)
		return 0;
	code = secure_context_new(&files, false, &tls, why);
	if (!code)
		secure_context_free(tls);
	return code;
}

static bool same_ask(const struct interval_ask *a, const struct interval_ask *b)
{
	return a->window_ms == b->window_ms && !strcmp(a->measure, b->measure) &&
	       !strcmp(a->name, b->name) && !strcmp(a->match, b->match);
}

enum uplink_change uplink_compare(const struct uplink *u, const struct peer_options *options,
				  const struct interval_ask *asks, __u32 count)
{
	const struct peer_options *own = &u->options;

	if (own->host != options->host || !text_same(own->address.text, options->address.text))
		return UPLINK_ELSEWHERE;
	if (count != u->count || (options->name && !text_same(own->name, options->name)) ||
	    !text_same(own->ca, options->ca) || !text_same(own->cert, options->cert) ||
	    !text_same(own->key, options->key))
		return UPLINK_CHANGED;
	for (__u32 q = 0; q < count; q++)
		if (!same_ask(&u->ask[q], &asks[q]))
			return UPLINK_CHANGED;
	return UPLINK_SAME;
}

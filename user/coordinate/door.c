// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Listeners. Where no more guests may wait, or descriptors or memory are short, they are not
 * watched: the others stay in the kernel's backlog, so that hosts that come all at once after a
 * restart are taken one after the other.
 */
#include "coordinate/door.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "net/tcp.h"

#define FDS_BESIDE 384 /* that are no host's connections, or those of hosts that leave */
#define ACCEPTS 64     /* at one time */

struct listener {
	struct door *door;
	struct loop_watch watch;
	int fd;
	char *text;
	bool tls;
};

struct door {
	struct guests_setting with;
	struct guests *guests;
	struct listener listener[CONFIG_LISTENERS];
	unsigned int count;
	struct secure_context *tls;
	bool paused, starved; /* starved: for want of files or memory */
};

/* --- Opening --------------------------------------------------------------------------- */

static void raise_limit(struct notes *notes, unsigned int connections)
{
	const rlim_t wanted = connections + FDS_BESIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
		return;
	if (limit.rlim_max < wanted) {
		struct rlimit more = {wanted, wanted};

		if (!setrlimit(RLIMIT_NOFILE, &more))
			return;
	}
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		notes_warn(notes, "only %llu files may be open: enough for %llu of %u connections",
			   (unsigned long long)limit.rlim_cur,
			   limit.rlim_cur > FDS_BESIDE
				   ? (unsigned long long)limit.rlim_cur - FDS_BESIDE
				   : 0,
			   connections);
}

static int make_tls(struct notes *notes, const struct config_coordinate *config,
		    struct secure_context **out)
{
	const struct secure_files files = {config->ca, config->cert, config->key};
	struct why why = {};
	int code = secure_context_new(&files, true, out, &why);

	if (code)
		notes_warn(notes, "%s", why.text);
	return code;
}

int door_try_tls(const struct door *d, const struct config_coordinate *config,
		 struct secure_context **out)
{
	*out = NULL;
	return d->tls ? make_tls(d->with.notes, config, out) : 0;
}

void door_use_tls(struct door *d, struct secure_context *tls)
{
	if (!tls)
		return;
	secure_context_free(d->tls);
	d->tls = tls;
}

static void take_guests(void *context, short events);

static int listen_at(struct door *d, const struct peer_address *address,
		     const struct config_coordinate *config)
{
	struct listener *l = &d->listener[d->count];
	struct why why = {};
	int code;

	*l = (struct listener){.door = d, .tls = address->url.transport == URL_TLS};
	l->watch = (struct loop_watch){.turn = take_guests, .context = l};
	if (l->tls && !d->tls) {
		code = make_tls(d->with.notes, config, &d->tls);
		if (code)
			return code;
	}
	l->fd = tcp_listen(&address->url, &why);
	if (l->fd < 0) {
		log_err("%s: %s", address->text, why.text);
		return l->fd;
	}
	l->text = strdup(address->text);
	code = l->text ? loop_watch(d->with.loop, &l->watch, l->fd, POLLIN) : -ENOMEM;
	if (code) {
		free(l->text);
		close(l->fd);
		return code;
	}
	d->count++;
	return 0;
}

int door_open(const struct guests_setting *with, struct guests *guests,
	      const struct config_coordinate *config, struct door **out)
{
	struct door *d = calloc(1, sizeof(*d));
	int code = 0;

	*out = d;
	if (!d)
		return -ENOMEM;
	d->with = *with;
	d->guests = guests;
	raise_limit(with->notes, config->connections);
	for (unsigned int i = 0; i < config->listen_count && !code; i++)
		code = listen_at(d, &config->listen[i], config);
	return code;
}

void door_close(struct door *d)
{
	if (!d)
		return;
	for (unsigned int i = 0; i < d->count; i++) {
		loop_watch(d->with.loop, &d->listener[i].watch, -1, 0);
		close(d->listener[i].fd);
		free(d->listener[i].text);
	}
	secure_context_free(d->tls);
	free(d);
}

unsigned int door_count(const struct door *d)
{
	return d->count;
}

const char *door_address(const struct door *d, unsigned int listener)
{
	return d->listener[listener].text;
}

/* --- Coming in ------------------------------------------------------------------------- */

static void pause_listening(struct door *d, bool paused)
{
	if (d->paused == paused)
		return;
	d->paused = paused;
	for (unsigned int i = 0; i < d->count; i++)
		loop_watch(d->with.loop, &d->listener[i].watch, d->listener[i].fd,
			   paused ? 0 : POLLIN);
}

static bool is_shortage(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

static void take_guests(void *context, short events)
{
	struct listener *l = context;
	struct door *d = l->door;
	const __u64 now_ns = steady_now(d->with.clock);

	(void)events;
	for (unsigned int i = 0; i < ACCEPTS; i++) {
		struct link *link;

		if (!guests_have_room(d->guests, now_ns)) {
			pause_listening(d, true);
			return;
		}
		link = link_accept(l->fd, l->tls ? d->tls : NULL, now_ns);
		if (link) {
			guests_enter(d->guests, link, now_ns);
			continue;
		}
		if (is_shortage(errno)) {
			refusals_add(d->with.refusals, REFUSAL_FULL, l->text, strerror(errno),
				     now_ns);
			d->starved = true;
			pause_listening(d, true);
		}
		return;
	}
}

void door_sweep(struct door *d, __u64 now_ns)
{
	if (!d->paused || !guests_have_room(d->guests, now_ns))
		return;
	d->starved = false;
	pause_listening(d, false);
}

void door_settle(struct door *d)
{
	if (d->paused && !d->starved && guests_may_wait(d->guests))
		pause_listening(d, false);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who comes in. A connection waits until it has said hello. At most COORDINATE_WAITING wait; then
 * one that has said nothing for a second makes room, or else the others stay in the kernel's
 * backlog, so that hosts that come all at once after a restart are taken one after the other. One
 * address has only half of these places, but for this machine's own.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "coordinate/coordinate.h"

#define LINES_A_SECOND 3 /* of one kind of refusal */
#define FDS_BESIDE 384   /* that are no host's connections, or those of hosts that leave */

const struct coordinator_count_name coordinate_refusal_names[COORDINATE_REFUSAL_MAX] = {
#define X(id, name, text) {name, text},
	COORDINATE_REFUSALS(X)
#undef X
};

/* --- What is refused ------------------------------------------------------------------- */

static void say_unsaid(struct coordinate *c, struct coordinate_said *said)
{
	if (said->unsaid)
		coordinate_say(c, "%u others: %s", said->unsaid, said->why);
	said->unsaid = 0;
}

void door_refused(struct coordinate *c, enum coordinate_refusal reason, const char *who,
		  const char *why)
{
	struct coordinate_said *said = &c->said[reason];
	const __u64 second = coordinate_now(c) / WEIR_NS_PER_SEC;

	c->refused[reason]++;
	if (said->second != second) {
		said->second = second;
		said->lines = 0;
	}
	if (said->lines == LINES_A_SECOND) {
		said->unsaid++;
		snprintf(said->why, sizeof(said->why), "%s", why);
		return;
	}
	say_unsaid(c, said);
	said->lines++;
	coordinate_say(c, "%s: %s", who, why);
}

/* --- Listeners ------------------------------------------------------------------------- */

static void raise_limit(struct coordinate *c)
{
	const rlim_t wanted = c->config.coordinate.connections + FDS_BESIDE;
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
		coordinate_say(c,
			       "only %llu files may be open: that is enough for %llu of %u "
			       "connections",
			       (unsigned long long)limit.rlim_cur,
			       limit.rlim_cur > FDS_BESIDE
				       ? (unsigned long long)limit.rlim_cur - FDS_BESIDE
				       : 0,
			       c->config.coordinate.connections);
}

int door_tls(struct coordinate *c, const struct config_coordinate *config,
	     struct secure_context **out)
{
	const struct secure_files files = {config->ca, config->cert, config->key};
	struct why why = {};
	int code = secure_context_new(&files, true, out, &why);

	if (code)
		coordinate_say(c, "%s", why.text);
	return code;
}

static int listen_at(struct coordinate *c, const struct peer_address *address)
{
	struct coordinate_listener *l = &c->listener[c->listeners];
	struct why why = {};
	int fd, code = 0;

	l->tls = address->url.transport == URL_TLS;
	if (l->tls && !c->tls)
		code = door_tls(c, &c->config.coordinate, &c->tls);
	if (code)
		return code;
	fd = tcp_listen(&address->url, &why);
	if (fd < 0) {
		log_err("%s: %s", address->text, why.text);
		return fd;
	}
	l->watch = (struct coordinate_watch){.kind = COORDINATE_LISTENER, .fd = -1};
	l->fd = fd;
	l->text = strdup(address->text);
	code = l->text ? coordinate_watch(c, &l->watch, fd, POLLIN) : -ENOMEM;
	if (code) {
		free(l->text);
		close(fd);
		return code;
	}
	c->listeners++;
	return 0;
}

int door_open(struct coordinate *c)
{
	const struct config_coordinate *k = &c->config.coordinate;
	int code = 0;

	raise_limit(c);
	c->session_mask = 1;
	while (c->session_mask < k->connections)
		c->session_mask = c->session_mask * 2 + 1;
	c->session = calloc(c->session_mask + 1ul, sizeof(*c->session));
	if (!c->session)
		return -ENOMEM;
	for (unsigned int i = 0; i < k->listen_count && !code; i++)
		code = listen_at(c, &k->listen[i]);
	return code;
}

void door_close(struct coordinate *c)
{
	for (unsigned int i = 0; i < c->listeners; i++) {
		coordinate_watch(c, &c->listener[i].watch, -1, 0);
		close(c->listener[i].fd);
		free(c->listener[i].text);
	}
	c->listeners = 0;
	while (c->guests)
		guest_end(c, c->guests, false);
	guests_settle(c);
	secure_context_free(c->tls);
	for (unsigned int i = 0; i < c->owners; i++)
		free(c->owner[i].subject);
	free(c->owner);
	free(c->session);
}

/* A listener that is not watched keeps those who come in the backlog. */
static void pause_listening(struct coordinate *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	for (unsigned int i = 0; i < c->listeners; i++)
		coordinate_watch(c, &c->listener[i].watch, c->listener[i].fd, paused ? 0 : POLLIN);
}

/* --- Waiting --------------------------------------------------------------------------- */

void door_waits_no_more(struct coordinate *c, struct guest *g)
{
	unsigned int i = 0;

	while (i < c->waiting_count && c->waiting[i] != g)
		i++;
	if (i == c->waiting_count)
		return;
	c->waiting_count--;
	memmove(&c->waiting[i], &c->waiting[i + 1], (c->waiting_count - i) * sizeof(*c->waiting));
}

static size_t address_length(const char *peer)
{
	const char *port = strrchr(peer, ':');

	return port ? (size_t)(port - peer) : strlen(peer);
}

static bool is_here(const char *peer)
{
	return !strncmp(peer, "127.", 4) || !strncmp(peer, "[::1]", 5) ||
	       !strncmp(peer, "[::ffff:127.", 12);
}

static bool address_has_its_share(const struct coordinate *c, const char *peer)
{
	const size_t length = address_length(peer);
	unsigned int count = 0;

	if (is_here(peer))
		return false;
	for (unsigned int i = 0; i < c->waiting_count; i++) {
		const char *other = link_peer(c->waiting[i]->talk.link);

		count += address_length(other) == length && !strncmp(other, peer, length);
	}
	return count > COORDINATE_WAITING_ADDRESS; /* it is one of them */
}

/* Is there a place to wait? */
static bool make_room(struct coordinate *c, __u64 now_ns)
{
	if (c->waiting_count < COORDINATE_WAITING)
		return true;
	if (now_ns - c->waiting[0]->since_ns < COORDINATE_ROOM_NS)
		return false;
	guest_refuse(c, c->waiting[0], COORDINATE_SILENT, "others wait, and it has said no hello");
	return true;
}

static void let_in(struct coordinate *c, struct link *link, __u64 now_ns)
{
	struct guest *g = guest_new(c, link, now_ns);

	if (!g)
		return;
	c->waiting[c->waiting_count++] = g;
	if (c->guest_count > c->config.coordinate.connections)
		guest_refuse(c, g, COORDINATE_FULL, "too many connections");
	else if (address_has_its_share(c, link_peer(link)))
		guest_refuse(c, g, COORDINATE_ADDRESS,
			     "too many connections of this address have said no hello");
	else
		guest_turn(c, g, now_ns);
}

void door_enter(struct coordinate *c, struct coordinate_listener *listener)
{
	const __u64 now_ns = coordinate_now(c);

	for (unsigned int i = 0; i < COORDINATE_WAITING; i++) {
		struct link *link;

		if (!make_room(c, now_ns)) {
			pause_listening(c, true);
			return;
		}
		link = link_accept(listener->fd, listener->tls ? c->tls : NULL, now_ns);
		if (link) {
			let_in(c, link, now_ns);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			door_refused(c, COORDINATE_FULL, listener->text, strerror(errno));
			c->starved = true;
			pause_listening(c, true);
		}
		return;
	}
}

/* --- Time ------------------------------------------------------------------------------ */

static void sweep_guest(struct coordinate *c, struct guest *g, __u64 now_ns)
{
	const __u64 age_ns = now_ns - g->since_ns;

	if (g->state == GUEST_GONE)
		return;
	if (g->state == GUEST_LEAVING && age_ns >= COORDINATE_LEAVE_NS)
		guest_end(c, g, false);
	else if ((g->state == GUEST_OPENING || g->state == GUEST_SILENT) &&
		 age_ns >= COORDINATE_HELLO_NS)
		guest_refuse(c, g, COORDINATE_SILENT, "it has said no hello in 5 s");
	else if (link_due_ns(g->talk.link) <= now_ns)
		guest_turn(c, g, now_ns);
}

void door_sweep(struct coordinate *c, __u64 now_ns)
{
	struct guest *g, *after;

	for (g = c->guests; g; g = after) {
		after = g->after;
		sweep_guest(c, g, now_ns);
	}
	for (int i = 0; i < COORDINATE_REFUSAL_MAX; i++)
		if (c->said[i].second != now_ns / WEIR_NS_PER_SEC)
			say_unsaid(c, &c->said[i]);
	if (c->paused && make_room(c, now_ns)) {
		c->starved = false;
		pause_listening(c, false);
	}
}

void door_settle(struct coordinate *c)
{
	if (c->paused && !c->starved && c->waiting_count < COORDINATE_WAITING)
		pause_listening(c, false);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A link's life.
 *
 * The problem: names, connections and handshakes take seconds, fail at any point, and the process
 * has other things to do meanwhile.
 *
 * The idea: opening is a chain of steps. Each does what can be done now and says whether the next
 * one can go on at once; else the caller polls link_fd() for link_events() until link_due_ns().
 *
 *   step   RESOLVE ─→ CONNECT ─→ HANDSHAKE ─→ VERDICT ─→ RUN
 *                      ↑   │       ↑                      ↑
 *                      └───┘       └ accepted, TLS        └ accepted
 *               the next address
 *
 * VERDICT: in TLS 1.3 a client is done before the server has looked at its certificate; data sent
 * then may be acknowledged by the host and thrown away by a server that refuses. So a client waits
 * for the server's ticket, or its alert; servers that issue no tickets cost a second.
 *
 *   Opening      the steps
 *   Life         connect, accept, take, close
 *   What it is   for poll and for people
 *
 * link_stream.c sends and reads.
 */
#include "net/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/link_internal.h"
#include "net/resolve.h"

#define VERDICT_MS 1000
#define DRAIN_MAX 64 /* pieces of LINK_RECEIVE_BYTES that are thrown away when a link is closed */

static const struct link_limits usual_limits = {
	.open = LINK_HANDSHAKE_MS,
	.connect = LINK_HANDSHAKE_MS,
	.handshake = LINK_HANDSHAKE_MS,
	.lost = LINK_USER_TIMEOUT_MS,
};

/* --- Opening ------------------------------------------------------------------------------ */

static bool is_ready(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	return poll(&one, 1, 0) > 0;
}

static __u64 time_left(const struct link *l, __u64 now_ns)
{
	return l->until_ns > now_ns ? l->until_ns - now_ns : 0;
}

static void go(struct link *l, enum link_step step, __u32 limit_ms, __u64 now_ns)
{
	const __u64 left = time_left(l, now_ns), limit = limit_ms * NS_PER_MS;

	l->step = step;
	l->due_ns = now_ns + (left < limit ? left : limit);
}

static void set_up(struct link *l)
{
	if (l->secure)
		secure_subject(l->secure, l->subject);
	l->step = LINK_RUN;
	l->phase = LINK_UP;
	l->again = l->secure; /* data may have come with the last of the handshake */
}

/* Begins with l->address or the first after it that can be begun with; if there is none, err, the
 * last one's, is the link's end. */
static void connect_next(struct link *l, __u64 now_ns, int err)
{
	const __u64 all_left = time_left(l, now_ns);

	for (; l->address; l->address = l->address->ai_next) {
		__u64 addresses = 0, share;

		for (const struct addrinfo *a = l->address; a; a = a->ai_next)
			addresses++;
		resolve_text(l->address, l->peer, sizeof(l->peer));
		err = tcp_connect(l->address, l->limits.lost, l->watch);
		if (err >= 0) {
			l->fd = err;
			go(l, LINK_CONNECT, l->limits.connect, now_ns);
			share = now_ns + all_left / addresses;
			if (l->due_ns > share)
				l->due_ns = share;
			return;
		}
	}
	link_down(l, err, "%s: %s", l->peer, strerror(-err));
}

/* Each of these: true, the next step may go on at once; false, something must happen first. */
static bool do_resolve(struct link *l, __u64 now_ns)
{
	int fd = resolve_fd(l->question);

	if (fd >= 0 && !is_ready(fd, POLLIN)) {
		if (now_ns >= l->due_ns)
			link_down(l, -ETIMEDOUT, "%s: the name server does not answer",
				  l->url->host);
		return false;
	}
	l->addresses = l->address = resolve_answer(l->question, &l->why);
	resolve_drop(l->question);
	l->question = NULL;
	if (l->address)
		connect_next(l, now_ns, 0);
	else
		l->phase = LINK_DOWN;
	return true;
}

static void begin_handshake(struct link *l, const char *host, __u64 now_ns)
{
	l->secure = secure_new(l->tls, host, l->peer, &l->why);
	if (l->secure)
		go(l, LINK_HANDSHAKE, l->limits.handshake, now_ns);
	else
		l->phase = LINK_DOWN;
}

static bool do_connect(struct link *l, __u64 now_ns)
{
	int err;

	if (is_ready(l->fd, POLLOUT))
		err = tcp_connected(l->fd);
	else if (now_ns >= l->due_ns)
		err = -ETIMEDOUT;
	else
		return false;
	if (err) {
		socket_closes(l->watch, l->fd);
		close(l->fd);
		l->fd = -1;
		l->address = l->address->ai_next;
		connect_next(l, now_ns, err);
		return true;
	}
	freeaddrinfo(l->addresses);
	l->addresses = l->address = NULL;
	if (l->tls)
		begin_handshake(l, l->url->host, now_ns);
	else
		set_up(l);
	return true;
}

static bool do_handshake(struct link *l, __u64 now_ns)
{
	int done = secure_handshake(l->secure, &l->why);
	const struct why why = l->why;
	ssize_t n;

	/* What is sent now may be the alert with the reason; an error of sending it is worth less. */
	if (link_collect(l))
		return false;
	link_flush(l);
	if (done < 0) {
		l->why = why;
		l->phase = LINK_DOWN;
		return false;
	}
	/* Done is what the kernel has all of. */
	if (done && !l->waiting) {
		if (secure_awaits_verdict(l->secure))
			go(l, LINK_VERDICT, VERDICT_MS, now_ns);
		else
			set_up(l);
		return true;
	}
	n = link_take_in(l);
	if (!n && now_ns >= l->due_ns)
		link_down(l, -ETIMEDOUT, "%s: no answer to the TLS handshake", l->peer);
	return n > 0;
}

static bool do_verdict(struct link *l, __u64 now_ns)
{
	ssize_t n = link_take_in(l);
	int err;

	if (n < 0)
		return false;
	if (!n && now_ns < l->due_ns)
		return false;
	err = n ? secure_look(l->secure, &l->why) : 0;
	if (err < 0) {
		l->phase = LINK_DOWN;
		if (err == -EPIPE)
			link_down(l, err, "%s: closed during the TLS handshake", l->peer);
		return false;
	}
	set_up(l);
	return true;
}

static void open_on(struct link *l, __u64 now_ns)
{
	static bool (*const steps[])(struct link * l, __u64 now_ns) = {
		[LINK_RESOLVE] = do_resolve,
		[LINK_CONNECT] = do_connect,
		[LINK_HANDSHAKE] = do_handshake,
		[LINK_VERDICT] = do_verdict,
	};

	while (l->phase == LINK_OPENING && steps[l->step](l, now_ns))
		;
}

enum link_phase link_turn(struct link *l, __u64 now_ns)
{
	if (l->phase == LINK_OPENING)
		open_on(l, now_ns);
	if (l->phase != LINK_DOWN && l->fd >= 0)
		link_flush(l);
	return l->phase;
}

/* --- Life --------------------------------------------------------------------------------- */

static struct link *make(struct secure_context *tls, const struct link_limits *limits, __u64 now_ns)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->fd = -1;
	l->tls = tls;
	l->limits = limits ? *limits : usual_limits;
	l->until_ns = l->due_ns = now_ns + l->limits.open * NS_PER_MS;
	return l;
}

struct link *link_connect(const struct url *url, struct secure_context *tls,
			  const struct link_limits *limits, __u64 now_ns)
{
	struct link *l = make(tls, limits, now_ns);

	if (!l)
		return NULL;
	snprintf(l->peer, sizeof(l->peer), "%.50s:%s", url->host, url->port);
	l->url = malloc(sizeof(*url));
	l->question = resolve_ask(url, SOCK_STREAM);
	if (!l->url || !l->question) {
		link_close(l);
		return NULL;
	}
	*l->url = *url;
	return l;
}

void link_watch(struct link *l, const struct socket_watch *watch)
{
	l->watch = watch;
}

struct link *link_accept(int listener, struct secure_context *tls, __u64 now_ns)
{
	char peer[TCP_PEER_BYTES];
	int fd = tcp_accept(listener, usual_limits.lost, peer);
	struct link *l;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	l = make(tls, NULL, now_ns);
	if (!l) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	l->fd = fd;
	memcpy(l->peer, peer, sizeof(l->peer));
	if (tls)
		begin_handshake(l, NULL, now_ns);
	else
		set_up(l);
	return l;
}

int link_take(struct link *l, struct secure **secure)
{
	int fd = l->fd;

	*secure = l->secure;
	l->fd = -1;
	l->secure = NULL;
	l->phase = LINK_DOWN;
	link_close(l);
	return fd;
}

/* Closed with something unread, a socket takes back what it has sent, such as why it is closed. */
static void drain(int fd)
{
	char ignored[LINK_RECEIVE_BYTES];

	shutdown(fd, SHUT_WR);
	for (int i = 0; i < DRAIN_MAX && recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT) > 0; i++)
		;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	if (l->phase == LINK_UP) {
		if (l->secure)
			secure_close(l->secure);
		if (!link_collect(l))
			link_flush(l);
	}
	if (l->fd >= 0) {
		drain(l->fd);
		socket_closes(l->watch, l->fd);
		close(l->fd);
	}
	secure_free(l->secure);
	resolve_drop(l->question);
	if (l->addresses)
		freeaddrinfo(l->addresses);
	free(l->pending);
	free(l->url);
	free(l);
}

/* --- What it is --------------------------------------------------------------------------- */

int link_fd(const struct link *l)
{
	if (l->phase == LINK_DOWN)
		return -1;
	return l->question ? resolve_fd(l->question) : l->fd;
}

short link_events(const struct link *l)
{
	if (l->phase == LINK_DOWN)
		return 0;
	if (l->step == LINK_CONNECT)
		return POLLOUT;
	return POLLIN | (l->waiting && !l->deaf ? POLLOUT : 0);
}

__u64 link_due_ns(const struct link *l)
{
	if (l->phase == LINK_UP)
		return l->again ? 0 : ~0ull;
	if (l->phase == LINK_DOWN)
		return ~0ull;
	return l->question && resolve_fd(l->question) < 0 ? 0 : l->due_ns;
}

const char *link_why(const struct link *l)
{
	return l->why.text;
}

const char *link_peer(const struct link *l)
{
	return l->peer;
}

const char *link_subject(const struct link *l)
{
	return l->subject;
}

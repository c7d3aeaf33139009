// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A link's life. With TLS, OpenSSL never sees the socket (net/link_tls.h): so all that is sent waits
 * in one place, and nothing raises SIGPIPE.
 *
 *   step   RESOLVE ─→ CONNECT ─→ HANDSHAKE ─→ VERDICT ─→ RUN
 *                      ↑   │       ↑                      ↑
 *                      └───┘       └ accepted, TLS        └ accepted
 *               the next address
 *
 * VERDICT: in TLS 1.3 a client is done before the server has looked at its certificate. It waits for
 * the server's ticket, or its alert; servers that issue no tickets cost a second.
 */
#include "net/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/link_internal.h"
#include "wire/message.h"
#include "net/resolve.h"

#define HANDSHAKE_NS (LINK_HANDSHAKE_MS * NS_PER_MS)
#define VERDICT_NS (1000 * NS_PER_MS)
#define DRAIN_MAX 64   /* such pieces that are thrown away when a link is closed */
#define KEEPALIVE_S 30 /* of silence, after which it is asked whether the other end is there */

/* --- Opening ------------------------------------------------------------------------------ */

static void set_options(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){LINK_USER_TIMEOUT_MS}, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){KEEPALIVE_S}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){1}, sizeof(int));
}

static bool is_ready(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	return poll(&one, 1, 0) > 0;
}

static void go(struct link *l, enum link_step step)
{
	l->step = step;
	l->due_ns = l->until_ns;
	if (step == LINK_RUN)
		l->phase = LINK_UP;
}

static void set_up(struct link *l)
{
	secure_subject(l->secure, l->subject);
	go(l, LINK_RUN);
	l->again = true; /* data may have come with the last of the handshake */
}

/* Begins with l->address or the first after it that can be begun with; if there is none, err, the
 * last one's, is the link's end. */
static void connect_next(struct link *l, __u64 now_ns, int err)
{
	const __u64 time_left = l->until_ns > now_ns ? l->until_ns - now_ns : 0;

	for (; l->address; l->address = l->address->ai_next) {
		const struct addrinfo *one = l->address;
		unsigned int left = 0;

		for (const struct addrinfo *a = one; a; a = a->ai_next)
			left++;
		resolve_text(one, l->peer, sizeof(l->peer));
		l->fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (l->fd >= 0) {
			set_options(l->fd);
			if (!connect(l->fd, one->ai_addr, one->ai_addrlen) ||
			    errno == EINPROGRESS) {
				go(l, LINK_CONNECT);
				l->due_ns = now_ns + time_left / left;
				return;
			}
		}
		err = errno;
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
	}
	link_down(l, -err, "%s: %s", l->peer, strerror(err));
}

/* Each of these: true, the next step may go on at once; false, something must happen first. */
static bool do_resolve(struct link *l, __u64 now_ns)
{
	int fd = resolve_fd(l->question);
	const char *why = "";

	if (fd >= 0 && !is_ready(fd, POLLIN)) {
		if (now_ns >= l->due_ns)
			link_down(l, -ETIMEDOUT, "%s: the name server does not answer",
				  l->url->host);
		return false;
	}
	l->addresses = l->address = resolve_answer(l->question, &why);
	resolve_drop(l->question);
	l->question = NULL;
	if (l->address)
		connect_next(l, now_ns, 0);
	else
		link_down(l, -EHOSTUNREACH, "%s: %s", l->url->host, why);
	return true;
}

static bool do_connect(struct link *l, __u64 now_ns)
{
	socklen_t length = sizeof(int);
	int err = 0;

	if (!is_ready(l->fd, POLLOUT)) {
		if (now_ns < l->due_ns)
			return false;
		err = ETIMEDOUT;
	} else if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &length)) {
		err = errno;
	}
	if (err) {
		close(l->fd);
		l->fd = -1;
		l->address = l->address->ai_next;
		connect_next(l, now_ns, err);
		return true;
	}
	freeaddrinfo(l->addresses);
	l->addresses = l->address = NULL;
	if (!l->tls) {
		go(l, LINK_RUN);
		return true;
	}
	l->secure = secure_new(l->tls, l->url->host, l->why);
	if (l->secure)
		go(l, LINK_HANDSHAKE);
	else
		l->phase = LINK_DOWN;
	return true;
}

static bool do_handshake(struct link *l, __u64 now_ns)
{
	int done = secure_handshake(l->secure, l->peer, l->why);
	char why[LINK_WHY_BYTES];
	ssize_t n;

	/* What is sent now may be the alert that says why; that it cannot be sent tells less. */
	memcpy(why, l->why, sizeof(why));
	if (link_collect(l))
		return false;
	link_flush(l);
	if (done < 0) {
		memcpy(l->why, why, sizeof(why));
		l->phase = LINK_DOWN;
		return false;
	}
	if (done && !secure_awaits_verdict(l->secure)) {
		set_up(l);
		return true;
	}
	if (done) {
		go(l, LINK_VERDICT);
		if (l->due_ns > now_ns + VERDICT_NS)
			l->due_ns = now_ns + VERDICT_NS;
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
	err = n ? secure_look(l->secure, l->peer, l->why) : 0;
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

static struct link *make(struct link_tls *tls, __u64 now_ns)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->fd = -1;
	l->tls = tls;
	l->until_ns = l->due_ns = now_ns + HANDSHAKE_NS;
	return l;
}

struct link *link_connect(const struct url *url, struct link_tls *tls, __u64 now_ns)
{
	struct link *l = make(tls, now_ns);

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

/* The other end; one of IPv4 that came to a socket of IPv6, as what it is. */
static void name_peer(struct link *l, struct sockaddr_storage *from, socklen_t length)
{
	struct addrinfo address = {.ai_family = from->ss_family,
				   .ai_addr = (struct sockaddr *)from,
				   .ai_addrlen = length};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6;

	memcpy(&v6, from, sizeof(v6));
	if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
		v4.sin_port = v6.sin6_port;
		memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, sizeof(v4.sin_addr));
		address = (struct addrinfo){.ai_family = AF_INET,
					    .ai_addr = (struct sockaddr *)&v4,
					    .ai_addrlen = sizeof(v4)};
	}
	resolve_text(&address, l->peer, sizeof(l->peer));
}

struct link *link_accept(int listener, struct link_tls *tls, __u64 now_ns)
{
	struct sockaddr_storage from = {0};
	socklen_t length = sizeof(from);
	struct link *l;
	int fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return NULL;
	l = make(tls, now_ns);
	if (!l) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	set_options(fd);
	l->fd = fd;
	name_peer(l, &from, length);
	go(l, tls ? LINK_HANDSHAKE : LINK_RUN);
	l->secure = tls ? secure_new(tls, NULL, l->why) : NULL;
	if (tls && !l->secure)
		l->phase = LINK_DOWN;
	return l;
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
	return l->why;
}

const char *link_peer(const struct link *l)
{
	return l->peer;
}

const char *link_subject(const struct link *l)
{
	return l->subject;
}

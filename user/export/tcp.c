// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net/resolve.h"
#include "export/stream.h"

#define CONNECT_NS (5000 * NS_PER_MS)
#define ACK_NS (20 * NS_PER_MS) /* how often is asked what was acked, while something is not */
#define LOST_MS 30000           /* data without an ack */
#define KEEPALIVE_S 30

/* --- Connecting --------------------------------------------------------------------------- */

static void set_options(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){LOST_MS}, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){KEEPALIVE_S}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){KEEPALIVE_S / 3}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){3}, sizeof(int));
}

/* 0 or a positive errno. */
static int wait_connected(struct exporter *e)
{
	const __u64 until = clock_monotonic_ns() + CONNECT_NS;
	socklen_t length = sizeof(int);
	int err = 0;

	while (!transport_wait(e, e->fd, POLLOUT, until)) {
		if (clock_monotonic_ns() >= until || transport_is_late(e))
			return ETIMEDOUT;
	}
	return getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &err, &length) ? errno : err;
}

static int connect_to(struct exporter *e, const struct addrinfo *address)
{
	char text[80];
	int err;

	e->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->fd < 0) {
		err = errno;
	} else {
		set_options(e->fd);
		err = connect(e->fd, address->ai_addr, address->ai_addrlen) ? errno : 0;
		if (err == EINPROGRESS)
			err = wait_connected(e);
	}
	if (!err)
		return 0;
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
	resolve_text(address, text, sizeof(text));
	return transport_fail(e, -err, "%s: %s", text, strerror(err));
}

int stream_connect(struct exporter *e)
{
	struct addrinfo *all;
	int err = resolve(e, SOCK_STREAM, &all);

	if (err)
		return err;
	for (const struct addrinfo *one = all; one; one = one->ai_next) {
		err = connect_to(e, one);
		if (!err)
			break;
	}
	freeaddrinfo(all);
	return err;
}

void stream_begin(struct exporter *e)
{
	e->room = e->options->message_bytes ? e->options->message_bytes : STREAM_MESSAGE;
	e->written = 0;
	session_begin(e, ANNOUNCE_TEMPLATES | ANNOUNCE_OPTIONS, true);
	e->options_ns = transport_options_again(e);
}

/* --- Both ways ---------------------------------------------------------------------------- */

int stream_receive(struct exporter *e, void *buffer, size_t size)
{
	ssize_t length = recv(e->fd, buffer, size, MSG_DONTWAIT);

	if (length > 0)
		return length;
	if (length < 0 && errno == EAGAIN)
		return 0;
	if (length < 0)
		return transport_fail(e, -errno, "%s port %s: %s", e->options->url.host,
				      e->options->url.port, strerror(errno));
	return transport_fail(e, -ECONNRESET, "%s port %s: closed by the peer",
			      e->options->url.host, e->options->url.port);
}

static void release_acked(struct exporter *e)
{
	struct sent *sent = e->sent;
	int unacked = 0;

	if (sent->first == sent->next || ioctl(e->fd, SIOCOUTQ, &unacked))
		return;
	while (sent->first < sent->next && sent_at(sent, sent->first)->end + unacked <= e->written)
		queue_release(e->queue, sent_at(sent, sent->first++)->head);
	exporter_progressed(e);
}

void stream_turn(struct exporter *e)
{
	const __u64 now = clock_monotonic_ns();

	release_acked(e);
	if (now >= e->options_ns) {
		e->announcement.left |= ANNOUNCE_OPTIONS;
		e->options_ns = transport_options_again(e);
	}
	e->due_ns = e->options_ns;
}

int stream_send(struct exporter *e)
{
	while (e->count && !transport_is_late(e)) {
		int taken, err;

		/* The table must not forget a message that was not acked. */
		if (e->sent->next - e->sent->first == SENT_MAX) {
			transport_wait(e, -1, 0, clock_monotonic_ns() + ACK_NS);
			taken = 0;
		} else {
			taken = session_send(e);
		}
		if (taken == -EAGAIN)
			transport_wait(e, e->fd, POLLOUT | POLLIN, clock_monotonic_ns() + ACK_NS);
		else if (taken < 0)
			return transport_fail(e, taken, "%s port %s: %s", e->options->url.host,
					      e->options->url.port, strerror(-taken));
		if (taken > 0)
			continue;
		err = e->transport->turn(e, true);
		if (err)
			return err;
	}
	return 0;
}

bool stream_settled(struct exporter *e)
{
	release_acked(e);
	if (e->sent->first == e->sent->next)
		return true;
	e->due_ns = clock_monotonic_ns() + ACK_NS;
	return false;
}

void stream_close(struct exporter *e)
{
	if (e->fd < 0)
		return;
	release_acked(e);
	if (e->sent->first < e->sent->next)
		session_rewind(e, e->sent->first);
	close(e->fd);
	e->fd = -1;
}

/* --- TCP alone ---------------------------------------------------------------------------- */

static int tcp_init(struct exporter *e)
{
	queue_hold(e->queue, true);
	return 0;
}

static int tcp_open(struct exporter *e)
{
	int err = stream_connect(e);

	if (!err)
		stream_begin(e);
	return err;
}

static int tcp_turn(struct exporter *e, bool more)
{
	char ignored[512];
	int length;

	(void)more;
	do {
		length = stream_receive(e, ignored, sizeof(ignored));
	} while (length > 0);
	if (!length)
		stream_turn(e);
	return length;
}

/* What is left unsent at the deadline stays with the kernel, which goes on delivering it. */
static void tcp_close(struct exporter *e, bool in_order)
{
	if (in_order)
		sent_clear(e->sent);
	stream_close(e);
}

const struct transport transport_tcp = {
	.batch = 1,
	.init = tcp_init,
	.open = tcp_open,
	.turn = tcp_turn,
	.send = stream_send,
	.settled = stream_settled,
	.close = tcp_close,
};

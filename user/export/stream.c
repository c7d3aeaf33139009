// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/link.h"

#define ACK_NS (20 * NS_PER_MS) /* between two questions what was acked */

static const struct link_limits limits = {
	.open = 60000,
	.connect = 5000,
	.handshake = 10000,
	.lost = 30000,
};

/* --- Connecting --------------------------------------------------------------------------- */

/* Waits until the link is up or down. Once the exporter is late, each step's time is over. */
static enum link_phase await_link(struct exporter *e, struct link *l)
{
	enum link_phase phase;

	for (;;) {
		phase = link_turn(l, transport_is_late(e) ? ~0ull : clock_monotonic_ns());
		if (phase != LINK_OPENING)
			return phase;
		transport_wait(e, link_fd(l), link_events(l), link_due_ns(l));
	}
}

int stream_connect(struct exporter *e, struct secure_context *tls, struct secure **secure)
{
	struct link *l = link_connect(&e->options->url, tls, &limits, clock_monotonic_ns());

	if (!l)
		return transport_fail(e, -ENOMEM, "%s: %s", e->options->url.host, strerror(ENOMEM));
	link_watch(l, e->facts.sockets);
	if (await_link(e, l) == LINK_UP) {
		e->fd = link_take(l, secure);
		return 0;
	}
	transport_fail(e, 0, "%s", link_why(l));
	link_close(l);
	return -ENOTCONN;
}

void stream_begin(struct exporter *e)
{
	e->room = e->options->message_bytes ? e->options->message_bytes : STREAM_MESSAGE;
	e->written = 0;
	session_begin(e, ANNOUNCE_TEMPLATES | ANNOUNCE_OPTIONS, true);
	e->options_ns = transport_options_again(e);
}

/* --- Both ways ---------------------------------------------------------------------------- */

int stream_closed(struct exporter *e)
{
	return transport_fail(e, -ECONNRESET, "%s port %s: closed by the peer",
			      e->options->url.host, e->options->url.port);
}

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
	return stream_closed(e);
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
	const struct clocks now = clocks_read();

	release_acked(e);
	session_follow_names(e);
	if (now.boot_ns >= e->options_ns) {
		announce_again(&e->announcement, ANNOUNCE_OPTIONS);
		e->options_ns = transport_options_again(e);
	}
	e->due_ns = clocks_due_ns(&now, e->options_ns);
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
	socket_closes(e->facts.sockets, e->fd);
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
	struct secure *none;
	int err = stream_connect(e, NULL, &none);

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

/* What is not acked at the deadline stays with the kernel, which continues to deliver it. */
static void tcp_close(struct exporter *e, bool in_order)
{
	if (in_order) {
		session_say_last(e);
		sent_clear(e->sent);
	}
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

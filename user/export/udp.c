// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UDP.
 *
 * The problem: datagrams are not acknowledged. A host without a collector answers with an ICMP
 * error, at most once a second; a router that cannot forward a datagram of this size does, too.
 *
 * The idea: an ICMP error contains the start of the datagram that it is about, and so its sequence
 * number. Sending goes back to that very message, and while the host is there to refuse, nothing is
 * lost unless the queue gets full.
 *
 *   sent     37   38   39   40   41   42
 *                       └── refused: "... sequence 39 ..."
 *   head                ↑                     back to 39, wait, templates and one message, listen
 *
 * An error that quotes too little to identify the message only starts the wait. A host that does not
 * answer at all is not noticed: that is UDP.
 *
 *   Size of messages   from the path's MTU
 *   Connecting         to one of the host's addresses after the other
 *   Refusals           the socket's queue of errors
 *   Sending            a probe, then batches at a bounded pace (pace.h), templates again in time
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/errqueue.h> /* needs struct timespec */

#include "wire/message.h"
#include "net/resolve.h"
#include "export/exporter_internal.h"

#define IPV4_HEADERS 28 /* and UDP's */
#define IPV6_HEADERS 48
#define MTU_MAX 1500 /* larger ones hold on the first link, and often no further */
#define PROBE_NS (100 * NS_PER_MS)
#define KEEP_NS (4000 * NS_PER_MS) /* a refusal of an older message is about something else */
#define SEND_BUFFER (1 << 20)

/* --- Size of messages --------------------------------------------------------------------- */

static int family_of(const struct exporter *e)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);

	getsockname(e->fd, (struct sockaddr *)&address, &length);
	return address.ss_family;
}

static void discover(const struct exporter *e, bool want)
{
	if (family_of(e) == AF_INET6)
		setsockopt(e->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			   &(int){want ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT}, sizeof(int));
	else
		setsockopt(e->fd, IPPROTO_IP, IP_MTU_DISCOVER,
			   &(int){want ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT}, sizeof(int));
}

static void measure(struct exporter *e)
{
	const bool v6 = family_of(e) == AF_INET6;
	const int headers = v6 ? IPV6_HEADERS : IPV4_HEADERS;
	socklen_t length = sizeof(int);
	int mtu = MTU_MAX;

	e->room = e->options->message_bytes;
	/* One message of v5 may have to be longer: see session.c. */
	discover(e, !e->room && e->encoder.protocol != WIRE_V5);
	if (e->room)
		return;
	if (getsockopt(e->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu,
		       &length) ||
	    mtu > MTU_MAX)
		mtu = MTU_MAX;
	e->room = mtu - headers;
	if (mtu < EXPORT_MESSAGE_MIN + headers) {
		e->room = EXPORT_MESSAGE_MIN;
		discover(e, false);
	}
}

/* --- Connecting --------------------------------------------------------------------------- */

static bool await(struct exporter *e, const struct question *q)
{
	while (resolve_fd(q) >= 0 && !(transport_wait(e, resolve_fd(q), POLLIN, ~0ull) & POLLIN)) {
		if (transport_is_late(e))
			return false;
	}
	return true;
}

/* The host's addresses, for freeaddrinfo(); NULL: there are none, or not in time. */
static struct addrinfo *resolve(struct exporter *e)
{
	const struct url *url = &e->options->url;
	struct question *q = resolve_ask(url, SOCK_DGRAM);
	struct addrinfo *all = NULL;

	if (!q)
		transport_fail(e, -ENOMEM, "%s: %s", url->host, strerror(ENOMEM));
	else if (await(e, q))
		all = resolve_answer(q, &e->why);
	else
		transport_fail(e, -ETIMEDOUT, "%s: the name server does not answer", url->host);
	resolve_drop(q);
	return all;
}

static int connect_to(struct exporter *e, const struct addrinfo *address)
{
	char text[80];

	e->fd = socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->fd >= 0 && !connect(e->fd, address->ai_addr, address->ai_addrlen)) {
		socket_opens(e->facts.sockets, e->fd, address->ai_addr);
		setsockopt(e->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
		if (address->ai_family == AF_INET6)
			setsockopt(e->fd, IPPROTO_IPV6, IPV6_RECVERR, &(int){1}, sizeof(int));
		else
			setsockopt(e->fd, IPPROTO_IP, IP_RECVERR, &(int){1}, sizeof(int));
		return 0;
	}
	resolve_text(address, text, sizeof(text));
	return transport_fail(e, -errno, "%s: %s", text, strerror(errno));
}

/* A host that has just refused the messages of the process before would not repeat that at once. */
static void wait_for_icmp(struct exporter *e)
{
	const __u64 since = clock_unix_ns() - e->status.error_ns;
	const __u64 until = clock_monotonic_ns() + BACKOFF_MIN_NS - since;

	while (since < BACKOFF_MIN_NS && clock_monotonic_ns() < until && !transport_is_late(e))
		transport_wait(e, -1, 0, until);
}

/* The host's addresses take turns: the next attempt is made with the next one. */
static int udp_open(struct exporter *e)
{
	struct addrinfo *all = resolve(e), *address;
	unsigned int count = 0, nth;
	int err;

	e->try_next = false;
	if (!all)
		return -EHOSTUNREACH;
	for (address = all; address; address = address->ai_next)
		count++;
	nth = e->address % count;
	for (address = all; nth; address = address->ai_next)
		nth--;
	e->try_next = e->address % count + 1 < count;
	e->address = e->try_next ? e->address % count + 1 : 0;
	err = connect_to(e, address);
	freeaddrinfo(all);
	if (err)
		return err;
	measure(e);
	/* A collector that was there when the process before was killed knows the options. */
	session_begin(e, ANNOUNCE_TEMPLATES | (e->was_up ? 0 : ANNOUNCE_OPTIONS), false);
	if (e->was_up)
		session_recall_names(e);
	e->templates_ns = 0;
	e->options_ns = e->was_up ? transport_options_again(e) : 0;
	e->probing = !e->was_up;
	e->was_up = false;
	if (e->probing)
		wait_for_icmp(e);
	return 0;
}

static void udp_close(struct exporter *e, bool in_order)
{
	if (in_order)
		session_say_last(e);
	if (e->fd >= 0) {
		socket_closes(e->facts.sockets, e->fd);
		close(e->fd);
	}
	e->fd = -1;
	e->probing = false;
}

/* --- Refusals ----------------------------------------------------------------------------- */

static bool sequence_of(const struct exporter *e, const __u8 *payload, size_t length, __u32 *out)
{
	static const size_t at[] = {
		[WIRE_IPFIX] = offsetof(struct ipfix_header, sequence),
		[WIRE_V9] = offsetof(struct v9_header, sequence),
		[WIRE_V5] = offsetof(struct v5_header, sequence),
	};
	__be32 number;

	if (length < at[e->encoder.protocol] + sizeof(number))
		return false;
	memcpy(&number, payload + at[e->encoder.protocol], sizeof(number));
	*out = weir_be32(number);
	return true;
}

static void go_back(struct exporter *e, __u32 sequence)
{
	const __u64 now = clock_monotonic_ns();

	for (__u64 n = e->sent->first; n < e->sent->next; n++) {
		const struct sent_message *m = sent_at(e->sent, n);

		if ((__u32)m->before.sequence == sequence && now - m->time_ns < KEEP_NS) {
			session_rewind(e, n);
			return;
		}
	}
}

static const struct sock_extended_err *find_error(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return (const struct sock_extended_err *)CMSG_DATA(c);
	}
	return NULL;
}

/* One error of the socket's queue. 0: there is none; 1: sending can continue; -errno: refused. */
static int next_error(struct exporter *e)
{
	__u8 payload[64];
	char control[512] __attribute__((aligned(8)));
	struct iovec piece = {payload, sizeof(payload)};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(e->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
	const struct sock_extended_err *error;
	__u32 sequence;

	if (length < 0)
		return 0;
	error = find_error(&message);
	if (!error ||
	    (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6))
		return 1;
	session_drop(e);
	if (sequence_of(e, payload, length, &sequence))
		go_back(e, sequence);
	if (error->ee_errno != EMSGSIZE)
		return transport_fail(e, -(int)error->ee_errno, "%s port %s: %s",
				      e->options->url.host, e->options->url.port,
				      strerror(error->ee_errno));
	/* A router on the path dropped it for its size. */
	measure(e);
	announce_again(&e->announcement, ANNOUNCE_TEMPLATES | ANNOUNCE_OPTIONS);
	return 1;
}

static int read_errors(struct exporter *e)
{
	socklen_t length = sizeof(int);
	int err = 0, next, ignored;

	while ((next = next_error(e)) != 0) {
		if (next < 0)
			err = next;
	}
	/* What is not in the queue would be reported until it is read. */
	getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &ignored, &length);
	return err;
}

/* --- Sending ------------------------------------------------------------------------------ */

static void refresh(struct exporter *e)
{
	const struct clocks now = clocks_read();

	if (e->encoder.protocol == WIRE_V5)
		return;
	session_follow_names(e);
	if (now.boot_ns >= e->options_ns) {
		announce_again(&e->announcement, ANNOUNCE_TEMPLATES | ANNOUNCE_OPTIONS);
		e->options_ns = transport_options_again(e);
	}
	if (now.boot_ns >= e->templates_ns || e->since_templates >= e->options->template_messages)
		e->announcement.left |= ANNOUNCE_TEMPLATES;
	if (e->announcement.left & ANNOUNCE_TEMPLATES) {
		e->templates_ns = now.boot_ns + e->options->template_refresh_ns;
		e->since_templates = 0;
	}
	e->due_ns = clocks_due_ns(&now, e->templates_ns < e->options_ns ? e->templates_ns
									: e->options_ns);
}

static int udp_turn(struct exporter *e, bool more)
{
	char ignored[16];
	int err = 0;

	(void)more;
	if (e->events & POLLERR)
		err = read_errors(e);
	if (e->events & POLLIN)
		recv(e->fd, ignored, sizeof(ignored), MSG_DONTWAIT);
	e->events = 0;
	if (!err)
		refresh(e);
	return err;
}

/* The socket did not take the message. 0: it is worth trying again. */
static int overcome(struct exporter *e, int err)
{
	int refused;

	if (err == -EAGAIN) {
		transport_wait(e, e->fd, POLLOUT, clock_monotonic_ns() + PROBE_NS);
		return 0;
	}
	if (err == -ENOBUFS || err == -ENOMEM) {
		transport_wait(e, -1, 0, clock_monotonic_ns() + NS_PER_MS);
		return 0;
	}
	refused = read_errors(e);
	if (refused)
		return refused;
	session_drop(e);
	if (err == -EMSGSIZE) {
		measure(e);
		announce_again(&e->announcement, ANNOUNCE_TEMPLATES | ANNOUNCE_OPTIONS);
		return 0;
	}
	return transport_fail(e, err, "%s port %s: %s", e->options->url.host, e->options->url.port,
			      strerror(-err));
}

static int listen_for_refusal(struct exporter *e)
{
	const __u64 until = clock_monotonic_ns() + PROBE_NS;

	while (clock_monotonic_ns() < until && !transport_is_late(e)) {
		if (transport_wait(e, e->fd, 0, until) & POLLERR) {
			int err = read_errors(e);

			if (err)
				return err;
		}
	}
	e->probing = false;
	e->address = e->address ? e->address - 1 : 0;
	exporter_set_phase(e, QUEUE_UP);
	return 0;
}

/* Something that arrives meanwhile does not end it: a burst that continues is to be spread, too. */
static void rest(struct exporter *e, __u64 records)
{
	const __u64 now = clock_monotonic_ns(), tail = queue_tail(e->queue);
	const __u64 queued = tail - queue_head(&e->totals);
	const __u64 until = now + pace_rest(&e->pace, now, tail, queued, e->options->queue, records,
					    transport_time_left(e));

	while (clock_monotonic_ns() < until && !transport_is_late(e) && !(e->events & POLLERR))
		e->events |= transport_wait(e, e->fd, 0, until);
}

static int udp_send(struct exporter *e)
{
	const __u64 before = queue_head(&queue_progress(e->queue)->total);

	while (e->count && !transport_is_late(e)) {
		int taken = session_send(e), err = taken < 0 ? overcome(e, taken) : 0;

		if (err)
			return err;
	}
	session_drop(e);
	if (e->probing)
		return listen_for_refusal(e);
	rest(e, queue_head(&e->totals) - before);
	return 0;
}

/* A refusal of the last records may be on its way. */
static bool udp_settled(struct exporter *e)
{
	const __u64 until = e->data_ns + PROBE_NS;

	if (clock_monotonic_ns() >= until)
		return true;
	if (until < e->due_ns)
		e->due_ns = until;
	return false;
}

const struct transport transport_udp = {
	.batch = QUEUE_BATCH,
	.open = udp_open,
	.turn = udp_turn,
	.send = udp_send,
	.settled = udp_settled,
	.close = udp_close,
};

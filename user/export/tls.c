// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TLS over TCP: stream.c, with a session between messages and the socket.
 *
 *   message ──→ secure_write ──→ secure_take ──→ cipher ──→ queue_send()
 *                    secure_read ←── secure_feed ←── recv()
 *
 * Ciphertext is sent in the same way as everything else, which is what makes a crash harmless. What
 * OpenSSL itself has to send, such as an answer to renewed keys, goes with the next message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "export/stream.h"

/* What encryption adds to a message: five records at most, each with header, IV, MAC, padding. */
#define END_NS WEIR_NS_PER_SEC
#define CIPHER_BYTES (WIRE_MESSAGE_MAX + 5 * 512)

struct tls {
	struct secure_context *context;
	struct secure *session;
	__u8 cipher[CIPHER_BYTES];
};

/* Read again for each connection, so that a certificate that was renewed is used. */
static int make_context(const struct export_options *o, struct secure_context **out,
			struct why *why)
{
	const struct secure_files files = {.ca = o->ca, .cert = o->cert, .key = o->key};

	return secure_context_new(&files, false, out, why);
}

static int tls_check(const struct export_options *options, struct why *why)
{
	struct secure_context *context;
	int err = make_context(options, &context, why);

	if (!err)
		secure_context_free(context);
	return err;
}

static int tls_init(struct exporter *e)
{
	e->tls = calloc(1, sizeof(*e->tls));
	if (!e->tls)
		return transport_fail(e, -ENOMEM, "%s", strerror(ENOMEM));
	queue_hold(e->queue, true);
	return 0;
}

static void tls_destroy(struct exporter *e)
{
	free(e->tls);
}

static int tls_open(struct exporter *e)
{
	int err = make_context(e->options, &e->tls->context, &e->why);

	if (!err)
		err = stream_connect(e, e->tls->context, &e->tls->session);
	if (!err)
		stream_begin(e);
	return err;
}

/* Decrypts what was fed. Collectors send nothing but alerts, tickets and new keys. */
static int decrypt(struct exporter *e)
{
	__u8 ignored[512];
	int got;

	do {
		got = secure_read(e->tls->session, ignored, sizeof(ignored), &e->why);
	} while (got > 0);
	return got == -EPIPE ? stream_closed(e) : got;
}

static int tls_turn(struct exporter *e, bool more)
{
	int err = decrypt(e), length = 0;
	__u8 cipher[4096];

	(void)more;
	while (!err && (length = stream_receive(e, cipher, sizeof(cipher))) > 0) {
		if (!secure_feed(e->tls->session, cipher, length))
			return transport_fail(e, -ENOMEM, "%s", strerror(ENOMEM));
		err = decrypt(e);
	}
	if (err || length < 0)
		return err ? err : length;
	stream_turn(e);
	return 0;
}

static int tls_send(struct exporter *e)
{
	struct tls *tls = e->tls;
	struct queue_message *message = queue_batch(e->queue)->message;
	int err = secure_write(tls->session, e->pieces[0].iov_base, e->pieces[0].iov_len, &e->why);

	if (err)
		return err;
	message->length = secure_take(tls->session, tls->cipher, sizeof(tls->cipher));
	e->pieces[0] = (struct iovec){tls->cipher, message->length};
	return stream_send(e);
}

/* A collector that does not read is not waited for longer than END_NS. */
static void send_end(struct exporter *e)
{
	const __u64 until_ns = clock_monotonic_ns() + END_NS;
	struct tls *tls = e->tls;
	size_t length, at = 0;
	ssize_t n = 0;

	secure_close(tls->session);
	length = secure_take(tls->session, tls->cipher, sizeof(tls->cipher));
	while (at < length && (n >= 0 || errno == EAGAIN)) {
		n = send(e->fd, tls->cipher + at, length - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			at += n;
		else if (transport_is_late(e) || clock_monotonic_ns() >= until_ns)
			break;
		else
			transport_wait(e, e->fd, POLLOUT, until_ns);
	}
}

static void tls_close(struct exporter *e, bool in_order)
{
	struct tls *tls = e->tls;

	if (in_order)
		session_say_last(e);
	if (in_order && !e->count)
		send_end(e);
	if (in_order)
		sent_clear(e->sent);
	stream_close(e);
	secure_free(tls->session);
	secure_context_free(tls->context);
	tls->session = NULL;
	tls->context = NULL;
}

const struct transport transport_tls = {
	.batch = 1,
	.check = tls_check,
	.init = tls_init,
	.open = tls_open,
	.turn = tls_turn,
	.send = tls_send,
	.settled = stream_settled,
	.close = tls_close,
	.destroy = tls_destroy,
};

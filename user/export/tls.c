// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TLS over TCP. OpenSSL never sees the socket: it works on memory,
 *
 *   message ──→ SSL_write ──→ outgoing ──→ cipher ──→ queue_send()
 *                    SSL_read ←── incoming ←── recv()
 *
 * so that ciphertext goes the way of everything else, which is what makes a crash harmless.
 *
 * In TLS 1.3 the client is done before the server has looked at its certificate; sent right away,
 * messages would be acked by the host and then thrown away by a server that turns us down. So we
 * listen first: servers answer with a session ticket, or say no. Those that issue no tickets cost a
 * second.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/stream.h"
#include "net/tls_context.h"

#define HANDSHAKE_NS (10000 * NS_PER_MS)
#define VERDICT_NS (1000 * NS_PER_MS)
/* What encryption adds to a message: five records at most, each with header, IV, MAC, padding. */
#define CIPHER_BYTES (WIRE_MESSAGE_MAX + 5 * 512)

struct tls {
	SSL_CTX *context;
	SSL *ssl;
	BIO *incoming, *outgoing; /* the SSL's */
	__u8 cipher[CIPHER_BYTES];
};

static const char *peer(const struct exporter *e)
{
	return e->options->url.host;
}

static int fail(struct exporter *e, int err, const char *what)
{
	return tls_explain(err, what, e->why, sizeof(e->why));
}

static int fail_ssl(struct exporter *e)
{
	return tls_explain_ssl(e->tls->ssl, peer(e), e->why, sizeof(e->why));
}

/* Read anew for each connection, so that a certificate that was renewed is taken up. */
static int make_context(struct exporter *e, SSL_CTX **out)
{
	const struct export_options *options = e->options;

	return tls_context_new(false, options->ca, options->cert, options->key, out, e->why,
			       sizeof(e->why));
}

static int tls_init(struct exporter *e)
{
	SSL_CTX *context;
	int err = make_context(e, &context);

	if (err)
		return err;
	SSL_CTX_free(context);
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

/* --- Handshake ---------------------------------------------------------------------------- */

/* What OpenSSL has to say that is no message of ours: it may be sent twice or not at all. */
static int flush_control(struct exporter *e)
{
	struct tls *tls = e->tls;
	int length;

	while ((length = BIO_read(tls->outgoing, tls->cipher, sizeof(tls->cipher))) > 0) {
		for (int at = 0; at < length;) {
			ssize_t n = send(e->fd, tls->cipher + at, length - at,
					 MSG_DONTWAIT | MSG_NOSIGNAL);

			if (n < 0 && errno != EAGAIN)
				return transport_fail(e, -errno, "%s: %s", peer(e),
						      strerror(errno));
			if (n < 0 && transport_is_late(e))
				return transport_fail(e, -ETIMEDOUT, "%s: too late", peer(e));
			if (n < 0)
				transport_wait(e, e->fd, POLLOUT,
					       clock_monotonic_ns() + HANDSHAKE_NS);
			at += n > 0 ? n : 0;
		}
	}
	return 0;
}

/* Takes in what the peer sent. 0: nothing waits. */
static int take_in(struct exporter *e)
{
	__u8 bytes[4096];
	int length = stream_receive(e, bytes, sizeof(bytes));

	if (length > 0 && BIO_write(e->tls->incoming, bytes, length) != length)
		return transport_fail(e, -ENOMEM, "%s", strerror(ENOMEM));
	return length;
}

static int handshake(struct exporter *e)
{
	const __u64 until = clock_monotonic_ns() + HANDSHAKE_NS;
	SSL *ssl = e->tls->ssl;

	for (;;) {
		int done, err;

		ERR_clear_error();
		done = SSL_do_handshake(ssl);
		if (done != 1 && SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) {
			flush_control(e); /* the alert that says why */
			return fail_ssl(e);
		}
		err = flush_control(e);
		if (err || done == 1)
			return err;
		err = take_in(e);
		if (!err)
			transport_wait(e, e->fd, POLLIN, until);
		if (err < 0)
			return err;
		if (clock_monotonic_ns() >= until || transport_is_late(e))
			return transport_fail(e, -ETIMEDOUT, "%s: no answer to the TLS handshake",
					      peer(e));
	}
}

/* Reads what came in. Collectors have nothing to say but alerts, tickets and new keys. */
static int read_all(struct exporter *e, bool *heard)
{
	__u8 ignored[512];
	int length;

	while ((length = take_in(e)) > 0) {
		int got;

		*heard = true;
		ERR_clear_error();
		do {
			got = SSL_read(e->tls->ssl, ignored, sizeof(ignored));
		} while (got > 0);
		if (SSL_get_error(e->tls->ssl, got) == SSL_ERROR_ZERO_RETURN)
			return transport_fail(e, -ECONNRESET, "%s: closed by the peer", peer(e));
		if (SSL_get_error(e->tls->ssl, got) != SSL_ERROR_WANT_READ)
			return fail_ssl(e);
	}
	return length;
}

static int await_verdict(struct exporter *e)
{
	const __u64 until = clock_monotonic_ns() + VERDICT_NS;
	bool heard = false;

	if (SSL_version(e->tls->ssl) < TLS1_3_VERSION)
		return 0;
	while (!heard && clock_monotonic_ns() < until && !transport_is_late(e)) {
		int err = read_all(e, &heard);

		if (err)
			return err;
		if (!heard)
			transport_wait(e, e->fd, POLLIN, until);
	}
	return 0;
}

static int start_ssl(struct exporter *e)
{
	struct tls *tls = e->tls;
	int err = make_context(e, &tls->context);

	if (err)
		return err;
	tls->ssl = SSL_new(tls->context);
	tls->incoming = BIO_new(BIO_s_mem());
	tls->outgoing = BIO_new(BIO_s_mem());
	if (!tls->ssl || !tls->incoming || !tls->outgoing) {
		BIO_free(tls->incoming);
		BIO_free(tls->outgoing);
		return fail(e, -ENOMEM, "TLS");
	}
	SSL_set_bio(tls->ssl, tls->incoming, tls->outgoing);
	SSL_set_connect_state(tls->ssl);
	err = tls_expect_host(tls->ssl, peer(e), e->why, sizeof(e->why));
	if (!err)
		err = handshake(e);
	return err ? err : await_verdict(e);
}

static int tls_open(struct exporter *e)
{
	int err = stream_connect(e);

	if (!err)
		err = start_ssl(e);
	if (!err)
		stream_begin(e);
	return err;
}

/* --- Messages ----------------------------------------------------------------------------- */

static int tls_turn(struct exporter *e, bool more)
{
	bool heard;
	int err = read_all(e, &heard);

	(void)more;
	if (!err)
		stream_turn(e);
	return err;
}

static int tls_send(struct exporter *e)
{
	struct tls *tls = e->tls;
	struct queue_message *message = queue_batch(e->queue)->message;
	int length;

	ERR_clear_error();
	if (SSL_write(tls->ssl, e->pieces[0].iov_base, e->pieces[0].iov_len) <= 0)
		return fail_ssl(e);
	length = BIO_read(tls->outgoing, tls->cipher, sizeof(tls->cipher));
	if (length <= 0)
		return fail(e, -EPROTO, peer(e));
	message->length = length;
	e->pieces[0] = (struct iovec){tls->cipher, length};
	return stream_send(e);
}

static void tls_close(struct exporter *e, bool in_order)
{
	struct tls *tls = e->tls;

	if (in_order && !e->count && SSL_shutdown(tls->ssl) >= 0)
		flush_control(e);
	if (in_order)
		sent_clear(e->sent);
	stream_close(e);
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->context);
	tls->ssl = NULL;
	tls->context = NULL;
}

const struct transport transport_tls = {
	.batch = 1,
	.init = tls_init,
	.open = tls_open,
	.turn = tls_turn,
	.send = tls_send,
	.settled = stream_settled,
	.close = tls_close,
	.destroy = tls_destroy,
};

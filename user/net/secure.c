// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The problem: OpenSSL wants to own the socket, but a link must never wait, and an exporter must
 * know how many bytes of each message the kernel took.
 *
 * The idea: a session reads and writes two BIOs in memory, and has no socket.
 *
 *   SSL_read  ←── incoming ←── secure_feed()
 *   SSL_write ──→ outgoing ──→ secure_take()
 *
 * SSL_ERROR_WANT_READ means that more must be fed.
 *
 *   Contexts         certificates, keys, CAs; what a client and a server are asked for
 *   One connection   a session: handshake, read, write
 *   Ciphertext       in and out
 *   Who it is        the name in the other end's certificate
 */
#include "net/secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_BYTES 64

struct secure_context {
	SSL_CTX *openssl;
	bool server;
};

struct secure {
	SSL *ssl;
	BIO *incoming, *outgoing; /* the SSL's */
	char peer[PEER_BYTES];
};

/* --- What went wrong ---------------------------------------------------------------------- */

/* "WHAT: the first error of OpenSSL's queue", which is the cause of the others; where there is
 * none, that of err. Returns err. */
static int explain(int err, const char *what, struct why *why)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
						    : ERR_reason_error_string(code);

	ERR_clear_error();
	return why_set(why, err, "%s: %s", what, reason ? reason : strerror(-err));
}

/* So too, but for a certificate that was turned down. */
static int explain_session(const struct secure *s, struct why *why)
{
	long verdict = SSL_get_verify_result(s->ssl);

	if (verdict == X509_V_OK)
		return explain(-EPROTO, s->peer, why);
	ERR_clear_error();
	return why_set(why, -EPROTO, "%s: the certificate: %s", s->peer,
		       X509_verify_cert_error_string(verdict));
}

/* What a call that returned `done`, not above 0, means. */
static int explain_call(const struct secure *s, int done, struct why *why)
{
	switch (SSL_get_error(s->ssl, done)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return explain_session(s, why);
	}
}

/* --- Contexts ----------------------------------------------------------------------------- */

static int check_files(const struct secure_files *files, bool server, struct why *why)
{
	if (server && !(files->ca && files->cert && files->key))
		return why_set(why, -EINVAL, "TLS needs a certificate, its key and a CA");
	if (!files->cert != !files->key)
		return why_set(why, -EINVAL, "a certificate and its key go together");
	return 0;
}

static int load_files(SSL_CTX *openssl, const struct secure_files *files, struct why *why)
{
	const char *ca = files->ca, *cert = files->cert, *key = files->key;

	if (ca ? !SSL_CTX_load_verify_locations(openssl, ca, NULL)
	       : !SSL_CTX_set_default_verify_paths(openssl))
		return explain(-EINVAL, ca ? ca : "the system's CAs", why);
	if (!cert)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(openssl, cert) != 1)
		return explain(-EINVAL, cert, why);
	if (SSL_CTX_use_PrivateKey_file(openssl, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(openssl) != 1)
		return explain(-EINVAL, key, why);
	return 0;
}

static void set_policy(SSL_CTX *openssl, bool server)
{
	static const unsigned char name[] = "weir";

	SSL_CTX_set_min_proto_version(openssl, TLS1_2_VERSION);
	SSL_CTX_set_verify(openssl,
			   SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
	/* One ticket, which clients wait for: it means that their certificate was accepted. It has no
	 * other use, for a client that connects again has to show its certificate again. */
	SSL_CTX_set_num_tickets(openssl, 1);
	SSL_CTX_set_options(openssl, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_id_context(openssl, name, sizeof(name));
	SSL_CTX_set_session_cache_mode(openssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(openssl, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(openssl, SSL_MODE_RELEASE_BUFFERS);
}

int secure_context_new(const struct secure_files *files, bool server, struct secure_context **out,
		       struct why *why)
{
	struct secure_context *context;
	int err = check_files(files, server, why);

	if (err)
		return err;
	ERR_clear_error();
	context = calloc(1, sizeof(*context));
	if (!context)
		return explain(-ENOMEM, "TLS", why);
	context->server = server;
	context->openssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	err = context->openssl ? load_files(context->openssl, files, why)
			       : explain(-ENOMEM, "TLS", why);
	if (err) {
		secure_context_free(context);
		return err;
	}
	set_policy(context->openssl, server);
	*out = context;
	return 0;
}

void secure_context_free(struct secure_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->openssl);
	free(context);
}

/* --- One connection ----------------------------------------------------------------------- */

static int expect_host(struct secure *s, const char *host, struct why *why)
{
	unsigned char binary[16];
	int ok;

	if (inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), host);
	else
		ok = SSL_set1_host(s->ssl, host) && SSL_set_tlsext_host_name(s->ssl, host);
	return ok ? 0 : explain(-EINVAL, host, why);
}

static int begin(struct secure *s, const struct secure_context *context, const char *host,
		 struct why *why)
{
	ERR_clear_error();
	s->ssl = SSL_new(context->openssl);
	s->incoming = BIO_new(BIO_s_mem());
	s->outgoing = BIO_new(BIO_s_mem());
	if (!s->ssl || !s->incoming || !s->outgoing) {
		BIO_free(s->incoming);
		BIO_free(s->outgoing);
		return explain(-ENOMEM, "TLS", why);
	}
	SSL_set_bio(s->ssl, s->incoming, s->outgoing);
	if (context->server) {
		SSL_set_accept_state(s->ssl);
		return 0;
	}
	SSL_set_connect_state(s->ssl);
	return expect_host(s, host, why);
}

struct secure *secure_new(struct secure_context *context, const char *host, const char *peer,
			  struct why *why)
{
	struct secure *s = calloc(1, sizeof(*s));

	if (!s) {
		explain(-ENOMEM, "TLS", why);
		return NULL;
	}
	snprintf(s->peer, sizeof(s->peer), "%s", peer);
	if (begin(s, context, host, why)) {
		secure_free(s);
		return NULL;
	}
	return s;
}

void secure_free(struct secure *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	free(s);
}

int secure_handshake(struct secure *s, struct why *why)
{
	int done;

	ERR_clear_error();
	done = SSL_do_handshake(s->ssl);
	if (done == 1)
		return 1;
	done = explain_call(s, done, why);
	if (done == -EPIPE)
		return why_set(why, -EPROTO, "%s: closed during the TLS handshake", s->peer);
	return done;
}

bool secure_awaits_verdict(const struct secure *s)
{
	return !SSL_is_server(s->ssl) && SSL_version(s->ssl) >= TLS1_3_VERSION;
}

int secure_look(struct secure *s, struct why *why)
{
	char first;
	int got;

	ERR_clear_error();
	got = SSL_peek(s->ssl, &first, 1);
	return got > 0 ? 1 : explain_call(s, got, why);
}

ssize_t secure_read(struct secure *s, void *out, size_t room, struct why *why)
{
	int got;

	ERR_clear_error();
	got = SSL_read(s->ssl, out, room < 1 << 30 ? room : 1 << 30);
	return got > 0 ? got : explain_call(s, got, why);
}

int secure_write(struct secure *s, const void *data, size_t bytes, struct why *why)
{
	ERR_clear_error();
	if (SSL_write(s->ssl, data, bytes) == (int)bytes)
		return 0;
	return explain_session(s, why);
}

void secure_close(struct secure *s)
{
	ERR_clear_error();
	SSL_shutdown(s->ssl);
	ERR_clear_error();
}

/* --- Ciphertext --------------------------------------------------------------------------- */

bool secure_feed(struct secure *s, const void *cipher, size_t bytes)
{
	return BIO_write(s->incoming, cipher, bytes) == (int)bytes;
}

size_t secure_waiting(const struct secure *s)
{
	return BIO_ctrl_pending(s->outgoing);
}

size_t secure_take(struct secure *s, void *out, size_t room)
{
	int got = BIO_read(s->outgoing, out, room);

	return got > 0 ? got : 0;
}

/* --- Who it is ---------------------------------------------------------------------------- */

static void copy_name(const ASN1_STRING *from, char out[SECURE_SUBJECT_BYTES])
{
	unsigned char *text = NULL;
	int length = ASN1_STRING_to_UTF8(&text, from);
	bool plain = length > 0 && length < SECURE_SUBJECT_BYTES;

	for (int i = 0; plain && i < length; i++)
		plain = text[i] >= ' ' && text[i] != 0x7f;
	if (plain)
		snprintf(out, SECURE_SUBJECT_BYTES, "%.*s", length, (const char *)text);
	OPENSSL_free(text);
}

static void copy_common_name(X509 *cert, char out[SECURE_SUBJECT_BYTES])
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at >= 0)
		copy_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), out);
}

static void copy_dns_name(X509 *cert, char out[SECURE_SUBJECT_BYTES])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !*out; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			copy_name(name->d.dNSName, out);
	}
	GENERAL_NAMES_free(names);
}

void secure_subject(const struct secure *s, char out[SECURE_SUBJECT_BYTES])
{
	X509 *cert = SSL_get1_peer_certificate(s->ssl);

	out[0] = 0;
	if (cert)
		copy_common_name(cert, out);
	if (cert && !*out)
		copy_dns_name(cert, out);
	X509_free(cert);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net/link_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls_context.h"

struct link_tls {
	SSL_CTX *context;
	bool server;
};

struct secure {
	SSL *ssl;
	BIO *incoming, *outgoing; /* the SSL's */
};

/* --- Contexts ----------------------------------------------------------------------------- */

static int check_files(const struct link_tls_files *files, bool server, char why[LINK_WHY_BYTES])
{
	if (server && !(files->ca && files->cert && files->key)) {
		snprintf(why, LINK_WHY_BYTES, "TLS needs a certificate, its key and a CA");
		return -EINVAL;
	}
	if (!files->cert != !files->key) {
		snprintf(why, LINK_WHY_BYTES, "a certificate and its key go together");
		return -EINVAL;
	}
	return 0;
}

int link_tls_new(const struct link_tls_files *files, bool server, struct link_tls **out,
		 char why[LINK_WHY_BYTES])
{
	static const unsigned char name[] = "weir";
	struct link_tls *tls;
	int err = check_files(files, server, why);

	if (err)
		return err;
	tls = calloc(1, sizeof(*tls));
	if (!tls)
		return tls_explain(-ENOMEM, "TLS", why, LINK_WHY_BYTES);
	err = tls_context_new(server, files->ca, files->cert, files->key, &tls->context, why,
			      LINK_WHY_BYTES);
	if (err) {
		free(tls);
		return err;
	}
	tls->server = server;
	/* One ticket, for clients wait for it: it says that their certificate is taken. It is of no
	 * other use, for who comes again has to show his certificate again. */
	SSL_CTX_set_num_tickets(tls->context, 1);
	SSL_CTX_set_options(tls->context, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_id_context(tls->context, name, sizeof(name));
	SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS);
	*out = tls;
	return 0;
}

void link_tls_free(struct link_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}

/* --- One connection ----------------------------------------------------------------------- */

static int begin(struct secure *s, const struct link_tls *tls, const char *host,
		 char why[LINK_WHY_BYTES])
{
	ERR_clear_error();
	s->ssl = SSL_new(tls->context);
	s->incoming = BIO_new(BIO_s_mem());
	s->outgoing = BIO_new(BIO_s_mem());
	if (!s->ssl || !s->incoming || !s->outgoing) {
		BIO_free(s->incoming);
		BIO_free(s->outgoing);
		return tls_explain(-ENOMEM, "TLS", why, LINK_WHY_BYTES);
	}
	SSL_set_bio(s->ssl, s->incoming, s->outgoing);
	if (tls->server) {
		SSL_set_accept_state(s->ssl);
		return 0;
	}
	SSL_set_connect_state(s->ssl);
	return tls_expect_host(s->ssl, host, why, LINK_WHY_BYTES);
}

struct secure *secure_new(struct link_tls *tls, const char *host, char why[LINK_WHY_BYTES])
{
	struct secure *s = calloc(1, sizeof(*s));

	if (!s) {
		tls_explain(-ENOMEM, "TLS", why, LINK_WHY_BYTES);
		return NULL;
	}
	if (begin(s, tls, host, why)) {
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

/* What a call that returned `done`, not above 0, means. */
static int explain(const struct secure *s, int done, const char *peer, char why[LINK_WHY_BYTES])
{
	switch (SSL_get_error(s->ssl, done)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return tls_explain_ssl(s->ssl, peer, why, LINK_WHY_BYTES);
	}
}

int secure_handshake(struct secure *s, const char *peer, char why[LINK_WHY_BYTES])
{
	int done;

	ERR_clear_error();
	done = SSL_do_handshake(s->ssl);
	if (done == 1)
		return 1;
	done = explain(s, done, peer, why);
	if (done == -EPIPE) {
		snprintf(why, LINK_WHY_BYTES, "%s: closed during the TLS handshake", peer);
		return -EPROTO;
	}
	return done;
}

bool secure_awaits_verdict(const struct secure *s)
{
	return !SSL_is_server(s->ssl) && SSL_version(s->ssl) >= TLS1_3_VERSION;
}

int secure_look(struct secure *s, const char *peer, char why[LINK_WHY_BYTES])
{
	char first;
	int got;

	ERR_clear_error();
	got = SSL_peek(s->ssl, &first, 1);
	return got > 0 ? 1 : explain(s, got, peer, why);
}

ssize_t secure_read(struct secure *s, void *out, size_t room, const char *peer,
		    char why[LINK_WHY_BYTES])
{
	int got;

	ERR_clear_error();
	got = SSL_read(s->ssl, out, room < 1 << 30 ? room : 1 << 30);
	return got > 0 ? got : explain(s, got, peer, why);
}

int secure_write(struct secure *s, const void *data, size_t bytes, const char *peer,
		 char why[LINK_WHY_BYTES])
{
	ERR_clear_error();
	if (SSL_write(s->ssl, data, bytes) == (int)bytes)
		return 0;
	return tls_explain_ssl(s->ssl, peer, why, LINK_WHY_BYTES);
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

static void copy_name(const ASN1_STRING *from, char out[LINK_SUBJECT_BYTES])
{
	unsigned char *text = NULL;
	int length = ASN1_STRING_to_UTF8(&text, from);
	bool plain = length > 0 && length < LINK_SUBJECT_BYTES;

	for (int i = 0; plain && i < length; i++)
		plain = text[i] >= ' ' && text[i] != 0x7f;
	if (plain)
		snprintf(out, LINK_SUBJECT_BYTES, "%.*s", length, (const char *)text);
	OPENSSL_free(text);
}

static void copy_common_name(X509 *cert, char out[LINK_SUBJECT_BYTES])
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at >= 0)
		copy_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), out);
}

static void copy_dns_name(X509 *cert, char out[LINK_SUBJECT_BYTES])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !*out; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			copy_name(name->d.dNSName, out);
	}
	GENERAL_NAMES_free(names);
}

void secure_subject(const struct secure *s, char out[LINK_SUBJECT_BYTES])
{
	X509 *cert = SSL_get1_peer_certificate(s->ssl);

	out[0] = 0;
	if (cert)
		copy_common_name(cert, out);
	if (cert && !*out)
		copy_dns_name(cert, out);
	X509_free(cert);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an exporter's TLS and that of links share: contexts, names, and what went wrong. */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Of a client or a server, TLS 1.2 or later, which wants a certificate of the other side. ca NULL:
 * the system's; cert NULL: it has none, and key is not looked at. A negative errno and why[]: which
 * file, and what is wrong with it.
 */
int tls_context_new(bool server, const char *ca, const char *cert, const char *key, SSL_CTX **out,
		    char *why, size_t room);

/* As a client: this host's name or address must be in the server's certificate. -EINVAL and why[]. */
int tls_expect_host(SSL *ssl, const char *host, char *why, size_t room);

/* "WHAT: the first error of OpenSSL's queue", which is the cause of the others; where there is none,
 * that of err. Returns err. */
int tls_explain(int err, const char *what, char *why, size_t room);
/* So too, but for a certificate that was turned down. Returns -EPROTO. */
int tls_explain_ssl(const SSL *ssl, const char *what, char *why, size_t room);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Certificates for tests, made as they run. */
#ifndef UNIT_CERTS_H
#define UNIT_CERTS_H

#include <openssl/types.h>

struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

/* A CA of its own when `issuer` is NULL. `names`: subjectAltName, as "DNS:localhost,IP:127.0.0.1". */
struct identity identity_make(const char *name, const char *names, const struct identity *issuer);
void identity_free(struct identity *identity);
/* As PEM; NULL: not. */
void identity_write(const struct identity *identity, const char *cert, const char *key);

/* Of a server; `clients`: the CA that clients' certificates must be of, NULL: they need none. */
SSL_CTX *server_context(const struct identity *server, const struct identity *clients);

#endif

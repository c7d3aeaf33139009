// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/net/certs.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

struct identity identity_make(const char *name, const char *names, const struct identity *issuer)
{
	struct identity made = {EVP_EC_gen("P-256"), X509_new()};
	static long serial;
	X509_NAME *subject;

	assert_true(made.key && made.cert);
	X509_set_version(made.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(made.cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(made.cert), 3600);
	X509_set_pubkey(made.cert, made.key);
	subject = X509_get_subject_name(made.cert);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(made.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
	extend(made.cert, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
	if (names)
		extend(made.cert, NID_subject_alt_name, names);
	assert_true(X509_sign(made.cert, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
	return made;
}

void identity_free(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->cert);
}

void identity_write(const struct identity *identity, const char *cert, const char *key)
{
	FILE *file = fopen(cert, "we");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, identity->cert), 1);
	fclose(file);
	if (!key)
		return;
	file = fopen(key, "we");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
}

SSL_CTX *server_context(const struct identity *server, const struct identity *clients)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	assert_non_null(context);
	assert_int_equal(SSL_CTX_use_certificate(context, server->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, server->key), 1);
	if (clients) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(context), clients->cert);
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
	}
	return context;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

int tls_explain(int err, const char *what, char *why, size_t room)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
						    : ERR_reason_error_string(code);

	ERR_clear_error();
	snprintf(why, room, "%s: %s", what, reason ? reason : strerror(-err));
	return err;
}

int tls_explain_ssl(const SSL *ssl, const char *what, char *why, size_t room)
{
	long verdict = SSL_get_verify_result(ssl);

	if (verdict == X509_V_OK)
		return tls_explain(-EPROTO, what, why, room);
	ERR_clear_error();
	snprintf(why, room, "%s: the certificate: %s", what,
		 X509_verify_cert_error_string(verdict));
	return -EPROTO;
}

static int load_files(SSL_CTX *context, const char *ca, const char *cert, const char *key,
		      char *why, size_t room)
{
	if (ca ? !SSL_CTX_load_verify_locations(context, ca, NULL)
	       : !SSL_CTX_set_default_verify_paths(context))
		return tls_explain(-EINVAL, ca ? ca : "the system's CAs", why, room);
	if (!cert)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(context, cert) != 1)
		return tls_explain(-EINVAL, cert, why, room);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return tls_explain(-EINVAL, key, why, room);
	return 0;
}

int tls_context_new(bool server, const char *ca, const char *cert, const char *key, SSL_CTX **out,
		    char *why, size_t room)
{
	SSL_CTX *context;
	int err;

	ERR_clear_error();
	context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!context)
		return tls_explain(-ENOMEM, "TLS", why, room);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_verify(context,
			   SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
	err = load_files(context, ca, cert, key, why, room);
	if (err)
		SSL_CTX_free(context);
	else
		*out = context;
	return err;
}

int tls_expect_host(SSL *ssl, const char *host, char *why, size_t room)
{
	unsigned char binary[16];
	int ok;

	if (inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	else
		ok = SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
	return ok ? 0 : tls_explain(-EINVAL, host, why, room);
}

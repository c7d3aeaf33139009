/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TLS of one connection, as a client or a server, without its socket. OpenSSL works on memory:
 *
 *   plain text  ──→ secure_write() ──→ secure_take() ──→ ciphertext that is to be sent
 *   plain text  ←── secure_read()  ←── secure_feed() ←── ciphertext that was received
 *
 * So the caller decides how and when ciphertext is sent, nothing blocks, and nothing raises SIGPIPE.
 * Handshakes, alerts and renewed keys make ciphertext, too: there may be some to take after each
 * call on a session, also after one that failed.
 */
#ifndef NET_SECURE_H
#define NET_SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/why.h"

#define SECURE_SUBJECT_BYTES 128

/* What the sessions of a client or of a listener share. */
struct secure_context;

struct secure_files {
	const char *ca;         /* NULL: the system's; a server needs one */
	const char *cert, *key; /* NULL: none, as a client; else both */
};

/*
 * TLS 1.2 or later, which wants a certificate of the other side. 0; -EINVAL or another negative
 * errno and which file is missing or wrong.
 */
int secure_context_new(const struct secure_files *files, bool server, struct secure_context **out,
		       struct why *why);
/* Sessions may outlive it. NULL is none. */
void secure_context_free(struct secure_context *context);

struct secure;

/*
 * `host`: as a client, the name or address that must be in the server's certificate; NULL: as a
 * server. Reasons begin with `peer`. NULL and the reason.
 */
struct secure *secure_new(struct secure_context *context, const char *host, const char *peer,
			  struct why *why);
/* NULL is none. */
void secure_free(struct secure *s);

/* 1: done; 0: more must come; -EPROTO and the reason. */
int secure_handshake(struct secure *s, struct why *why);
/* As a client, with TLS 1.3: the server judges our certificate after our handshake is done. */
bool secure_awaits_verdict(const struct secure *s);
/* Takes in what is not data; 1: there are data; 0: none; else as secure_read(). */
int secure_look(struct secure *s, struct why *why);
/* Bytes; 0: more must come; -EPIPE: the other end has closed in order; -EPROTO and the reason. */
ssize_t secure_read(struct secure *s, void *out, size_t room, struct why *why);
/* 0, or -EPROTO and the reason. */
int secure_write(struct secure *s, const void *data, size_t bytes, struct why *why);
/* Says that no more will be written. */
void secure_close(struct secure *s);

/* False: no memory. */
bool secure_feed(struct secure *s, const void *cipher, size_t bytes);
size_t secure_waiting(const struct secure *s);
size_t secure_take(struct secure *s, void *out, size_t room);

/* The CN of the other's certificate, or, where it has none, the first name of a host in it; "". */
void secure_subject(const struct secure *s, char out[SECURE_SUBJECT_BYTES]);

#endif

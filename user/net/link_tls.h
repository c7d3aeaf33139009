/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TLS of one link, without its socket: ciphertext that came is fed, ciphertext that is to go is
 * taken. All of these but the first two may leave some to be taken.
 */
#ifndef NET_LINK_TLS_H
#define NET_LINK_TLS_H

#include "net/link.h"

struct secure;

/* host: as a client, of whom the certificate must be; NULL: as a server. NULL and why[]. */
struct secure *secure_new(struct link_tls *tls, const char *host, char why[LINK_WHY_BYTES]);
void secure_free(struct secure *s);

/* 1: done; 0: more must come; -EPROTO and why[], which begins with `peer`. */
int secure_handshake(struct secure *s, const char *peer, char why[LINK_WHY_BYTES]);
/* As a client, with TLS 1.3: the server judges our certificate after our handshake is done. */
bool secure_awaits_verdict(const struct secure *s);
/* Takes in what is no data; 1: there are data; 0: none; else as secure_read(). */
int secure_look(struct secure *s, const char *peer, char why[LINK_WHY_BYTES]);
/* Bytes; 0: more must come; -EPIPE: the other end has closed in order; -EPROTO and why[]. */
ssize_t secure_read(struct secure *s, void *out, size_t room, const char *peer,
		    char why[LINK_WHY_BYTES]);
/* 0, or -EPROTO and why[]. */
int secure_write(struct secure *s, const void *data, size_t bytes, const char *peer,
		 char why[LINK_WHY_BYTES]);
void secure_close(struct secure *s);

/* False: no memory. */
bool secure_feed(struct secure *s, const void *cipher, size_t bytes);
size_t secure_waiting(const struct secure *s);
size_t secure_take(struct secure *s, void *out, size_t room);

void secure_subject(const struct secure *s, char out[LINK_SUBJECT_BYTES]);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Streams that both ends write to, over TCP or TLS, without ever waiting: the caller polls.
 *
 *   link_connect() ─→ resolve, connect, handshake ─┐
 *   link_accept()  ─────────────────── handshake ──┴─→ link_turn() ─→ LINK_UP: read, write
 *
 * With TLS both ends show a certificate that the other's CA has signed; a client also wants its
 * server's name in it. Unacknowledged data ends a link after LINK_USER_TIMEOUT_MS; who says nothing
 * is asked now and then whether he is still there.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/url.h"

#define LINK_WHY_BYTES 256
#define LINK_PEER_BYTES 64
#define LINK_SUBJECT_BYTES 128
#define LINK_USER_TIMEOUT_MS 3000
#define LINK_HANDSHAKE_MS 5000
#define LINK_PENDING_MAX (1u << 18) /* bytes written and not yet sent: then -ENOBUFS */

/* Certificate, key, CA. One for all links of a listener or a client. */
struct link_tls;
struct link_tls_files {
	const char *ca, *cert, *key;
};
/* -EINVAL or another negative errno, and why[]: a file is not there, or not what it should be. */
int link_tls_new(const struct link_tls_files *files, bool server, struct link_tls **out,
		 char why[LINK_WHY_BYTES]);
void link_tls_free(struct link_tls *tls);

enum link_phase {
	LINK_OPENING,
	LINK_UP,
	LINK_DOWN, /* why[] says why; empty: the other end has closed in order */
};

struct link;

/* tls NULL: plain TCP. The name is resolved beside the caller. NULL: no memory. */
struct link *link_connect(const struct url *url, struct link_tls *tls, __u64 now_ns);

/* A listening socket, non-blocking. Its fd or a negative errno. IPv6 wildcards take IPv4 too. */
int link_listen(const struct url *url, char why[LINK_WHY_BYTES]);
/* NULL and errno: EAGAIN when nobody waits, EMFILE, ... */
struct link *link_accept(int listener, struct link_tls *tls, __u64 now_ns);

/* Changes with time: ask again after each turn. */
int link_fd(const struct link *l);
short link_events(const struct link *l); /* for poll: POLLIN, POLLOUT */
__u64 link_due_ns(const struct link *l); /* when a turn is due without events; ~0: never */

/* Goes on with whatever can go on: name, connection, handshake, pending output. */
enum link_phase link_turn(struct link *l, __u64 now_ns);
/* Bytes read; 0: none now; -EPIPE: the other end has closed; other negative errno: why[]. To be
 * called until there are none: what TLS has taken in does not wake poll. */
ssize_t link_read(struct link *l, void *out, size_t room);
/* All of it is taken, sent now or later, or nothing: -ENOBUFS, -ENOTCONN. When the other end takes no
 * more, what it said before can still be read, and why[] comes after that. */
int link_write(struct link *l, const void *data, size_t bytes);
/* Tells the other end, if that is possible at once, and frees. NULL is none. */
void link_close(struct link *l);

const char *link_why(const struct link *l);
const char *link_peer(const struct link *l); /* "192.0.2.1:4740" */
/* The CN of the other's certificate, or, where it has none, the first name of a host in it; "". */
const char *link_subject(const struct link *l);

#endif

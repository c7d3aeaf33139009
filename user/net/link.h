/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections over TCP or TLS that both ends write to, without ever waiting: the caller polls.
 *
 *   link_connect() ─→ resolve, connect, handshake ─┐              ┌→ link_read(), link_write()
 *   link_accept()  ─────────────────── handshake ──┴→ link_turn() ┴→ link_take()
 *
 * With TLS a client wants its server's name in the server's certificate, and a server wants a
 * certificate that its CA has signed.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/secure.h"
#include "net/tcp.h"
#include "net/url.h"

#define LINK_USER_TIMEOUT_MS 3000
#define LINK_HANDSHAKE_MS 5000
#define LINK_PENDING_MAX (1u << 18) /* bytes written and not yet sent: then -ENOBUFS */

/* For how long a link waits, in ms. */
struct link_limits {
	__u32 open;      /* until it is up */
	__u32 connect;   /* of that, for one address */
	__u32 handshake; /* of that, for TLS */
	__u32 lost;      /* for data to be acknowledged, and for a silent peer to answer a probe */
};

enum link_phase {
	LINK_OPENING,
	LINK_UP,
	LINK_DOWN, /* link_why() has the reason; empty: the other end has closed in order */
};

struct link;

/* tls NULL: plain TCP. limits NULL: LINK_HANDSHAKE_MS to open it, LINK_USER_TIMEOUT_MS until it is
 * lost. NULL: no memory. */
struct link *link_connect(const struct url *url, struct secure_context *tls,
			  const struct link_limits *limits, __u64 now_ns);
/* Before the first turn. `watch` is told of its sockets, and stays longer than the link does. */
void link_watch(struct link *l, const struct socket_watch *watch);
/* On a socket of tcp_listen(). NULL and errno: EAGAIN when nobody waits, EMFILE, ... */
struct link *link_accept(int listener, struct secure_context *tls, __u64 now_ns);

/* Changes with time: ask again after each turn. */
int link_fd(const struct link *l);
short link_events(const struct link *l); /* for poll: POLLIN, POLLOUT */
__u64 link_due_ns(const struct link *l); /* when a turn is due without events; ~0: never */

/* Does whatever can be done now: name, connection, handshake, pending output. */
enum link_phase link_turn(struct link *l, __u64 now_ns);
/* Bytes read; 0: none now; -EPIPE: the other end has closed; or another negative errno. Is to be
 * called until there are none: what TLS has taken in does not wake poll. */
ssize_t link_read(struct link *l, void *out, size_t room);
/* All of it is taken, to be sent now or later, or nothing: -ENOBUFS, -ENOTCONN. When the other end
 * takes no more, what it sent before can still be read, and the reason comes after that. */
int link_write(struct link *l, const void *data, size_t bytes);
/* Tells the other end, if that is possible at once, and frees. NULL is none. */
void link_close(struct link *l);
/* Frees a link that is up and was neither read nor written, and returns its socket; what arrives
 * and is to be sent goes through *secure, NULL for plain TCP. Who watches is told when the caller closes
 * it, by the caller. */
int link_take(struct link *l, struct secure **secure);

const char *link_why(const struct link *l);
const char *link_peer(const struct link *l);    /* "192.0.2.1:4740" */
const char *link_subject(const struct link *l); /* as secure_subject() */

#endif

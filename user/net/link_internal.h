/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A link from inside: link.c opens and closes it, link_stream.c sends and reads. */
#ifndef NET_LINK_INTERNAL_H
#define NET_LINK_INTERNAL_H

#include "net/link.h"

/* Of ciphertext that is received at once: what OpenSSL keeps of it, it keeps for each link. */
#define LINK_RECEIVE_BYTES 4096

enum link_step {
	LINK_RESOLVE,
	LINK_CONNECT,
	LINK_HANDSHAKE,
	LINK_VERDICT,
	LINK_RUN,
};

struct link {
	enum link_phase phase;
	enum link_step step;
	int fd;
	bool deaf;  /* the other end takes no more */
	bool again; /* there may be more to read without poll saying so */
	struct secure_context *tls;
	struct secure *secure;
	struct link_limits limits;
	const struct socket_watch *watch;
	__u64 until_ns;  /* when it must be up */
	__u64 due_ns;    /* when this step must be over */
	struct url *url; /* as a client */
	struct question *question;
	struct addrinfo *addresses, *address;
	__u8 *pending; /* what is to be sent: from `first` on, `waiting` bytes */
	size_t first, waiting, room;
	struct why why;
	char peer[TCP_PEER_BYTES], subject[SECURE_SUBJECT_BYTES];
};

/* The reason. Returns err. */
int link_down(struct link *l, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Ciphertext that OpenSSL has made goes where what is to be sent waits. A negative errno: down. */
int link_collect(struct link *l);
/* Sends what can be sent now. An error makes the link deaf, but not down: what the other end sent
 * before can still be read. */
void link_flush(struct link *l);
/* Ciphertext goes to OpenSSL. Bytes; 0: none now; a negative errno, and the link is down. */
ssize_t link_take_in(struct link *l);

#endif

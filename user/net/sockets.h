/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Callbacks that tell which connections a process has. Several threads call these. */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include <stdbool.h>
#include <sys/socket.h>

struct socket_watch {
	void *context;
	/* A stream's socket is bound to its address before it connects, so that its first packet is
	 * known too. Otherwise the system chooses as usual. May change at any time. */
	bool bind;
	/* The socket has its own address, and is to have this peer. */
	void (*opens)(void *context, int fd, const struct sockaddr *peer);
	/* It is about to be closed; also called for one that never opened. */
	void (*closes)(void *context, int fd);
};

static inline bool socket_binds(const struct socket_watch *watch)
{
	return watch && __atomic_load_n(&watch->bind, __ATOMIC_RELAXED);
}

/* `watch` NULL: nobody. */
static inline void socket_opens(const struct socket_watch *watch, int fd,
				const struct sockaddr *peer)
{
	if (watch)
		watch->opens(watch->context, fd, peer);
}

static inline void socket_closes(const struct socket_watch *watch, int fd)
{
	if (watch && fd >= 0)
		watch->closes(watch->context, fd);
}

#endif

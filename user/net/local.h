/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The socket at which a standing process serves its state to this machine: who connects gets a text
 * (JSON Lines), and then the end. Nothing is read from clients.
 *
 * The socket is open to its owner and to its group, which is `weir` where that exists. Root, the
 * server's own user and members of the group get an answer; others that reach it get none.
 */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include <linux/types.h>
#include <stddef.h>
#include <stdio.h>

#include "base/loop.h"
#include "base/why.h"

#define LOCAL_GROUP "weir"
#define LOCAL_CLIENTS 16 /* at once; others wait in the queue of the socket */
#define LOCAL_PATIENCE_NS 5000000000ull

/* The strings are only read while the server starts. */
struct local_options {
	const char *path;
	const char *what;  /* "weir run": what is already running when the socket is taken */
	const char *group; /* LOCAL_GROUP; NULL, or unknown: the process's own */
	__u64 patience_ns; /* a client that has not read all of it by then is let go */

	/* Writes what a client gets. 0 or a negative errno: this client gets nothing. */
	int (*write)(void *context, FILE *out);
	void *context;
};

struct local;

/* Makes the folders of the path, removes the socket of a process that was killed, and no other
 * file. 0 or a negative errno with the reason. */
int local_serve(struct loop *loop, const struct local_options *options, struct local **out,
		struct why *why);
/* Lets go of the clients, removes the socket. NULL is none. */
void local_end(struct local *local);

/*
 * All that the process at `path` has to say, within `patience_ns`. *text ends with a NUL that
 * *size does not count, and is to be freed. 0 or a negative errno with the reason; -ENOENT and
 * -ECONNREFUSED: nobody serves there.
 */
int local_ask(const char *path, __u64 patience_ns, char **text, size_t *size, struct why *why);

#endif

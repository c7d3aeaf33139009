/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses of a host. A name server that does not answer can hold getaddrinfo(3) up for half a
 * minute, and nothing ends that: so it runs in a thread of its own, which is abandoned when the
 * caller has no more time.
 *
 *   resolve_ask() ──→ poll resolve_fd() ──→ resolve_answer() ──→ resolve_drop()
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>

#include "base/why.h"
#include "net/url.h"

struct question;

/* Of the URL's host and port, for sockets of that type. NULL: no memory, no thread. */
struct question *resolve_ask(const struct url *url, int type);
/* Readable once there is an answer; -1: there is one already. */
int resolve_fd(const struct question *q);
/* For freeaddrinfo(); NULL and the reason: there is none. */
struct addrinfo *resolve_answer(struct question *q, struct why *why);
/* The question is over, answered or not. NULL is none. */
void resolve_drop(struct question *q);

/* Address and port, for messages: "192.0.2.1:4740", "[2001:db8::1]:4740". */
void resolve_text(const struct addrinfo *address, char *out, size_t size);

#endif

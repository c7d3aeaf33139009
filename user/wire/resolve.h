/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef WIRE_RESOLVE_H
#define WIRE_RESOLVE_H

#include <netdb.h>

struct exporter;

/*
 * The addresses of the exporter's host, for freeaddrinfo(). A name server that does not answer can
 * hold getaddrinfo(3) up for half a minute, and nothing ends that: so it runs in a thread of its
 * own, which is left behind when the exporter's deadline comes first. A negative errno and e->why.
 */
int resolve(struct exporter *e, int type, struct addrinfo **out);

/* Address and port, or what stands for them, for messages. */
void resolve_text(const struct addrinfo *address, char *out, size_t size);

#endif

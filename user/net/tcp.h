/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets of TCP, non-blocking. They send small writes at once, and are over when data is not
 * acknowledged for `lost_ms`, or when a peer that is silent does not answer a probe for as long.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <linux/types.h>
#include <netdb.h>

#include "base/why.h"
#include "net/sockets.h"
#include "net/url.h"

#define TCP_PEER_BYTES 64 /* "192.0.2.1:4740", "[2001:db8::1]:4740" */

/* Begins to connect. A socket that becomes writable when tcp_connected() is due, or a negative
 * errno. Who closes it tells `watch`. */
int tcp_connect(const struct addrinfo *address, __u32 lost_ms, const struct socket_watch *watch);
/* What came of it: 0 or a negative errno. */
int tcp_connected(int fd);

/* A listening socket; wildcards of IPv6 take IPv4 too. Or a negative errno and the reason. */
int tcp_listen(const struct url *url, struct why *why);
/* A socket and who is at the other end; or a negative errno, -EAGAIN when nobody waits. */
int tcp_accept(int listener, __u32 lost_ms, char peer[TCP_PEER_BYTES]);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/resolve.h"

#define KEEPALIVE_S 30 /* of silence, after which a peer is probed */
#define PROBES 3       /* in lost_ms */

static void set_options(int fd, __u32 lost_ms)
{
	const int seconds = lost_ms / 1000 / PROBES, interval_s = seconds ? seconds : 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof(lost_ms));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){KEEPALIVE_S}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
}

/* --- Connecting --------------------------------------------------------------------------- */

/* connect() chooses an address and sends in one. So the address is chosen before, as for a datagram,
 * which connect() does not send. False: it is left to connect(). */
static bool bind_first(int fd, const struct addrinfo *to)
{
	struct sockaddr_storage own = {};
	socklen_t bytes = sizeof(own);
	int probe = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known = probe >= 0 && !connect(probe, to->ai_addr, to->ai_addrlen) &&
		     !getsockname(probe, (struct sockaddr *)&own, &bytes);

	if (probe >= 0)
		close(probe);
	if (!known)
		return false;
	if (own.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&own)->sin6_port = 0;
	else
		((struct sockaddr_in *)&own)->sin_port = 0;
	return !bind(fd, (struct sockaddr *)&own, bytes);
}

int tcp_connect(const struct addrinfo *address, __u32 lost_ms, const struct socket_watch *watch)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool bound;
	int err;

	if (fd < 0)
		return -errno;
	set_options(fd, lost_ms);
	bound = socket_binds(watch) && bind_first(fd, address);
	if (bound)
		socket_opens(watch, fd, address->ai_addr);
	if (!connect(fd, address->ai_addr, address->ai_addrlen) || errno == EINPROGRESS) {
		if (!bound)
			socket_opens(watch, fd, address->ai_addr);
		return fd;
	}
	err = -errno;
	socket_closes(watch, fd);
	close(fd);
	return err;
}

int tcp_connected(int fd)
{
	socklen_t length = sizeof(int);
	int err = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length) ? -errno : -err;
}

/* --- Listening ---------------------------------------------------------------------------- */

static int listen_at(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
	if (!bind(fd, address->ai_addr, address->ai_addrlen) && !listen(fd, SOMAXCONN))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tcp_listen(const struct url *url, struct why *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *all;
	char text[TCP_PEER_BYTES];
	int fd = -EADDRNOTAVAIL;
	int err = getaddrinfo(url->host, url->port, &hints, &all);

	if (err)
		return why_set(why, fd, "%s: %s", url->host, gai_strerror(err));
	for (const struct addrinfo *one = all; one && fd < 0; one = one->ai_next) {
		fd = listen_at(one);
		resolve_text(one, text, sizeof(text));
		if (fd < 0)
			why_set(why, fd, "%s: %s", text, strerror(-fd));
	}
	freeaddrinfo(all);
	return fd;
}

/* One of IPv4 that came to a socket of IPv6 is named as what it is. */
static void name_peer(struct sockaddr_storage *from, socklen_t length, char peer[TCP_PEER_BYTES])
{
	struct addrinfo address = {.ai_family = from->ss_family,
				   .ai_addr = (struct sockaddr *)from,
				   .ai_addrlen = length};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6;

	memcpy(&v6, from, sizeof(v6));
	if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
		v4.sin_port = v6.sin6_port;
		memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, sizeof(v4.sin_addr));
		address = (struct addrinfo){.ai_family = AF_INET,
					    .ai_addr = (struct sockaddr *)&v4,
					    .ai_addrlen = sizeof(v4)};
	}
	resolve_text(&address, peer, TCP_PEER_BYTES);
}

int tcp_accept(int listener, __u32 lost_ms, char peer[TCP_PEER_BYTES])
{
	struct sockaddr_storage from = {0};
	socklen_t length = sizeof(from);
	int fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	set_options(fd, lost_ms);
	name_peer(&from, length, peer);
	return fd;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/link.h"
#include "net/resolve.h"

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

int link_listen(const struct url *url, char why[LINK_WHY_BYTES])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *all;
	char text[LINK_PEER_BYTES];
	int fd = -EADDRNOTAVAIL;
	int err = getaddrinfo(url->host, url->port, &hints, &all);

	if (err) {
		snprintf(why, LINK_WHY_BYTES, "%.128s: %s", url->host, gai_strerror(err));
		return -EADDRNOTAVAIL;
	}
	for (const struct addrinfo *one = all; one && fd < 0; one = one->ai_next) {
		fd = listen_at(one);
		resolve_text(one, text, sizeof(text));
		if (fd < 0)
			snprintf(why, LINK_WHY_BYTES, "%s: %s", text, strerror(-fd));
	}
	freeaddrinfo(all);
	return fd;
}

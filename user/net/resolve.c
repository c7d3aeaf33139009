// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct question {
	int users; /* who asks, who answers; the last frees it */
	int done;  /* eventfd */
	char host[URL_HOST_BYTES], port[6];
	struct addrinfo hints, *answer;
	int error; /* of getaddrinfo() */
};

void resolve_drop(struct question *q)
{
	if (!q || __atomic_sub_fetch(&q->users, 1, __ATOMIC_ACQ_REL))
		return;
	if (q->answer)
		freeaddrinfo(q->answer);
	if (q->done >= 0)
		close(q->done);
	free(q);
}

static void *answer(void *question)
{
	struct question *q = question;

	q->error = getaddrinfo(q->host, q->port, &q->hints, &q->answer);
	eventfd_write(q->done, 1);
	resolve_drop(q);
	return NULL;
}

static int start(struct question *q)
{
	pthread_t thread;
	int err;

	q->done = eventfd(0, EFD_CLOEXEC);
	if (q->done < 0)
		return -errno;
	q->users++;
	err = pthread_create(&thread, NULL, answer, q);
	if (err)
		q->users--;
	else
		pthread_detach(thread);
	return -err;
}

struct question *resolve_ask(const struct url *url, int type)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->users = 1;
	q->done = -1;
	snprintf(q->host, sizeof(q->host), "%s", url->host);
	snprintf(q->port, sizeof(q->port), "%s", url->port);
	q->hints =
		(struct addrinfo){.ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	q->error = getaddrinfo(q->host, q->port, &q->hints, &q->answer);
	if (q->error != EAI_NONAME)
		return q;
	q->hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
	if (start(q)) {
		resolve_drop(q);
		return NULL;
	}
	return q;
}

int resolve_fd(const struct question *q)
{
	return q->done;
}

struct addrinfo *resolve_answer(struct question *q, struct why *why)
{
	struct addrinfo *all;
	eventfd_t done;

	/* What the thread wrote is seen from here on. */
	if (q->done >= 0)
		eventfd_read(q->done, &done);
	if (q->error) {
		why_set(why, -EHOSTUNREACH, "%s: %s", q->host, gai_strerror(q->error));
		return NULL;
	}
	all = q->answer;
	q->answer = NULL;
	return all;
}

void resolve_text(const struct addrinfo *address, char *out, size_t size)
{
	char host[64] = "?", port[8] = "?";

	getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, size, address->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

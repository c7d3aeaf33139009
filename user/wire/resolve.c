// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wire/transport.h"

struct question {
	int users; /* who asks, who answers; the last frees it */
	int done;  /* eventfd */
	char host[URL_HOST_BYTES], port[6];
	struct addrinfo hints, *answer;
	int error; /* of getaddrinfo() */
};

static void release(struct question *q)
{
	if (__atomic_sub_fetch(&q->users, 1, __ATOMIC_ACQ_REL))
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
	release(q);
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

static int ask(struct exporter *e, struct question *q)
{
	eventfd_t done;
	int err = start(q);

	if (err)
		return transport_fail(e, err, "%s: %s", q->host, strerror(-err));
	while (!(transport_wait(e, q->done, POLLIN, ~0ull) & POLLIN)) {
		if (transport_is_late(e))
			return transport_fail(e, -ETIMEDOUT, "%s: the name server does not answer",
					      q->host);
	}
	eventfd_read(q->done, &done);
	return 0;
}

int resolve(struct exporter *e, int type, struct addrinfo **out)
{
	const struct url *url = &e->options->url;
	struct question *q = calloc(1, sizeof(*q));
	int err = 0;

	if (!q)
		return transport_fail(e, -ENOMEM, "%s", strerror(ENOMEM));
	q->users = 1;
	q->done = -1;
	snprintf(q->host, sizeof(q->host), "%s", url->host);
	snprintf(q->port, sizeof(q->port), "%s", url->port);
	q->hints =
		(struct addrinfo){.ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	q->error = getaddrinfo(q->host, q->port, &q->hints, &q->answer);
	if (q->error == EAI_NONAME) {
		q->hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
		err = ask(e, q);
	}
	if (!err && q->error)
		err = transport_fail(e, -EHOSTUNREACH, "%s: %s", q->host, gai_strerror(q->error));
	if (!err) {
		*out = q->answer;
		q->answer = NULL;
	}
	release(q);
	return err;
}

void resolve_text(const struct addrinfo *address, char *out, size_t size)
{
	char host[64] = "?", port[8] = "?";

	getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, size, address->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

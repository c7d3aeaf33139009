// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/export/collector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_S 30

/* --- Receiving ---------------------------------------------------------------------------- */

/* False: to stop. */
static bool wait_for(struct collector *c, int fd)
{
	struct pollfd fds[2] = {{c->stop, POLLIN, 0}, {fd, POLLIN, 0}};

	while (poll(fds, 2, -1) < 0)
		;
	return !fds[0].revents;
}

static void *receive_datagrams(void *collector)
{
	struct collector *c = collector;
	uint8_t message[65536];

	while (wait_for(c, c->listener)) {
		ssize_t length;

		while ((length = recv(c->listener, message, sizeof(message), MSG_DONTWAIT)) > 0)
			collector_take(c, message, length);
	}
	return NULL;
}

static bool has(struct collector *c, const bool *flag)
{
	bool value;

	pthread_mutex_lock(&c->lock);
	value = *flag;
	pthread_mutex_unlock(&c->lock);
	return value;
}

static ssize_t receive(SSL *ssl, int fd, uint8_t *to, size_t room)
{
	return ssl ? SSL_read(ssl, to, room) : recv(fd, to, room, 0);
}

static void receive_connection(struct collector *c, SSL *ssl, int fd)
{
	static const struct linger at_once = {1, 0};
	uint8_t buffer[2 * 65536];
	size_t length = 0;

	while ((ssl && SSL_pending(ssl)) || wait_for(c, fd)) {
		size_t used = 0;
		ssize_t n;

		if (has(c, &c->reset)) {
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
			break;
		}
		if (has(c, &c->paused)) {
			usleep(1000);
			continue;
		}
		n = receive(ssl, fd, buffer + length, sizeof(buffer) - length);
		if (n <= 0)
			break;
		length += n;
		while (length - used >= 4) {
			size_t whole = buffer[used + 2] << 8 | buffer[used + 3];

			if (whole > length - used)
				break;
			collector_take(c, buffer + used, whole);
			used += whole;
		}
		memmove(buffer, buffer + used, length - used);
		length -= used;
	}
	pthread_mutex_lock(&c->lock);
	c->counts.cut += length > 0;
	c->reset = false;
	pthread_mutex_unlock(&c->lock);
}

static void *accept_connections(void *collector)
{
	struct collector *c = collector;

	while (wait_for(c, c->listener)) {
		int fd = accept(c->listener, NULL, NULL);
		SSL *ssl = c->tls ? SSL_new(c->tls) : NULL;

		pthread_mutex_lock(&c->lock);
		c->session = (struct collector_session){0};
		pthread_mutex_unlock(&c->lock);
		if (ssl)
			SSL_set_fd(ssl, fd);
		if (!ssl || SSL_accept(ssl) == 1) {
			pthread_mutex_lock(&c->lock);
			c->counts.sessions++;
			pthread_mutex_unlock(&c->lock);
			receive_connection(c, ssl, fd);
		}
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

static void start(struct collector *c, int type, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	c->stream = type == SOCK_STREAM;
	c->stop = eventfd(0, EFD_CLOEXEC);
	c->listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (c->stream)
		setsockopt(c->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	setsockopt(c->listener, SOL_SOCKET, SO_RCVBUF, &(int){c->stream ? 1 << 16 : 8 << 20},
		   sizeof(int));
	assert_int_equal(bind(c->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(c->listener, (struct sockaddr *)&address, &length), 0);
	if (c->stream)
		assert_int_equal(listen(c->listener, 8), 0);
	c->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&c->thread, NULL,
					c->stream ? accept_connections : receive_datagrams, c),
			 0);
}

void collector_start_udp(struct collector *c, uint16_t port)
{
	start(c, SOCK_DGRAM, port);
}

void collector_start_tcp(struct collector *c, uint16_t port, SSL_CTX *tls)
{
	c->tls = tls;
	start(c, SOCK_STREAM, port);
}

void collector_stop(struct collector *c)
{
	eventfd_write(c->stop, 1);
	pthread_join(c->thread, NULL);
	close(c->listener);
	close(c->stop);
	c->listener = -1;
}

void collector_reset(struct collector *c)
{
	pthread_mutex_lock(&c->lock);
	c->reset = true;
	pthread_mutex_unlock(&c->lock);
}

void collector_pause(struct collector *c, bool pause)
{
	pthread_mutex_lock(&c->lock);
	c->paused = pause;
	pthread_mutex_unlock(&c->lock);
}

struct collector *collector_new(void)
{
	struct collector *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(c != MAP_FAILED);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->listener = -1;
	return c;
}

void collector_free(struct collector *c)
{
	if (c->listener >= 0)
		collector_stop(c);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	munmap(c, sizeof(*c));
}

struct collector_counts collector_counts(struct collector *c)
{
	struct collector_counts counts;

	pthread_mutex_lock(&c->lock);
	counts = c->counts;
	pthread_mutex_unlock(&c->lock);
	return counts;
}

void collector_wait(struct collector *c, uint64_t flows)
{
	struct timespec until;
	uint64_t got;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&c->lock);
	while (c->counts.flows < flows && !err)
		err = pthread_cond_timedwait(&c->changed, &c->lock, &until);
	got = c->counts.flows;
	pthread_mutex_unlock(&c->lock);
	if (err)
		fail_msg("%llu flows of %llu came", (unsigned long long)got,
			 (unsigned long long)flows);
}

void collector_assert_exactly_once(struct collector *c, uint64_t ids)
{
	struct collector_counts counts = collector_counts(c);
	uint64_t missing = 0;

	for (uint64_t id = 0; id < COLLECTOR_IDS; id++) {
		if (id >= ids && c->seen[id])
			fail_msg("record %llu came from nowhere", (unsigned long long)id);
		missing += id < ids && !c->seen[id];
	}
	if (missing || counts.twice)
		fail_msg("%llu of %llu records did not come, %llu came twice",
			 (unsigned long long)missing, (unsigned long long)ids,
			 (unsigned long long)counts.twice);
	assert_int_equal(counts.flows, ids);
	assert_int_equal(counts.malformed, 0);
	assert_int_equal(counts.unknown, 0);
}

uint16_t unused_port(int type)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sockets of TCP: what they are set to, and why one cannot be had. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/net/pair.h"

static void an_address_that_is_taken_is_named(void **state)
{
	struct pair *s = *state;
	char shall[64];
	struct why why = {};

	assert_int_equal(tcp_listen(&s->url, &why), -EADDRINUSE);
	snprintf(shall, sizeof(shall), "127.0.0.1:%s: Address already in use", s->url.port);
	assert_string_equal(why.text, shall);
	snprintf(s->url.host, sizeof(s->url.host), "192.0.2.1");
	assert_int_equal(tcp_listen(&s->url, &why), -EADDRNOTAVAIL);
}

static void where_nobody_waits_nobody_is_accepted(void **state)
{
	struct pair *s = *state;

	assert_null(link_accept(s->listener, NULL, pair_now()));
	assert_int_equal(errno, EAGAIN);
	assert_null(link_accept(-1, NULL, pair_now()));
	assert_int_equal(errno, EBADF);
	link_close(NULL);
	secure_context_free(NULL);
}

static int option(int fd, int name)
{
	socklen_t length = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, name, &value, &length), 0);
	return value;
}

static int connect_to(const struct pair *s)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(atoi(s->url.port))};
	const struct addrinfo address = {
		.ai_family = AF_INET, .ai_addr = (struct sockaddr *)&to, .ai_addrlen = sizeof(to)};
	int fd = tcp_connect(&address, 30000, NULL);
	struct pollfd one = {.fd = fd, .events = POLLOUT};

	assert_true(fd >= 0);
	assert_int_equal(poll(&one, 1, 10000), 1);
	return fd;
}

static void a_peer_that_is_silent_is_probed_and_given_up_in_time(void **state)
{
	struct pair *s = *state;
	char peer[TCP_PEER_BYTES];
	int ours = connect_to(s), theirs = tcp_accept(s->listener, 3000, peer);

	assert_int_equal(tcp_connected(ours), 0);
	assert_int_equal(option(ours, TCP_USER_TIMEOUT), 30000);
	assert_int_equal(option(ours, TCP_KEEPIDLE), 30);
	assert_int_equal(option(ours, TCP_KEEPINTVL), 10);
	assert_true(option(ours, TCP_NODELAY));
	assert_int_equal(option(theirs, TCP_USER_TIMEOUT), 3000);
	assert_int_equal(option(theirs, TCP_KEEPIDLE), 30);
	assert_int_equal(option(theirs, TCP_KEEPINTVL), 1);
	assert_true(option(theirs, TCP_NODELAY));
	close(ours);
	close(theirs);
}

static void where_nobody_listens_a_connection_is_refused(void **state)
{
	struct pair *s = *state;
	int fd;

	close(s->listener);
	s->listener = -1;
	fd = connect_to(s);
	assert_int_equal(tcp_connected(fd), -ECONNREFUSED);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_set, pair_clear)
	const struct CMUnitTest tests[] = {
		TEST(an_address_that_is_taken_is_named),
		TEST(where_nobody_waits_nobody_is_accepted),
		TEST(a_peer_that_is_silent_is_probed_and_given_up_in_time),
		TEST(where_nobody_listens_a_connection_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

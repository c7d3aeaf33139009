// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What two ends say to each other, and how it ends. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/net/pair.h"

/* --- There and back ----------------------------------------------------------------------- */

static void what_is_said_over_tcp_is_heard_by_the_other(void **state)
{
	struct pair *s = *state;
	char peer[TCP_PEER_BYTES];

	pair_assert_up(s);
	snprintf(peer, sizeof(peer), "127.0.0.1:%s", s->url.port);
	assert_string_equal(link_peer(s->client), peer);
	assert_memory_equal(link_peer(s->server), "127.0.0.1:", 10);
	assert_string_equal(link_subject(s->client), "");
	pair_assert_says(s, s->client, s->server, "hello");
	pair_assert_says(s, s->server, s->client, "welcome");
	pair_assert_says(s, s->client, s->server, "goodbye");
}

static void over_tls_both_ends_know_who_the_other_is(void **state)
{
	struct pair *s = *state;

	pair_use_tls(s);
	pair_assert_up(s);
	assert_string_equal(link_subject(s->client), "the coordinator");
	assert_string_equal(link_subject(s->server), "host 7");
	pair_assert_says(s, s->client, s->server, "hello");
	pair_assert_says(s, s->server, s->client, "welcome");
}

static void the_server_may_speak_first(void **state)
{
	struct pair *s = *state;

	for (int tls = 0; tls < 2; tls++) {
		if (tls)
			pair_use_tls(s);
		pair_assert_up(s);
		pair_assert_says(s, s->server, s->client, "first");
		link_close(s->client);
		link_close(s->server);
		s->client = s->server = NULL;
	}
}

/* The name has an address of each family, of which one may be in vain. */
static void a_name_is_looked_up_and_checked(void **state)
{
	struct pair *s = *state;

	pair_use_tls(s);
	snprintf(s->url.host, sizeof(s->url.host), "localhost");
	pair_assert_up(s);
	pair_assert_says(s, s->client, s->server, "hello");
}

static void a_listener_of_ipv6_takes_ipv4_too(void **state)
{
	struct pair *s = *state;

	pair_listen(s, "::");
	pair_assert_up(s);
	assert_memory_equal(link_peer(s->server), "127.0.0.1:", 10);
	pair_assert_says(s, s->client, s->server, "hello");
}

static char pattern(size_t at)
{
	return at % 251 ^ at / 65521;
}

/* Until the other end, which does not read, makes all of it full. */
static size_t fill(struct link *l, size_t piece, __u64 bound)
{
	char *data = malloc(piece);
	size_t at = 0;
	int err = 0;

	assert_non_null(data);
	while (at < bound) {
		for (size_t i = 0; i < piece; i++)
			data[i] = pattern(at + i);
		err = link_write(l, data, piece);
		if (err)
			break;
		at += piece;
	}
	free(data);
	assert_int_equal(err, -ENOBUFS);
	assert_true(link_events(l) & POLLOUT);
	return at;
}

static void drain(struct pair *s, struct link *l, size_t bytes)
{
	static char data[50000];

	for (size_t at = 0; at < bytes;) {
		size_t piece = bytes - at < sizeof(data) ? bytes - at : sizeof(data);

		assert_int_equal(pair_read(s, l, data, piece), piece);
		for (size_t i = 0; i < piece; i++)
			assert_int_equal(data[i], pattern(at + i));
		at += piece;
	}
}

static void what_is_written_is_taken_whole_or_not_at_all(void **state)
{
	struct pair *s = *state;

	for (int tls = 0; tls < 2; tls++) {
		size_t there, back;

		if (tls)
			pair_use_tls(s);
		pair_assert_up(s);
		there = fill(s->client, 70001, 1 << 30);
		back = fill(s->server, 333, 1 << 30);
		assert_true(there > LINK_PENDING_MAX - 70001 && back > LINK_PENDING_MAX - 333);
		drain(s, s->server, there);
		drain(s, s->client, back);
		assert_false(link_events(s->client) & POLLOUT);
		pair_assert_says(s, s->client, s->server, "and on");
		assert_int_equal(link_write(s->client, "", 0), 0);
		link_close(s->client);
		link_close(s->server);
		s->client = s->server = NULL;
	}
}

/* As an exporter does, which sends by its own way. */
static void what_is_taken_goes_on_without_the_link(void **state)
{
	struct pair *s = *state;
	struct secure *secure;
	char cipher[256], got[8];
	struct why why = {};
	int fd;

	pair_use_tls(s);
	pair_assert_up(s);
	fd = link_take(s->client, &secure);
	s->client = NULL;
	assert_non_null(secure);
	assert_int_equal(secure_write(secure, "hello", 5, &why), 0);
	assert_true(secure_waiting(secure) > 5);
	assert_true(write(fd, cipher, secure_take(secure, cipher, sizeof(cipher))) > 5);
	assert_int_equal(pair_read(s, s->server, got, 5), 5);
	assert_memory_equal(got, "hello", 5);
	secure_close(secure);
	assert_true(write(fd, cipher, secure_take(secure, cipher, sizeof(cipher))) > 0);
	assert_int_equal(pair_read(s, s->server, got, 1), -EPIPE);
	secure_free(secure);
	close(fd);
}

/* --- Ends --------------------------------------------------------------------------------- */

static void an_end_in_order_needs_no_reason(void **state)
{
	struct pair *s = *state;
	char got[8];

	for (int tls = 0; tls < 2; tls++) {
		if (tls)
			pair_use_tls(s);
		pair_assert_up(s);
		assert_int_equal(link_write(s->client, "bye", 3), 0);
		link_close(s->client);
		s->client = NULL;
		assert_int_equal(pair_read(s, s->server, got, 3), 3);
		assert_int_equal(pair_read(s, s->server, got, 1), -EPIPE);
		assert_int_equal(pair_phase(s->server), LINK_DOWN);
		assert_string_equal(link_why(s->server), "");
		assert_int_equal(link_due_ns(s->server), ~0ull);
		link_close(s->server);
		s->server = NULL;
	}
}

/* TLS marks its end; an attacker who cuts the wire cannot forge that. */
static void a_tls_link_that_is_cut_says_so(void **state)
{
	struct pair *s = *state;
	char got[8];

	pair_use_tls(s);
	pair_assert_up(s);
	assert_int_equal(shutdown(link_fd(s->client), SHUT_WR), 0);
	assert_int_equal(pair_read(s, s->server, got, 1), -ECONNRESET);
	pair_assert_why(s->server, ": the connection was cut");
}

/* As when a coordinator refuses a host that continues to send. */
static void the_last_words_are_heard_by_who_goes_on_talking(void **state)
{
	struct pair *s = *state;
	char got[8];

	for (int tls = 0; tls < 2; tls++) {
		if (tls)
			pair_use_tls(s);
		pair_assert_up(s);
		assert_int_equal(link_write(s->client, "hello", 5), 0);
		assert_int_equal(link_write(s->server, "refused", 7), 0);
		link_close(s->server);
		s->server = NULL;
		/* The first is answered with a reset, the next fails. */
		for (int i = 0; i < PAIR_ROUNDS && !link_write(s->client, "hello?", 6); i++)
			;
		assert_int_equal(pair_phase(s->client), LINK_UP);
		assert_int_equal(pair_read(s, s->client, got, 7), 7);
		assert_memory_equal(got, "refused", 7);
		assert_true(pair_read(s, s->client, got, 1) < 0);
		assert_int_equal(pair_phase(s->client), LINK_DOWN);
		link_close(s->client);
		s->client = NULL;
	}
}

static void nobody_listens(void **state)
{
	struct pair *s = *state;

	close(s->listener);
	s->listener = -1;
	s->client = link_connect(&s->url, NULL, NULL, pair_now());
	for (int i = 0; i < PAIR_ROUNDS && pair_phase(s->client) == LINK_OPENING; i++)
		pair_turn(s);
	pair_assert_why(s->client, ": Connection refused");
	assert_memory_equal(link_why(s->client), "127.0.0.1:", 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_set, pair_clear)
	const struct CMUnitTest tests[] = {
		TEST(what_is_said_over_tcp_is_heard_by_the_other),
		TEST(over_tls_both_ends_know_who_the_other_is),
		TEST(the_server_may_speak_first),
		TEST(a_name_is_looked_up_and_checked),
		TEST(a_listener_of_ipv6_takes_ipv4_too),
		TEST(what_is_written_is_taken_whole_or_not_at_all),
		TEST(what_is_taken_goes_on_without_the_link),
		TEST(an_end_in_order_needs_no_reason),
		TEST(a_tls_link_that_is_cut_says_so),
		TEST(the_last_words_are_heard_by_who_goes_on_talking),
		TEST(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

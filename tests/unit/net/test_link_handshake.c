// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which ends TLS lets in, and for how long a handshake may take. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/net/pair.h"

#define MS 1000000ull

/* --- Certificates ------------------------------------------------------------------------- */

static void a_client_of_another_ca_is_refused(void **state)
{
	struct pair *s = *state;

	s->server_tls = pair_tls(s, true, CA, SERVER);
	s->client_tls = pair_tls(s, false, CA, STRANGER);
	pair_assert_refused(s, "alert unknown ca",
			    ": the certificate: unable to get local issuer certificate");
}

static void a_client_without_certificate_is_refused(void **state)
{
	struct pair *s = *state;

	s->server_tls = pair_tls(s, true, CA, SERVER);
	s->client_tls = pair_tls(s, false, CA, -1);
	pair_assert_refused(s, "alert certificate required", "peer did not return a certificate");
}

static void a_server_of_another_ca_is_refused(void **state)
{
	struct pair *s = *state;

	s->server_tls = pair_tls(s, true, CA, SERVER);
	s->client_tls = pair_tls(s, false, OTHER, CLIENT);
	pair_assert_refused(s, ": the certificate: self-signed certificate in certificate chain",
			    "alert unknown ca");
}

static void a_server_of_another_name_is_refused(void **state)
{
	struct pair *s = *state;

	s->server_tls = pair_tls(s, true, CA, STRANGER);
	s->client_tls = pair_tls(s, false, OTHER, CLIENT);
	pair_assert_refused(s, ": the certificate: IP address mismatch", "alert bad certificate");
	link_close(s->client);
	link_close(s->server);
	s->client = s->server = NULL;
	snprintf(s->url.host, sizeof(s->url.host), "localhost");
	pair_assert_refused(s, ": the certificate: hostname mismatch", "alert bad certificate");
}

static void files_that_are_not_what_they_should_be_are_named(void **state)
{
	struct pair *s = *state;
	const struct {
		struct secure_files files;
		bool server;
		const char *why;
	} cases[] = {
		{{"/nonexistent/ca", s->file[SERVER], s->file[SERVER_KEY]},
		 true,
		 "/nonexistent/ca: "},
		{{s->file[CA], "/nonexistent/cert", s->file[SERVER_KEY]},
		 true,
		 "/nonexistent/cert: No such file"},
		{{s->file[CA], s->file[SERVER], "/nonexistent/key"},
		 false,
		 "/nonexistent/key: No such file"},
		{{s->file[CA], s->file[SERVER], s->file[CLIENT_KEY]}, true, "key values mismatch"},
		{{s->file[SERVER_KEY], s->file[SERVER], s->file[SERVER_KEY]}, true, s->folder},
		{{NULL, s->file[SERVER], s->file[SERVER_KEY]}, true, "TLS needs a certificate"},
		{{s->file[CA], NULL, NULL}, true, "TLS needs a certificate, its key and a CA"},
		{{s->file[CA], s->file[CLIENT], NULL}, false, "a certificate and its key"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct secure_context *tls = NULL;
		struct why why = {};

		assert_true(secure_context_new(&cases[i].files, cases[i].server, &tls, &why) < 0);
		assert_null(tls);
		if (!strstr(why.text, cases[i].why))
			fail_msg("'%s' instead of '%s'", why.text, cases[i].why);
	}
}

/* --- Handshakes --------------------------------------------------------------------------- */

static void who_does_not_shake_hands_has_five_seconds(void **state)
{
	struct pair *s = *state;
	int fd = pair_dial(s);
	__u64 due;

	s->server_tls = pair_tls(s, true, CA, SERVER);
	pair_wait_for_server(s);
	due = link_due_ns(s->server);
	assert_true(due != ~0ull);
	assert_int_equal(link_turn(s->server, due - 1), LINK_OPENING);
	assert_int_equal(link_write(s->server, "x", 1), -ENOTCONN);
	assert_int_equal(link_turn(s->server, due), LINK_DOWN);
	pair_assert_why(s->server, ": no answer to the TLS handshake");
	close(fd);
}

/* The limit counts from the beginning, by the clock that is passed. */
static void a_server_that_does_not_answer_has_five_seconds(void **state)
{
	struct pair *s = *state;
	const __u64 begin = 1000;

	s->client_tls = pair_tls(s, false, CA, CLIENT);
	s->client = link_connect(&s->url, s->client_tls, NULL, begin);
	assert_int_equal(link_turn(s->client, begin), LINK_OPENING);
	for (int i = 0; i < PAIR_ROUNDS && link_events(s->client) == POLLOUT; i++)
		link_turn(s->client, begin);
	assert_int_equal(link_due_ns(s->client), begin + LINK_HANDSHAKE_MS * MS);
	assert_int_equal(link_turn(s->client, begin + LINK_HANDSHAKE_MS * MS - 1), LINK_OPENING);
	assert_int_equal(link_turn(s->client, begin + LINK_HANDSHAKE_MS * MS), LINK_DOWN);
	pair_assert_why(s->client, ": no answer to the TLS handshake");
}

/* Each step has its own, within that of all. */
static void limits_are_those_that_are_given(void **state)
{
	struct pair *s = *state;
	struct link_limits limits = {.open = 60000, .connect = 5000, .handshake = 10000};
	const __u64 begin = 1000;

	s->client_tls = pair_tls(s, false, CA, CLIENT);
	for (int i = 0; i < 2; i++) {
		s->client = link_connect(&s->url, s->client_tls, &limits, begin);
		do
			assert_int_equal(link_turn(s->client, begin + 7), LINK_OPENING);
		while (link_events(s->client) == POLLOUT);
		assert_int_equal(link_due_ns(s->client),
				 begin + (limits.open == 2000 ? 2000 * MS : 7 + 10000 * MS));
		link_close(s->client);
		limits.open = 2000;
	}
	s->client = NULL;
}

static void what_is_no_tls_is_refused(void **state)
{
	struct pair *s = *state;
	int fd = pair_dial(s);

	s->server_tls = pair_tls(s, true, CA, SERVER);
	assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	pair_wait_for_server(s);
	for (int i = 0; i < PAIR_ROUNDS && pair_phase(s->server) == LINK_OPENING; i++)
		pair_turn(s);
	pair_assert_why(s->server, ": http request");
	close(fd);
}

static void who_hangs_up_during_the_handshake_is_named(void **state)
{
	struct pair *s = *state;
	int fd = pair_dial(s);

	s->server_tls = pair_tls(s, true, CA, SERVER);
	pair_wait_for_server(s);
	close(fd);
	for (int i = 0; i < PAIR_ROUNDS && pair_phase(s->server) == LINK_OPENING; i++)
		pair_turn(s);
	pair_assert_why(s->server, ": closed during the TLS handshake");
	assert_memory_equal(link_why(s->server), "127.0.0.1:", 10);
}

/* A client of OpenSSL's own connects, `session`: of a connection before. *in: was it let in. Its
 * session. */
static SSL_SESSION *visit(struct pair *s, SSL_CTX *context, SSL_SESSION *session, bool *in)
{
	SSL *ssl = SSL_new(context);
	SSL_SESSION *got;
	int fd = pair_dial(s);
	char nothing;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	SSL_set_fd(ssl, fd);
	if (session)
		SSL_set_session(ssl, session);
	pair_wait_for_server(s);
	for (int i = 0; i < PAIR_ROUNDS && pair_phase(s->server) == LINK_OPENING; i++) {
		SSL_connect(ssl);
		pair_turn(s);
	}
	SSL_connect(ssl);
	SSL_peek(ssl, &nothing, 1);
	*in = pair_phase(s->server) == LINK_UP;
	assert_false(SSL_session_reused(ssl));
	got = SSL_get1_session(ssl);
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN); /* else the session is of no use */
	SSL_free(ssl);
	close(fd);
	link_close(s->server);
	s->server = NULL;
	return got;
}

/* Otherwise a client with an expired certificate would be let in while its ticket is valid. */
static void who_was_here_before_shows_a_certificate_again(void **state)
{
	struct pair *s = *state;

	s->server_tls = pair_tls(s, true, CA, SERVER);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX *known = SSL_CTX_new(TLS_client_method());
		SSL_CTX *bare = SSL_CTX_new(TLS_client_method());
		SSL_SESSION *session;
		bool in;

		SSL_CTX_set_max_proto_version(known, version);
		SSL_CTX_set_max_proto_version(bare, version);
		SSL_CTX_use_certificate_file(known, s->file[CLIENT], SSL_FILETYPE_PEM);
		SSL_CTX_use_PrivateKey_file(known, s->file[CLIENT + 1], SSL_FILETYPE_PEM);
		session = visit(s, known, NULL, &in);
		assert_true(in);
		SSL_SESSION_free(visit(s, bare, session, &in));
		assert_false(in);
		SSL_SESSION_free(session);
		SSL_CTX_free(known);
		SSL_CTX_free(bare);
	}
}

/* A server of OpenSSL's own, which sends back what it receives. */
struct echo {
	int listener;
	SSL_CTX *context;
};

static void *echo(void *argument)
{
	struct echo *e = argument;
	int fd = accept(e->listener, NULL, NULL), n;
	SSL *ssl = SSL_new(e->context);
	char said[64];

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		while ((n = SSL_read(ssl, said, sizeof(said))) > 0)
			SSL_write(ssl, said, n);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
	return NULL;
}

/* Without tickets a client of TLS 1.3 cannot know for how long to wait for a verdict. */
static void servers_of_tls_1_2_and_without_tickets_will_do(void **state)
{
	struct pair *s = *state;

	s->client_tls = pair_tls(s, false, CA, CLIENT);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct echo e = {dup(s->listener), server_context(&s->coordinator, &s->ca)};
		struct link *l = link_connect(&s->url, s->client_tls, NULL, pair_now());
		pthread_t thread;
		char got[8];

		fcntl(s->listener, F_SETFL, 0);
		SSL_CTX_set_num_tickets(e.context, 0);
		SSL_CTX_set_max_proto_version(e.context, version);
		assert_int_equal(pthread_create(&thread, NULL, echo, &e), 0);
		for (int i = 0; i < PAIR_ROUNDS && pair_phase(l) == LINK_OPENING; i++)
			poll(&(struct pollfd){link_fd(l), link_events(l), 0}, 1, 10);
		assert_string_equal(link_why(l), "");
		assert_int_equal(link_write(l, "hello", 5), 0);
		s->client = l;
		assert_int_equal(pair_read(s, l, got, 5), 5);
		assert_memory_equal(got, "hello", 5);
		link_close(l);
		s->client = NULL;
		pthread_join(thread, NULL);
		SSL_CTX_free(e.context);
		close(e.listener);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_set, pair_clear)
	const struct CMUnitTest tests[] = {
		TEST(a_client_of_another_ca_is_refused),
		TEST(a_client_without_certificate_is_refused),
		TEST(a_server_of_another_ca_is_refused),
		TEST(a_server_of_another_name_is_refused),
		TEST(files_that_are_not_what_they_should_be_are_named),
		TEST(who_does_not_shake_hands_has_five_seconds),
		TEST(a_server_that_does_not_answer_has_five_seconds),
		TEST(limits_are_those_that_are_given),
		TEST(what_is_no_tls_is_refused),
		TEST(who_hangs_up_during_the_handshake_is_named),
		TEST(who_was_here_before_shows_a_certificate_again),
		TEST(servers_of_tls_1_2_and_without_tickets_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

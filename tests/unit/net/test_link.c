// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Links between two ends in this process, over loopback. */
#include <arpa/inet.h>
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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/net/certs.h"
#include "net/link.h"

#define ROUNDS 100000 /* of a loop that waits for something */
#define MS 1000000ull

static __u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

struct scene {
	char folder[64], file[8][80];
	struct identity ca, other, coordinator, host, stranger;
	struct link_tls *server_tls, *client_tls;
	struct url url;
	int listener;
	struct link *server, *client;
};

enum file {
	CA,
	OTHER,
	SERVER,
	SERVER_KEY,
	CLIENT,
	CLIENT_KEY,
	STRANGER,
	STRANGER_KEY,
};

static void write_files(struct scene *s)
{
	snprintf(s->folder, sizeof(s->folder), "/tmp/weir-test-link-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	for (int i = 0; i < 8; i++)
		snprintf(s->file[i], sizeof(s->file[i]), "%s/%d", s->folder, i);
	s->ca = identity_make("a CA", NULL, NULL);
	s->other = identity_make("another CA", NULL, NULL);
	s->coordinator = identity_make("the coordinator", "IP:127.0.0.1,DNS:localhost", &s->ca);
	s->host = identity_make("host 7", NULL, &s->ca);
	s->stranger = identity_make("a stranger", "IP:192.0.2.1,DNS:elsewhere", &s->other);
	identity_write(&s->ca, s->file[CA], NULL);
	identity_write(&s->other, s->file[OTHER], NULL);
	identity_write(&s->coordinator, s->file[SERVER], s->file[SERVER_KEY]);
	identity_write(&s->host, s->file[CLIENT], s->file[CLIENT_KEY]);
	identity_write(&s->stranger, s->file[STRANGER], s->file[STRANGER_KEY]);
}

/* Listens at a port of its own; s->url leads there. */
static void listen_at(struct scene *s, const char *host)
{
	struct url url = {.transport = URL_TCP, .port = "0"};
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);
	char why[LINK_WHY_BYTES];

	if (s->listener >= 0)
		close(s->listener);
	snprintf(url.host, sizeof(url.host), "%s", host);
	s->listener = link_listen(&url, why);
	if (s->listener < 0)
		fail_msg("%s", why);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &length), 0);
	s->url = url;
	snprintf(s->url.host, sizeof(s->url.host), "127.0.0.1");
	/* Both families have it in the same place. */
	snprintf(s->url.port, sizeof(s->url.port), "%u",
		 ntohs(((struct sockaddr_in *)&at)->sin_port));
}

static int set_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	s->listener = -1;
	write_files(s);
	listen_at(s, "127.0.0.1");
	return 0;
}

static int clear_scene(void **state)
{
	struct scene *s = *state;

	link_close(s->client);
	link_close(s->server);
	link_tls_free(s->server_tls);
	link_tls_free(s->client_tls);
	if (s->listener >= 0)
		close(s->listener);
	identity_free(&s->ca);
	identity_free(&s->other);
	identity_free(&s->coordinator);
	identity_free(&s->host);
	identity_free(&s->stranger);
	for (int i = 0; i < 8; i++)
		unlink(s->file[i]);
	rmdir(s->folder);
	free(s);
	return 0;
}

static struct link_tls *tls_of(const struct scene *s, bool server, int ca, int cert)
{
	const struct link_tls_files files = {
		.ca = s->file[ca],
		.cert = cert < 0 ? NULL : s->file[cert],
		.key = cert < 0 ? NULL : s->file[cert + 1],
	};
	char why[LINK_WHY_BYTES];
	struct link_tls *tls;

	if (link_tls_new(&files, server, &tls, why))
		fail_msg("%s", why);
	return tls;
}

static void use_tls(struct scene *s)
{
	s->server_tls = tls_of(s, true, CA, SERVER);
	s->client_tls = tls_of(s, false, CA, CLIENT);
}

/* --- Both ends, turned by turns ------------------------------------------------------------ */

static void turn_once(struct scene *s)
{
	struct link *ends[] = {s->client, s->server};
	struct pollfd fds[3] = {{.fd = s->server ? -1 : s->listener, .events = POLLIN}};
	bool due = false;

	for (int i = 0; i < 2; i++) {
		fds[1 + i].fd = ends[i] ? link_fd(ends[i]) : -1;
		fds[1 + i].events = ends[i] ? link_events(ends[i]) : 0;
		due = due || (ends[i] && link_due_ns(ends[i]) <= now());
	}
	poll(fds, 3, due ? 0 : 10);
	if (fds[0].revents)
		s->server = link_accept(s->listener, s->server_tls, now());
	for (int i = 0; i < 2; i++)
		if (ends[i])
			link_turn(ends[i], now());
}

static enum link_phase phase_of(struct link *l)
{
	return l ? link_turn(l, now()) : LINK_OPENING;
}

/* Until neither is opening any more. */
static void meet(struct scene *s)
{
	s->client = link_connect(&s->url, s->client_tls, now());
	assert_non_null(s->client);
	for (int i = 0; i < ROUNDS; i++) {
		if (phase_of(s->client) != LINK_OPENING && phase_of(s->server) != LINK_OPENING)
			return;
		turn_once(s);
	}
	fail_msg("client: %s, server: %s", link_why(s->client),
		 s->server ? link_why(s->server) : "none");
}

static void assert_up(struct scene *s)
{
	meet(s);
	if (phase_of(s->client) != LINK_UP || phase_of(s->server) != LINK_UP)
		fail_msg("client: %s, server: %s", link_why(s->client), link_why(s->server));
	assert_string_equal(link_why(s->client), "");
	assert_string_equal(link_why(s->server), "");
}

static void assert_why(struct link *l, const char *why)
{
	assert_int_equal(phase_of(l), LINK_DOWN);
	if (!strstr(link_why(l), why))
		fail_msg("'%s' instead of '%s'", link_why(l), why);
	assert_int_equal(link_fd(l), -1);
	assert_int_equal(link_write(l, "x", 1), -ENOTCONN);
}

/* Neither end lets the other in, and each knows why. */
static void assert_refused(struct scene *s, const char *client, const char *server)
{
	meet(s);
	assert_why(s->client, client);
	assert_why(s->server, server);
}

/* Reads so many bytes, or to the end; what reading ended with. */
static ssize_t read_some(struct scene *s, struct link *l, char *out, size_t bytes)
{
	size_t at = 0;

	for (int i = 0; i < ROUNDS && at < bytes; i++) {
		ssize_t n = link_read(l, out + at, bytes - at);

		if (n < 0)
			return n;
		at += n;
		if (!n)
			turn_once(s);
	}
	assert_int_equal(at, bytes);
	return at;
}

static void assert_says(struct scene *s, struct link *from, struct link *to, const char *text)
{
	char got[64] = "";

	assert_int_equal(link_write(from, text, strlen(text)), 0);
	assert_int_equal(read_some(s, to, got, strlen(text)), strlen(text));
	assert_string_equal(got, text);
	assert_int_equal(link_read(to, got, sizeof(got)), 0);
}

/* --- There and back ----------------------------------------------------------------------- */

static void what_is_said_over_tcp_is_heard_by_the_other(void **state)
{
	struct scene *s = *state;
	char peer[LINK_PEER_BYTES];

	assert_up(s);
	snprintf(peer, sizeof(peer), "127.0.0.1:%s", s->url.port);
	assert_string_equal(link_peer(s->client), peer);
	assert_memory_equal(link_peer(s->server), "127.0.0.1:", 10);
	assert_string_equal(link_subject(s->client), "");
	assert_says(s, s->client, s->server, "hello");
	assert_says(s, s->server, s->client, "welcome");
	assert_says(s, s->client, s->server, "goodbye");
}

static void over_tls_both_ends_know_who_the_other_is(void **state)
{
	struct scene *s = *state;

	use_tls(s);
	assert_up(s);
	assert_string_equal(link_subject(s->client), "the coordinator");
	assert_string_equal(link_subject(s->server), "host 7");
	assert_says(s, s->client, s->server, "hello");
	assert_says(s, s->server, s->client, "welcome");
}

static void the_server_may_speak_first(void **state)
{
	struct scene *s = *state;

	for (int tls = 0; tls < 2; tls++) {
		if (tls)
			use_tls(s);
		assert_up(s);
		assert_says(s, s->server, s->client, "first");
		link_close(s->client);
		link_close(s->server);
		s->client = s->server = NULL;
	}
}

/* The name has an address of each family, of which one may be in vain. */
static void a_name_is_looked_up_and_checked(void **state)
{
	struct scene *s = *state;

	use_tls(s);
	snprintf(s->url.host, sizeof(s->url.host), "localhost");
	assert_up(s);
	assert_says(s, s->client, s->server, "hello");
}

static void a_listener_of_ipv6_takes_ipv4_too(void **state)
{
	struct scene *s = *state;

	listen_at(s, "::");
	assert_up(s);
	assert_memory_equal(link_peer(s->server), "127.0.0.1:", 10);
	assert_says(s, s->client, s->server, "hello");
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

static void drain(struct scene *s, struct link *l, size_t bytes)
{
	static char data[50000];

	for (size_t at = 0; at < bytes;) {
		size_t piece = bytes - at < sizeof(data) ? bytes - at : sizeof(data);

		assert_int_equal(read_some(s, l, data, piece), piece);
		for (size_t i = 0; i < piece; i++)
			assert_int_equal(data[i], pattern(at + i));
		at += piece;
	}
}

static void what_is_written_is_taken_whole_or_not_at_all(void **state)
{
	struct scene *s = *state;

	for (int tls = 0; tls < 2; tls++) {
		size_t there, back;

		if (tls)
			use_tls(s);
		assert_up(s);
		there = fill(s->client, 70001, 1 << 30);
		back = fill(s->server, 333, 1 << 30);
		assert_true(there > LINK_PENDING_MAX - 70001 && back > LINK_PENDING_MAX - 333);
		drain(s, s->server, there);
		drain(s, s->client, back);
		assert_false(link_events(s->client) & POLLOUT);
		assert_says(s, s->client, s->server, "and on");
		assert_int_equal(link_write(s->client, "", 0), 0);
		link_close(s->client);
		link_close(s->server);
		s->client = s->server = NULL;
	}
}

/* --- Ends --------------------------------------------------------------------------------- */

static void an_end_in_order_needs_no_reason(void **state)
{
	struct scene *s = *state;
	char got[8];

	for (int tls = 0; tls < 2; tls++) {
		if (tls)
			use_tls(s);
		assert_up(s);
		assert_int_equal(link_write(s->client, "bye", 3), 0);
		link_close(s->client);
		s->client = NULL;
		assert_int_equal(read_some(s, s->server, got, 3), 3);
		assert_int_equal(read_some(s, s->server, got, 1), -EPIPE);
		assert_int_equal(phase_of(s->server), LINK_DOWN);
		assert_string_equal(link_why(s->server), "");
		assert_int_equal(link_due_ns(s->server), ~0ull);
		link_close(s->server);
		s->server = NULL;
	}
}

/* TLS says that it ends; who cuts the wire cannot pretend to. */
static void a_tls_link_that_is_cut_says_so(void **state)
{
	struct scene *s = *state;
	char got[8];

	use_tls(s);
	assert_up(s);
	assert_int_equal(shutdown(link_fd(s->client), SHUT_WR), 0);
	assert_int_equal(read_some(s, s->server, got, 1), -ECONNRESET);
	assert_why(s->server, ": the connection was cut");
}

/* As a coordinator does that refuses a host, while that goes on talking. */
static void the_last_words_are_heard_by_who_goes_on_talking(void **state)
{
	struct scene *s = *state;
	char got[8];

	for (int tls = 0; tls < 2; tls++) {
		if (tls)
			use_tls(s);
		assert_up(s);
		assert_int_equal(link_write(s->client, "hello", 5), 0);
		assert_int_equal(link_write(s->server, "refused", 7), 0);
		link_close(s->server);
		s->server = NULL;
		/* The first is answered with a reset, the next fails. */
		for (int i = 0; i < ROUNDS && !link_write(s->client, "hello?", 6); i++)
			;
		assert_int_equal(phase_of(s->client), LINK_UP);
		assert_int_equal(read_some(s, s->client, got, 7), 7);
		assert_memory_equal(got, "refused", 7);
		assert_true(read_some(s, s->client, got, 1) < 0);
		assert_int_equal(phase_of(s->client), LINK_DOWN);
		link_close(s->client);
		s->client = NULL;
	}
}

static void nobody_listens(void **state)
{
	struct scene *s = *state;

	close(s->listener);
	s->listener = -1;
	s->client = link_connect(&s->url, NULL, now());
	for (int i = 0; i < ROUNDS && phase_of(s->client) == LINK_OPENING; i++)
		turn_once(s);
	assert_why(s->client, ": Connection refused");
	assert_memory_equal(link_why(s->client), "127.0.0.1:", 10);
}

/* --- Certificates ------------------------------------------------------------------------- */

static void a_client_of_another_ca_is_refused(void **state)
{
	struct scene *s = *state;

	s->server_tls = tls_of(s, true, CA, SERVER);
	s->client_tls = tls_of(s, false, CA, STRANGER);
	assert_refused(s, "alert unknown ca",
		       ": the certificate: unable to get local issuer certificate");
}

static void a_client_without_certificate_is_refused(void **state)
{
	struct scene *s = *state;

	s->server_tls = tls_of(s, true, CA, SERVER);
	s->client_tls = tls_of(s, false, CA, -1);
	assert_refused(s, "alert certificate required", "peer did not return a certificate");
}

static void a_server_of_another_ca_is_refused(void **state)
{
	struct scene *s = *state;

	s->server_tls = tls_of(s, true, CA, SERVER);
	s->client_tls = tls_of(s, false, OTHER, CLIENT);
	assert_refused(s, ": the certificate: self-signed certificate in certificate chain",
		       "alert unknown ca");
}

static void a_server_of_another_name_is_refused(void **state)
{
	struct scene *s = *state;

	s->server_tls = tls_of(s, true, CA, STRANGER);
	s->client_tls = tls_of(s, false, OTHER, CLIENT);
	assert_refused(s, ": the certificate: IP address mismatch", "alert bad certificate");
	link_close(s->client);
	link_close(s->server);
	s->client = s->server = NULL;
	snprintf(s->url.host, sizeof(s->url.host), "localhost");
	assert_refused(s, ": the certificate: hostname mismatch", "alert bad certificate");
}

static void files_that_are_not_what_they_should_be_are_named(void **state)
{
	struct scene *s = *state;
	const struct {
		struct link_tls_files files;
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
		struct link_tls *tls = NULL;
		char why[LINK_WHY_BYTES] = "";

		assert_true(link_tls_new(&cases[i].files, cases[i].server, &tls, why) < 0);
		assert_null(tls);
		if (!strstr(why, cases[i].why))
			fail_msg("'%s' instead of '%s'", why, cases[i].why);
	}
}

/* --- Handshakes --------------------------------------------------------------------------- */

/* By hand, to the listener. */
static int dial(const struct scene *s)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(s->url.port))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void wait_for_server(struct scene *s)
{
	for (int i = 0; i < ROUNDS && !s->server; i++)
		turn_once(s);
	assert_non_null(s->server);
}

static void who_does_not_shake_hands_has_five_seconds(void **state)
{
	struct scene *s = *state;
	int fd = dial(s);
	__u64 due;

	s->server_tls = tls_of(s, true, CA, SERVER);
	wait_for_server(s);
	due = link_due_ns(s->server);
	assert_true(due != ~0ull);
	assert_int_equal(link_turn(s->server, due - 1), LINK_OPENING);
	assert_int_equal(link_write(s->server, "x", 1), -ENOTCONN);
	assert_int_equal(link_turn(s->server, due), LINK_DOWN);
	assert_why(s->server, ": no answer to the TLS handshake");
	close(fd);
}

/* The limit counts from the beginning, by the clock that is passed. */
static void a_server_that_does_not_answer_has_five_seconds(void **state)
{
	struct scene *s = *state;
	const __u64 begin = 1000;

	s->client_tls = tls_of(s, false, CA, CLIENT);
	s->client = link_connect(&s->url, s->client_tls, begin);
	assert_int_equal(link_turn(s->client, begin), LINK_OPENING);
	for (int i = 0; i < ROUNDS && link_events(s->client) == POLLOUT; i++)
		link_turn(s->client, begin);
	assert_int_equal(link_due_ns(s->client), begin + LINK_HANDSHAKE_MS * MS);
	assert_int_equal(link_turn(s->client, begin + LINK_HANDSHAKE_MS * MS - 1), LINK_OPENING);
	assert_int_equal(link_turn(s->client, begin + LINK_HANDSHAKE_MS * MS), LINK_DOWN);
	assert_why(s->client, ": no answer to the TLS handshake");
}

static void what_is_no_tls_is_refused(void **state)
{
	struct scene *s = *state;
	int fd = dial(s);

	s->server_tls = tls_of(s, true, CA, SERVER);
	assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	wait_for_server(s);
	for (int i = 0; i < ROUNDS && phase_of(s->server) == LINK_OPENING; i++)
		turn_once(s);
	assert_why(s->server, ": http request");
	close(fd);
}

static void who_hangs_up_during_the_handshake_is_named(void **state)
{
	struct scene *s = *state;
	int fd = dial(s);

	s->server_tls = tls_of(s, true, CA, SERVER);
	wait_for_server(s);
	close(fd);
	for (int i = 0; i < ROUNDS && phase_of(s->server) == LINK_OPENING; i++)
		turn_once(s);
	assert_why(s->server, ": closed during the TLS handshake");
	assert_memory_equal(link_why(s->server), "127.0.0.1:", 10);
}

/* A client of OpenSSL's own comes; `session`: of a visit before. Has it come in, and its session. */
static SSL_SESSION *visit(struct scene *s, SSL_CTX *context, SSL_SESSION *session, bool *in)
{
	SSL *ssl = SSL_new(context);
	SSL_SESSION *got;
	int fd = dial(s);
	char nothing;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	SSL_set_fd(ssl, fd);
	if (session)
		SSL_set_session(ssl, session);
	wait_for_server(s);
	for (int i = 0; i < ROUNDS && phase_of(s->server) == LINK_OPENING; i++) {
		SSL_connect(ssl);
		turn_once(s);
	}
	SSL_connect(ssl);
	SSL_peek(ssl, &nothing, 1);
	*in = phase_of(s->server) == LINK_UP;
	assert_false(SSL_session_reused(ssl));
	got = SSL_get1_session(ssl);
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN); /* else the session is of no use */
	SSL_free(ssl);
	close(fd);
	link_close(s->server);
	s->server = NULL;
	return got;
}

/* Else one whose certificate has run out would come in for as long as its ticket is good. */
static void who_was_here_before_shows_a_certificate_again(void **state)
{
	struct scene *s = *state;

	s->server_tls = tls_of(s, true, CA, SERVER);
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

/* A server of OpenSSL's own, which says back what it hears. */
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
	struct scene *s = *state;

	s->client_tls = tls_of(s, false, CA, CLIENT);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct echo e = {dup(s->listener), server_context(&s->coordinator, &s->ca)};
		struct link *l = link_connect(&s->url, s->client_tls, now());
		pthread_t thread;
		char got[8];

		fcntl(s->listener, F_SETFL, 0);
		SSL_CTX_set_num_tickets(e.context, 0);
		SSL_CTX_set_max_proto_version(e.context, version);
		assert_int_equal(pthread_create(&thread, NULL, echo, &e), 0);
		for (int i = 0; i < ROUNDS && phase_of(l) == LINK_OPENING; i++)
			poll(&(struct pollfd){link_fd(l), link_events(l), 0}, 1, 10);
		assert_string_equal(link_why(l), "");
		assert_int_equal(link_write(l, "hello", 5), 0);
		s->client = l;
		assert_int_equal(read_some(s, l, got, 5), 5);
		assert_memory_equal(got, "hello", 5);
		link_close(l);
		s->client = NULL;
		pthread_join(thread, NULL);
		SSL_CTX_free(e.context);
		close(e.listener);
	}
}

/* --- Listening ---------------------------------------------------------------------------- */

static void an_address_that_is_taken_is_named(void **state)
{
	struct scene *s = *state;
	char why[LINK_WHY_BYTES], shall[LINK_WHY_BYTES];

	assert_int_equal(link_listen(&s->url, why), -EADDRINUSE);
	snprintf(shall, sizeof(shall), "127.0.0.1:%s: Address already in use", s->url.port);
	assert_string_equal(why, shall);
	snprintf(s->url.host, sizeof(s->url.host), "192.0.2.1");
	assert_int_equal(link_listen(&s->url, why), -EADDRNOTAVAIL);
}

static void where_nobody_waits_nobody_is_accepted(void **state)
{
	struct scene *s = *state;

	assert_null(link_accept(s->listener, NULL, now()));
	assert_int_equal(errno, EAGAIN);
	assert_null(link_accept(-1, NULL, now()));
	assert_int_equal(errno, EBADF);
	link_close(NULL);
	link_tls_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(what_is_said_over_tcp_is_heard_by_the_other),
		TEST(over_tls_both_ends_know_who_the_other_is),
		TEST(the_server_may_speak_first),
		TEST(a_name_is_looked_up_and_checked),
		TEST(a_listener_of_ipv6_takes_ipv4_too),
		TEST(what_is_written_is_taken_whole_or_not_at_all),
		TEST(an_end_in_order_needs_no_reason),
		TEST(a_tls_link_that_is_cut_says_so),
		TEST(the_last_words_are_heard_by_who_goes_on_talking),
		TEST(nobody_listens),
		TEST(a_client_of_another_ca_is_refused),
		TEST(a_client_without_certificate_is_refused),
		TEST(a_server_of_another_ca_is_refused),
		TEST(a_server_of_another_name_is_refused),
		TEST(files_that_are_not_what_they_should_be_are_named),
		TEST(who_does_not_shake_hands_has_five_seconds),
		TEST(a_server_that_does_not_answer_has_five_seconds),
		TEST(what_is_no_tls_is_refused),
		TEST(who_hangs_up_during_the_handshake_is_named),
		TEST(who_was_here_before_shows_a_certificate_again),
		TEST(servers_of_tls_1_2_and_without_tickets_will_do),
		TEST(an_address_that_is_taken_is_named),
		TEST(where_nobody_waits_nobody_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

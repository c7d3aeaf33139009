// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/net/pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
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

__u64 pair_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void write_files(struct pair *s)
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

void pair_listen(struct pair *s, const char *host)
{
	struct url url = {.transport = URL_TCP, .port = "0"};
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);
	struct why why = {};

	if (s->listener >= 0)
		close(s->listener);
	snprintf(url.host, sizeof(url.host), "%s", host);
	s->listener = tcp_listen(&url, &why);
	if (s->listener < 0)
		fail_msg("%s", why.text);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &length), 0);
	s->url = url;
	snprintf(s->url.host, sizeof(s->url.host), "127.0.0.1");
	/* Both families have it in the same place. */
	snprintf(s->url.port, sizeof(s->url.port), "%u",
		 ntohs(((struct sockaddr_in *)&at)->sin_port));
}

int pair_set(void **state)
{
	struct pair *s = calloc(1, sizeof(*s));

	*state = s;
	s->listener = -1;
	write_files(s);
	pair_listen(s, "127.0.0.1");
	return 0;
}

int pair_clear(void **state)
{
	struct pair *s = *state;

	link_close(s->client);
	link_close(s->server);
	secure_context_free(s->server_tls);
	secure_context_free(s->client_tls);
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

struct secure_context *pair_tls(const struct pair *s, bool server, int ca, int cert)
{
	const struct secure_files files = {
		.ca = s->file[ca],
		.cert = cert < 0 ? NULL : s->file[cert],
		.key = cert < 0 ? NULL : s->file[cert + 1],
	};
	struct why why = {};
	struct secure_context *tls;

	if (secure_context_new(&files, server, &tls, &why))
		fail_msg("%s", why.text);
	return tls;
}

void pair_use_tls(struct pair *s)
{
	s->server_tls = pair_tls(s, true, CA, SERVER);
	s->client_tls = pair_tls(s, false, CA, CLIENT);
}

/* --- Both ends, turned by turns ------------------------------------------------------------ */

void pair_turn(struct pair *s)
{
	struct link *ends[] = {s->client, s->server};
	struct pollfd fds[3] = {{.fd = s->server ? -1 : s->listener, .events = POLLIN}};
	bool due = false;

	for (int i = 0; i < 2; i++) {
		fds[1 + i].fd = ends[i] ? link_fd(ends[i]) : -1;
		fds[1 + i].events = ends[i] ? link_events(ends[i]) : 0;
		due = due || (ends[i] && link_due_ns(ends[i]) <= pair_now());
	}
	poll(fds, 3, due ? 0 : 10);
	if (fds[0].revents)
		s->server = link_accept(s->listener, s->server_tls, pair_now());
	for (int i = 0; i < 2; i++)
		if (ends[i])
			link_turn(ends[i], pair_now());
}

enum link_phase pair_phase(struct link *l)
{
	return l ? link_turn(l, pair_now()) : LINK_OPENING;
}

void pair_meet(struct pair *s)
{
	s->client = link_connect(&s->url, s->client_tls, NULL, pair_now());
	assert_non_null(s->client);
	for (int i = 0; i < PAIR_ROUNDS; i++) {
		if (pair_phase(s->client) != LINK_OPENING && pair_phase(s->server) != LINK_OPENING)
			return;
		pair_turn(s);
	}
	fail_msg("client: %s, server: %s", link_why(s->client),
		 s->server ? link_why(s->server) : "none");
}

void pair_assert_up(struct pair *s)
{
	pair_meet(s);
	if (pair_phase(s->client) != LINK_UP || pair_phase(s->server) != LINK_UP)
		fail_msg("client: %s, server: %s", link_why(s->client), link_why(s->server));
	assert_string_equal(link_why(s->client), "");
	assert_string_equal(link_why(s->server), "");
}

void pair_assert_why(struct link *l, const char *why)
{
	assert_int_equal(pair_phase(l), LINK_DOWN);
	if (!strstr(link_why(l), why))
		fail_msg("'%s' instead of '%s'", link_why(l), why);
	assert_int_equal(link_fd(l), -1);
	assert_int_equal(link_write(l, "x", 1), -ENOTCONN);
}

void pair_assert_refused(struct pair *s, const char *client, const char *server)
{
	pair_meet(s);
	pair_assert_why(s->client, client);
	pair_assert_why(s->server, server);
}

ssize_t pair_read(struct pair *s, struct link *l, char *out, size_t bytes)
{
	size_t at = 0;

	for (int i = 0; i < PAIR_ROUNDS && at < bytes; i++) {
		ssize_t n = link_read(l, out + at, bytes - at);

		if (n < 0)
			return n;
		at += n;
		if (!n)
			pair_turn(s);
	}
	assert_int_equal(at, bytes);
	return at;
}

void pair_assert_says(struct pair *s, struct link *from, struct link *to, const char *text)
{
	char got[64] = "";

	assert_int_equal(link_write(from, text, strlen(text)), 0);
	assert_int_equal(pair_read(s, to, got, strlen(text)), strlen(text));
	assert_string_equal(got, text);
	assert_int_equal(link_read(to, got, sizeof(got)), 0);
}

int pair_dial(const struct pair *s)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(s->url.port))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

void pair_wait_for_server(struct pair *s)
{
	for (int i = 0; i < PAIR_ROUNDS && !s->server; i++)
		pair_turn(s);
	assert_non_null(s->server);
}

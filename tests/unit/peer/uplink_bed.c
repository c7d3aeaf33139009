// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/peer/uplink_bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/decode.h"

struct peer_scene scene;

/* --- The coordinator ------------------------------------------------------------------------ */

static int hear(void *context, const struct interval_word *word)
{
	assert_true(scene.words < HEARD);
	scene.heard[scene.words++] = *word;
	return 0;
}

void peer_listen_at(__u16 port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t size = sizeof(at);
	const int on = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	scene.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(scene.listener >= 0);
	setsockopt(scene.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(scene.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(scene.listener, 16), 0);
	assert_int_equal(getsockname(scene.listener, (struct sockaddr *)&at, &size), 0);
	snprintf(scene.config.address.url.port, sizeof(scene.config.address.url.port), "%u",
		 ntohs(at.sin_port));
}

void peer_hang_up(void)
{
	if (scene.fd >= 0)
		close(scene.fd);
	scene.fd = -1;
	interval_reader_free(scene.reader);
	scene.reader = NULL;
}

void peer_stop_listening(void)
{
	if (scene.listener >= 0)
		close(scene.listener);
	scene.listener = -1;
}

/* The session before, if there is one, is forgotten. */
static void take_connection(void)
{
	int fd = scene.listener < 0 ? -1 : accept4(scene.listener, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0)
		return;
	peer_hang_up();
	scene.fd = fd;
	scene.reader = interval_reader_new(65535);
	scene.writer = (struct interval_writer){.domain = 99};
	scene.in_bytes = scene.words = scene.messages = 0;
	scene.over = false;
}

static void take_messages(void)
{
	struct why why = {};
	size_t length;

	while (scene.in_bytes >= WIRE_STREAM_HEAD_BYTES) {
		const unsigned int words = scene.words;

		length = wire_stream_length(scene.in);
		assert_true(length);
		if (length > scene.in_bytes)
			return;
		if (interval_read(scene.reader, scene.in, length, hear, NULL, &why))
			fail_msg("%s", why.text);
		scene.messages += scene.words > words; /* announcements do not count */
		scene.in_bytes -= length;
		memmove(scene.in, scene.in + length, scene.in_bytes);
	}
}

void peer_turn_coordinator(void)
{
	ssize_t bytes;

	take_connection();
	if (scene.fd < 0)
		return;
	bytes = read(scene.fd, scene.in + scene.in_bytes, sizeof(scene.in) - scene.in_bytes);
	if (!bytes || (bytes < 0 && errno != EAGAIN))
		scene.over = true;
	if (bytes <= 0)
		return;
	scene.in_bytes += bytes;
	take_messages();
}

static void send_word(const struct interval_word *word)
{
	__u8 out[65535];
	unsigned int taken = 0;

	while (!taken) {
		ssize_t bytes = interval_write(&scene.writer, word, 1, SECOND * SEC, out,
					       sizeof(out), &taken);

		assert_true(bytes > 0);
		assert_int_equal(send(scene.fd, out, bytes, MSG_NOSIGNAL), bytes);
	}
}

void peer_welcome(enum interval_method method, __s32 shift_s)
{
	struct interval_word word = {.kind = INTERVAL_WELCOME};

	word.welcome.rules = (struct interval_rules){.method = method};
	word.welcome.shift_s = shift_s;
	snprintf(word.welcome.name, sizeof(word.welcome.name), "coord");
	send_word(&word);
}

void peer_refuse(const char *why)
{
	struct interval_word word = {.kind = INTERVAL_REFUSAL};

	snprintf(word.refusal, sizeof(word.refusal), "%s", why);
	send_word(&word);
}

void peer_refuse_query(__u32 query, const char *measure, __u32 window_ms, const char *match)
{
	struct interval_word word = {.kind = INTERVAL_OTHER};

	word.other.query = query;
	word.other.window_ms = window_ms;
	snprintf(word.other.measure, sizeof(word.other.measure), "%s", measure);
	snprintf(word.other.match, sizeof(word.other.match), "%s", match);
	send_word(&word);
}

void peer_grant(__u32 query, __u32 serial, __s64 tick, __u64 width)
{
	struct interval_word word = {.kind = INTERVAL_GRANT};

	word.grant = (struct interval_grant){query, serial, tick, width};
	send_word(&word);
}

/* --- Both ------------------------------------------------------------------------------------ */

static void keep_line(void *context, const char *line)
{
	scene.lines++;
	snprintf(scene.line, sizeof(scene.line), "%s", line);
}

void peer_turn(void)
{
	struct pollfd fds[] = {
		{.fd = uplink_fd(scene.uplink), .events = uplink_events(scene.uplink)},
		{.fd = scene.listener, .events = POLLIN},
		{.fd = scene.fd, .events = scene.over ? 0 : POLLIN},
	};

	poll(fds, 3, 10);
	uplink_turn(scene.uplink, scene.now_ns);
	peer_turn_coordinator();
}

void peer_come_up(enum interval_method method, __s32 shift_s)
{
	UNTIL(scene.fd >= 0 && scene.words == 1);
	assert_int_equal(scene.heard[0].kind, INTERVAL_HELLO);
	peer_welcome(method, shift_s);
	UNTIL(uplink_is_up(scene.uplink) && scene.words == 1 + ASKS);
}

struct interval_word *peer_last_heard(void)
{
	assert_true(scene.words > 0);
	return &scene.heard[scene.words - 1];
}

__s64 peer_tell(__s64 second, __s64 a, __s64 b)
{
	const struct source_value values[ASKS] = {{.known = true, .value = a},
						  {.known = true, .value = b}};
	__s64 tick = uplink_values(scene.uplink, second, values, NULL, 0, scene.now_ns);

	scene.now_ns += SEC;
	return tick;
}

bool peer_has_ticked(__s64 tick)
{
	return scene.words && peer_last_heard()->kind == INTERVAL_TICK &&
	       peer_last_heard()->tick.tick == tick;
}

void peer_make_uplink(void)
{
	scene.uplink = uplink_new(&scene.config, 4711, scene.ask, ASKS, keep_line, NULL);
	assert_non_null(scene.uplink);
}

int peer_set_scene(void **state)
{
	static char address[] = "tcp://here", name[] = "web-5";

	memset(&scene, 0, sizeof(scene));
	scene.fd = scene.listener = -1;
	scene.now_ns = 1000 * SEC;
	scene.config.address.text = address;
	scene.config.address.url.transport = URL_TCP;
	snprintf(scene.config.address.url.host, sizeof(scene.config.address.url.host), "127.0.0.1");
	scene.config.host = 5;
	scene.config.name = name;
	for (int q = 0; q < ASKS; q++) {
		scene.ask[q].window_ms = 60000;
		snprintf(scene.ask[q].measure, sizeof(scene.ask[q].measure), "%s",
			 q ? "bytes" : "packets");
		snprintf(scene.ask[q].name, sizeof(scene.ask[q].name), "Q%d", q + 1);
		snprintf(scene.ask[q].match, sizeof(scene.ask[q].match), "in and port %d", 80 + q);
	}
	peer_listen_at(0);
	peer_make_uplink();
	return 0;
}

int peer_clear_scene(void **state)
{
	uplink_free(scene.uplink, false);
	peer_hang_up();
	peer_stop_listening();
	return 0;
}

__u64 peer_wait_over(void)
{
	__u64 due_ns = uplink_due_ns(scene.uplink), waited_ns;

	waited_ns = due_ns > scene.now_ns ? due_ns - scene.now_ns : 0;
	scene.now_ns += waited_ns;
	return waited_ns / 1000000;
}

bool peer_has_phase(enum uplink_phase phase)
{
	struct uplink_status status;

	uplink_status(scene.uplink, &status);
	return status.phase == phase;
}

void peer_fail_once(void)
{
	const __u64 due_ns = uplink_due_ns(scene.uplink);

	UNTIL(uplink_fd(scene.uplink) < 0 && uplink_due_ns(scene.uplink) > due_ns);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An uplink and a coordinator made up here, over TCP on loopback. Both ends are turned by hand; the
 * uplink's clock stands still until a test moves it, so that waits cost no time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

#include "peer/uplink.h"
#include "wire/decode.h"
#include "interval/words.h"

#define SEC 1000000000ull
#define PATIENCE 2000 /* rounds of 10 ms before a test gives up */
#define ASKS 2
#define SECOND 1763769600ll
#define HEARD 256

static struct scene {
	struct peer_options config;
	struct interval_ask ask[ASKS];
	struct uplink *uplink;
	__u64 now_ns;

	int listener, fd; /* the coordinator's; -1 */
	struct interval_reader *reader;
	struct interval_writer writer;
	__u8 in[1 << 17];
	size_t in_bytes;
	struct interval_word heard[HEARD];
	unsigned int words, messages; /* of this session */
	bool over;                    /* the uplink has hung up */

	unsigned int lines;
	char line[512]; /* the last for people */
} s;

/* --- The coordinator ------------------------------------------------------------------------ */

static int hear(void *context, const struct interval_word *word)
{
	assert_true(s.words < HEARD);
	s.heard[s.words++] = *word;
	return 0;
}

static void listen_at(__u16 port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t size = sizeof(at);
	const int on = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(s.listener >= 0);
	setsockopt(s.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(s.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s.listener, 16), 0);
	assert_int_equal(getsockname(s.listener, (struct sockaddr *)&at, &size), 0);
	snprintf(s.config.address.url.port, sizeof(s.config.address.url.port), "%u",
		 ntohs(at.sin_port));
}

static void hang_up(void)
{
	if (s.fd >= 0)
		close(s.fd);
	s.fd = -1;
	interval_reader_free(s.reader);
	s.reader = NULL;
}

static void stop_listening(void)
{
	if (s.listener >= 0)
		close(s.listener);
	s.listener = -1;
}

/* The session before, if there is one, is forgotten. */
static void take_connection(void)
{
	int fd = s.listener < 0 ? -1 : accept4(s.listener, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0)
		return;
	hang_up();
	s.fd = fd;
	s.reader = interval_reader_new(65535);
	s.writer = (struct interval_writer){.domain = 99};
	s.in_bytes = s.words = s.messages = 0;
	s.over = false;
}

static void take_messages(void)
{
	struct why why = {};
	size_t length;

	while (s.in_bytes >= WIRE_STREAM_HEAD_BYTES) {
		const unsigned int words = s.words;

		length = wire_stream_length(s.in);
		assert_true(length);
		if (length > s.in_bytes)
			return;
		if (interval_read(s.reader, s.in, length, hear, NULL, &why))
			fail_msg("%s", why.text);
		s.messages += s.words > words; /* announcements do not count */
		s.in_bytes -= length;
		memmove(s.in, s.in + length, s.in_bytes);
	}
}

static void turn_coordinator(void)
{
	ssize_t bytes;

	take_connection();
	if (s.fd < 0)
		return;
	bytes = read(s.fd, s.in + s.in_bytes, sizeof(s.in) - s.in_bytes);
	if (!bytes || (bytes < 0 && errno != EAGAIN))
		s.over = true;
	if (bytes <= 0)
		return;
	s.in_bytes += bytes;
	take_messages();
}

static void send_word(const struct interval_word *word)
{
	__u8 out[65535];
	unsigned int taken = 0;

	while (!taken) {
		ssize_t bytes =
			interval_write(&s.writer, word, 1, SECOND * SEC, out, sizeof(out), &taken);

		assert_true(bytes > 0);
		assert_int_equal(send(s.fd, out, bytes, MSG_NOSIGNAL), bytes);
	}
}

static void welcome(enum interval_method method, __s32 shift_s)
{
	struct interval_word word = {.kind = INTERVAL_WELCOME};

	word.welcome.rules = (struct interval_rules){.method = method};
	word.welcome.shift_s = shift_s;
	snprintf(word.welcome.name, sizeof(word.welcome.name), "coord");
	send_word(&word);
}

static void refuse(const char *why)
{
	struct interval_word word = {.kind = INTERVAL_REFUSAL};

	snprintf(word.refusal, sizeof(word.refusal), "%s", why);
	send_word(&word);
}

static void grant(__u32 query, __u32 serial, __s64 tick, __u64 width)
{
	struct interval_word word = {.kind = INTERVAL_GRANT};

	word.grant = (struct interval_grant){query, serial, tick, width};
	send_word(&word);
}

/* --- Both ------------------------------------------------------------------------------------ */

static void keep_line(void *context, const char *line)
{
	s.lines++;
	snprintf(s.line, sizeof(s.line), "%s", line);
}

/* What is under way goes on, up to 10 ms. */
static void turn(void)
{
	struct pollfd fds[] = {
		{.fd = uplink_fd(s.uplink), .events = uplink_events(s.uplink)},
		{.fd = s.listener, .events = POLLIN},
		{.fd = s.fd, .events = s.over ? 0 : POLLIN},
	};

	poll(fds, 3, 10);
	uplink_turn(s.uplink, s.now_ns);
	turn_coordinator();
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (int i_ = 0; !(condition); i_++) {                                             \
			if (i_ == PATIENCE)                                                        \
				fail_msg("never: %s", #condition);                                 \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

static void come_up(enum interval_method method, __s32 shift_s)
{
	UNTIL(s.fd >= 0 && s.words == 1);
	assert_int_equal(s.heard[0].kind, INTERVAL_HELLO);
	welcome(method, shift_s);
	UNTIL(uplink_is_up(s.uplink) && s.words == 1 + ASKS);
}

static struct interval_word *last_heard(void)
{
	assert_true(s.words > 0);
	return &s.heard[s.words - 1];
}

/* Values of ASKS queries, at a second of Unix time; moves the clock on. */
static __s64 tell(__s64 second, __s64 a, __s64 b)
{
	const struct source_value values[ASKS] = {{.known = true, .value = a},
						  {.known = true, .value = b}};
	__s64 tick = uplink_values(s.uplink, second, values, NULL, 0, s.now_ns);

	s.now_ns += SEC;
	return tick;
}

/* The words of one tick have come. */
static bool has_ticked(__s64 tick)
{
	return s.words && last_heard()->kind == INTERVAL_TICK && last_heard()->tick.tick == tick;
}

static void make_uplink(void)
{
	s.uplink = uplink_new(&s.config, 4711, s.ask, ASKS, keep_line, NULL);
	assert_non_null(s.uplink);
}

static int set_scene(void **state)
{
	static char address[] = "tcp://here", name[] = "web-5";

	memset(&s, 0, sizeof(s));
	s.fd = s.listener = -1;
	s.now_ns = 1000 * SEC;
	s.config.address.text = address;
	s.config.address.url.transport = URL_TCP;
	snprintf(s.config.address.url.host, sizeof(s.config.address.url.host), "127.0.0.1");
	s.config.host = 5;
	s.config.name = name;
	for (int q = 0; q < ASKS; q++) {
		s.ask[q].window_ms = 60000;
		snprintf(s.ask[q].measure, sizeof(s.ask[q].measure), "%s", q ? "bytes" : "packets");
		snprintf(s.ask[q].name, sizeof(s.ask[q].name), "Q%d", q + 1);
		snprintf(s.ask[q].match, sizeof(s.ask[q].match), "in and port %d", 80 + q);
	}
	listen_at(0);
	make_uplink();
	return 0;
}

static int clear_scene(void **state)
{
	uplink_free(s.uplink, false);
	hang_up();
	stop_listening();
	return 0;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void it_says_hello_and_after_the_welcome_what_it_has(void **state)
{
	const struct interval_hello *hello = &s.heard[0].hello;
	const __u64 ms = (__u64)time(NULL) * 1000;

	come_up(INTERVAL_STATIC, 0);
	assert_int_equal(hello->host, 5);
	assert_int_equal(hello->instance, 4711);
	assert_string_equal(hello->name, "web-5");
	assert_in_range(hello->time_ms, ms - 60000, ms + 60000);
	for (int q = 0; q < ASKS; q++) {
		const struct interval_ask *ask = &s.heard[1 + q].ask;

		assert_int_equal(s.heard[1 + q].kind, INTERVAL_ASK);
		assert_int_equal(ask->query, q);
		assert_int_equal(ask->window_ms, 60000);
		assert_int_equal(ask->width, 0);
		assert_string_equal(ask->name, s.ask[q].name);
		assert_string_equal(ask->measure, s.ask[q].measure);
		assert_string_equal(ask->match, s.ask[q].match);
	}
	assert_int_equal(s.lines, 1);
	assert_string_equal(s.line, "coordinator tcp://here: up, as host 5 of 'coord' (static)");
}

static void a_second_is_one_message_with_its_tick_last(void **state)
{
	unsigned int words, messages;

	come_up(INTERVAL_STATIC, -3);
	words = s.words;
	messages = s.messages;
	assert_int_equal(tell(SECOND, 1000, 250000), SECOND - 3);
	UNTIL(has_ticked(SECOND - 3));
	assert_int_equal(s.words, words + 3);
	assert_int_equal(s.messages, messages + 1);
	for (unsigned int q = 0; q < ASKS; q++) {
		const struct interval_update *update = &s.heard[words + q].update;

		assert_int_equal(s.heard[words + q].kind, INTERVAL_UPDATE);
		assert_int_equal(update->query, q);
		assert_int_equal(update->course.tick, SECOND - 3);
		assert_int_equal(update->course.centre, q ? 250000 : 1000);
	}
	/* With a width of 0 what stays as it is is not said again. */
	assert_int_equal(tell(SECOND + 1, 1000, 250001), SECOND - 2);
	UNTIL(has_ticked(SECOND - 2));
	assert_int_equal(s.words, words + 5);
	assert_int_equal(s.heard[words + 3].update.query, 1);
	assert_int_equal(s.heard[words + 3].update.course.centre, 250001);
}

static void what_was_granted_is_kept_and_asked_for_in_the_next_session(void **state)
{
	unsigned int words;

	come_up(INTERVAL_STATIC, 0);
	tell(SECOND, 0, 0);
	grant(1, 1, SECOND + 1, 2000);
	grant(0, 2, SECOND + 2, 600);
	UNTIL(({
		struct uplink_status status;

		uplink_status(s.uplink, &status);
		status.grants == 2;
	}));
	UNTIL(has_ticked(SECOND));
	words = s.words;
	tell(SECOND + 1, 300, 1000);
	tell(SECOND + 2, 300, -1000);
	UNTIL(has_ticked(SECOND + 2));
	/* Only query 0 at SECOND + 1 was outside. */
	assert_int_equal(s.words, words + 3);
	assert_int_equal(s.heard[words].update.query, 0);
	assert_int_equal(s.heard[words + 1].tick.serial, 1);
	assert_int_equal(s.heard[words + 2].tick.serial, 2);
	hang_up();
	UNTIL(!uplink_is_up(s.uplink));
	come_up(INTERVAL_STATIC, 0);
	assert_int_equal(s.heard[1].ask.width, 600);
	assert_int_equal(s.heard[2].ask.width, 2000);
}

static void a_grant_that_cannot_be_ends_the_session(void **state)
{
	come_up(INTERVAL_STATIC, 0);
	grant(ASKS, 1, SECOND, 2000);
	UNTIL(!uplink_is_up(s.uplink));
	assert_non_null(strstr(s.line, "it grants what cannot be"));
}

static void what_is_no_ipfix_is_refused_by_that_name(void **state)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	UNTIL(s.fd >= 0 && s.words == 1);
	assert_int_equal(write(s.fd, text, sizeof(text)), sizeof(text));
	UNTIL(s.lines);
	assert_string_equal(s.line, "coordinator tcp://here: refused: it does not speak IPFIX; "
				    "trying again");
}

/* How long the uplink waits, in ms of its clock; then it is there. */
static __u64 wait_over(void)
{
	__u64 due_ns = uplink_due_ns(s.uplink), waited_ns;

	waited_ns = due_ns > s.now_ns ? due_ns - s.now_ns : 0;
	s.now_ns += waited_ns;
	return waited_ns / 1000000;
}

static bool has_phase(enum uplink_phase phase)
{
	struct uplink_status status;

	uplink_status(s.uplink, &status);
	return status.phase == phase;
}

/* An attempt that fails is over. */
static void fail_once(void)
{
	const __u64 due_ns = uplink_due_ns(s.uplink);

	UNTIL(uplink_fd(s.uplink) < 0 && uplink_due_ns(s.uplink) > due_ns);
}

static void a_lost_session_is_made_again_at_once_and_then_every_two_seconds(void **state)
{
	static const __u64 most_ms[] = {500, 1000, 2000, 2000, 2000, 2000};
	unsigned int lines;

	come_up(INTERVAL_STATIC, 0);
	for (int i = 0; i < 4; i++)
		tell(SECOND + i, 0, 0);
	lines = s.lines;
	stop_listening();
	hang_up();
	UNTIL(has_phase(UPLINK_DOWN));
	assert_int_equal(s.lines, lines + 1);
	assert_non_null(strstr(s.line, "lost: "));
	assert_int_equal(wait_over(), 0);
	for (int i = 0; i < 6; i++) {
		__u64 waited_ms;

		fail_once();
		waited_ms = wait_over();
		assert_in_range(waited_ms, most_ms[i] * 3 / 4, most_ms[i]);
	}
	/* Refused connections are said once. */
	assert_int_equal(s.lines, lines + 2);
	listen_at(strtoul(s.config.address.url.port, NULL, 10));
	come_up(INTERVAL_STATIC, 0);
	assert_int_equal(s.lines, lines + 3);
}

static void a_session_that_ends_as_soon_as_it_is_up_is_not_made_again_at_once(void **state)
{
	come_up(INTERVAL_STATIC, 0);
	hang_up();
	UNTIL(has_phase(UPLINK_DOWN));
	assert_in_range(wait_over(), 375, 500);
	come_up(INTERVAL_STATIC, 0);
	hang_up();
	UNTIL(has_phase(UPLINK_DOWN));
	assert_in_range(wait_over(), 750, 1000);
}

static void a_refusal_is_said_once_and_tried_again_ever_later(void **state)
{
	static const __u64 most_ms[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};

	for (int i = 0; i < 7; i++) {
		__u64 waited_ms;

		UNTIL(s.fd >= 0 && s.words == 1);
		refuse("host 5 is here already, as 'web-4'");
		UNTIL(has_phase(UPLINK_REFUSED) && uplink_fd(s.uplink) < 0);
		waited_ms = wait_over();
		assert_in_range(waited_ms, most_ms[i] * 3 / 4, most_ms[i]);
		hang_up();
	}
	assert_int_equal(s.lines, 1);
	assert_string_equal(s.line, "coordinator tcp://here: refused: host 5 is here already, as "
				    "'web-4'; trying again");
	UNTIL(s.fd >= 0 && s.words == 1);
	refuse("full");
	UNTIL(s.lines == 2);
	assert_non_null(strstr(s.line, "refused: full"));
}

static void who_does_not_answer_is_given_up(void **state)
{
	UNTIL(s.fd >= 0 && s.words == 1);
	s.now_ns += 2499 * SEC / 1000;
	turn();
	assert_int_equal(s.lines, 0);
	s.now_ns += SEC / 1000;
	UNTIL(s.lines == 1);
	assert_string_equal(s.line, "coordinator tcp://here: no answer; trying again");
	/* The time that it took is part of the wait. */
	assert_int_equal(wait_over(), 0);
	UNTIL(s.over || s.words == 1);
}

static void a_tick_that_does_not_come_after_the_last_ends_the_session(void **state)
{
	come_up(INTERVAL_STATIC, 0);
	tell(SECOND, 0, 0);
	assert_int_equal(tell(SECOND, 0, 0), 0);
	assert_false(uplink_is_up(s.uplink));
	assert_non_null(strstr(s.line, "the clock went back"));
	assert_int_equal(wait_over(), 0);
	come_up(INTERVAL_STATIC, 0);
	assert_int_equal(tell(SECOND - 100, 0, 0), SECOND - 100);
}

static void what_is_not_known_keeps_the_second_back(void **state)
{
	struct source_value values[ASKS] = {{.known = true, .value = 7}, {.known = false}};
	unsigned int words;

	assert_int_equal(tell(SECOND, 0, 0), 0); /* there is no session */
	come_up(INTERVAL_STATIC, 0);
	words = s.words;
	assert_int_equal(uplink_values(s.uplink, SECOND, values, NULL, 0, s.now_ns), 0);
	values[1].known = true;
	assert_int_equal(uplink_values(s.uplink, SECOND + 1, values, NULL, 0, s.now_ns),
			 SECOND + 1);
	UNTIL(has_ticked(SECOND + 1));
	assert_int_equal(s.words, words + 3);
}

static void who_is_missing_is_told_when_that_changes_and_in_each_session(void **state)
{
	const struct source_value values[ASKS] = {{.known = true}, {.known = true}};
	const struct interval_lack lack = {.query = 1, .missing = "7 'db'"};
	unsigned int words;

	for (int session = 0; session < 2; session++) {
		come_up(INTERVAL_STATIC, 0);
		uplink_values(s.uplink, SECOND, values, &lack, 1, s.now_ns);
		UNTIL(has_ticked(SECOND));
		assert_int_equal(s.heard[s.words - 2].kind, INTERVAL_LACK);
		assert_int_equal(s.heard[s.words - 2].lack.query, 1);
		assert_int_equal(s.heard[s.words - 2].lack.tick, SECOND);
		assert_string_equal(s.heard[s.words - 2].lack.missing, "7 'db'");
		words = s.words;
		uplink_values(s.uplink, SECOND + 1, values, &lack, 1, s.now_ns);
		UNTIL(has_ticked(SECOND + 1));
		assert_int_equal(s.words, words + 1);
		uplink_values(s.uplink, SECOND + 2, values, NULL, 0, s.now_ns);
		UNTIL(has_ticked(SECOND + 2));
		assert_int_equal(s.words, words + 3);
		assert_int_equal(s.heard[words + 1].kind, INTERVAL_LACK);
		assert_string_equal(s.heard[words + 1].lack.missing, "");
		/* What lacks at the end of a session is new in the next. */
		uplink_values(s.uplink, SECOND + 3, values, &lack, 1, s.now_ns);
		uplink_restart(s.uplink, "a test", s.now_ns);
		hang_up();
	}
}

static void it_says_goodbye_only_when_it_leaves(void **state)
{
	for (int leaves = 0; leaves < 2; leaves++) {
		come_up(INTERVAL_STATIC, 0);
		uplink_free(s.uplink, leaves);
		s.uplink = NULL;
		for (int i = 0; i < PATIENCE && !s.over; i++) {
			poll(&(struct pollfd){.fd = s.fd, .events = POLLIN}, 1, 10);
			turn_coordinator();
		}
		assert_true(s.over);
		assert_int_equal(last_heard()->kind == INTERVAL_GOODBYE, leaves);
		hang_up();
		make_uplink();
	}
}

static void its_status_counts_what_was_said_in_all_sessions(void **state)
{
	struct uplink_status status;

	uplink_status(s.uplink, &status);
	assert_int_equal(status.phase, UPLINK_DOWN);
	assert_string_equal(status.address, "tcp://here");
	for (int session = 1; session <= 2; session++) {
		come_up(INTERVAL_STATIC, 0);
		tell(SECOND + 10 * session, session, 0);
		tell(SECOND + 10 * session + 1, session, 1);
		UNTIL(has_ticked(SECOND + 10 * session + 1));
		uplink_status(s.uplink, &status);
		assert_int_equal(status.phase, UPLINK_UP);
		assert_int_equal(status.host, 5);
		assert_string_equal(status.name, "coord");
		assert_int_equal(status.method, INTERVAL_STATIC);
		assert_int_equal(status.sessions, session);
		assert_int_equal(status.ticks, 2 * session);
		assert_int_equal(status.updates, 3 * session);
		assert_int_equal(status.tick, SECOND + 10 * session + 1);
		assert_true(status.sent_bytes > 100 && status.read_bytes > 20);
		uplink_restart(s.uplink, "a test", s.now_ns);
		hang_up();
	}
	uplink_status(s.uplink, &status);
	assert_int_equal(status.phase, UPLINK_DOWN);
	assert_string_equal(status.why.text, "a test");
	assert_int_equal(status.ticks, 4);
}

static void another_configuration_is_told_from_the_same(void **state)
{
	char other[] = "tcp://there", path[] = "/ca";
	struct peer_options to = s.config;

	assert_int_equal(uplink_compare(s.uplink, &to, s.ask, ASKS), UPLINK_SAME);
	assert_int_equal(uplink_compare(s.uplink, &to, s.ask, 1), UPLINK_CHANGED);
	to.ca = path;
	assert_int_equal(uplink_compare(s.uplink, &to, s.ask, ASKS), UPLINK_CHANGED);
	to.ca = NULL;
	s.ask[1].window_ms = 5000;
	assert_int_equal(uplink_compare(s.uplink, &to, s.ask, ASKS), UPLINK_CHANGED);
	s.ask[1].window_ms = 60000;
	assert_int_equal(uplink_compare(s.uplink, &to, s.ask, ASKS), UPLINK_SAME);
	to.host = 6;
	assert_int_equal(uplink_compare(s.uplink, &to, s.ask, ASKS), UPLINK_ELSEWHERE);
	to.host = 5;
	to.address.text = other;
	assert_int_equal(uplink_compare(s.uplink, &to, s.ask, ASKS), UPLINK_ELSEWHERE);
}

static void certificates_that_cannot_be_read_are_named(void **state)
{
	char path[] = "/nonexistent/ca.pem";
	struct why why = {};
	struct peer_options to = s.config;

	assert_int_equal(uplink_check(&to, &why), 0);
	to.address.url.transport = URL_TLS;
	to.ca = to.cert = to.key = path;
	assert_true(uplink_check(&to, &why) < 0);
	assert_non_null(strstr(why.text, path));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(it_says_hello_and_after_the_welcome_what_it_has),
		TEST(a_second_is_one_message_with_its_tick_last),
		TEST(what_was_granted_is_kept_and_asked_for_in_the_next_session),
		TEST(a_grant_that_cannot_be_ends_the_session),
		TEST(what_is_no_ipfix_is_refused_by_that_name),
		TEST(a_lost_session_is_made_again_at_once_and_then_every_two_seconds),
		TEST(a_session_that_ends_as_soon_as_it_is_up_is_not_made_again_at_once),
		TEST(a_refusal_is_said_once_and_tried_again_ever_later),
		TEST(who_does_not_answer_is_given_up),
		TEST(a_tick_that_does_not_come_after_the_last_ends_the_session),
		TEST(what_is_not_known_keeps_the_second_back),
		TEST(who_is_missing_is_told_when_that_changes_and_in_each_session),
		TEST(it_says_goodbye_only_when_it_leaves),
		TEST(its_status_counts_what_was_said_in_all_sessions),
		TEST(another_configuration_is_told_from_the_same),
		TEST(certificates_that_cannot_be_read_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

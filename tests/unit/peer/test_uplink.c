// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What an uplink says in a session, and what it does not believe. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "unit/peer/uplink_bed.h"

static void it_says_hello_and_after_the_welcome_what_it_has(void **state)
{
	const struct interval_hello *hello = &scene.heard[0].hello;
	const __u64 ms = (__u64)time(NULL) * 1000;

	peer_come_up(INTERVAL_STATIC, 0);
	assert_int_equal(hello->host, 5);
	assert_int_equal(hello->instance, 4711);
	assert_string_equal(hello->name, "web-5");
	assert_in_range(hello->time_ms, ms - 60000, ms + 60000);
	for (int q = 0; q < ASKS; q++) {
		const struct interval_ask *ask = &scene.heard[1 + q].ask;

		assert_int_equal(scene.heard[1 + q].kind, INTERVAL_ASK);
		assert_int_equal(ask->query, q);
		assert_int_equal(ask->window_ms, 60000);
		assert_int_equal(ask->width, 0);
		assert_string_equal(ask->name, scene.ask[q].name);
		assert_string_equal(ask->measure, scene.ask[q].measure);
		assert_string_equal(ask->match, scene.ask[q].match);
	}
	assert_int_equal(scene.lines, 1);
	assert_string_equal(scene.line,
			    "coordinator tcp://here: up, as host 5 of 'coord' (static)");
}

static void a_second_is_one_message_with_its_tick_last(void **state)
{
	unsigned int words, messages;

	peer_come_up(INTERVAL_STATIC, -3);
	words = scene.words;
	messages = scene.messages;
	assert_int_equal(peer_tell(SECOND, 1000, 250000), SECOND - 3);
	UNTIL(peer_has_ticked(SECOND - 3));
	assert_int_equal(scene.words, words + 3);
	assert_int_equal(scene.messages, messages + 1);
	for (unsigned int q = 0; q < ASKS; q++) {
		const struct interval_update *update = &scene.heard[words + q].update;

		assert_int_equal(scene.heard[words + q].kind, INTERVAL_UPDATE);
		assert_int_equal(update->query, q);
		assert_int_equal(update->course.tick, SECOND - 3);
		assert_int_equal(update->course.centre, q ? 250000 : 1000);
	}
	/* With a width of 0 what stays as it is is not said again. */
	assert_int_equal(peer_tell(SECOND + 1, 1000, 250001), SECOND - 2);
	UNTIL(peer_has_ticked(SECOND - 2));
	assert_int_equal(scene.words, words + 5);
	assert_int_equal(scene.heard[words + 3].update.query, 1);
	assert_int_equal(scene.heard[words + 3].update.course.centre, 250001);
}

static void a_grant_that_cannot_be_ends_the_session(void **state)
{
	peer_come_up(INTERVAL_STATIC, 0);
	peer_grant(ASKS, 1, SECOND, 2000);
	UNTIL(!uplink_is_up(scene.uplink));
	assert_non_null(strstr(scene.line, "it grants what cannot be"));
}

static void what_is_no_ipfix_is_refused_by_that_name(void **state)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	UNTIL(scene.fd >= 0 && scene.words == 1);
	assert_int_equal(write(scene.fd, text, sizeof(text)), sizeof(text));
	UNTIL(scene.lines);
	assert_string_equal(scene.line, "coordinator tcp://here: refused: it does not speak IPFIX; "
					"trying again");
}

static void what_is_not_known_keeps_the_second_back(void **state)
{
	struct source_value values[ASKS] = {{.known = true, .value = 7}, {.known = false}};
	unsigned int words;

	assert_int_equal(peer_tell(SECOND, 0, 0), 0); /* there is no session */
	peer_come_up(INTERVAL_STATIC, 0);
	words = scene.words;
	assert_int_equal(uplink_values(scene.uplink, SECOND, values, NULL, 0, scene.now_ns), 0);
	values[1].known = true;
	assert_int_equal(uplink_values(scene.uplink, SECOND + 1, values, NULL, 0, scene.now_ns),
			 SECOND + 1);
	UNTIL(peer_has_ticked(SECOND + 1));
	assert_int_equal(scene.words, words + 3);
}

static void who_is_missing_is_told_when_that_changes_and_in_each_session(void **state)
{
	const struct source_value values[ASKS] = {{.known = true}, {.known = true}};
	const struct interval_lack lack = {.query = 1, .missing = "7 'db'"};
	unsigned int words;

	for (int session = 0; session < 2; session++) {
		peer_come_up(INTERVAL_STATIC, 0);
		uplink_values(scene.uplink, SECOND, values, &lack, 1, scene.now_ns);
		UNTIL(peer_has_ticked(SECOND));
		assert_int_equal(scene.heard[scene.words - 2].kind, INTERVAL_LACK);
		assert_int_equal(scene.heard[scene.words - 2].lack.query, 1);
		assert_int_equal(scene.heard[scene.words - 2].lack.tick, SECOND);
		assert_string_equal(scene.heard[scene.words - 2].lack.missing, "7 'db'");
		words = scene.words;
		uplink_values(scene.uplink, SECOND + 1, values, &lack, 1, scene.now_ns);
		UNTIL(peer_has_ticked(SECOND + 1));
		assert_int_equal(scene.words, words + 1);
		uplink_values(scene.uplink, SECOND + 2, values, NULL, 0, scene.now_ns);
		UNTIL(peer_has_ticked(SECOND + 2));
		assert_int_equal(scene.words, words + 3);
		assert_int_equal(scene.heard[words + 1].kind, INTERVAL_LACK);
		assert_string_equal(scene.heard[words + 1].lack.missing, "");
		/* What lacks at the end of a session is new in the next. */
		uplink_values(scene.uplink, SECOND + 3, values, &lack, 1, scene.now_ns);
		uplink_restart(scene.uplink, "a test", scene.now_ns);
		peer_hang_up();
	}
}

static void
since_when_values_are_counted_is_told_when_that_changes_and_in_each_session(void **state)
{
	struct source_value values[ASKS] = {{.known = true}, {.known = true}};

	for (int session = 0; session < 2; session++) {
		unsigned int words;

		values[1].since = SECOND - 14;
		peer_come_up(INTERVAL_STATIC, 7);
		uplink_values(scene.uplink, SECOND, values, NULL, 0, scene.now_ns);
		UNTIL(peer_has_ticked(SECOND + 7));
		words = scene.words;
		assert_int_equal(scene.heard[words - 2].kind, INTERVAL_SINCE);
		assert_int_equal(scene.heard[words - 2].since.query, 1);
		assert_int_equal(scene.heard[words - 2].since.tick, SECOND + 7);
		assert_int_equal(scene.heard[words - 2].since.since, SECOND - 14 + 7);
		uplink_values(scene.uplink, SECOND + 1, values, NULL, 0, scene.now_ns);
		UNTIL(peer_has_ticked(SECOND + 8));
		assert_int_equal(scene.words, words + 1);
		values[1].since = SECOND + 1; /* it has started again */
		uplink_values(scene.uplink, SECOND + 2, values, NULL, 0, scene.now_ns);
		UNTIL(peer_has_ticked(SECOND + 9));
		assert_int_equal(scene.words, words + 3);
		assert_int_equal(scene.heard[words + 1].kind, INTERVAL_SINCE);
		assert_int_equal(scene.heard[words + 1].since.since, SECOND + 8);
		uplink_restart(scene.uplink, "a test", scene.now_ns);
		peer_hang_up();
	}
}

static void it_says_goodbye_only_when_it_leaves(void **state)
{
	for (int leaves = 0; leaves < 2; leaves++) {
		peer_come_up(INTERVAL_STATIC, 0);
		uplink_free(scene.uplink, leaves);
		scene.uplink = NULL;
		for (int i = 0; i < PATIENCE && !scene.over; i++) {
			poll(&(struct pollfd){.fd = scene.fd, .events = POLLIN}, 1, 10);
			peer_turn_coordinator();
		}
		assert_true(scene.over);
		assert_int_equal(peer_last_heard()->kind == INTERVAL_GOODBYE, leaves);
		peer_hang_up();
		peer_make_uplink();
	}
}

static void its_status_counts_what_was_said_in_all_sessions(void **state)
{
	struct uplink_status status;

	uplink_status(scene.uplink, &status);
	assert_int_equal(status.phase, UPLINK_DOWN);
	assert_string_equal(status.address, "tcp://here");
	for (int session = 1; session <= 2; session++) {
		peer_come_up(INTERVAL_STATIC, 0);
		peer_tell(SECOND + 10 * session, session, 0);
		peer_tell(SECOND + 10 * session + 1, session, 1);
		UNTIL(peer_has_ticked(SECOND + 10 * session + 1));
		uplink_status(scene.uplink, &status);
		assert_int_equal(status.phase, UPLINK_UP);
		assert_int_equal(status.host, 5);
		assert_string_equal(status.name, "coord");
		assert_int_equal(status.method, INTERVAL_STATIC);
		assert_int_equal(status.sessions, session);
		assert_int_equal(status.ticks, 2 * session);
		assert_int_equal(status.updates, 3 * session);
		assert_int_equal(status.tick, SECOND + 10 * session + 1);
		assert_true(status.sent_bytes > 100 && status.read_bytes > 20);
		uplink_restart(scene.uplink, "a test", scene.now_ns);
		peer_hang_up();
	}
	uplink_status(scene.uplink, &status);
	assert_int_equal(status.phase, UPLINK_DOWN);
	assert_string_equal(status.why.text, "a test");
	assert_int_equal(status.ticks, 4);
}

static void another_configuration_is_told_from_the_same(void **state)
{
	char other[] = "tcp://there", path[] = "/ca";
	struct peer_options to = scene.config;

	assert_int_equal(uplink_compare(scene.uplink, &to, scene.ask, ASKS), UPLINK_SAME);
	assert_int_equal(uplink_compare(scene.uplink, &to, scene.ask, 1), UPLINK_CHANGED);
	to.ca = path;
	assert_int_equal(uplink_compare(scene.uplink, &to, scene.ask, ASKS), UPLINK_CHANGED);
	to.ca = NULL;
	scene.ask[1].window_ms = 5000;
	assert_int_equal(uplink_compare(scene.uplink, &to, scene.ask, ASKS), UPLINK_CHANGED);
	scene.ask[1].window_ms = 60000;
	assert_int_equal(uplink_compare(scene.uplink, &to, scene.ask, ASKS), UPLINK_SAME);
	to.host = 6;
	assert_int_equal(uplink_compare(scene.uplink, &to, scene.ask, ASKS), UPLINK_ELSEWHERE);
	to.host = 5;
	to.address.text = other;
	assert_int_equal(uplink_compare(scene.uplink, &to, scene.ask, ASKS), UPLINK_ELSEWHERE);
}

static void certificates_that_cannot_be_read_are_named(void **state)
{
	char path[] = "/nonexistent/ca.pem";
	struct why why = {};
	struct peer_options to = scene.config;

	assert_int_equal(uplink_check(&to, &why), 0);
	to.address.url.transport = URL_TLS;
	to.ca = to.cert = to.key = path;
	assert_true(uplink_check(&to, &why) < 0);
	assert_non_null(strstr(why.text, path));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_scene, peer_clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(it_says_hello_and_after_the_welcome_what_it_has),
		TEST(a_second_is_one_message_with_its_tick_last),
		TEST(a_grant_that_cannot_be_ends_the_session),
		TEST(what_is_no_ipfix_is_refused_by_that_name),
		TEST(what_is_not_known_keeps_the_second_back),
		TEST(who_is_missing_is_told_when_that_changes_and_in_each_session),
		TEST(since_when_values_are_counted_is_told_when_that_changes_and_in_each_session),
		TEST(it_says_goodbye_only_when_it_leaves),
		TEST(its_status_counts_what_was_said_in_all_sessions),
		TEST(another_configuration_is_told_from_the_same),
		TEST(certificates_that_cannot_be_read_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

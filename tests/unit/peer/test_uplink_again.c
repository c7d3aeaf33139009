// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When a session is over, and when the next one is made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "unit/peer/uplink_bed.h"

static void what_was_granted_is_kept_and_asked_for_in_the_next_session(void **state)
{
	unsigned int words;

	peer_come_up(INTERVAL_STATIC, 0);
	peer_tell(SECOND, 0, 0);
	peer_grant(1, 1, SECOND + 1, 2000);
	peer_grant(0, 2, SECOND + 2, 600);
	UNTIL(({
		struct uplink_status status;

		uplink_status(scene.uplink, &status);
		status.grants == 2;
	}));
	UNTIL(peer_has_ticked(SECOND));
	words = scene.words;
	peer_tell(SECOND + 1, 300, 1000);
	peer_tell(SECOND + 2, 300, -1000);
	UNTIL(peer_has_ticked(SECOND + 2));
	/* Only query 0 at SECOND + 1 was outside. */
	assert_int_equal(scene.words, words + 3);
	assert_int_equal(scene.heard[words].update.query, 0);
	assert_int_equal(scene.heard[words + 1].tick.serial, 1);
	assert_int_equal(scene.heard[words + 2].tick.serial, 2);
	peer_hang_up();
	UNTIL(!uplink_is_up(scene.uplink));
	peer_come_up(INTERVAL_STATIC, 0);
	assert_int_equal(scene.heard[1].ask.width, 600);
	assert_int_equal(scene.heard[2].ask.width, 2000);
}

static void a_lost_session_is_made_again_at_once_and_then_every_two_seconds(void **state)
{
	static const __u64 most_ms[] = {500, 1000, 2000, 2000, 2000, 2000};
	unsigned int lines;

	peer_come_up(INTERVAL_STATIC, 0);
	for (int i = 0; i < 4; i++)
		peer_tell(SECOND + i, 0, 0);
	lines = scene.lines;
	peer_stop_listening();
	peer_hang_up();
	UNTIL(peer_has_phase(UPLINK_DOWN));
	assert_int_equal(scene.lines, lines + 1);
	assert_non_null(strstr(scene.line, "lost: "));
	assert_int_equal(peer_wait_over(), 0);
	for (int i = 0; i < 6; i++) {
		__u64 waited_ms;

		peer_fail_once();
		waited_ms = peer_wait_over();
		assert_in_range(waited_ms, most_ms[i] * 3 / 4, most_ms[i]);
	}
	/* Refused connections are said once. */
	assert_int_equal(scene.lines, lines + 2);
	peer_listen_at(strtoul(scene.config.address.url.port, NULL, 10));
	peer_come_up(INTERVAL_STATIC, 0);
	assert_int_equal(scene.lines, lines + 3);
}

static void a_session_that_ends_as_soon_as_it_is_up_is_not_made_again_at_once(void **state)
{
	peer_come_up(INTERVAL_STATIC, 0);
	peer_hang_up();
	UNTIL(peer_has_phase(UPLINK_DOWN));
	assert_in_range(peer_wait_over(), 375, 500);
	peer_come_up(INTERVAL_STATIC, 0);
	peer_hang_up();
	UNTIL(peer_has_phase(UPLINK_DOWN));
	assert_in_range(peer_wait_over(), 750, 1000);
}

static void a_refusal_is_said_once_and_tried_again_ever_later(void **state)
{
	static const __u64 most_ms[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};

	for (int i = 0; i < 7; i++) {
		__u64 waited_ms;

		UNTIL(scene.fd >= 0 && scene.words == 1);
		peer_refuse("host 5 is here already, as 'web-4'");
		UNTIL(peer_has_phase(UPLINK_REFUSED) && uplink_fd(scene.uplink) < 0);
		waited_ms = peer_wait_over();
		assert_in_range(waited_ms, most_ms[i] * 3 / 4, most_ms[i]);
		peer_hang_up();
	}
	assert_int_equal(scene.lines, 1);
	assert_string_equal(scene.line,
			    "coordinator tcp://here: refused: host 5 is here already, as "
			    "'web-4'; trying again");
	UNTIL(scene.fd >= 0 && scene.words == 1);
	peer_refuse("full");
	UNTIL(scene.lines == 2);
	assert_non_null(strstr(scene.line, "refused: full"));
}

static unsigned int refused(struct uplink_status *status)
{
	uplink_status(scene.uplink, status);
	return status->refused_count;
}

static void a_query_that_is_refused_is_said_with_both_wordings_once(void **state)
{
	static const struct {
		const char *measure;
		__u32 window_ms;
		const char *match, *says;
	} cases[] = {
		{"packets", 60000, "in and tcp",
		 "'Q1' matches \"in and tcp\" at the coordinator, \"in and port 80\" here"},
		{"bytes", 60000, "in and port 80",
		 "'Q1' measures bytes at the coordinator, packets here"},
		{"packets", 10500, "in and port 80",
		 "'Q1' has a window of 10.5 s at the coordinator, of 60 s here"},
		{"", 0, "", "no query is named 'Q1' at the coordinator"},
		{"packets", 60000, "in and port 80", "'Q1' is refused by the coordinator"},
	};
	struct uplink_status status;
	char line[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int session = 0; session < 2; session++) {
			unsigned int lines;

			peer_come_up(INTERVAL_STATIC, 0);
			assert_int_equal(refused(&status), 0);
			lines = scene.lines;
			peer_refuse_query(0, cases[i].measure, cases[i].window_ms, cases[i].match);
			UNTIL(refused(&status) == 1);
			assert_string_equal(status.refused[0].query, "Q1");
			assert_string_equal(status.refused[0].why, cases[i].says);
			snprintf(line, sizeof(line), "coordinator tcp://here: query refused: %s",
				 cases[i].says);
			assert_int_equal(scene.lines, lines + !session);
			if (!session)
				assert_string_equal(scene.line, line);
			/* The other one goes on. */
			assert_true(uplink_is_up(scene.uplink));
			peer_tell(SECOND + 10 * i + session, 0, 0);
			UNTIL(peer_has_ticked(SECOND + 10 * i + session));
			peer_hang_up();
			UNTIL(!uplink_is_up(scene.uplink));
			scene.now_ns += 3 * SEC;
		}
	}
}

static void a_refusal_of_what_was_not_asked_ends_the_session(void **state)
{
	static const __u32 queries[] = {ASKS, 63, 64, ~0u, 0 /* twice */};

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		peer_come_up(INTERVAL_STATIC, 0);
		if (!queries[i])
			peer_refuse_query(0, "", 0, "");
		peer_refuse_query(queries[i], "", 0, "");
		UNTIL(peer_has_phase(UPLINK_REFUSED));
		assert_non_null(strstr(scene.line, "which was not asked"));
		peer_hang_up();
		scene.now_ns += 60 * SEC;
	}
}

static void who_does_not_answer_is_given_up(void **state)
{
	UNTIL(scene.fd >= 0 && scene.words == 1);
	scene.now_ns += 2499 * SEC / 1000;
	peer_turn();
	assert_int_equal(scene.lines, 0);
	scene.now_ns += SEC / 1000;
	UNTIL(scene.lines == 1);
	assert_string_equal(scene.line, "coordinator tcp://here: no answer; trying again");
	/* The time that it took is part of the wait. */
	assert_int_equal(peer_wait_over(), 0);
	UNTIL(scene.over || scene.words == 1);
}

static void a_tick_that_does_not_come_after_the_last_ends_the_session(void **state)
{
	peer_come_up(INTERVAL_STATIC, 0);
	peer_tell(SECOND, 0, 0);
	assert_int_equal(peer_tell(SECOND, 0, 0), 0);
	assert_false(uplink_is_up(scene.uplink));
	assert_non_null(strstr(scene.line, "the clock went back"));
	assert_int_equal(peer_wait_over(), 0);
	peer_come_up(INTERVAL_STATIC, 0);
	assert_int_equal(peer_tell(SECOND - 100, 0, 0), SECOND - 100);
}

struct by_itself {
	struct loop *loop;
	struct loop_timer timer;
	bool welcomed;
	int turns;
};

static void turn_coordinator(void *context, __u64 now_ns)
{
	struct by_itself *b = context;

	peer_turn_coordinator();
	if (!b->welcomed && scene.words == 1) {
		b->welcomed = true;
		peer_welcome(INTERVAL_STATIC, 0);
	}
	if (uplink_is_up(scene.uplink) && scene.words == 1 + ASKS)
		loop_stop(b->loop, 0);
	if (++b->turns == PATIENCE)
		loop_stop(b->loop, -ETIMEDOUT);
	loop_timer(b->loop, &b->timer, now_ns + SEC / 100);
}

/* The first attempt finds nobody, so that it takes a timer, too. */
static void in_a_loop_it_takes_its_turns_by_itself(void **state)
{
	struct by_itself b = {.loop = loop_new()};

	b.timer = (struct loop_timer){.turn = turn_coordinator, .context = &b};
	peer_stop_listening();
	uplink_join(scene.uplink, b.loop);
	scene.now_ns = clock_monotonic_ns();
	peer_fail_once();
	peer_listen_at(strtoul(scene.config.address.url.port, NULL, 10));
	loop_timer(b.loop, &b.timer, 0);
	assert_int_equal(loop_run(b.loop), 0);
	uplink_free(scene.uplink, false);
	peer_make_uplink();
	loop_free(b.loop);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_scene, peer_clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(what_was_granted_is_kept_and_asked_for_in_the_next_session),
		TEST(a_lost_session_is_made_again_at_once_and_then_every_two_seconds),
		TEST(a_session_that_ends_as_soon_as_it_is_up_is_not_made_again_at_once),
		TEST(a_refusal_is_said_once_and_tried_again_ever_later),
		TEST(a_query_that_is_refused_is_said_with_both_wordings_once),
		TEST(a_refusal_of_what_was_not_asked_ends_the_session),
		TEST(who_does_not_answer_is_given_up),
		TEST(a_tick_that_does_not_come_after_the_last_ends_the_session),
		TEST(in_a_loop_it_takes_its_turns_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

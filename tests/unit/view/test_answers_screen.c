// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a coordinator serves: the keys of each line, which are a promise, and their types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/answers.h"
#include "view/answers_screen.h"
#include "weir/base.h"

#define NOW_S 1795312709ull /* 2026-11-22T01:58:29Z, by date(1) */

static struct coordinator_host hosts[] = {
	{.host = 3, .name = "web", .here = true, .since = NOW_S - 60},
	{.host = 7},
};
static const struct coordinate_count counts[] = {{"updates", "updates taken", 12}};
static const struct coordinate_count refusals[] = {{"refused_full", "too many", 1}};
static const struct uplink_status parent = {.phase = UPLINK_UP, .host = 9};

static struct coordinate_snapshot snapshot_of(json_t **answer)
{
	return (struct coordinate_snapshot){
		.now_ns = NOW_S * WEIR_NS_PER_SEC + 125000000,
		.start_ns = (NOW_S - 90) * WEIR_NS_PER_SEC,
		.hosts_here = 1,
		.hosts_missing = 1,
		.hosts = hosts,
		.messages_in = 10,
		.bytes_in = 1000,
		.messages_out = 20,
		.bytes_out = 3000,
		.answers = answer,
		.answer_count = 1,
		.counts = counts,
		.count_count = 1,
		.refusals = refusals,
		.refusal_count = 1,
	};
}

static json_t *new_answer(void)
{
	static const struct coordinator_query query = {
		.name = "Q2", .measure = "packets", .window_s = 60};
	static const struct coordinator_ask ask = {.name = "in-all"};
	static const struct coordinator_part part = {.host = 7, .missing = true};
	const struct coordinator_answer answer = {
		.ask = &ask,
		.query = &query,
		.tick = NOW_S,
		.present = 1,
		.missing = 1,
		.parts = &part,
		.part_count = 1,
	};

	return answers_json(&answer);
}

/* "a b c", in the order in which they are printed. */
static const char *keys_of(json_t *object)
{
	static char text[512];
	const char *key;
	json_t *value;

	text[0] = 0;
	json_object_foreach(object, key, value) {
		strcat(text, *text ? " " : "");
		strcat(text, key);
	}
	return text;
}

static FILE *serve(struct coordinate_snapshot *s, char text[8192])
{
	FILE *out = fmemopen(text, 8192, "w");

	assert_int_equal(answers_screen_serve(s, out), 0);
	fclose(out);
	return fmemopen(text, strlen(text), "r");
}

static void the_keys_that_are_served_are_these(void **state)
{
	json_t *answer = new_answer(), *line;
	struct coordinate_snapshot s = snapshot_of(&answer);
	char text[8192] = "";
	FILE *in = serve(&s, text);

	line = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
	assert_string_equal(keys_of(line),
			    "weir time time_ns uptime_s hosts_here hosts_missing received sent "
			    "memory_bytes parent counters hosts");
	assert_string_equal(keys_of(json_object_get(line, "received")), "messages bytes");
	assert_string_equal(keys_of(json_object_get(line, "counters")), "updates refused_full");
	assert_string_equal(keys_of(json_array_get(json_object_get(line, "hosts"), 1)),
			    "host name here skew_ms updates grants since since_ns");
	json_decref(line);
	line = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
	assert_string_equal(keys_of(line),
			    "weir answer query aggregate unit window_s covered_s as_of "
			    "as_of_ns low high width precision present missing "
			    "missing_count complete precise");
	assert_string_equal(keys_of(json_array_get(json_object_get(line, "missing"), 0)),
			    "host name why since since_ns");
	json_decref(line);
	fclose(in);
	json_decref(answer);
}

static void times_traffic_and_what_is_not_there(void **state)
{
	json_t *answer = new_answer(), *line, *never;
	struct coordinate_snapshot s = snapshot_of(&answer);
	char text[8192] = "";
	FILE *in = serve(&s, text);

	line = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
	assert_int_equal(json_integer_value(json_object_get(line, "weir")), 1);
	assert_string_equal(json_string_value(json_object_get(line, "time")),
			    "2026-11-22T01:58:29.125000Z");
	assert_int_equal(json_integer_value(json_object_get(line, "uptime_s")), 90);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(line, "sent"), "bytes")), 3000);
	assert_true(json_is_null(json_object_get(line, "parent")));
	never = json_array_get(json_object_get(line, "hosts"), 1);
	assert_true(json_is_null(json_object_get(never, "name")));
	assert_true(json_is_null(json_object_get(never, "since")));
	assert_true(json_is_null(json_object_get(never, "since_ns")));
	json_decref(line);
	fclose(in);

	s.parent = &parent;
	in = serve(&s, text);
	line = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
	assert_string_equal(
		keys_of(json_object_get(line, "parent")),
		"to host state since since_ns coordinator method why refused_queries sessions updates "
		"ticks grants received sent as_of as_of_ns");
	json_decref(line);
	fclose(in);
	json_decref(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_that_are_served_are_these),
		cmocka_unit_test(times_traffic_and_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The session with the coordinator, as a line and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/reporting.h"
#include "weir/base.h"

static struct uplink_status status_of(enum uplink_phase phase)
{
	struct uplink_status status = {
		.phase = phase,
		.since_ns = 1763769600ull * WEIR_NS_PER_SEC,
		.method = INTERVAL_ADAPTIVE,
		.host = 5,
		.sessions = 2,
		.updates = 30,
		.ticks = 400,
		.grants = 7,
		.sent_messages = 99,
		.sent_bytes = 12345,
		.read_messages = 8,
		.read_bytes = 678,
		.tick = 1763769999,
	};

	snprintf(status.address, sizeof(status.address), "tls://coord:4740");
	snprintf(status.name, sizeof(status.name), "coord");
	snprintf(status.why.text, sizeof(status.why.text), "%s",
		 phase == UPLINK_UP ? "" : "Connection refused");
	return status;
}

static void it_reads_as_a_line(void **state)
{
	struct uplink_status status = status_of(UPLINK_UP);
	char *text = NULL;
	size_t size;
	FILE *out;

	setenv("TZ", "UTC", 1);
	out = open_memstream(&text, &size);
	reporting_text(&status, out, "\n");
	status = status_of(UPLINK_DOWN);
	reporting_text(&status, out, "\n");
	fclose(out);
	assert_string_equal(text,
			    "tls://coord:4740: up since 2025-11-22 00:00:00, host 5 of 'coord' "
			    "(adaptive); 30 updates in 400 ticks, 7 grants, 12345 bytes sent, 678 "
			    "received\n"
			    "tls://coord:4740: down since 2025-11-22 00:00:00: Connection refused; "
			    "30 updates in 400 ticks, 7 grants, 12345 bytes sent, 678 received\n");
	free(text);
}

static void it_reads_as_json(void **state)
{
	struct uplink_status status = status_of(UPLINK_REFUSED);
	json_t *json = reporting_json(&status), *traffic;

	assert_string_equal(json_string_value(json_object_get(json, "state")), "refused");
	assert_string_equal(json_string_value(json_object_get(json, "why")), "Connection refused");
	assert_true(json_is_null(json_object_get(json, "method")));
	assert_int_equal(json_integer_value(json_object_get(json, "updates")), 30);
	assert_string_equal(json_string_value(json_object_get(json, "since")),
			    "2025-11-22T00:00:00.000Z");
	assert_string_equal(json_string_value(json_object_get(json, "as_of")),
			    "2025-11-22T00:06:39Z");
	assert_int_equal(json_integer_value(json_object_get(json, "as_of_ns")),
			 1763769999 * WEIR_NS_PER_SEC);
	traffic = json_object_get(json, "sent");
	assert_int_equal(json_integer_value(json_object_get(traffic, "messages")), 99);
	assert_int_equal(json_integer_value(json_object_get(traffic, "bytes")), 12345);
	traffic = json_object_get(json, "received");
	assert_int_equal(json_integer_value(json_object_get(traffic, "messages")), 8);
	assert_int_equal(json_integer_value(json_object_get(traffic, "bytes")), 678);
	json_decref(json);
	status = status_of(UPLINK_UP);
	json = reporting_json(&status);
	assert_string_equal(json_string_value(json_object_get(json, "method")), "adaptive");
	assert_true(json_is_null(json_object_get(json, "why")));
	json_decref(json);
}

static void what_one_process_writes_another_reads(void **state)
{
	for (enum uplink_phase phase = 0; phase < UPLINK_PHASES; phase++) {
		struct uplink_status status = status_of(phase), read;
		json_t *json = reporting_json(&status);

		/* Of a session that is not up, who and how are not said. */
		if (phase != UPLINK_UP) {
			memset(status.name, 0, sizeof(status.name));
			status.method = 0;
		}
		assert_true(reporting_read(json, &read));
		assert_memory_equal(&read, &status, sizeof(read));
		json_decref(json);
	}
}

static void what_is_no_session_is_not_read(void **state)
{
	json_t *json = json_pack("{s:s}", "state", "up");
	struct uplink_status read;

	assert_false(reporting_read(json, &read));
	assert_false(reporting_read(NULL, &read));
	json_decref(json);
}

static void queries_that_are_refused_come_back_as_they_were(void **state)
{
	struct uplink_status status = status_of(UPLINK_UP), back;
	char *text = NULL;
	json_t *json;
	size_t size;
	FILE *out;

	status.refused_count = SOURCE_QUERIES;
	for (int i = 0; i < SOURCE_QUERIES; i++) {
		snprintf(status.refused[i].query, sizeof(status.refused[i].query), "q%d", i);
		snprintf(status.refused[i].why, sizeof(status.refused[i].why), "w%d", i);
	}
	json = reporting_json(&status);
	json_array_append_new(json_object_get(json, "refused_queries"),
			      json_object()); /* one too many */
	assert_true(reporting_read(json, &back));
	json_decref(json);
	assert_int_equal(back.refused_count, SOURCE_QUERIES);
	assert_memory_equal(back.refused, status.refused, sizeof(back.refused));
	out = open_memstream(&text, &size);
	back.refused_count = 2;
	reporting_refused(&back, "  ", out);
	reporting_text(&back, out, "");
	fclose(out);
	assert_memory_equal(text, "  w0\n  w1\n", 10);
	assert_non_null(strstr(text, "(adaptive); 2 queries refused; 30 updates"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_as_a_line),
		cmocka_unit_test(it_reads_as_json),
		cmocka_unit_test(what_one_process_writes_another_reads),
		cmocka_unit_test(what_is_no_session_is_not_read),
		cmocka_unit_test(queries_that_are_refused_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

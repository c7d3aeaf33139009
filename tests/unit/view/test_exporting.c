/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An exporter as a line, as JSON, and from JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/exporting.h"

static struct snapshot_exporter exporter_of(enum queue_phase phase)
{
	struct snapshot_exporter e = {
		.state =
			{
				.phase = phase,
				.since_ns = 1763769600125000000ull,
				.messages = 7,
				.wire_bytes = 8000,
				.sent = {.records = 1, .packets = 2, .bytes = 3},
				.queued = {.records = 4, .packets = 5, .bytes = 6},
				.dropped = {.records = 7, .packets = 8, .bytes = 9},
				.unencodable = {.records = 10, .packets = 11, .bytes = 12},
				.resent = 13,
				.errors = 14,
				.error_ns = 1763769601000000000ull,
			},
	};

	snprintf(e.state.to, sizeof(e.state.to), "ipfix+udp://c:4739");
	snprintf(e.state.error, sizeof(e.state.error), "Connection refused");
	return e;
}

static struct snapshot_exporter unreadable(void)
{
	struct snapshot_exporter e = {};

	why_set(&e.unreadable, 0, "/run/weir/export/1.queue: Permission denied");
	return e;
}

static char *line_of(const struct snapshot_exporter *e)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	exporting_text(e, out, "\n");
	fclose(out);
	return text;
}

static void it_reads_as_a_line(void **state)
{
	struct snapshot_exporter e = exporter_of(QUEUE_UP), bad = unreadable();
	char *text, *why;

	setenv("TZ", "UTC", 1);
	text = line_of(&e);
	why = line_of(&bad);
	assert_string_equal(text, "ipfix+udp://c:4739: up, sent 1 flows in 7 messages, queued 4, "
				  "dropped 7, not exportable 10; last error, 2025-11-22 00:00:01: "
				  "Connection refused\n");
	assert_string_equal(why, "/run/weir/export/1.queue: Permission denied\n");
	free(text);
	free(why);
}

static void it_reads_as_json(void **state)
{
	struct snapshot_exporter e = exporter_of(QUEUE_REFUSED);
	json_t *json = exporting_json(&e);
	json_t *wanted = json_pack(
		"{s:s, s:s, s:s, s:I, s:{s:i, s:i}, s:{s:i, s:i, s:i}, s:{s:i, s:i, s:i}, s:{s:i, "
		"s:i, s:i}, s:{s:i, s:i, s:i}, s:i, s:i, s:s, s:s, s:I}",
		"to", "ipfix+udp://c:4739", "state", "refused", "since", "2025-11-22T00:00:00.125Z",
		"since_ns", (json_int_t)1763769600125000000ll, "sent", "messages", 7, "bytes", 8000,
		"exported", "flow_count", 1, "packets", 2, "bytes", 3, "queued", "flow_count", 4,
		"packets", 5, "bytes", 6, "dropped", "flow_count", 7, "packets", 8, "bytes", 9,
		"not_exportable", "flow_count", 10, "packets", 11, "bytes", 12, "resent", 13,
		"errors", 14, "last_error", "Connection refused", "last_error_time",
		"2025-11-22T00:00:01.000Z", "last_error_time_ns",
		(json_int_t)1763769601000000000ll);

	assert_true(json_equal(json, wanted));
	json_decref(json);
	json_decref(wanted);
}

/* Keys are the same, so that a table of them has the same columns. */
static void one_that_is_unreadable_has_the_same_keys(void **state)
{
	struct snapshot_exporter e = exporter_of(QUEUE_UP), bad = unreadable();
	json_t *json = exporting_json(&e), *other = exporting_json(&bad), *value;
	const char *key;

	assert_int_equal(json_object_size(json), json_object_size(other));
	json_object_foreach(json, key, value)
		assert_non_null(json_object_get(other, key));
	json_decref(json);
	json_decref(other);
}

static void what_one_process_writes_another_reads(void **state)
{
	struct snapshot_exporter bad = unreadable(), read;
	json_t *json = exporting_json(&bad);

	assert_true(exporting_read(json, &read));
	assert_string_equal(read.unreadable.text, bad.unreadable.text);
	json_decref(json);
	for (enum queue_phase phase = 0; phase <= QUEUE_CLOSED; phase++) {
		struct snapshot_exporter e = exporter_of(phase);

		json = exporting_json(&e);
		assert_true(exporting_read(json, &read));
		assert_memory_equal(&read, &e, sizeof(e));
		json_decref(json);
	}
	assert_false(exporting_read(NULL, &read));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_as_a_line),
		cmocka_unit_test(it_reads_as_json),
		cmocka_unit_test(one_that_is_unreadable_has_the_same_keys),
		cmocka_unit_test(what_one_process_writes_another_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is printed each second when the meter, made up here, cannot be read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/agent_internal.h"
#include "view/kernel.h"

#define WINDOW_OF_B 9 /* of a 0 */
#define REPORTED                                                                                   \
	" report tls://c: down since 1970-01-01 00:00:00: Connection refused; 4321 updates in"

static struct weir_control control;
static struct weir_tables tables[2];
static struct agent agent;
static int distinct_code;  /* of query b */
static __u32 covered_s;    /* of the windows */
static unsigned int walks; /* through the cache, for the census alone */
static FILE *terminal;     /* what was stdout */

void meter_series_rates(const struct meter_series *series, const struct meter_span *spans,
			struct meter_rate *rates)
{
	memset(rates, 0, WEIR_QUERIES * sizeof(*rates));
	for (int q = 0; q < WEIR_QUERIES; q++) {
		rates[q].last = (struct weir_count){18, 1800};
		rates[q].window = (struct weir_count){18 * covered_s, 1800 * covered_s};
		rates[q].covered_ns = covered_s * WEIR_NS_PER_SEC;
		rates[q].whole = covered_s;
	}
}

bool report_told(const struct report *r, unsigned int query, __s64 *tick, __u64 *counts)
{
	*tick = r->tick;
	*counts = 500 + query;
	return r->tick && query == 1;
}

void uplink_status(const struct uplink *u, struct uplink_status *out)
{
	*out = (struct uplink_status){.phase = UPLINK_DOWN, .updates = 4321, .address = "tls://c"};
	snprintf(out->why.text, sizeof(out->why.text), "Connection refused");
}

int meter_rates(const struct meter *m, __u64 now_ns, const struct meter_span *spans,
		struct meter_rate *rates)
{
	return -ENOTSUP;
}

int meter_books(const struct meter *m, __u32 account, struct weir_books *out)
{
	return 0;
}

int meter_balance(const struct meter *m, struct meter_balance *out)
{
	return -ENOTSUP;
}

int meter_interface(const struct meter *m, __u32 account, struct weir_interface *out)
{
	return -ENOTSUP;
}

int meter_label(const struct meter *m, __u32 query, struct weir_label *out)
{
	return -ENOTSUP;
}

void meter_probe(const struct meter *m, struct meter_kernel *out)
{
}

json_t *kernel_json(const struct meter_kernel *k)
{
	return json_null();
}

void kernel_text(const struct meter_kernel *k, FILE *out)
{
}

__u64 meter_vector_bytes(const struct meter *m, __u32 slabs)
{
	return 0;
}

struct meter_census meter_census(const struct meter *m, const struct weir_timeouts *timeouts)
{
	walks++;
	return (struct meter_census){};
}

int meter_distinct(const struct meter *m, __u32 query, enum weir_distinct distinct, __u64 now_ns,
		   __u64 since_ns, __u64 window_ns, struct meter_distinct *out)
{
	if (distinct != WEIR_DISTINCT_SRC)
		return -ENOENT;
	*out = (struct meter_distinct){
		.keys = {.count = 1000 + query, .error = 25}, .covered_ns = window_ns, .slabs = 1};
	return query == WINDOW_OF_B ? distinct_code : 0;
}

__u64 meter_now(void)
{
	return 1000 * WEIR_NS_PER_SEC;
}

void turns_each_exporter(const struct turns *t, turns_exporter_fn *fn, void *context)
{
}

const struct meter_census *turns_census(const struct turns *t)
{
	return t->counted ? &t->census : NULL;
}

static int set_scene(void **state)
{
	const unsigned int windows[] = {0, WINDOW_OF_B};

	distinct_code = 0;
	covered_s = 60;
	memset(&agent, 0, sizeof(agent));
	agent.notes.screen = agent.notes.drawn = true;
	setenv("TZ", "UTC", 1);
	agent.second.snapshot = snapshot_new();
	agent.meter.control = &control;
	agent.meter.tables = tables;
	agent.config.query_count = 2;
	for (int q = 0; q < 2; q++) {
		struct weir_label *label = &agent.queries.label[windows[q]];

		agent.queries.window[q] = windows[q];
		tables[0].vector[windows[q]][WEIR_DISTINCT_SRC].slabs = 1;
		label->window_s = 60;
		snprintf(label->name, sizeof(label->name), "%s", q ? "b" : "a");
		snprintf(label->match, sizeof(label->match), "in");
	}
	terminal = stdout;
	return 0;
}

static int clear_scene(void **state)
{
	second_free(&agent.second);
	return 0;
}

/* What one turn prints, for free(); *code: what it returned. */
static char *tick(enum output output, int *code)
{
	char *text = NULL;
	size_t size;

	agent.options.output = output;
	stdout = open_memstream(&text, &size);
	*code = second_print(&agent);
	fclose(stdout);
	stdout = terminal;
	return text;
}

/* Whether both parts stand in what a turn prints. */
static void must_print(enum output output, const char *of_a, const char *of_b, bool b)
{
	int code;
	char *text = tick(output, &code);

	assert_int_equal(code, 0);
	assert_non_null(strstr(text, of_a));
	assert_true(!strstr(text, of_b) == !b);
	free(text);
}

static void distinct_counts_that_cannot_be_read_are_left_out_and_said_once(void **state)
{
	static const struct {
		enum output output;
		const char *a, *b;
	} cases[] = {
		{OUTPUT_SCREEN, "1000 ± 25", "1009 ± 25"},
		{OUTPUT_LINES, "; 1000 src ± 25", "; 1009 src ± 25"},
		{OUTPUT_JSON, "\"count\":1000,", "\"count\":1009,"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		agent.notes.count = 0;
		for (unsigned int times = 0; times < 3; times++) {
			distinct_code = 0;
			must_print(cases[i].output, cases[i].a, cases[i].b, true);
			assert_int_equal(agent.notes.count, times);
			distinct_code = -EIO;
			for (int n = 0; n < 4; n++)
				must_print(cases[i].output, cases[i].a, cases[i].b, false);
			assert_int_equal(agent.notes.count, times + 1);
		}
		assert_string_equal(agent.notes.note[agent.notes.count - 1].text,
				    "distinct counts of query 'b' are left out: "
				    "Input/output error");
	}
}

static void a_reading_that_fails_is_said_once_and_ends_nothing(void **state)
{
	for (enum output output = OUTPUT_SCREEN; output <= OUTPUT_JSON; output++) {
		agent.notes.count = 0;
		agent.series_code = -EAGAIN;
		for (int n = 0; n < 3; n++) {
			int code;
			char *text = tick(output, &code);

			assert_int_equal(code, 0);
			assert_int_equal(strlen(text) > 0, output == OUTPUT_SCREEN);
			assert_null(strstr(text, "seen"));
			free(text);
		}
		assert_int_equal(agent.notes.count, 1);
		agent.series_code = 0;
		must_print(output, "1000", "1009", true);
		assert_int_equal(agent.notes.count, 1);
	}
}

static void rates_say_over_how_many_seconds_they_are(void **state)
{
	static const struct {
		__u32 covered_s;
		const char *screen, *line, *json;
	} cases[] = {
		{60, "18    14.4k        18    14.4k 60 s  in",
		 " a: 18 packets/s, 14400 bits/s; over 60 s: 18.00 packets/s, 14400.0 bits/s;",
		 "\"window_s\":60,\"covered_s\":60.0,\"last\":{\"packets_per_second\":18.0,"
		 "\"bits_per_second\":14400.0},\"average\":{\"packets_per_second\":18.0,"},
		{14, "18    14.4k        18    14.4k 14 of 60 s  in",
		 "; over 14 of 60 s: 18.00 packets/s, 14400.0 bits/s;",
		 "\"window_s\":60,\"covered_s\":14.0,"},
		{0, "-        -         -        - 0 of 60 s  in", " a: -; over 0 of 60 s: -;",
		 "\"covered_s\":0.0,\"last\":{\"packets_per_second\":null,\"bits_per_second\":null},"
		 "\"average\":{\"packets_per_second\":null,\"bits_per_second\":null},"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		covered_s = cases[i].covered_s;
		must_print(OUTPUT_SCREEN, cases[i].screen, " win ", false);
		must_print(OUTPUT_LINES, cases[i].line, "; 60 s", false);
		must_print(OUTPUT_JSON, cases[i].json, "\"query\":\"b\"", true);
	}
}

static void what_the_coordinator_was_told_stands_with_its_query(void **state)
{
	json_t *line, *queries, *reported;
	int code;
	char *text;

	for (int told = 0; told < 2; told++) {
		agent.report.tick = told ? 1763769600 : 0;
		text = tick(OUTPUT_JSON, &code);
		line = json_loads(text, 0, NULL);
		queries = json_object_get(line, "queries");
		assert_int_equal(json_array_size(queries), 2);
		assert_true(json_is_null(json_object_get(json_array_get(queries, 0), "reported")));
		reported = json_object_get(json_array_get(queries, 1), "reported");
		assert_int_equal(json_is_null(reported), !told);
		assert_int_equal(json_integer_value(json_object_get(reported, "as_of_ns")),
				 told ? 1763769600 * WEIR_NS_PER_SEC : 0);
		assert_int_equal(json_integer_value(json_object_get(reported, "value")),
				 told ? 501 : 0);
		json_decref(line);
		free(text);
	}
}

static void who_is_reported_to_is_on_the_screen_and_in_the_lines(void **state)
{
	static char uplink; /* never looked into */
	int code;
	char *text;

	for (int reports = 0; reports < 2; reports++) {
		agent.report.uplink = reports ? (struct uplink *)&uplink : NULL;
		must_print(OUTPUT_SCREEN, "seen", "reports to", reports);
		must_print(OUTPUT_SCREEN, "seen", "tls://c", reports);
		must_print(OUTPUT_SCREEN, "seen", "Connection refused", reports);
		text = tick(OUTPUT_LINES, &code);
		assert_int_equal(!!strstr(text, REPORTED), reports);
		free(text);
	}
}

/* The turns of exporters walk through it each second in any case. */
static void the_cache_is_walked_once(void **state)
{
	for (int exports = 0; exports < 2; exports++) {
		int code;
		char *text;

		walks = 0;
		agent.turns.counted = exports;
		agent.turns.census = (struct meter_census){.resident = 77, .live = 66};
		text = tick(OUTPUT_LINES, &code);
		assert_int_equal(walks, !exports);
		assert_int_equal(!!strstr(text, "flows 66 live, 77 resident"), exports);
		free(text);
	}
}

static void an_output_that_takes_nothing_is_the_end(void **state)
{
	for (enum output output = OUTPUT_SCREEN; output <= OUTPUT_JSON; output++) {
		int code;

		agent.options.output = output;
		stdout = fopen("/dev/full", "w");
		code = second_print(&agent);
		fclose(stdout);
		stdout = terminal;
		assert_true(code < 0);
		assert_int_equal(agent.notes.count, 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(distinct_counts_that_cannot_be_read_are_left_out_and_said_once),
		TEST(a_reading_that_fails_is_said_once_and_ends_nothing),
		TEST(rates_say_over_how_many_seconds_they_are),
		TEST(what_the_coordinator_was_told_stands_with_its_query),
		TEST(who_is_reported_to_is_on_the_screen_and_in_the_lines),
		TEST(the_cache_is_walked_once),
		TEST(an_output_that_takes_nothing_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What exporters are told of distinct counts, from a meter that is made up here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/turns.h"

#define SEC WEIR_NS_PER_SEC

static struct weir_label labels[WEIR_QUERIES];
static __u32 vector[WEIR_QUERIES][WEIR_DISTINCT_MAX];
static __u64 since_ns[WEIR_QUERIES];
static unsigned int asked; /* estimates */
static unsigned int asked_labels;
static __u64 asked_window_ns, asked_again_ns;

int meter_label(const struct meter *m, __u32 query, struct weir_label *out)
{
	asked_labels++;
	*out = labels[query];
	return 0;
}

/* Vector n has n + 1000 keys and some; 5 is saturated, 6 cannot be told, 0 is none. */
int meter_distinct(const struct meter *m, __u32 query, enum weir_distinct distinct, __u64 now_ns,
		   __u64 again_ns, __u64 window_ns, struct meter_distinct *out)
{
	__u32 n = vector[query][distinct];
	__u64 lived_ns = now_ns > since_ns[query] ? now_ns - since_ns[query] : 0;

	if (!n || n == 6)
		return n ? -5 : -ENOENT;
	asked++;
	asked_window_ns = window_ns;
	asked_again_ns = again_ns;
	*out = (struct meter_distinct){
		.keys = {n + 999.5, 2.5, false},
		.covered_ns = lived_ns < window_ns ? lived_ns : window_ns,
	};
	if (n == 5)
		out->keys = (struct countdown_estimate){500000, 0, true};
	return 0;
}

__u64 meter_now(void)
{
	return 1000 * SEC;
}

static void set_label(unsigned int query, const char *name, __u32 window_s, __u64 since)
{
	labels[query] = (struct weir_label){.window_s = window_s};
	since_ns[query] = since;
	snprintf(labels[query].name, sizeof(labels[query].name), "%s", name);
}

/* Generation 3 runs. */
static struct weir_control control = {.generation = 3};
static struct weir_tables tables[2];
static struct meter meter = {.tables = tables, .control = &control};

static void set_vector(unsigned int query, enum weir_distinct key, __u32 n)
{
	vector[query][key] = n;
	tables[1].vector[query][key].slabs = n;
}

static int set_scene(void **state)
{
	struct turns *t = calloc(1, sizeof(*t));

	memset(labels, 0, sizeof(labels));
	memset(vector, 0, sizeof(vector));
	memset(tables, 0, sizeof(tables));
	asked = asked_labels = 0;
	if (!t)
		return -1;
	t->meter = &meter;
	t->tells_distinct = true;
	*state = t;
	return 0;
}

static int clear_scene(void **state)
{
	free(*state);
	return 0;
}

static void each_query_tells_each_key_that_it_counts(void **state)
{
	struct turns *t = *state;
	struct wire_distinct d;

	set_label(3, "web", 60, 10 * SEC);
	set_vector(3, WEIR_DISTINCT_SRC, 1);
	set_vector(3, WEIR_DISTINCT_DPORT, 5);
	set_label(9, "none", 60, 0);
	set_label(63, "dns", 5, 0);
	labels[63].since_ns = 150 * SEC; /* it has started again */
	set_vector(63, WEIR_DISTINCT_FLOW, 64);
	set_vector(63, WEIR_DISTINCT_DST, 6); /* cannot be told */
	turns_read_distinct(t, 200 * SEC);
	assert_int_equal(asked_window_ns, 5 * SEC);
	assert_int_equal(asked_again_ns, 150 * SEC);

	assert_true(turns_export_distinct(t, 0, &d));
	assert_string_equal(d.query, "web");
	assert_string_equal(d.key, "src");
	assert_int_equal(d.window_ms, 60000);
	assert_int_equal(d.covered_ms, 60000);
	assert_int_equal(d.count, 1001); /* of 1000.5 */
	assert_true(d.error == 2.5);
	assert_false(d.saturated);
	assert_true(turns_export_distinct(t, 1, &d));
	assert_string_equal(d.key, "dport");
	assert_true(d.saturated);
	assert_int_equal(d.count, 500000);
	assert_true(turns_export_distinct(t, 2, &d));
	assert_string_equal(d.query, "dns");
	assert_string_equal(d.key, "flow");
	assert_int_equal(d.count, 1064);
	assert_false(turns_export_distinct(t, 3, &d));
}

static void a_new_query_says_how_much_of_its_window_was_counted(void **state)
{
	static const struct {
		__u64 since_ns, now_ns;
		unsigned int shall_ms;
	} cases[] = {
		{100 * SEC, 100 * SEC, 0},     {100 * SEC, 101 * SEC + SEC / 2, 1500},
		{100 * SEC, 160 * SEC, 60000}, {100 * SEC, 500 * SEC, 60000},
		{100 * SEC, 99 * SEC, 0}, /* in replay packets may be out of order */
	};
	struct turns *t = *state;
	struct wire_distinct d;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_label(0, "all", 60, cases[i].since_ns);
		set_vector(0, WEIR_DISTINCT_PAIR, 1);
		turns_read_distinct(t, cases[i].now_ns);
		assert_true(turns_export_distinct(t, 0, &d));
		assert_string_equal(d.key, "pair");
		assert_int_equal(d.covered_ms, cases[i].shall_ms);
	}
}

static void there_is_room_for_as_many_as_there_are_vectors(void **state)
{
	struct turns *t = *state;
	struct wire_distinct d;

	for (unsigned int q = 0; q < WEIR_QUERIES; q++) {
		set_label(q, "a name", 60, 0);
		for (int key = 0; key < WEIR_DISTINCT_MAX; key++)
			set_vector(q, key, 1);
	}
	turns_read_distinct(t, 200 * SEC);
	for (unsigned int n = 0; n < WEIR_VECTORS; n++)
		assert_true(turns_export_distinct(t, n, &d));
	assert_false(turns_export_distinct(t, WEIR_VECTORS, &d));
	memset(labels, 0, sizeof(labels));
	turns_read_distinct(t, 200 * SEC);
	for (unsigned int n = 0; n < WEIR_VECTORS; n++)
		assert_false(turns_export_distinct(t, n, &d));
}

static void the_meter_is_asked_once_a_second_by_the_programs_clock(void **state)
{
	struct turns *t = *state;

	set_label(0, "all", 60, 0);
	set_vector(0, WEIR_DISTINCT_PAIR, 1);
	for (t->clock_ns = 50 * SEC; t->clock_ns < 60 * SEC; t->clock_ns += SEC / 10)
		turns_follow_distinct(t);
	assert_int_equal(asked, 10);
	t->folder = "live"; /* then it is meter_now() */
	turns_follow_distinct(t);
	turns_follow_distinct(t);
	assert_int_equal(asked, 11);
}

static void labels_of_queries_without_vectors_are_not_asked_for(void **state)
{
	struct turns *t = *state;

	for (unsigned int q = 0; q < WEIR_QUERIES; q++) {
		set_label(q, "a name", 60, 0);
		tables[0].vector[q][WEIR_DISTINCT_SRC].slabs = 1; /* they do not run */
	}
	turns_read_distinct(t, 200 * SEC);
	assert_int_equal(asked_labels, 0);
	set_vector(7, WEIR_DISTINCT_DST, 1);
	set_vector(7, WEIR_DISTINCT_DPORT, 1);
	set_vector(63, WEIR_DISTINCT_FLOW, 1);
	turns_read_distinct(t, 200 * SEC);
	assert_int_equal(asked_labels, 2);
	assert_int_equal(asked, 3);
}

static void nothing_is_asked_for_without_an_exporter_that_can_tell_it(void **state)
{
	static const struct {
		const char *to;
		bool can;
	} cases[] = {
		{"v5+udp://192.0.2.1", false},   {"v9+udp://192.0.2.1", false},
		{"ipfix+udp://192.0.2.1", true}, {"ipfix+tcp://192.0.2.1", true},
		{"ipfix+tls://192.0.2.1", true}, {"file:/tmp/%H.ipfix", true},
	};
	struct turns *t = *state;
	struct config config = {};

	assert_false(turns_can_export_distinct(&config));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* Beside one that cannot. */
		config.export_count = 2;
		assert_int_equal(url_parse(cases[0].to, &config.exports[0].url, NULL), 0);
		assert_int_equal(url_parse(cases[i].to, &config.exports[1].url, NULL), 0);
		assert_int_equal(turns_can_export_distinct(&config), cases[i].can);
	}
	set_label(0, "all", 60, 0);
	set_vector(0, WEIR_DISTINCT_PAIR, 1);
	t->tells_distinct = false;
	t->folder = "live";
	turns_follow_distinct(t);
	turns_read_distinct(t, 200 * SEC);
	assert_int_equal(asked + asked_labels, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(each_query_tells_each_key_that_it_counts),
		TEST(a_new_query_says_how_much_of_its_window_was_counted),
		TEST(there_is_room_for_as_many_as_there_are_vectors),
		TEST(the_meter_is_asked_once_a_second_by_the_programs_clock),
		TEST(labels_of_queries_without_vectors_are_not_asked_for),
		TEST(nothing_is_asked_for_without_an_exporter_that_can_tell_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

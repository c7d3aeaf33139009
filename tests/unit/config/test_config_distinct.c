/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys `distinct` and `measure`: which vectors are asked for, and how large they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reading.h"
#include "sketch/countdown.h"

/* What stands in the only query, what in the section, and the slabs of flow, src, dst, pair, dport
 * that come of it. */
static void a_vector_is_asked_for_by_its_key_and_made_as_large_as_said(void **state)
{
	const __u32 usual = countdown_slabs(100000, 0.01), ports = countdown_slabs(65536, 0.01);
	const __u32 many = countdown_slabs(1000000, 0.01), exact = countdown_slabs(100000, 0.005);
	const struct {
		const char *query, *section;
		__u32 slabs[WEIR_DISTINCT_MAX];
	} cases[] = {
		{"measure: bytes", "", {0}},
		{"distinct: []", "size: 64KiB", {0}},
		{"distinct: {keys: []}", "", {0}},
		{"distinct: [src]", "", {0, usual}},
		{"distinct: [src]", "size: auto", {0, usual}},
		{"distinct: [dport, pair, dst, src, flow]", "size: 16KiB", {1, 1, 1, 1, 1}},
		{"distinct: [src]", "size: 17KiB", {0, 2}},
		{"distinct: [src]", "size: 1MiB", {0, 64}},
		{"distinct: [src]", "size: 16MiB", {0, WEIR_SLABS_MAX}},
		{"distinct: [src]", "error: 0.5 %", {0, exact}},
		{"distinct: [src]", "error: 0.50%", {0, exact}},
		{"distinct: [src]", "expect: 1000000", {0, many}},
		{"distinct: [src]", "expect: 1, error: 20%", {0, 1}},
		{"distinct: [src, dport]", "expect: 1000000", {0, many, 0, 0, ports}},
		{"distinct: {keys: [dst]}", "expect: 1000000", {0, 0, many}},
		{"distinct: {keys: [dst], expect: 100000}", "expect: 1000000", {0, 0, usual}},
		{"distinct: {keys: [dst], expect: 1000000}", "", {0, 0, many}},
		{"distinct: {keys: [dst], error: 0.5%}", "expect: 100000", {0, 0, exact}},
		{"distinct: {keys: [dst], error: 0.5%}", "size: 64KiB", {0, 0, exact}},
		{"distinct: {keys: [dst], size: 64KiB}", "error: 0.5%", {0, 0, 4}},
		{"distinct: {keys: [dst], size: auto}", "size: 64KiB", {0, 0, usual}},
		{"measure: distinct flow", "size: 32KiB", {2}},
		{"measure: distinct pair, distinct: [pair, src]", "size: 32KiB", {0, 2, 0, 2}},
		{"measure: distinct pair, distinct: {size: 48KiB}", "", {0, 0, 0, 3}},
		{"distinct: {size: 48KiB}, measure: distinct pair", "", {0, 0, 0, 3}},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (int after = 0; after < 2; after++) {
			char text[512];
			struct config c;

			snprintf(text, sizeof(text),
				 "%s%s%squeries: [{name: q, match: in, %s}]\n%s%s%s",
				 after ? "" : "distinct: {", after ? "" : cases[i].section,
				 after ? "" : "}\n", cases[i].query, after ? "distinct: {" : "",
				 after ? cases[i].section : "", after ? "}\n" : "");
			must_read(text, &c);
			if (memcmp(c.queries[0].slabs, cases[i].slabs, sizeof(cases[i].slabs)))
				fail_msg("%s has other slabs", text);
			config_free(&c);
		}
	}
}

static void a_measure_is_packets_bytes_or_a_distinct_count(void **state)
{
	static const char *const names[] = {"flow", "src", "dst", "pair", "dport"};
	struct config c;

	must_read(ASK("measure: bytes"), &c);
	assert_int_equal(c.queries[0].measure, WEIR_MEASURE_BYTES);
	config_free(&c);
	for (unsigned int k = 0; k < COUNT(names); k++) {
		char text[128];

		snprintf(text, sizeof(text), ASK("measure: distinct %s"), names[k]);
		must_read(text, &c);
		assert_int_equal(c.queries[0].measure, WEIR_MEASURE_DISTINCT);
		assert_int_equal(c.queries[0].measure_of, k);
		assert_string_equal(countdown_key_name(k), names[k]);
		config_free(&c);
	}
}

static void sixteen_mib_of_vectors_fit_and_one_slab_more_is_refused(void **state)
{
	static const char text[] =
		"queries:\n"
		"- {name: a, match: in, distinct: {keys: [src], size: 15MiB}}\n"
		"- {name: b, match: in, distinct: {keys: [src, dst], size: 496KiB}}\n"
		"- {name: c, match: in, distinct: {keys: [flow], size: %s}}\n";
	struct why err;
	char all[512];
	struct config c;

	snprintf(all, sizeof(all), text, "32KiB");
	must_read(all, &c);
	config_free(&c);
	snprintf(all, sizeof(all), text, "33KiB");
	must_refuse(all, &err);
	assert_string_equal(err.text, "w.yaml:4:34: query 'c': distinct needs 48KiB on each CPU, "
				      "32KiB of 16MiB are left");
	snprintf(all, sizeof(all), text, "3MiB");
	must_refuse(all, &err);
	assert_string_equal(err.text, "w.yaml:4:34: query 'c': distinct needs 3MiB on each CPU, "
				      "32KiB of 16MiB are left");
}

static void what_cannot_be_counted_is_refused_with_line_and_column(void **state)
{
	static const struct refusal cases[] = {
		/* Distinct counts. */
		{ASK("distinct: src"),
		 "w.yaml:1:42: distinct: expected a list, or keys and values"},
		{ASK("distinct: [sport]"),
		 "w.yaml:1:43: distinct: expected one of: flow src dst pair dport"},
		{ASK("distinct: [[src]]"), "w.yaml:1:43: distinct: expected one of: flow"},
		{ASK("distinct: [src, dst, src]"), "w.yaml:1:53: distinct: 'src' is given twice"},
		{ASK("distinct: {keys: src}"), "w.yaml:1:49: keys: expected a list"},
		{ASK("distinct: {keys: [dst, dst]}"), "w.yaml:1:55: keys: 'dst' is given twice"},
		{ASK("distinct: {size: 64KiB}"),
		 "w.yaml:1:42: query 'q': distinct needs keys, or a measure: distinct KEY"},
		{ASK("measure: bytes, distinct: {}"), "w.yaml:1:58: query 'q': distinct needs"},
		{"distinct: [src]\n", "w.yaml:1:11: expected keys and values"},
		{"distinct: {keys: [src]}\n", "w.yaml:1:12: unknown key 'keys'"},
		{"distinct: {size: 64}\n",
		 "w.yaml:1:18: size: expected auto, or from 16KiB to 16MiB on each CPU"},
		{"distinct: {size: 15KiB}\n", "w.yaml:1:18: size: expected auto"},
		{"distinct: {size: 16385KiB}\n", "w.yaml:1:18: size: expected auto"},
		{"distinct: {size: 17MiB}\n", "w.yaml:1:18: size: expected auto"},
		{"distinct: {size: 9999999999MiB}\n", "w.yaml:1:18: size: expected auto"},
		{"distinct: {size: 1GiB}\n", "w.yaml:1:18: size: expected auto"},
		{"distinct: {expect: 0}\n",
		 "w.yaml:1:20: expect: expected a number, 1 to 1000000000"},
		{"distinct: {expect: 1000000001}\n", "w.yaml:1:20: expect: expected"},
		{"distinct: {expect: 9999999999}\n", "w.yaml:1:20: expect: expected"},
		{"distinct: {error: 0.01}\n", "w.yaml:1:19: error: expected a percentage "
					      "(1%, 0.5%) from 0.1% to 20%"},
		{"distinct: {error: 0.09%}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: 20.1%}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: -1%}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: 1.%}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: .5%}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: 1  %}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: '1%%'}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: nan%}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {error: []}\n", "w.yaml:1:19: error: expected a percentage"},
		{"distinct: {size: 64KiB, expect: 5}\n",
		 "w.yaml:1:25: expect: means nothing with a size other than auto"},
		{"distinct: {error: 1%, size: 64KiB}\n",
		 "w.yaml:1:12: error: means nothing with a size other than auto"},
		{ASK("distinct: {keys: [src], size: 1MiB, error: 2%}"),
		 "w.yaml:1:68: error: means nothing with a size"},
		{ASK("distinct: {keys: [src], expect: 1000000000, error: 0.1%}"),
		 "w.yaml:1:42: query 'q': distinct src: 1000000000 within 0.1% needs more than "
		 "16MiB on each CPU"},
		{ASK("measure: distinct dst") "distinct: {expect: 1000000000, error: 0.1%}\n",
		 "w.yaml:1:41: query 'q': distinct dst: 1000000000 within 0.1% needs more"},
	};

	must_refuse_all(cases, COUNT(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vector_is_asked_for_by_its_key_and_made_as_large_as_said),
		cmocka_unit_test(a_measure_is_packets_bytes_or_a_distinct_count),
		cmocka_unit_test(sixteen_mib_of_vectors_fit_and_one_slab_more_is_refused),
		cmocka_unit_test(what_cannot_be_counted_is_refused_with_line_and_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

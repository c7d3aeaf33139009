/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/config.h"
#include "sketch/countdown.h"
#include "weir/query.h"
#include "weir/window.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEC WEIR_NS_PER_SEC

static int read_text(const char *text, struct config *config, struct why *err)
{
	return config_read("w.yaml", text, strlen(text), config, err);
}

static void must_read(const char *text, struct config *config)
{
	struct why err;

	if (read_text(text, config, &err))
		fail_msg("%s", err.text);
}

static void without_a_file_the_defaults_of_the_manual_hold(void **state)
{
	static const char *const names[] = {"Q1", "Q2", "Q3", "Q4", "Q5"};
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query_error why;
	struct why err;
	struct config c;

	assert_int_equal(config_default(&c, &err), 0);
	assert_int_equal(c.interface_count, 0);
	assert_int_equal(c.scope.inside_count, 4);
	assert_false(c.inside_given);
	assert_int_equal(c.timeouts.idle_ns, 15 * SEC);
	assert_int_equal(c.timeouts.active_ns, 60 * SEC);
	assert_int_equal(c.timeouts.closed_ns, 2 * SEC);
	assert_int_equal(c.flow_size, 262144);
	assert_int_equal(c.inner, 0);
	assert_int_equal(c.query_count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(c.queries[i].name, names[i]);
		assert_int_equal(c.queries[i].window_s, 60);
		assert_int_equal(c.queries[i].measure, WEIR_MEASURE_PACKETS);
	}
	assert_int_equal(config_compile(&c, t, &why), 0);
	assert_int_equal(t->terms, 6); /* Q1 needs two */
	config_free(&c);
	free(t);
}

static void an_empty_file_says_the_same_as_none(void **state)
{
	static const char *const texts[] = {"", "\n", "# nothing\n", "{}\n", "---\n{}\n...\n"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct config c;

		must_read(texts[i], &c);
		assert_int_equal(c.query_count, 5);
		assert_int_equal(c.scope.inside_count, 4);
		config_free(&c);
	}
}

static void assert_exports(const struct config *c)
{
	const struct export_options *udp = &c->exports[0], *tls = &c->exports[1],
				    *file = &c->exports[2];

	assert_int_equal(c->export_count, 3);
	assert_string_equal(udp->to, "ipfix+udp://[::1]:9");
	assert_string_equal(udp->url.host, "::1");
	assert_int_equal(udp->template_refresh_ns, SEC);
	assert_int_equal(udp->template_messages, 2);
	assert_int_equal(udp->options_refresh_ns, 3 * SEC);
	assert_int_equal(udp->domain, 4);
	assert_int_equal(udp->biflow, 1);
	assert_int_equal(udp->message_bytes, 1400);
	assert_int_equal(udp->queue, 2048);
	assert_string_equal(tls->ca, "/a");
	assert_string_equal(tls->cert, "/b");
	assert_string_equal(tls->key, "/c");
	assert_int_equal(tls->template_messages, 4096);
	assert_int_equal(tls->options_refresh_ns, 300 * SEC);
	assert_int_equal(tls->domain, 1);
	assert_int_equal(tls->biflow, 0);
	assert_int_equal(tls->message_bytes, 0);
	assert_int_equal(tls->queue, 65536);
	assert_int_equal(tls->rotate_ns, 300 * SEC);
	assert_string_equal(file->url.path, "/x/%H");
	assert_int_equal(file->rotate_ns, 3600 * SEC);
	assert_int_equal(file->rotate_bytes, 100000000);
}

static void a_file_with_every_key_is_taken_at_its_word(void **state)
{
	struct query_range campus;
	struct config c;
	uint8_t net[4] = {10, 1, 0, 0};

	must_read(
		"interfaces: [eth0, wg-1]\n"
		"inside: [10.0.0.0/8, \"2001:db8::/32\"]\n"
		"groups: {campus: [10.1.0.0/16, 10.2.0.0/16], isp: [192.0.2.0/24]}\n"
		"flow: {idle_timeout: 500ms, active_timeout: 1h, closed_timeout: 0s, size: 1024}\n"
		"tunnels: inner\n"
		"attach: {ingress: generic, egress: clsact}\n"
		"queries:\n"
		"  - {name: a, match: \"src group campus\", measure: bytes, window: 1s}\n"
		"  - match: 'dst group isp'\n"
		"    name: b\n"
		"export:\n"
		"  - {to: \"ipfix+udp://[::1]:9\", template_refresh: 1s, template_messages: 2,\n"
		"     options_refresh: 3s, domain: 4, biflow: true, message: 1400, queue: 1025}\n"
		"  - {ca: /a, cert: /b, key: /c, to: \"ipfix+tls://c.example\"}\n"
		"  - {to: \"file:/x/%H\", rotate: 1h, rotate_size: 100000000}\n",
		&c);
	assert_int_equal(c.interface_count, 2);
	assert_string_equal(c.interfaces[1], "wg-1");
	assert_true(c.inside_given);
	assert_int_equal(c.scope.inside_count, 2);
	assert_int_equal(c.scope.group_count, 2);
	assert_string_equal(c.scope.groups[0].name, "campus");
	assert_int_equal(c.scope.groups[0].prefix_count, 2);
	assert_int_equal(prefix_of_addr(AF_INET, net, 16, &campus), 0);
	assert_memory_equal(&c.scope.groups[0].prefixes[0], &campus, sizeof(campus));
	assert_int_equal(c.timeouts.idle_ns, SEC / 2);
	assert_int_equal(c.timeouts.active_ns, 3600 * SEC);
	assert_int_equal(c.timeouts.closed_ns, 0);
	assert_int_equal(c.flow_size, 1024);
	assert_int_equal(c.inner, 1);
	assert_int_equal(c.attach.in, ATTACH_IN_GENERIC);
	assert_int_equal(c.attach.out, ATTACH_OUT_CLSACT);
	assert_int_equal(c.query_count, 2);
	assert_int_equal(c.queries[0].measure, WEIR_MEASURE_BYTES);
	assert_int_equal(c.queries[0].window_s, 1);
	assert_string_equal(c.queries[1].match, "dst group isp");
	assert_int_equal(c.queries[1].window_s, 60);
	assert_exports(&c);
	config_free(&c);
}

#define EXPORT(to, more) "export:\n  - {to: \"" to "\"" more "}\n"
#define ASK(what) "queries: [{name: q, match: in, " what "}]\n"
#define QUERY(match) "queries:\n  - name: q\n    match: " match "\n"

static void a_bad_file_is_refused_with_line_and_column(void **state)
{
	static const struct {
		const char *text, *starts;
	} cases[] = {
		/* What YAML itself refuses. */
		{"inside: [10.0.0.0/8\n", "w.yaml:2:1: did not find expected"},
		{"a: b: c\n", "w.yaml:1:5: mapping values"},
		{"inside: []\n\x80\n", "w.yaml:2:1: "},
		{"flow: *gone\n", "w.yaml:1:7: found undefined alias"},
		{"{}\n---\n{}\n", "w.yaml:3:1: expected one document only"},
		/* Shape. */
		{"- a\n", "w.yaml:1:1: expected keys and values"},
		{"\ninsid: []\n", "w.yaml:2:1: unknown key 'insid'"},
		{"flow:\n  idle: 1s\n", "w.yaml:2:3: unknown key 'idle'"},
		{"{[a]: b}\n", "w.yaml:1:2: unknown key"},
		{"flow: 5\n", "w.yaml:1:7: expected keys and values"},
		{"flow: {size: 2048}\nflow: {}\n", "w.yaml:2:1: the key 'flow' is given twice"},
		{"queries:\n  name: q\n", "w.yaml:2:3: queries: expected a list"},
		{"queries:\n  - q\n", "w.yaml:2:5: expected keys and values"},
		{"inside:\n", "w.yaml:1:8: inside: expected a list"},
		/* Values. */
		{"interfaces: [eth0, eth0]\n", "w.yaml:1:20: interfaces: 'eth0' is given twice"},
		{"interfaces: [interface-name-too-long]\n", "w.yaml:1:14: interfaces: expected"},
		{"interfaces: ['']\n", "w.yaml:1:14: interfaces: expected"},
		{"interfaces: [\"a\\0b\"]\n", "w.yaml:1:14: interfaces: expected"},
		{"inside:\n  - 10.0.0.0/8\n  - 10.0.0.1/8\n",
		 "w.yaml:3:5: inside: '10.0.0.1/8' has bits set beyond its length: 10.0.0.0/8?"},
		{"inside: [10.0.0.0]\n", "w.yaml:1:10: inside: '10.0.0.0' is not of the form"},
		{"inside: [[a]]\n", "w.yaml:1:10: inside: expected a prefix"},
		{"groups: [a]\n", "w.yaml:1:9: groups: expected names"},
		{"groups: {a: 10.0.0.0/8}\n", "w.yaml:1:13: groups: expected a list"},
		{"groups:\n  a: []\n  a: []\n", "w.yaml:3:3: groups: 'a' is given twice"},
		{"groups: {tcp: []}\n", "w.yaml:1:10: groups: expected a name"},
		{"groups: {or: []}\n", "w.yaml:1:10: groups: expected a name"},
		{"groups: {a b: []}\n", "w.yaml:1:10: groups: expected a name"},
		{"groups:\n  a: [10.0.0.0/8,\n      fe80::1/64]\n",
		 "w.yaml:3:7: groups: 'fe80::1/64'"},
		{"flow: {idle_timeout: 15}\n", "w.yaml:1:22: idle_timeout: expected a duration"},
		{"flow: {idle_timeout: 99ms}\n", "w.yaml:1:22: idle_timeout: expected a duration "
						 "(500ms, 15s, 2m, 1h) from 100ms to 1h"},
		{"flow: {active_timeout: 61m}\n", "w.yaml:1:24: active_timeout: expected"},
		{"flow: {active_timeout: -1s}\n", "w.yaml:1:24: active_timeout: expected"},
		{"flow: {closed_timeout: 1 s}\n", "w.yaml:1:24: closed_timeout: expected"},
		{"flow: {closed_timeout: 999999999h}\n", "w.yaml:1:24: closed_timeout: expected"},
		{"flow: {size: 1023}\n", "w.yaml:1:14: size: expected a number, 1024 to 67108864"},
		{"flow: {size: 67108865}\n", "w.yaml:1:14: size: expected"},
		{"flow: {size: 99999999999999999999}\n", "w.yaml:1:14: size: expected"},
		{"flow: {size: 2k}\n", "w.yaml:1:14: size: expected"},
		{"tunnels: both\n", "w.yaml:1:10: tunnels: expected one of: outer inner"},
		{"tunnels: ''\n", "w.yaml:1:10: tunnels: expected one of"},
		{"tunnels: oute\n", "w.yaml:1:10: tunnels: expected one of"},
		{"attach: {ingress: tcx}\n", "w.yaml:1:19: ingress: expected one of: auto native"},
		/* Queries. */
		{"queries:\n  - {match: in}\n", "w.yaml:2:5: query: the key 'name' is missing"},
		{"queries:\n  - {name: q}\n", "w.yaml:2:5: query: the key 'match' is missing"},
		{"queries:\n  - {name: 'a b', match: in}\n", "w.yaml:2:12: name: expected letters"},
		{"queries:\n- {name: q, match: in}\n- {name: q, match: in}\n",
		 "w.yaml:3:10: name: 'q' is given twice"},
		{"queries: [{name: q, match: in, measure: flows}]\n",
		 "w.yaml:1:41: measure: expected packets, bytes or distinct KEY, a KEY of flow, "
		 "src, dst, pair, dport"},
		{ASK("measure: distinct"), "w.yaml:1:41: measure: expected packets, bytes or"},
		{ASK("measure: distinct port"), "w.yaml:1:41: measure: expected packets, bytes"},
		{ASK("measure: {distinct: src}"), "w.yaml:1:41: measure: expected packets"},
		{"queries: [{name: q, match: in, window: 63s}]\n",
		 "w.yaml:1:40: window: expected a duration (500ms, 15s, 2m, 1h) from 1s to 62s"},
		{"queries: [{name: q, match: in, window: 1500ms}]\n",
		 "w.yaml:1:40: window: expected whole seconds"},
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
		/* Exporters. */
		{"export: {}\n", "w.yaml:1:9: export: expected a list"},
		{"export: [a]\n", "w.yaml:1:10: expected keys and values"},
		{"export:\n  - {domain: 1}\n", "w.yaml:2:5: export: the key 'to' is missing"},
		{EXPORT("udp://h", ""), "w.yaml:2:10: to: 'udp://h' is not an address"},
		{EXPORT("v5+udp://h:0", ""), "w.yaml:2:10: to: '0' is not a port"},
		{"export: [{to: []}]\n", "w.yaml:1:15: to: expected an address"},
		{EXPORT("v5+udp://h", "") "  - {to: \"v5+udp://h\"}\n",
		 "w.yaml:3:10: to: 'v5+udp://h' is given twice"},
		{EXPORT("v5+udp://h", ", biflow: true"),
		 "w.yaml:2:24: biflow: means nothing with v5+udp"},
		{EXPORT("v5+udp://h", ", template_refresh: 1s"), "w.yaml:2:24: template_refresh: "},
		{EXPORT("v9+udp://h", ", ca: /a"), "w.yaml:2:24: ca: means nothing with v9+udp"},
		{EXPORT("v9+udp://h", ", rotate: 1m"), "w.yaml:2:24: rotate: means nothing with"},
		{EXPORT("ipfix+tcp://h", ", template_messages: 1"),
		 "w.yaml:2:27: template_messages: means nothing with ipfix+tcp"},
		{EXPORT("file:/x", ", options_refresh: 1s"), "w.yaml:2:21: options_refresh: "},
		{EXPORT("ipfix+tls://h", ", cert: /a"), "w.yaml:2:5: export: cert and key go"},
		{EXPORT("ipfix+tls://h", ", ca: a"), "w.yaml:2:31: ca: expected a path from / on"},
		{EXPORT("v9+udp://h", ", queue: 1023"),
		 "w.yaml:2:31: queue: expected a number, 1024 to 4194304"},
		{EXPORT("v9+udp://h", ", message: 1023"), "w.yaml:2:33: message: expected"},
		{EXPORT("v9+udp://h", ", message: 65508"),
		 "w.yaml:2:5: message: a datagram has at most 65507 bytes"},
		{EXPORT("file:/x", ", biflow: yes"),
		 "w.yaml:2:29: biflow: expected one of: false true"},
		{EXPORT("file:/x", ", rotate: 0s"), "w.yaml:2:29: rotate: expected a duration"},
		{EXPORT("file:/x", ", size: 1"), "w.yaml:2:21: unknown key 'size'"},
		/* Matches: the column is that of the word in the file, if it can be had. */
		{QUERY("in and prt 5"), "w.yaml:3:19: query 'q': expected a test"},
		{QUERY("\"in and prt 5\""), "w.yaml:3:20: query 'q': expected a test"},
		{QUERY("'in and prt 5'"), "w.yaml:3:20: query 'q': expected a test"},
		{QUERY("\"\\x69n and prt 5\""), "w.yaml:3:12: query 'q': expected a test (in, ip, "
						"tcp, src, host, port, ...), 'not' or '(', got "
						"'prt', at column 8 of the match"},
		{QUERY("|\n      in and\n      prt 5"), "w.yaml:3:12: query 'q': expected a test"},
		{QUERY("in and group x"), "w.yaml:3:25: query 'q': expected the name of a group"},
		{QUERY("tcp and udp"), "w.yaml:3:20: query 'q': can never match"},
		{"inside: []\n", "w.yaml:1:1: the default query 'Q1': can never match"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config untouched, c;
		struct why err;

		memset(&untouched, 0x5a, sizeof(untouched));
		memcpy(&c, &untouched, sizeof(c));
		if (!read_text(cases[i].text, &c, &err))
			fail_msg("accepted: %s", cases[i].text);
		if (strncmp(err.text, cases[i].starts, strlen(cases[i].starts)))
			fail_msg("%s\ninstead of %s", err.text, cases[i].starts);
		assert_null(strchr(err.text, '\n'));
		assert_memory_equal(&c, &untouched, sizeof(c));
	}
}

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
	assert_int_equal(read_text(all, &c, &err), -EINVAL);
	assert_string_equal(err.text, "w.yaml:4:34: query 'c': distinct needs 48KiB on each CPU, "
				      "32KiB of 16MiB are left");
	snprintf(all, sizeof(all), text, "3MiB");
	assert_int_equal(read_text(all, &c, &err), -EINVAL);
	assert_string_equal(err.text, "w.yaml:4:34: query 'c': distinct needs 3MiB on each CPU, "
				      "32KiB of 16MiB are left");
}

static void sixty_four_queries_fit_and_one_more_is_refused(void **state)
{
	static char text[1 << 13];
	struct why err;
	struct config c;
	int at = sprintf(text, "queries:\n");

	for (int i = 0; i < 64; i++)
		at += sprintf(text + at, "- {name: q%d, match: in}\n", i);
	must_read(text, &c);
	assert_int_equal(c.query_count, 64);
	config_free(&c);
	sprintf(text + at, "- {name: q64, match: in}\n");
	assert_int_equal(read_text(text, &c, &err), -EINVAL);
	assert_string_equal(err.text, "w.yaml:66:3: queries: expected at most 64");
}

static void eight_exporters_fit_and_one_more_is_refused(void **state)
{
	static char text[1 << 10];
	struct why err;
	struct config c;
	int at = sprintf(text, "export:\n");

	for (int i = 0; i < 8; i++)
		at += sprintf(text + at, "- {to: \"v5+udp://h%d\"}\n", i);
	must_read(text, &c);
	assert_int_equal(c.export_count, 8);
	config_free(&c);
	sprintf(text + at, "- {to: \"v5+udp://h8\"}\n");
	assert_int_equal(read_text(text, &c, &err), -EINVAL);
	assert_string_equal(err.text, "w.yaml:10:3: export: expected at most 8");
}

static void the_query_that_finds_no_terms_left_is_named(void **state)
{
	static char text[1 << 13];
	struct why err;
	struct config c;
	int at = sprintf(text, "queries:\n");

	for (int i = 0; i < 33; i++)
		at += sprintf(text + at, "- {name: q%d, match: port 22}\n", i);
	assert_int_equal(read_text(text, &c, &err), -EINVAL);
	assert_string_equal(err.text, "w.yaml:34:22: query 'q32': needs 2 terms, 0 are left");
}

static void own_networks_can_be_added_to_inside(void **state)
{
	const uint8_t addr[4] = {198, 51, 100, 9};
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query_error why;
	struct query_range own;
	struct config c;

	must_read("", &c);
	assert_int_equal(prefix_of_addr(AF_INET, addr, 24, &own), 0);
	assert_int_equal(config_add_inside(&c, &own), 0);
	assert_int_equal(config_compile(&c, t, &why), 0);
	assert_int_equal(t->inside4[weir_range4(t, 0xc63364ff)], 1);
	assert_int_equal(t->inside4[weir_range4(t, 0xc6336500)], 0);
	config_free(&c);
	free(t);
}

static void a_file_is_read_and_a_missing_one_named(void **state)
{
	char path[] = "/tmp/weir-test-config-XXXXXX";
	static const char text[] = "tunnels: inner\n", bad[] = "x: 1\n";
	struct why err;
	char expected[64];
	struct config c;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(config_load(path, &c, &err), 0);
	assert_int_equal(c.inner, 1);
	config_free(&c);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bad, strlen(bad), 0), strlen(bad));
	assert_int_equal(config_load(path, &c, &err), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:1:1: unknown key 'x'", path);
	assert_string_equal(err.text, expected);
	close(fd);
	unlink(path);
	assert_int_equal(config_load(path, &c, &err), -ENOENT);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	assert_string_equal(err.text, expected);
	assert_int_equal(config_load("/tmp", &c, &err), -EISDIR);
	assert_string_equal(err.text, "/tmp: Is a directory");
}

/* The tests run in the top folder of the source. */
static char *read_source(const char *path)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t length;

	assert_non_null(f);
	length = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	assert_in_range(length, 1, sizeof(text) - 2);
	text[length] = 0;
	return text;
}

static void must_compile(const char *text, unsigned int exports)
{
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query_error why;
	struct config c;

	must_read(text, &c);
	assert_int_equal(c.export_count, exports);
	if (config_compile(&c, t, &why))
		fail_msg("%s", why.text);
	config_free(&c);
	free(t);
}

static void the_examples_of_the_readme_are_accepted(void **state)
{
	static const unsigned int exports[] = {0, 0, 4, 0, 0};
	char *at = read_source("README.md");
	size_t count = 0;

	while ((at = strstr(at, "```yaml\n")) != NULL) {
		char *end = strstr(at += strlen("```yaml\n"), "```");

		assert_non_null(end);
		*end = 0;
		assert_true(count < COUNT(exports));
		must_compile(at, exports[count++]);
		at = end + 1;
	}
	assert_int_equal(count, COUNT(exports));
}

/* "#key" and "#  key" are left out, "# Text" is a comment. */
static void the_packaged_file_is_accepted_with_what_it_leaves_out_too(void **state)
{
	char *text = read_source("packaging/weir.yaml");

	must_compile(text, 0);
	for (char *line = text; line; line = strchr(line + 1, '\n')) {
		char *mark = *line == '\n' ? line + 1 : line;

		if (mark[0] == '#' && mark[1] && (mark[1] != ' ' || mark[2] == ' '))
			memmove(mark, mark + 1, strlen(mark));
	}
	must_compile(text, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_the_defaults_of_the_manual_hold),
		cmocka_unit_test(an_empty_file_says_the_same_as_none),
		cmocka_unit_test(a_file_with_every_key_is_taken_at_its_word),
		cmocka_unit_test(a_bad_file_is_refused_with_line_and_column),
		cmocka_unit_test(a_vector_is_asked_for_by_its_key_and_made_as_large_as_said),
		cmocka_unit_test(a_measure_is_packets_bytes_or_a_distinct_count),
		cmocka_unit_test(sixteen_mib_of_vectors_fit_and_one_slab_more_is_refused),
		cmocka_unit_test(sixty_four_queries_fit_and_one_more_is_refused),
		cmocka_unit_test(eight_exporters_fit_and_one_more_is_refused),
		cmocka_unit_test(the_query_that_finds_no_terms_left_is_named),
		cmocka_unit_test(own_networks_can_be_added_to_inside),
		cmocka_unit_test(a_file_is_read_and_a_missing_one_named),
		cmocka_unit_test(the_examples_of_the_readme_are_accepted),
		cmocka_unit_test(the_packaged_file_is_accepted_with_what_it_leaves_out_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

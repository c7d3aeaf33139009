/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the configuration says of coordinators: taken at its word, or refused where it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "reading.h"
#include "interval/interval.h"

static void without_a_file_nobody_is_reported_to_and_each_query_is_summed(void **state)
{
	struct why err;
	struct config c;

	assert_int_equal(config_default(&c, &err), 0);
	assert_null(c.report.address.text);
	assert_int_equal(c.coordinate.listen_count, 1);
	assert_string_equal(c.coordinate.listen[0].url.host, "127.0.0.1");
	assert_string_equal(c.coordinate.listen[0].url.port, "4740");
	assert_int_equal(c.coordinate.listen[0].url.transport, URL_TCP);
	assert_int_equal(c.coordinate.method, INTERVAL_AUTO);
	assert_int_equal(c.coordinate.period_s, 10);
	assert_int_equal(c.coordinate.shrink_ppm, 50000);
	assert_int_equal(c.coordinate.forget_s, 3600);
	assert_int_equal(c.coordinate.connections, 16384);
	assert_null(c.coordinate.hosts);
	assert_null(c.coordinate.log);
	assert_string_equal(c.coordinate.socket, "/run/weir/coordinate.sock");
	assert_int_equal(c.coordinate.answer_count, 5);
	for (unsigned int i = 0; i < 5; i++) {
		const struct config_answer *answer = &c.coordinate.answers[i];

		assert_string_equal(answer->name, c.queries[i].name);
		assert_int_equal(answer->query, i);
		assert_int_equal(answer->aggregate, COORDINATOR_SUM);
		assert_null(answer->hosts);
		assert_true(answer->precision.relative);
		assert_int_equal(answer->precision.millionths, 50000);
	}
	config_free(&c);
}

static void a_host_says_whom_it_reports_to(void **state)
{
	char name[256] = "";
	struct config c;

	must_read("report: {address: \"tls://[2001:db8::1]:99\", host: 4294967295, name: web-1,"
		  " ca: /a, cert: /b, key: /c}\n",
		  &c);
	assert_string_equal(c.report.address.text, "tls://[2001:db8::1]:99");
	assert_string_equal(c.report.address.url.host, "2001:db8::1");
	assert_string_equal(c.report.address.url.port, "99");
	assert_int_equal(c.report.address.url.transport, URL_TLS);
	assert_int_equal(c.report.host, 4294967295u);
	assert_string_equal(c.report.name, "web-1");
	assert_string_equal(c.report.ca, "/a");
	assert_string_equal(c.report.cert, "/b");
	assert_string_equal(c.report.key, "/c");
	config_free(&c);

	must_read("report: {address: \"tcp://h.example\", host: 1, plain: true}\n", &c);
	assert_string_equal(c.report.address.url.port, "4740");
	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	assert_string_equal(c.report.name, name);
	config_free(&c);
}

static void a_coordinator_is_taken_at_its_word(void **state)
{
	static const __u32 hosts[] = {1, 2, 7}, some[] = {2, 7};
	const struct config_coordinate *k;
	struct config c;

	must_read("coordinate:\n"
		  "  listen: [\"tls://0.0.0.0\", \"tls://[::]:4741\", \"tcp://192.0.2.1\"]\n"
		  "  ca: /a\n"
		  "  cert: /b\n"
		  "  key: /c\n"
		  "  plain: true\n"
		  "  method: static\n"
		  "  period: 30s\n"
		  "  shrink: 2.5%\n"
		  "  hosts: [7, 1, 2]\n"
		  "  forget: 10m\n"
		  "  connections: 12\n"
		  "  log: /var/log/weir\n"
		  "  socket: /tmp/s\n"
		  "  name: below\n"
		  "  parent: {address: \"tcp://[::1]:9\", host: 12, name: child}\n"
		  "  answers:\n"
		  "    - {name: all-web, query: web, precision: 0.25}\n"
		  "    - {query: dns, name: mean, hosts: [7, 2], aggregate: avg}\n"
		  "queries:\n"
		  "  - {name: dns, match: port 53, precision: 12.5%}\n"
		  "  - {name: srcs, match: in, measure: distinct src}\n"
		  "  - {name: web, match: port 80, measure: bytes, precision: 1000}\n",
		  &c);
	k = &c.coordinate;
	assert_int_equal(k->listen_count, 3);
	assert_string_equal(k->listen[0].url.host, "0.0.0.0");
	assert_string_equal(k->listen[1].url.host, "::");
	assert_string_equal(k->listen[1].url.port, "4741");
	assert_int_equal(k->listen[2].url.transport, URL_TCP);
	assert_int_equal(k->method, INTERVAL_STATIC);
	assert_int_equal(k->period_s, 30);
	assert_int_equal(k->shrink_ppm, 25000);
	assert_int_equal(k->host_count, 3);
	assert_memory_equal(k->hosts, hosts, sizeof(hosts));
	assert_int_equal(k->forget_s, 600);
	assert_int_equal(k->connections, 12);
	assert_string_equal(k->log, "/var/log/weir");
	assert_string_equal(k->socket, "/tmp/s");
	assert_string_equal(k->name, "below");
	assert_string_equal(k->parent.address.url.host, "::1");
	assert_int_equal(k->parent.host, 12);
	assert_string_equal(k->parent.name, "child");
	assert_null(c.report.address.text);
	assert_int_equal(k->answer_count, 2);
	assert_string_equal(k->answers[0].name, "all-web");
	assert_int_equal(k->answers[0].query, 2);
	assert_false(k->answers[0].precision.relative);
	assert_int_equal(k->answers[0].precision.millionths, 250000);
	assert_int_equal(k->answers[1].query, 0);
	assert_int_equal(k->answers[1].aggregate, COORDINATOR_AVG);
	assert_int_equal(k->answers[1].host_count, 2);
	assert_memory_equal(k->answers[1].hosts, some, sizeof(some));
	assert_true(k->answers[1].precision.relative);
	assert_int_equal(k->answers[1].precision.millionths, 125000);
	config_free(&c);
}

static void a_distinct_count_is_no_answer_of_a_coordinator_by_itself(void **state)
{
	struct config c;

	must_read("queries:\n"
		  "  - {name: srcs, match: in, measure: distinct src}\n"
		  "  - {name: q, match: in, distinct: [src], precision: 3}\n",
		  &c);
	assert_int_equal(c.coordinate.answer_count, 1);
	assert_string_equal(c.coordinate.answers[0].name, "q");
	assert_int_equal(c.coordinate.answers[0].query, 1);
	assert_int_equal(c.coordinate.answers[0].precision.millionths, 3000000);
	config_free(&c);
}

static void a_precision_is_exact_to_the_millionth(void **state)
{
	static const struct {
		const char *text;
		__u64 millionths; /* 1: refused */
		bool relative;
	} cases[] = {
		{"0", 0, false},
		{"5", 5000000, false},
		{"0.000002", 2, false},
		{"1.000010", 1000010, false},
		{"1000000000000", 1000000000000000000ull, false},
		{"1000000000000.000001", 1, false},
		{"10000000000000000", 1, false},
		{"0.0000001", 1, false},
		{"5%", 50000, true},
		{"5 %", 50000, true},
		{"0.0001%", 1, true},
		{"0.00001%", 1, false},
		{"100%", 1000000, true},
		{"100.0001%", 1, false},
		{"5  %", 1, false},
		{"5%%", 1, false},
		{"5pps", 1, false},
		{".5", 1, false},
		{"5.", 1, false},
		{"-5", 1, false},
		{"", 1, false},
		{"%", 1, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config_precision p = {.millionths = 1};
		int code = config_precision_parse(cases[i].text, &p);

		if (p.millionths != cases[i].millionths || p.relative != cases[i].relative ||
		    p.given != !code)
			fail_msg("'%s': %d, %llu", cases[i].text, code, p.millionths);
	}
}

#define TO(address, more) "report: {address: \"" address "\", host: 1" more "}\n"
#define LISTEN(address, more) "coordinate: {listen: [\"" address "\"]" more "}\n"
#define ANSWERS(list) "coordinate:\n  answers:\n" list

static void what_cannot_be_is_refused_with_line_and_column(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		/* Precision. */
		{ASK("precision: five"),
		 "w.yaml:1:43: precision: expected units per second (5, 0.25) up to 10^12, or a "
		 "percentage of the answer (5%) up to 100%"},
		{ASK("precision: 101%"),
		 "w.yaml:1:43: precision: expected units per second (5, 0.25) up to 10^12, or a "
		 "percentage of the answer (5%) up to 100%"},
		{ASK("precision: 5, measure: distinct src"),
		 "w.yaml:1:43: query 'q': precision: distinct counts of hosts cannot be added up, "
		 "so "
		 "no coordinator answers it"},
		{ASK("measure: distinct src, precision: 5"),
		 "w.yaml:1:66: query 'q': precision: distinct counts of hosts cannot be added up, "
		 "so "
		 "no coordinator answers it"},
		/* Reporting. */
		{"coordinator: {host: 1}\n", "w.yaml:1:1: unknown key 'coordinator'"},
		{"report: {host: 1}\n", "w.yaml:1:9: report: the key 'address' is missing"},
		{"report: {address: \"tcp://127.0.0.1\"}\n",
		 "w.yaml:1:9: report: the key 'host' is missing"},
		{"report: {address: \"tcp://127.0.0.1\", host: 0}\n",
		 "w.yaml:1:44: host: expected a number, 1 to 4294967295"},
		{"report: {address: \"tcp://127.0.0.1\", host: 4294967296}\n",
		 "w.yaml:1:44: host: expected a number, 1 to 4294967295"},
		{"report: {address: \"ipfix+tcp://127.0.0.1\", host: 1}\n",
		 "w.yaml:1:19: address: 'ipfix+tcp://127.0.0.1' is not an address: "
		 "expected tls:// or tcp:// with HOST[:PORT]"},
		{"report: {address: [], host: 1}\n", "w.yaml:1:19: address: expected an address"},
		{TO("tcp://127.0.0.1:0", ""),
		 "w.yaml:1:19: address: '0' is not a port: expected 1 to 65535"},
		{TO("tls://c.example", ""),
		 "w.yaml:1:19: 'tls://c.example' needs ca, cert and key"},
		{TO("tls://c.example", ", ca: /a, cert: /b"),
		 "w.yaml:1:19: 'tls://c.example' needs ca, cert and key"},
		{TO("tcp://192.0.2.1", ""), "w.yaml:1:19: 'tcp://192.0.2.1' is not encrypted: use "
					    "tls://, or plain: true to allow it"},
		{TO("tcp://[2001:db8::1]", ", plain: false"),
		 "w.yaml:1:19: 'tcp://[2001:db8::1]' is not encrypted: use tls://, or plain: true "
		 "to allow it"},
		{TO("tcp://localhost", ", name: a b"),
		 "w.yaml:1:53: name: expected a name of letters, digits, - _ ."},
		{TO("tcp://localhost", ", ca: a"), "w.yaml:1:51: ca: expected an absolute path"},
		/* Listening. */
		{"coordinate: {listen: []}\n", "w.yaml:1:22: listen: expected at least one"},
		{LISTEN("udp://h", ""),
		 "w.yaml:1:23: listen: 'udp://h' is not an address: expected tls:// or tcp:// with "
		 "HOST[:PORT]"},
		{LISTEN("tls://0.0.0.0", ", ca: /a, key: /b"),
		 "w.yaml:1:23: 'tls://0.0.0.0' needs ca, cert and key"},
		{LISTEN("tcp://0.0.0.0", ""), "w.yaml:1:23: 'tcp://0.0.0.0' is not encrypted: use "
					      "tls://, or plain: true to allow it"},
		{LISTEN("tcp://127.0.0.1\", \"tcp://127.0.0.1:4740", ""),
		 "w.yaml:1:42: listen: 'tcp://127.0.0.1:4740' is given twice"},
		/* Rules. */
		{"coordinate: {method: paper}\n",
		 "w.yaml:1:22: method: expected one of: auto adaptive static"},
		{"coordinate: {period: 1500ms}\n", "w.yaml:1:22: period: expected whole seconds"},
		{"coordinate: {period: 0s}\n",
		 "w.yaml:1:22: period: expected a duration (500ms, 15s, 2m, 1h) from 1s to 1h"},
		{"coordinate: {shrink: 5}\n",
		 "w.yaml:1:22: shrink: expected a percentage (1%, 0.5%) from 0.1% to 50%"},
		{"coordinate: {shrink: 50.1%}\n",
		 "w.yaml:1:22: shrink: expected a percentage (1%, 0.5%) from 0.1% to 50%"},
		{"coordinate: {hosts: []}\n", "w.yaml:1:21: hosts: expected at least one"},
		{"coordinate: {hosts: [1, 0]}\n",
		 "w.yaml:1:25: hosts: expected a number, 1 to 4294967295"},
		{"coordinate: {hosts: [1, 2, 1]}\n", "w.yaml:1:28: hosts: '1' is given twice"},
		{"coordinate: {forget: 9s}\n",
		 "w.yaml:1:22: forget: expected a duration (500ms, 15s, 2m, 1h) from 10s to 720h"},
		{"coordinate: {connections: 0}\n",
		 "w.yaml:1:27: connections: expected a number, 1 to 1000000"},
		{"coordinate: {log: here}\n", "w.yaml:1:19: log: expected an absolute path"},
		{"coordinate: {socket: "
		 "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
		 "w.yaml:1:22: socket: expected an absolute path, at most 107 characters"},
		/* Answers. */
		{ANSWERS("    []\n"), "w.yaml:3:5: answers: expected at least one"},
		{ANSWERS("  - {query: Q1}\n"), "w.yaml:3:5: answer: the key 'name' is missing"},
		{ANSWERS("  - {name: a}\n"), "w.yaml:3:5: answer: the key 'query' is missing"},
		{ANSWERS("  - {name: a, query: Q1}\n  - {name: a, query: Q2}\n"),
		 "w.yaml:4:12: name: 'a' is given twice"},
		{ANSWERS("  - {name: a, query: Q6}\n"),
		 "w.yaml:3:5: answer 'a': there is no query 'Q6'"},
		{ANSWERS("  - {name: a, query: q}\n") ASK("measure: distinct src"),
		 "w.yaml:3:5: answer 'a': distinct counts of hosts cannot be added up: 'q'"},
		{ANSWERS("  - {name: a, query: Q1, hosts: [1, 9]}\n  hosts: [1, 2]\n"),
		 "w.yaml:3:5: answer 'a': host 9 is not in hosts"},
		{ANSWERS("  - {name: a, query: Q1, aggregate: max}\n"),
		 "w.yaml:3:37: aggregate: expected one of: sum avg"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct why why;

		must_refuse(cases[i].text, &why);
		assert_string_equal(why.text, cases[i].line);
	}
}

static void plain_text_stays_on_this_machine_unless_it_is_asked_for(void **state)
{
	static const char *const here[] = {"127.0.0.1", "127.9.9.9", "[::1]", "localhost"};
	static const char *const there[] = {"128.0.0.1", "[::]", "[::2]", "localhost.example",
					    "127.example"};
	struct why err;
	struct config c;
	char text[128];

	for (size_t i = 0; i < COUNT(here); i++) {
		snprintf(text, sizeof(text), "coordinate: {listen: [\"tcp://%s\"]}\n", here[i]);
		must_read(text, &c);
		config_free(&c);
	}
	for (size_t i = 0; i < COUNT(there); i++) {
		snprintf(text, sizeof(text), "coordinate: {listen: [\"tcp://%s\"]}\n", there[i]);
		assert_int_not_equal(config_read("w", text, strlen(text), &c, &err), 0);
		snprintf(text, sizeof(text), "coordinate: {plain: true, listen: [\"tcp://%s\"]}\n",
			 there[i]);
		must_read(text, &c);
		config_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_nobody_is_reported_to_and_each_query_is_summed),
		cmocka_unit_test(a_host_says_whom_it_reports_to),
		cmocka_unit_test(a_coordinator_is_taken_at_its_word),
		cmocka_unit_test(a_distinct_count_is_no_answer_of_a_coordinator_by_itself),
		cmocka_unit_test(a_precision_is_exact_to_the_millionth),
		cmocka_unit_test(what_cannot_be_is_refused_with_line_and_column),
		cmocka_unit_test(plain_text_stays_on_this_machine_unless_it_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

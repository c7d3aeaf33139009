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

#include "reading.h"
#include "weir/query.h"
#include "weir/window.h"

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
	assert_int_equal(c.vxlan_port_count, 2);
	assert_int_equal(c.vxlan_ports[0], 4789);
	assert_int_equal(c.vxlan_ports[1], 8472);
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
		"vxlan_ports: [8472, 7]\n"
		"attach: {ingress: generic, egress: clsact, vlan: never}\n"
		"count: upper\n"
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
	assert_int_equal(c.vxlan_port_count, 2);
	assert_int_equal(c.vxlan_ports[1], 7);
	assert_int_equal(c.attach.in, ATTACH_IN_GENERIC);
	assert_int_equal(c.attach.out, ATTACH_OUT_CLSACT);
	assert_int_equal(c.attach.vlan, ATTACH_VLAN_NEVER);
	assert_int_equal(c.count, COUNT_UPPER);
	assert_int_equal(c.query_count, 2);
	assert_int_equal(c.queries[0].measure, WEIR_MEASURE_BYTES);
	assert_int_equal(c.queries[0].window_s, 1);
	assert_string_equal(c.queries[1].match, "dst group isp");
	assert_int_equal(c.queries[1].window_s, 60);
	assert_exports(&c);
	config_free(&c);
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
	must_refuse(text, &err);
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
	must_refuse(text, &err);
	assert_string_equal(err.text, "w.yaml:10:3: export: expected at most 8");
}

static void the_query_that_finds_no_terms_left_is_named(void **state)
{
	static char text[1 << 13];
	struct why err;
	int at = sprintf(text, "queries:\n");

	for (int i = 0; i < 33; i++)
		at += sprintf(text + at, "- {name: q%d, match: port 22}\n", i);
	must_refuse(text, &err);
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
	c.scope.inside = realloc(c.scope.inside, (c.scope.inside_count + 1) * sizeof(own));
	assert_non_null(c.scope.inside);
	c.scope.inside[c.scope.inside_count++] = own; /* as the agent does */
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

static void once_is_the_lowest_of_a_stack_and_all_is_what_stands_there(void **state)
{
	static const struct {
		const char *text;
		enum count_mode mode;
	} cases[] = {
		{"", COUNT_ALL},
		{"count: all\n", COUNT_ALL},
		{"count: once\n", COUNT_LOWER},
		{"count: lower\n", COUNT_LOWER},
	};
	struct config c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		must_read(cases[i].text, &c);
		assert_int_equal(c.count, cases[i].mode);
		assert_int_equal(c.attach.vlan, ATTACH_VLAN_AUTO);
		config_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_the_defaults_of_the_manual_hold),
		cmocka_unit_test(once_is_the_lowest_of_a_stack_and_all_is_what_stands_there),
		cmocka_unit_test(an_empty_file_says_the_same_as_none),
		cmocka_unit_test(a_file_with_every_key_is_taken_at_its_word),
		cmocka_unit_test(sixty_four_queries_fit_and_one_more_is_refused),
		cmocka_unit_test(eight_exporters_fit_and_one_more_is_refused),
		cmocka_unit_test(the_query_that_finds_no_terms_left_is_named),
		cmocka_unit_test(own_networks_can_be_added_to_inside),
		cmocka_unit_test(a_file_is_read_and_a_missing_one_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

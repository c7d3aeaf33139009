/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "flow/text.h"
#include "unit/flow/live.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEC WEIR_NS_PER_SEC

static void endpoints_read_as_people_write_them(void **state)
{
	static const struct {
		uint8_t flags;
		const char *source, *dest;
	} cases[] = {
		{0, "192.0.2.1:1024", "10.0.0.255:53"},
		{WEIR_KEY_NOPORTS, "192.0.2.1", "10.0.0.255"},
		{WEIR_KEY_V6, "[2001:db8::1]:1024", "[::ffff:192.0.2.7]:53"},
		{WEIR_KEY_V6 | WEIR_KEY_NOPORTS, "2001:db8::1", "::ffff:192.0.2.7"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct weir_flow f = flow_of(17, cases[i].flags);
		char text[FLOW_ENDPOINT_BYTES];

		flow_source_text(&f.key, &pair6, text);
		assert_string_equal(text, cases[i].source);
		flow_dest_text(&f.key, &pair6, text);
		assert_string_equal(text, cases[i].dest);
	}
}

static void the_longest_endpoint_fits(void **state)
{
	struct weir_flow f = flow_of(6, WEIR_KEY_V6);
	char text[FLOW_ENDPOINT_BYTES];
	struct weir_pair6 pair;

	memset(&pair, 0xff, sizeof(pair));
	f.key.sport = 0xffff;
	flow_source_text(&f.key, &pair, text);
	assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void protocols_have_words_numbers_or_a_type_and_a_code(void **state)
{
	static const struct {
		uint8_t proto, type, code;
		const char *text;
	} cases[] = {
		{1, 8, 0, "icmp 8/0"},
		{1, 3, 13, "icmp 3/13"},
		{1, 255, 255, "icmp 255/255"},
		{2, 0, 0, "igmp"},
		{4, 0, 0, "ipip"},
		{6, 0, 80, "tcp"},
		{17, 0, 53, "udp"},
		{41, 0, 0, "ip6"},
		{47, 0, 0, "gre"},
		{50, 0, 0, "esp"},
		{58, 128, 0, "icmp6 128/0"},
		{58, 255, 255, "icmp6 255/255"},
		{33, 0, 53, "dccp"},
		{132, 0, 0, "sctp"},
		{136, 0, 0, "udplite"},
		{0, 0, 0, "0"},
		{89, 0, 0, "89"},
		{255, 0, 0, "255"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct weir_flow f = flow_of(cases[i].proto, WEIR_KEY_NOPORTS);
		char text[FLOW_PROTO_BYTES];

		memcpy(&f.key.dport, (const uint8_t[]){cases[i].type, cases[i].code}, 2);
		flow_proto_text(&f.key, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void icmp_without_its_header_has_no_type(void **state)
{
	for (int six = 0; six < 2; six++) {
		struct weir_flow f = flow_of(six ? 58 : 1, WEIR_KEY_NOPORTS | WEIR_KEY_UNKNOWN);
		char text[FLOW_PROTO_BYTES];

		flow_proto_text(&f.key, text);
		assert_string_equal(text, six ? "icmp6" : "icmp");
	}
}

/* RFC 5102, flowEndReason: 1 idle timeout, 2 active timeout, 3 end of flow, 4 forced, 5 lack of
 * resources. */
static void an_end_is_named_by_its_ipfix_code(void **state)
{
	static const char *const words[] = {"live", "idle", "active", "end", "forced", "resources"};

	for (int end = 0; end < 256; end++)
		assert_string_equal(flow_end_text(end), end < 6 ? words[end] : "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_read_as_people_write_them),
		cmocka_unit_test(the_longest_endpoint_fits),
		cmocka_unit_test(protocols_have_words_numbers_or_a_type_and_a_code),
		cmocka_unit_test(icmp_without_its_header_has_no_type),
		cmocka_unit_test(an_end_is_named_by_its_ipfix_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

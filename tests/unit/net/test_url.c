// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void an_address_is_taken_apart(void **state)
{
	static const struct {
		const char *text;
		enum url_format format;
		enum url_transport transport;
		const char *host, *port;
	} cases[] = {
		{"ipfix+udp://127.0.0.1", URL_IPFIX, URL_UDP, "127.0.0.1", "4739"},
		{"ipfix+tcp://c.example:9995", URL_IPFIX, URL_TCP, "c.example", "9995"},
		{"ipfix+tls://c.example", URL_IPFIX, URL_TLS, "c.example", "4740"},
		{"v9+udp://nf_1.example", URL_V9, URL_UDP, "nf_1.example", "2055"},
		{"v5+udp://[::1]:1", URL_V5, URL_UDP, "::1", "1"},
		{"ipfix+udp://[2001:db8::7]", URL_IPFIX, URL_UDP, "2001:db8::7", "4739"},
		{"ipfix+udp://[fe80::1%eth0]:65535", URL_IPFIX, URL_UDP, "fe80::1%eth0", "65535"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct why why = {};
		struct url url;

		if (url_parse(cases[i].text, &url, &why))
			fail_msg("%s: %s", cases[i].text, why.text);
		assert_int_equal(url.format, cases[i].format);
		assert_int_equal(url.transport, cases[i].transport);
		assert_string_equal(url.host, cases[i].host);
		assert_string_equal(url.port, cases[i].port);
		assert_memory_equal(url_scheme(&url), cases[i].text, strlen(url_scheme(&url)));
	}
}

static void a_pattern_is_kept_as_it_is(void **state)
{
	struct why why = {};
	struct url url;

	assert_int_equal(url_parse("file:/var/lib/weir/%Y/%m-%d %H%M%%.ipfix", &url, &why), 0);
	assert_int_equal(url.transport, URL_FILE);
	assert_string_equal(url.path, "/var/lib/weir/%Y/%m-%d %H%M%%.ipfix");
	assert_string_equal(url_scheme(&url), "file");
}

static void what_is_no_address_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "'' is not an address: expected ipfix+udp://, "},
		{"127.0.0.1:4739", "'127.0.0.1:4739' is not an address"},
		{"udp://127.0.0.1", "'udp://127.0.0.1' is not an address"},
		{"v9+tcp://h", "'v9+tcp://h' is not an address"},
		{"ipfix+udp:h", "'ipfix+udp:h' is not an address"},
		{"ipfix+udp://", "a host is missing"},
		{"ipfix+udp://:4739", "a host is missing"},
		{"ipfix+udp://h:", "'' is not a port: expected 1 to 65535"},
		{"ipfix+udp://h:0", "'0' is not a port"},
		{"ipfix+udp://h:65536", "'65536' is not a port"},
		{"ipfix+udp://h:+1", "'+1' is not a port"},
		{"ipfix+udp://h:4739x", "'4739x' is not a port"},
		{"ipfix+udp://h:004739", "'004739' is not a port"},
		{"ipfix+udp://h/x", "'/x' after the host: expected nothing or :PORT"},
		{"ipfix+udp://u@h", "'u@h' is not a host"},
		{"ipfix+udp://h h", "'h h' is not a host"},
		{"ipfix+udp://2001:db8::1", "an IPv6 address needs brackets: [2001:db8::1]?"},
		{"ipfix+udp://[::1", "the bracket of '[::1' is not closed"},
		{"ipfix+udp://[10.0.0.1]", "'10.0.0.1' is not an IPv6 address"},
		{"ipfix+udp://[::1]4739", "'4739' after the host"},
		{"file:", "the name of a file is missing"},
		{"file:/var/lib/", "the name of a file is missing"},
		{"file:a\nb", "a control character is in the name"},
		{"file:/x/%Q", "'%Q' is not a conversion of strftime that is allowed here"},
		{"file:/x/%", "'%' is not a conversion"},
	};
	char longest[URL_BYTES + 8] = "file:";
	struct why why = {};
	struct url url, before;

	memset(&url, 0x5a, sizeof(url));
	before = url;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(url_parse(cases[i].text, &url, &why), -EINVAL);
		if (strncmp(why.text, cases[i].why, strlen(cases[i].why)))
			fail_msg("%s: %s\ninstead of %s", cases[i].text, why.text, cases[i].why);
		assert_memory_equal(&url, &before, sizeof(url));
	}
	memset(longest + 5, 'x', URL_BYTES - 5);
	assert_int_equal(url_parse(longest, &url, &why), -EINVAL);
	longest[URL_BYTES - 1] = 0;
	assert_int_equal(url_parse(longest, &url, &why), 0);
}

static void a_link_is_of_tcp_or_tls_alone(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"", "'' is not an address: expected tls:// or tcp:// with HOST[:PORT]"},
		{"ipfix+tcp://h", "'ipfix+tcp://h' is not an address: expected tls:// or tcp://"},
		{"tcp:h", "'tcp:h' is not an address"},
		{"file:x", "'file:x' is not an address"},
		{"tls://", "a host is missing"},
		{"tls://h:0", "'0' is not a port: expected 1 to 65535"},
		{"tcp://::1", "an IPv6 address needs brackets: [::1]?"},
	};
	struct why why = {};
	struct url url = {0};

	assert_int_equal(url_parse_link("tcp://192.0.2.1", &url, &why), 0);
	assert_int_equal(url.transport, URL_TCP);
	assert_string_equal(url.host, "192.0.2.1");
	assert_string_equal(url.port, "4740");
	assert_int_equal(url_parse_link("tls://[2001:db8::7]:99", &url, &why), 0);
	assert_int_equal(url.transport, URL_TLS);
	assert_string_equal(url.host, "2001:db8::7");
	assert_string_equal(url.port, "99");
	assert_int_equal(url_parse_link("tls://c.example", &url, &why), 0);
	assert_string_equal(url.port, "4740");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(url_parse_link(wrong[i].text, &url, &why), -EINVAL);
		if (strncmp(why.text, wrong[i].why, strlen(wrong[i].why)))
			fail_msg("%s: %s\ninstead of %s", wrong[i].text, why.text, wrong[i].why);
		assert_string_equal(url.host, "c.example");
	}
	/* And exporters go elsewhere. */
	assert_int_equal(url_parse("tcp://h", &url, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_taken_apart),
		cmocka_unit_test(a_pattern_is_kept_as_it_is),
		cmocka_unit_test(what_is_no_address_is_refused_by_name),
		cmocka_unit_test(a_link_is_of_tcp_or_tls_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

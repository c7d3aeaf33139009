// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A flow record as JSON: exactly what is known, whatever came over the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "flow/json.h"
#include "wire/field.h"

static void assert_json(const struct flow_record *flow, const char *shall)
{
	json_t *json = flow_record_to_json(flow);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));

	assert_non_null(text);
	assert_string_equal(text, shall);
	free(text);
	json_decref(json);
}

static void a_plain_flow_has_the_keys_of_all_flows(void **state)
{
	const struct flow_record f = {
		.src = {192, 0, 2, 1},
		.dst = {192, 0, 2, 2},
		.sport = 1,
		.dport = 2,
		.proto = 6,
		.family = 4,
		.direction = 1,
		.forward = {1500000000, 2000000000, 3, 4, 5, 2, 6},
	};

	assert_json(&f, "{\"bytes\":4,\"direction\":\"out\",\"dport\":2,\"dst\":\"192.0.2.2\","
			"\"end\":\"active\",\"first\":1.5,\"last\":2.0,\"packets\":3,\"proto\":6,"
			"\"sport\":1,\"src\":\"192.0.2.1\",\"tcp_flags\":5,\"vlan\":0}");
}

static void what_is_known_besides_is_told(void **state)
{
	const struct flow_record f = {
		.known = FIELD_BIT(NEXT_HOP) | FIELD_BIT(NAT_SRC) | FIELD_BIT(LABELS) |
			 FIELD_BIT(VRF_NAME) | FIELD_BIT(IN_VRF) | FIELD_BIT(REVERSE_PACKETS) |
			 FIELD_BIT(ICMP),
		.src = {0x20, 0x01},
		.dst = {0xfe, 0x80},
		.proto = 58,
		.family = 6,
		.icmp = 0x8000,
		.next_hop = {192, 0, 2, 1},
		.labels = 2,
		.label = {16, 33},
		.vrf_name = "r\377d",
		.in_vrf = 7,
		.reverse = {.packets = 9},
	};

	assert_json(&f, "{\"bytes\":0,\"direction\":\"in\",\"dport\":32768,\"dst\":\"fe80::\","
			"\"end\":null,\"first\":0.0,\"icmp\":32768,\"in_vrf\":7,\"labels\":[16,33],"
			"\"last\":0.0,\"nat_src\":\"::\",\"next_hop\":\"192.0.2.1\",\"packets\":0,"
			"\"proto\":58,\"reverse\":{\"bytes\":0,\"end\":null,\"first\":0.0,"
			"\"last\":0.0,\"packets\":9,\"tcp_flags\":0,\"tos\":0},\"sport\":0,"
			"\"src\":\"2001::\",\"tcp_flags\":0,\"vlan\":0,\"vrf_name\":\"r?d\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_flow_has_the_keys_of_all_flows),
		cmocka_unit_test(what_is_known_besides_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

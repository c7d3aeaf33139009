// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A flow record as JSON: exactly what is known, whatever came over the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "flow/json.h"
#include "unit/flow/live.h"

#define SEC WEIR_NS_PER_SEC

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
		.known = FLOW_BASIC,
		.src = {192, 0, 2, 1},
		.dst = {192, 0, 2, 2},
		.sport = 1,
		.dport = 2,
		.proto = 6,
		.family = 4,
		.direction = 1,
		.forward = {1500000000, 2000000000, 3, 4, 5, 2, 6},
	};

	assert_json(
		&f,
		"{\"bytes\":4,\"direction\":\"out\",\"dport\":2,\"dst\":\"192.0.2.2\","
		"\"end_reason\":\"active\",\"first\":\"1970-01-01T00:00:01.500Z\",\"first_ns\":1500000000,\"last\":\"1970-01-01T00:00:02Z\",\"last_ns\":2000000000,\"packets\":3,\"proto\":6,"
		"\"sport\":1,\"src\":\"192.0.2.1\",\"tcp_flags\":5,\"vlan\":0}");
}

static void what_is_known_besides_is_told(void **state)
{
	const struct flow_record f = {
		.known = FLOW_BASIC | FIELD_BIT(REVERSE_BYTES) | FIELD_BIT(NEXT_HOP) |
			 FIELD_BIT(NAT_SRC) | FIELD_BIT(LABELS) | FIELD_BIT(VRF_NAME) |
			 FIELD_BIT(IN_VRF) | FIELD_BIT(REVERSE_PACKETS) | FIELD_BIT(ICMP),
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
		.forward = {.start_ns = 1000000000, .end_ns = 2000000000},
	};

	assert_json(
		&f,
		"{\"bytes\":0,\"direction\":\"in\",\"dport\":32768,\"dst\":\"fe80::\","
		"\"end_reason\":null,\"first\":\"1970-01-01T00:00:01Z\",\"first_ns\":1000000000,\"icmp\":32768,\"in_vrf\":7,\"labels\":[16,33],"
		"\"last\":\"1970-01-01T00:00:02Z\",\"last_ns\":2000000000,\"nat_src\":\"::\",\"next_hop\":\"192.0.2.1\",\"packets\":0,"
		"\"proto\":58,\"reverse\":{\"bytes\":0,\"end_reason\":null,\"first\":null,\"first_ns\":null,"
		"\"last\":null,\"last_ns\":null,\"packets\":9,\"tcp_flags\":null,\"tos\":null},\"sport\":0,"
		"\"src\":\"2001::\",\"tcp_flags\":0,\"vlan\":0,\"vrf_name\":\"r?d\"}");
}

static void what_nobody_told_is_null(void **state)
{
	/* Not even where there is something in the member. */
	const struct flow_record f = {
		.known = FIELD_BIT(SRC) | FIELD_BIT(REVERSE_BYTES),
		.src = {192, 0, 2, 1},
		.dst = {192, 0, 2, 2},
		.family = 4,
		.direction = 1,
		.forward = {1500000000, 2000000000, 3, 4, 5, 2, 6},
		.reverse = {.bytes = 7, .packets = 1},
	};

	assert_json(&f,
		    "{\"bytes\":null,\"direction\":null,\"dport\":null,\"dst\":null,"
		    "\"end_reason\":null,\"first\":null,\"first_ns\":null,\"last\":null,"
		    "\"last_ns\":null,\"packets\":null,\"proto\":null,"
		    "\"reverse\":{\"bytes\":7,\"end_reason\":null,\"first\":null,\"first_ns\":null,"
		    "\"last\":null,\"last_ns\":null,\"packets\":null,\"tcp_flags\":null,"
		    "\"tos\":null},\"sport\":null,\"src\":\"192.0.2.1\",\"tcp_flags\":null,"
		    "\"vlan\":null}");
}

static void assert_word(unsigned int field, __u8 number, const char *word)
{
	struct flow_record f = {
		.known = 1ull << field, .event = number, .nat_event = number, .counted = number};
	json_t *json = flow_record_to_json(&f);
	json_t *is = json_object_get(json, flow_fields[field].name);
	char key[64];

	assert_int_equal(json_is_null(is), !word);
	if (word)
		assert_string_equal(json_string_value(is), word);
	snprintf(key, sizeof(key), "%s_number", flow_fields[field].name);
	if (field != FIELD_COUNTED)
		assert_int_equal(json_integer_value(json_object_get(json, key)), number);
	json_decref(json);
}

/* By IANA's registries of firewallEvent and natEvent. */
static void events_have_a_name_and_a_number(void **state)
{
	assert_word(FIELD_EVENT, 0, NULL);
	assert_word(FIELD_EVENT, 1, "created");
	assert_word(FIELD_EVENT, 2, "deleted");
	assert_word(FIELD_EVENT, 3, "denied");
	assert_word(FIELD_EVENT, 5, "updated");
	assert_word(FIELD_EVENT, 6, NULL);
	assert_word(FIELD_EVENT, 255, NULL);
	assert_word(FIELD_NAT_EVENT, 4, "nat44 session created");
	assert_word(FIELD_NAT_EVENT, 18, "threshold reached");
	assert_word(FIELD_NAT_EVENT, 19, NULL);
	assert_word(FIELD_COUNTED, FLOW_COUNTED_LAYER2, "layer2");
	assert_word(FIELD_COUNTED, FLOW_COUNTED_MAX, NULL);
}

/* A field more, behind the record. */
struct larger {
	struct flow_record flow;
	__u32 metres;
};

static void a_new_row_is_a_new_key(void **state)
{
	struct flow_field_row rows[FIELD_MAX + 1];
	struct larger larger = {.flow = {.family = 4}, .metres = 42};
	json_t *json;

	memcpy(rows, flow_fields, sizeof(flow_fields));
	rows[FIELD_MAX] = (struct flow_field_row){
		"metres",      "how far it went", offsetof(struct larger, metres),
		sizeof(__u32), FLOW_TYPE_UINT,    FLOW_UNIT_NONE};
	assert_in_range(FIELD_MAX, 0, 63);
	larger.flow.known = 1ull << FIELD_MAX;
	json = flow_fields_json(rows, FIELD_MAX + 1, &larger.flow);
	assert_int_equal(json_integer_value(json_object_get(json, "metres")), 42);
	json_decref(json);
	larger.flow.known = 0;
	json = flow_fields_json(rows, FIELD_MAX + 1, &larger.flow);
	assert_null(json_object_get(json, "metres"));
	json_decref(json);
}

static void every_field_that_is_known_has_its_key(void **state)
{
	struct flow_record f = {.known = (1ull << FIELD_MAX) - 1, .family = 4};
	json_t *json = flow_record_to_json(&f), *reverse = json_object_get(json, "reverse");
	size_t times = 0, reverse_times = 0, halves = 0, events = 0;

	for (unsigned int i = 0; i < FIELD_MAX; i++) {
		bool is_reverse = flow_field_is_reverse(i);

		assert_non_null(json_object_get(is_reverse ? reverse : json, flow_fields[i].name));
		halves += is_reverse;
		if (flow_fields[i].type == FLOW_TYPE_TIME)
			*(is_reverse ? &reverse_times : &times) += 1;
		events += flow_fields[i].type == FLOW_TYPE_EVENT ||
			  flow_fields[i].type == FLOW_TYPE_NAT_EVENT;
	}
	assert_int_equal(halves, 7);
	/* Times and events have two keys, and `reverse` is one. */
	assert_int_equal(json_object_size(json), FIELD_MAX - halves + times + events + 1);
	assert_int_equal(json_object_size(reverse), halves + reverse_times);
	json_decref(json);
}

/* What a type can be written from. */
static void a_fields_member_is_as_large_as_its_type_wants(void **state)
{
	for (unsigned int i = 0; i < FIELD_MAX; i++) {
		const struct flow_field_row *row = &flow_fields[i];

		assert_true(*row->name && *row->text);
		switch ((enum flow_type)row->type) {
		case FLOW_TYPE_UINT:
			assert_int_equal(__builtin_popcount(row->bytes), 1);
			assert_in_range(row->bytes, 1, 8);
			break;
		case FLOW_TYPE_TIME:
			assert_int_equal(row->bytes, 8);
			break;
		case FLOW_TYPE_ADDRESS:
		case FLOW_TYPE_EITHER_ADDRESS:
			assert_int_equal(row->bytes, 16);
			break;
		case FLOW_TYPE_DPORT:
			assert_int_equal(row->bytes, 2);
			break;
		case FLOW_TYPE_LABELS:
			assert_int_equal(row->bytes, FLOW_LABELS * sizeof(__u32));
			break;
		case FLOW_TYPE_TEXT:
			assert_int_equal(row->bytes, FLOW_NAME_BYTES);
			break;
		default:
			assert_int_equal(row->bytes, 1);
		}
	}
}

static json_t *live_json(const struct weir_flow *f, enum weir_end end, int64_t offset_ns)
{
	struct flow_ended flow;

	flow_ended_of(f, &pair6, end, 0, &flow);
	return flow_live_json(&flow, offset_ns);
}

static void expect_record(const struct weir_flow *f, enum weir_end end, int64_t offset_ns,
			  const char *want)
{
	json_t *record = live_json(f, end, offset_ns);
	json_t *expected = json_loads(want, 0, NULL);
	char *text;

	assert_non_null(record);
	assert_non_null(expected);
	text = json_dumps(record, 0);
	if (!json_equal(record, expected))
		fail_msg("%s\nis not\n%s", text, want);
	free(text);
	json_decref(record);
	json_decref(expected);
}

/* date -u -d @1700000005 */
static void a_record_says_all_there_is_to_a_flow(void **state)
{
	struct weir_flow f = flow_of(17, 0);

	f.key.vlan = 4094;
	f.key.ifindex = 3;
	f.tos = 0xb8;
	f.packets = 3;
	f.bytes = 1ull << 40;
	f.first_ns = 5 * SEC + SEC / 2;
	f.last_ns = 7 * SEC + SEC / 4;
	expect_record(&f, WEIR_END_IDLE, 1700000000 * (int64_t)SEC,
		      "{\"src\": \"192.0.2.1\", \"dst\": \"10.0.0.255\", \"sport\": 1024,"
		      " \"dport\": 53, \"proto\": 17, \"vlan\": 4094, \"packets\": 3,"
		      " \"bytes\": 1099511627776, \"first\": \"2023-11-14T22:13:25.500Z\","
		      " \"first_ns\": 1700000005500000000,"
		      " \"last\": \"2023-11-14T22:13:27.250Z\","
		      " \"last_ns\": 1700000007250000000, \"tcp_flags\": 0, \"tos\": 184,"
		      " \"end_reason\": \"idle\", \"direction\": \"in\", \"family\": 4,"
		      " \"in_if\": 3}");
}

static void a_live_record_has_no_end_and_ipv6_no_brackets(void **state)
{
	struct weir_flow f = flow_of(6, WEIR_KEY_V6 | WEIR_KEY_OUT);

	f.packets = ~0u;
	f.tcp_flags = WEIR_TCP_SYN | WEIR_TCP_ACK;
	f.first_ns = 2 * SEC;
	f.last_ns = 2 * SEC;
	expect_record(&f, WEIR_END_NONE, 0,
		      "{\"src\": \"2001:db8::1\", \"dst\": \"::ffff:192.0.2.7\", \"sport\": 1024,"
		      " \"dport\": 53, \"proto\": 6, \"vlan\": 0, \"packets\": 4294967295,"
		      " \"bytes\": 0, \"first\": \"1970-01-01T00:00:02Z\","
		      " \"first_ns\": 2000000000, \"last\": \"1970-01-01T00:00:02Z\","
		      " \"last_ns\": 2000000000, \"tcp_flags\": 18, \"tos\": 0,"
		      " \"end_reason\": null, \"direction\": \"out\", \"family\": 6,"
		      " \"out_if\": 0}");
}

/* The monotonic clock of a capture's first packet may be ahead of its offset. */
static void a_clock_offset_may_be_negative(void **state)
{
	struct weir_flow f = flow_of(17, 0);
	json_t *record;

	f.first_ns = SEC;
	f.last_ns = 4 * SEC;
	record = live_json(&f, WEIR_END_NONE, -2 * (int64_t)SEC);
	assert_non_null(record);
	assert_int_equal(json_integer_value(json_object_get(record, "first_ns")), -(int64_t)SEC);
	assert_string_equal(json_string_value(json_object_get(record, "first")),
			    "1969-12-31T23:59:59Z");
	assert_int_equal(json_integer_value(json_object_get(record, "last_ns")), 2 * SEC);
	json_decref(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_flow_has_the_keys_of_all_flows),
		cmocka_unit_test(what_is_known_besides_is_told),
		cmocka_unit_test(what_nobody_told_is_null),
		cmocka_unit_test(events_have_a_name_and_a_number),
		cmocka_unit_test(a_new_row_is_a_new_key),
		cmocka_unit_test(every_field_that_is_known_has_its_key),
		cmocka_unit_test(a_fields_member_is_as_large_as_its_type_wants),
		cmocka_unit_test(a_record_says_all_there_is_to_a_flow),
		cmocka_unit_test(a_live_record_has_no_end_and_ipv6_no_brackets),
		cmocka_unit_test(a_clock_offset_may_be_negative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "flow/ended.h"
#include "flow/fields.h"
#include "flow/json.h"

static struct flow_ended flow(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	struct flow_ended f = {
		.key = {.sport = htons(sport),
			.dport = htons(dport),
			.proto = 6,
			.vlan = 42,
			.ifindex = 3},
		.end = WEIR_END_FLOW,
		.tcp_flags = 0x1b,
		.tos = 0xb8,
		.start_ns = 1000,
		.end_ns = 2000,
		.packets = 5,
		.bytes = 600,
	};

	if (strchr(src, ':')) {
		f.key.flags = WEIR_KEY_V6;
		inet_pton(AF_INET6, src, f.pair.src);
		inet_pton(AF_INET6, dst, f.pair.dst);
		f.key.addrs = weir_fold6(&f.pair);
	} else {
		f.key.src4 = inet_addr(src);
		f.key.dst4 = inet_addr(dst);
	}
	return f;
}

static void a_record_says_what_the_flow_does(void **state)
{
	struct flow_ended f = flow("10.0.0.1", 40000, "192.0.2.9", 443);
	static const uint8_t src[16] = {10, 0, 0, 1}, dst[16] = {192, 0, 2, 9};
	struct flow_record r;

	flow_ended_record(&f, &r);
	assert_int_equal(r.family, 4);
	assert_memory_equal(r.src, src, 16);
	assert_memory_equal(r.dst, dst, 16);
	assert_int_equal(r.sport, 40000);
	assert_int_equal(r.dport, 443);
	assert_int_equal(r.proto, 6);
	assert_int_equal(r.vlan, 42);
	assert_int_equal(r.icmp, 0);
	assert_int_equal(r.direction, 0);
	assert_int_equal(r.in_if, 3);
	assert_int_equal(r.out_if, 0);
	assert_int_equal(r.forward.packets, 5);
	assert_int_equal(r.forward.bytes, 600);
	assert_int_equal(r.forward.start_ns, 1000);
	assert_int_equal(r.forward.end_ns, 2000);
	assert_int_equal(r.forward.tcp_flags, 0x1b);
	assert_int_equal(r.forward.tos, 0xb8);
	assert_int_equal(r.forward.end, WEIR_END_FLOW);
	assert_int_equal(r.reverse.packets, 0);
	f.key.flags |= WEIR_KEY_OUT;
	flow_ended_record(&f, &r);
	assert_int_equal(r.direction, 1);
	assert_int_equal(r.in_if, 0);
	assert_int_equal(r.out_if, 3);
}

static void an_icmp_flow_has_type_and_code_and_no_ports(void **state)
{
	struct flow_ended f = flow("10.0.0.1", 0, "10.0.0.2", 3 * 256 + 1);
	struct flow_record r;

	f.key.proto = 1;
	f.key.flags = WEIR_KEY_NOPORTS;
	flow_ended_record(&f, &r);
	assert_int_equal(r.icmp, 3 * 256 + 1);
	assert_int_equal(r.sport, 0);
	assert_int_equal(r.dport, 0);
	f = flow("fe80::1", 0, "fe80::2", 135 * 256);
	f.key.proto = 58;
	f.key.flags |= WEIR_KEY_NOPORTS;
	flow_ended_record(&f, &r);
	assert_int_equal(r.family, 6);
	assert_int_equal(r.icmp, 135 * 256);
	assert_int_equal(r.dport, 0);
	assert_memory_equal(r.src, f.pair.src, 16);
	assert_memory_equal(r.dst, f.pair.dst, 16);
}

/* A capture without times is not of 1970. */
static void a_time_that_is_not_known_is_null_in_json(void **state)
{
	struct flow_ended f = flow("10.0.0.1", 1, "10.0.0.2", 2);
	struct flow_record r;
	json_t *json;

	f.start_ns = 0;
	flow_ended_record(&f, &r);
	assert_false(r.known & FIELD_BIT(START));
	assert_true(r.known & FIELD_BIT(END));
	f.end_ns = 0;
	flow_ended_record(&f, &r);
	json = flow_record_to_json(&r);
	assert_true(json_is_null(json_object_get(json, "first")));
	assert_true(json_is_null(json_object_get(json, "last_ns")));
	json_decref(json);
}

/* Of a fragment alone: neither port 0 nor an echo reply. */
static void what_was_not_seen_is_not_known_and_null_in_json(void **state)
{
	static const __u8 protos[] = {1, 6, 17, 58};

	for (size_t i = 0; i < sizeof(protos); i++) {
		struct flow_ended f = flow("10.0.0.1", 0, "10.0.0.2", 0), back;
		struct flow_record r;
		json_t *json;

		f.key.proto = protos[i];
		f.key.flags = WEIR_KEY_NOPORTS | WEIR_KEY_UNKNOWN;
		flow_ended_record(&f, &r);
		assert_false(r.known & (FIELD_BIT(SPORT) | FIELD_BIT(DPORT) | FIELD_BIT(ICMP)));
		json = flow_record_to_json(&r);
		assert_true(json_is_null(json_object_get(json, "sport")));
		assert_true(json_is_null(json_object_get(json, "dport")));
		assert_null(json_object_get(json, "icmp"));
		json_decref(json);
		f.key.flags = WEIR_KEY_NOPORTS;
		flow_ended_record(&f, &r);
		json = flow_record_to_json(&r);
		assert_int_equal(json_integer_value(json_object_get(json, "dport")), 0);
		assert_true(json_is_integer(json_object_get(json, "sport")));
		json_decref(json);
		f.key.flags |= WEIR_KEY_UNKNOWN;
		back = f;
		back.key.flags |= WEIR_KEY_OUT;
		back.key.src4 = f.key.dst4;
		back.key.dst4 = f.key.src4;
		assert_false(flow_ended_reverses(&f, &back));
	}
}

static const char *const forward[] = {
	"src",   "dst",  "sport",     "dport", "proto",      "vlan",      "packets", "bytes",
	"first", "last", "tcp_flags", "tos",   "end_reason", "direction", "family",
};
static const char *const reverse[] = {"packets",   "bytes", "first",     "last",
				      "tcp_flags", "tos",   "end_reason"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* How many of `names` are known of one direction, or of the flow; each is in the table once. */
static unsigned int known_of(const struct flow_record *r, const char *const *names,
			     unsigned int count, bool is_reverse)
{
	unsigned int known = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int rows = 0;

		for (unsigned int field = 0; field < FIELD_MAX; field++) {
			if (flow_field_is_reverse(field) != is_reverse ||
			    strcmp(flow_fields[field].name, names[i]))
				continue;
			known += r->known >> field & 1;
			rows++;
		}
		assert_int_equal(rows, 1);
	}
	return known;
}

static void what_the_kernel_says_is_known_and_nothing_else(void **state)
{
	static const char *const in[] = {"in_if"}, *const out[] = {"out_if"},
				 *const icmp[] = {"icmp"}, *const initiator[] = {"initiator"};
	struct flow_ended a = flow("10.0.0.1", 40000, "10.0.0.2", 443);
	struct flow_ended b = flow("10.0.0.2", 443, "10.0.0.1", 40000);
	struct flow_record r;

	flow_ended_record(&a, &r);
	assert_int_equal(known_of(&r, forward, COUNT(forward), false), COUNT(forward));
	assert_int_equal(known_of(&r, in, 1, false), 1);
	assert_int_equal(__builtin_popcountll(r.known), COUNT(forward) + 1);

	b.key.flags = WEIR_KEY_OUT;
	flow_ended_biflow(&b, &a, &r);
	assert_int_equal(known_of(&r, forward, COUNT(forward), false), COUNT(forward));
	assert_int_equal(known_of(&r, reverse, COUNT(reverse), true), COUNT(reverse));
	assert_int_equal(known_of(&r, out, 1, false), 1);
	assert_int_equal(known_of(&r, initiator, 1, false), 1);
	assert_int_equal(__builtin_popcountll(r.known), COUNT(forward) + COUNT(reverse) + 2);

	a.key.proto = 1;
	a.key.flags = WEIR_KEY_NOPORTS;
	flow_ended_record(&a, &r);
	assert_int_equal(known_of(&r, icmp, 1, false), 1);
	assert_int_equal(__builtin_popcountll(r.known), COUNT(forward) + 2);
}

static void a_flow_is_told_from_the_other_direction_of_another(void **state)
{
	static const char *const ends[][2] = {{"10.0.0.1", "10.0.0.2"}, {"fe80::1", "fe80::2"}};

	for (int v6 = 0; v6 < 2; v6++) {
		const struct flow_ended a = flow(ends[v6][0], 40000, ends[v6][1], 443);
		struct flow_ended b = flow(ends[v6][1], 443, ends[v6][0], 40000), c;

		b.key.flags |= WEIR_KEY_OUT;
		assert_true(flow_ended_reverses(&a, &b));
		assert_true(flow_ended_reverses(&b, &a));
		assert_false(flow_ended_reverses(&a, &a));
		c = b, c.key.flags &= ~WEIR_KEY_OUT;
		assert_false(flow_ended_reverses(&a, &c));
		c = b, c.key.sport++;
		assert_false(flow_ended_reverses(&a, &c));
		c = b, c.key.dport++;
		assert_false(flow_ended_reverses(&a, &c));
		c = b, c.key.vlan++;
		assert_false(flow_ended_reverses(&a, &c));
		c = b, c.key.proto = 17;
		assert_false(flow_ended_reverses(&a, &c));
		c = b, c.key.ifindex++;
		assert_false(flow_ended_reverses(&a, &c));
		c = b, c.key.src4++, c.pair.src[15]++;
		assert_false(flow_ended_reverses(&a, &c));
		c = b, c.key.dst4++, c.pair.dst[15]++;
		assert_false(flow_ended_reverses(&a, &c));
	}
}

/* An echo and its reply are of different types: one record could hold the type of one only. */
static void an_icmp_type_has_no_other_direction(void **state)
{
	struct flow_ended a = flow("10.0.0.1", 0, "10.0.0.2", 8 * 256);
	struct flow_ended b = flow("10.0.0.2", 0, "10.0.0.1", 0);

	a.key.proto = b.key.proto = 1;
	a.key.flags = WEIR_KEY_NOPORTS;
	b.key.flags = WEIR_KEY_NOPORTS | WEIR_KEY_OUT;
	assert_false(flow_ended_reverses(&a, &b));
	b.key.dport = a.key.dport;
	assert_true(flow_ended_reverses(&a, &b));
}

static void what_began_first_is_the_forward_direction(void **state)
{
	struct flow_ended a = flow("10.0.0.1", 40000, "10.0.0.2", 443);
	struct flow_ended b = flow("10.0.0.2", 443, "10.0.0.1", 40000);
	struct flow_record r;

	b.key.flags = WEIR_KEY_OUT;
	b.start_ns = 999;
	b.packets = 7;
	flow_ended_biflow(&a, &b, &r);
	assert_int_equal(r.sport, 443);
	assert_int_equal(r.direction, 1);
	assert_int_equal(r.forward.packets, 7);
	assert_int_equal(r.reverse.packets, 5);
	assert_int_equal(r.initiator, 1);
	b.start_ns = 1001;
	flow_ended_biflow(&a, &b, &r);
	assert_int_equal(r.sport, 40000);
	assert_int_equal(r.reverse.packets, 7);
	assert_int_equal(r.initiator, 1);
	b.start_ns = a.start_ns;
	flow_ended_biflow(&a, &b, &r);
	assert_int_equal(r.sport, 40000);
	assert_int_equal(r.initiator, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_says_what_the_flow_does),
		cmocka_unit_test(an_icmp_flow_has_type_and_code_and_no_ports),
		cmocka_unit_test(a_time_that_is_not_known_is_null_in_json),
		cmocka_unit_test(what_was_not_seen_is_not_known_and_null_in_json),
		cmocka_unit_test(what_the_kernel_says_is_known_and_nothing_else),
		cmocka_unit_test(a_flow_is_told_from_the_other_direction_of_another),
		cmocka_unit_test(an_icmp_type_has_no_other_direction),
		cmocka_unit_test(what_began_first_is_the_forward_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

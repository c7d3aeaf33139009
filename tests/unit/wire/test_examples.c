// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Messages as the RFCs print them, and each kind of field, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "unit/wire/wire_bed.h"

static void assert_address(const __u8 *is, const char *shall)
{
	__u8 bytes[16];

	assert_int_equal(inet_pton(strchr(shall, ':') ? AF_INET6 : AF_INET, shall, bytes), 1);
	assert_memory_equal(is, bytes, strchr(shall, ':') ? 16 : 4);
}

static void put_address(struct message *m, const char *text)
{
	__u8 bytes[16];

	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes), 1);
	put_bytes(m, bytes, strchr(text, ':') ? 16 : 4);
}

/* RFC 7011, A.2.1 and A.3; RFC 3954, 7.1 has the same fields. */
static const __u16 example_fields[][2] = {{8, 4}, {12, 4}, {15, 4}, {2, 4}, {1, 4}};
static const struct {
	const char *src, *dst, *hop;
	unsigned int packets, bytes;
} example[] = {
	{"192.0.2.12", "192.0.2.254", "192.0.2.1", 5009, 5344385},
	{"192.0.2.27", "192.0.2.23", "192.0.2.2", 748, 388934},
	{"192.0.2.56", "192.0.2.65", "192.0.2.3", 5, 6534},
};

static void put_example(struct message *m, bool v9)
{
	begin_set(m, v9 ? 0 : 2);
	put_template(m, 256, 5, example_fields);
	end_set(m);
	assert_int_equal(m->length - m->set, 28);
	begin_set(m, 256);
	for (int i = 0; i < 3; i++) {
		put_address(m, example[i].src);
		put_address(m, example[i].dst);
		put_address(m, example[i].hop);
		put32(m, example[i].packets);
		put32(m, example[i].bytes);
	}
	end_set(m);
	assert_int_equal(m->length - m->set, 64);
}

static void assert_example(const struct bed *bed)
{
	assert_int_equal(bed->flows, 3);
	for (int i = 0; i < 3; i++) {
		const struct flow_record *f = &bed->flow[i];

		assert_address(f->src, example[i].src);
		assert_address(f->dst, example[i].dst);
		assert_address(f->next_hop, example[i].hop);
		assert_int_equal(f->forward.packets, example[i].packets);
		assert_int_equal(f->forward.bytes, example[i].bytes);
		assert_int_equal(f->family, 4);
		assert_true(f->known ==
			    (FIELD_BIT(SRC) | FIELD_BIT(DST) | FIELD_BIT(NEXT_HOP) |
			     FIELD_BIT(PACKETS) | FIELD_BIT(BYTES) | FIELD_BIT(FAMILY)));
	}
}

static void the_data_set_of_rfc_7011_is_read(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;

	begin_ipfix(&m, 0, 1);
	put_example(&m, false);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_example(bed);
	assert_int_equal(bed->origin.family, 4);
	assert_memory_equal(bed->origin.address, bed->peer.address, 16);
	assert_int_equal(bed->origin.domain, 1);
	assert_int_equal(bed->origin.protocol, WIRE_IPFIX);
	assert_true(bed->origin.export_ns == EXPORT_S * SECOND);
	bed_free(bed);
}

static void the_same_is_read_from_v9(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;

	begin_v9(&m, 1000, 0, 1);
	put_example(&m, true);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_example(bed);
	bed_free(bed);
}

/* RFC 7011, A.4.2 and A.4.4, and RFC 3954's: line cards 1 and 2 sent 345 and 690 messages with
 * 10201 and 20402 records. */
static void put_line_cards(struct message *m)
{
	static const unsigned int cards[][3] = {{1, 345, 10201}, {2, 690, 20402}};

	begin_set(m, 258);
	for (int i = 0; i < 2; i++) {
		put32(m, cards[i][0]);
		put16(m, cards[i][1]);
		put16(m, cards[i][2]);
	}
	end_set(m);
}

static void assert_line_cards(const struct bed *bed)
{
	assert_int_equal(bed->options, 2);
	assert_int_equal(bed->option[0].kind, WIRE_OPTION_STATISTICS);
	assert_int_equal(bed->option[0].statistics.exported_messages, 345);
	assert_int_equal(bed->option[0].statistics.exported_flows, 10201);
	assert_int_equal(bed->option[1].statistics.exported_messages, 690);
	assert_int_equal(bed->option[1].statistics.exported_flows, 20402);
	assert_int_equal(bed_count(bed, WIRE_COUNT_OPTIONS), 2);
}

static void the_options_of_rfc_7011_are_read(void **state)
{
	static const __u16 template[] = {258, 3, 1, 141, 4, 41, 2, 42, 2, 0};
	struct bed *bed = bed_new(NULL);
	struct message m;

	begin_ipfix(&m, 0, 1);
	begin_set(&m, 3);
	for (size_t i = 0; i < sizeof(template) / sizeof(*template); i++)
		put16(&m, template[i]);
	end_set(&m);
	assert_int_equal(m.length - m.set, 24);
	put_line_cards(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_line_cards(bed);
	bed_free(bed);
}

static void the_options_of_rfc_3954_are_read(void **state)
{
	/* Four bytes of scope, a line card; eight bytes of options; two of padding. */
	static const __u16 template[] = {258, 4, 8, 3, 4, 41, 2, 42, 2, 0};
	struct bed *bed = bed_new(NULL);
	struct message m;

	begin_v9(&m, 1000, 0, 1);
	begin_set(&m, 1);
	for (size_t i = 0; i < sizeof(template) / sizeof(*template); i++)
		put16(&m, template[i]);
	end_set(&m);
	put_line_cards(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_line_cards(bed);
	assert_int_equal(bed_count(bed, WIRE_COUNT_TEMPLATE), 0);
	bed_free(bed);
}

/* RFC 5103, appendix A: a web request of 18000 bytes in 65 packets, answered by 128000 in 110. */
static void the_biflow_of_rfc_5103_is_read(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;
	struct flow_record *f = bed->flow;

	begin_ipfix(&m, 0, 1);
	begin_set(&m, 2);
	put_template(
		&m, 1000, 7,
		(const __u16[][2]){{150, 4}, {8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {85, 4}});
	wire_put16(m.bytes + m.set + 6, 10);
	put16(&m, 0x8000 | 85);
	put16(&m, 4);
	put32(&m, 29305);
	put16(&m, 86);
	put16(&m, 4);
	put16(&m, 0x8000 | 86);
	put16(&m, 4);
	put32(&m, 29305);
	end_set(&m);
	begin_set(&m, 1000);
	put32(&m, 1138813200); /* 2006-02-01 17:00:00 UTC */
	put_address(&m, "192.0.2.2");
	put_address(&m, "192.0.2.3");
	put16(&m, 32770);
	put16(&m, 80);
	put8(&m, 6);
	put32(&m, 18000);
	put32(&m, 128000);
	put32(&m, 65);
	put32(&m, 110);
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_int_equal(bed->flows, 1);
	assert_true(f->forward.start_ns == 1138813200 * SECOND);
	assert_int_equal(f->forward.bytes, 18000);
	assert_int_equal(f->forward.packets, 65);
	assert_int_equal(f->reverse.bytes, 128000);
	assert_int_equal(f->reverse.packets, 110);
	assert_true(f->known & FIELD_BIT(REVERSE_BYTES));
	assert_false(f->known & FIELD_BIT(REVERSE_START));
	bed_free(bed);
}

/* --- Kinds of fields ----------------------------------------------------------------------- */

/* The flow that comes of a record of one field, and of a packet. */
static struct flow_record one(__u16 number, unsigned int length, const void *value)
{
	struct bed *bed = bed_new(NULL);
	__u8 data[32] = {[31] = 1};
	struct flow_record f;

	assert_in_range(length, 1, sizeof(data) - 4);
	memcpy(data + 28 - length, value, length);
	take_template(bed, 1, 300, 2, (const __u16[][2]){{number, length}, {2, 4}});
	take_data(bed, 0, 1, 300, data + 28 - length, length + 4);
	assert_int_equal(bed->flows, 1);
	f = bed->flow[0];
	bed_free(bed);
	return f;
}

static void times_are_read_in_every_unit(void **state)
{
	/* 2023-11-14 22:13:20.5: 3908988800 seconds since 1900 (RFC 7011, 6.1.9), and a half. */
	static const __u8 ntp[] = {0xe8, 0xfe, 0x6f, 0x80, 0x80, 0, 0, 0};
	static const __u8 ntp_odd[] = {0xe8, 0xfe, 0x6f, 0x80, 0x80, 0, 0x07, 0xff};
	static const __u8 after_2036[] = {0, 0, 0, 1, 0, 0, 0, 0};
	const __u64 half = EXPORT_S * SECOND + SECOND / 2;

	assert_true(one(150, 4, "\x65\x53\xf1\x00").forward.start_ns == EXPORT_S * SECOND);
	assert_true(one(151, 4, "\x65\x53\xf1\x00").forward.end_ns == EXPORT_S * SECOND);
	assert_true(one(152, 8, "\x00\x00\x01\x8b\xcf\xe5\x69\xf4").forward.start_ns == half);
	assert_true(one(154, 8, ntp).forward.start_ns == half);
	assert_true(one(155, 8, ntp_odd).forward.end_ns == half);
	assert_true(one(157, 8, ntp).forward.end_ns == half);
	assert_true(one(157, 8, ntp_odd).forward.end_ns == half + 476);
	assert_true(one(156, 8, after_2036).forward.start_ns == (4294967297 - 2208988800) * SECOND);
	assert_true(one(158, 4, "\x00\x07\xa1\x20").forward.start_ns == half - SECOND);
	assert_true(one(323, 8, "\x00\x00\x01\x8b\xcf\xe5\x69\xf4").forward.end_ns == half);
}

static void numbers_come_in_any_length(void **state)
{
	assert_true(one(1, 1, "\x07").forward.bytes == 7);
	assert_true(one(1, 3, "\x01\x02\x03").forward.bytes == 0x010203);
	assert_true(one(1, 7, "\x01\x02\x03\x04\x05\x06\x07").forward.bytes == 0x01020304050607);
	assert_int_equal(one(10, 2, "\x01\x02").in_if, 0x0102);
	assert_int_equal(one(16, 2, "\xff\xfe").src_as, 65534);
	/* What does not fit becomes the largest number that does. */
	assert_int_equal(one(7, 4, "\x00\x01\x00\x00").sport, 65535);
	assert_int_equal(one(6, 2, "\x01\x12").forward.tcp_flags, 0x12);
	assert_int_equal(one(6, 1, "\x12").forward.tcp_flags, 0x12);
}

static void other_fields_are_read(void **state)
{
	assert_int_equal(one(32, 2, "\x08\x01").icmp, 0x0801);
	assert_int_equal(one(178, 1, "\x80").icmp, 0x8000);
	assert_int_equal(one(177, 1, "\x03").icmp, 3);
	assert_address(one(18, 4, "\xc0\x00\x02\x01").bgp_next_hop, "192.0.2.1");
	assert_address(one(281, 16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01").nat_src,
		       "2001:db8::1");
	assert_int_equal(one(228, 2, "\x01\xbb").nat_dport, 443);
	assert_int_equal(one(71, 3, "\x01\x02\x03").labels, 2);
	assert_int_equal(one(71, 3, "\x01\x02\x03").label[1], 0x010203);
	assert_string_equal(one(236, 8, "red\0\0\0\0").vrf_name, "red");
	assert_int_equal(one(232, 8, "\0\0\0\0\0\0\0\x09").reverse.bytes, 9);
	assert_int_equal(one(254, 2, "\x00\x0e").post_vlan, 14);
	assert_int_equal(one(60, 1, "\x06").family, 6);
}

static void uptimes_count_from_a_boot_time_in_the_record(void **state)
{
	struct bed *bed = bed_new(NULL);
	__u8 data[20] = {0};

	/* Booted 50 days before the export: the milliseconds have gone round once. */
	wire_put32(data, (__u32)(50ull * 86400000 - 1500));
	wire_put32(data + 4, (__u32)(50ull * 86400000 - 500));
	wire_put64(data + 8, (EXPORT_S - 50ull * 86400) * 1000);
	take_template(bed, 1, 300, 4, (const __u16[][2]){{22, 4}, {21, 4}, {160, 8}, {2, 4}});
	take_data(bed, 0, 1, 300, data, sizeof(data));
	assert_int_equal(bed->flows, 1);
	assert_true(bed->flow[0].forward.start_ns == EXPORT_S * SECOND - 3 * SECOND / 2);
	assert_true(bed->flow[0].forward.end_ns == EXPORT_S * SECOND - SECOND / 2);
	bed_free(bed);
}

static void uptimes_without_boot_time_are_not_times(void **state)
{
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 3, (const __u16[][2]){{22, 4}, {21, 4}, {2, 4}});
	take_data(bed, 0, 1, 300, "\0\0\0\x05\0\0\0\x09\0\0\0\1", 12);
	assert_int_equal(bed->flows, 1);
	assert_false(bed->flow[0].known & (FIELD_BIT(START) | FIELD_BIT(END)));
	assert_int_equal(bed->flow[0].forward.start_ns, 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_NO_BOOT), 1);
	bed_free(bed);
}

static void a_v9_uptime_may_have_gone_round(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;

	begin_v9(&m, 1000, 0, 1);
	begin_set(&m, 0);
	put_template(&m, 300, 3, (const __u16[][2]){{22, 4}, {21, 4}, {2, 4}});
	end_set(&m);
	begin_set(&m, 300);
	put32(&m, 0u - 2000); /* three seconds before the export */
	put32(&m, 500);
	put32(&m, 1);
	end_set(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_true(bed->flow[0].forward.start_ns == (EXPORT_S - 3ull) * SECOND);
	assert_true(bed->flow[0].forward.end_ns == EXPORT_S * SECOND - SECOND / 2);
	bed_free(bed);
}

/* --- Templates of other people -------------------------------------------------------------- */

static void a_template_for_both_families_tells_the_one_that_is_not_zero(void **state)
{
	static const __u16 fields[][2] = {{8, 4}, {12, 4}, {27, 16}, {28, 16}};
	struct bed *bed = bed_new(NULL);
	__u8 v4[40] = {192, 0, 2, 1, 192, 0, 2, 2}, v6[40] = {0};

	v6[8] = v6[24] = 0x20;
	v6[9] = v6[25] = 0x01;
	take_template(bed, 1, 300, 4, fields);
	take_data(bed, 0, 1, 300, v6, sizeof(v6));
	take_data(bed, 1, 1, 300, v4, sizeof(v4));
	take_data(bed, 2, 1, 300, v6, sizeof(v6));
	assert_int_equal(bed->flow[0].family, 6);
	assert_address(bed->flow[0].src, "2001::");
	assert_int_equal(bed->flow[1].family, 4);
	assert_address(bed->flow[1].src, "192.0.2.1");
	assert_int_equal(bed->flow[2].family, 6);
	assert_address(bed->flow[2].dst, "2001::");
	bed_free(bed);
}

static void addresses_of_both_families_in_a_flow_are_kept(void **state)
{
	static const __u16 fields[][2] = {{27, 16}, {12, 4}};
	struct bed *bed = bed_new(NULL);
	__u8 data[20] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1, [16] = 192, 0, 2, 2};

	take_template(bed, 1, 300, 2, fields);
	take_data(bed, 0, 1, 300, data, sizeof(data));
	assert_int_equal(bed->flow[0].family, 6);
	assert_address(bed->flow[0].src, "2001:db8::1");
	assert_address(bed->flow[0].dst, "192.0.2.2");
	bed_free(bed);
}

static void of_a_header_in_a_header_the_outer_is_the_flow(void **state)
{
	static const __u16 fields[][2] = {{4, 1}, {7, 2}, {4, 1}, {7, 2}};
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 4, fields);
	take_data(bed, 0, 1, 300, "\x04\x00\x00\x11\x00\x35", 6);
	assert_int_equal(bed->flow[0].proto, 4);
	assert_int_equal(bed->flow[0].sport, 0);
	bed_free(bed);
}

static void values_of_variable_length_are_read_and_skipped(void **state)
{
	/* An unknown string, packets, the VRF's name, bytes. */
	static const __u16 fields[][2] = {{84, 65535}, {2, 4}, {236, 65535}, {1, 4}};
	struct bed *bed = bed_new(NULL);
	struct message m;
	__u8 name[300];

	memset(name, 'n', sizeof(name));
	take_template(bed, 1, 300, 4, fields);
	begin_ipfix(&m, 0, 1);
	begin_set(&m, 300);
	for (unsigned int length = 0; length <= 300; length += 60) {
		/* The long form may be used for short values too (RFC 7011, 7). */
		if (length < 255 && length != 60) {
			put8(&m, length);
		} else {
			put8(&m, 255);
			put16(&m, length);
		}
		put_bytes(&m, name, length);
		put32(&m, length + 1);
		put8(&m, 4);
		put_bytes(&m, "blue", 4);
		put32(&m, length + 2);
	}
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_int_equal(bed->flows, 6);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(bed->flow[i].forward.packets, 60 * i + 1);
		assert_int_equal(bed->flow[i].forward.bytes, 60 * i + 2);
		assert_string_equal(bed->flow[i].vrf_name, "blue");
	}
	bed_free(bed);
}

static void elements_of_enterprises_are_skipped(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;

	begin_ipfix(&m, 0, 1);
	begin_set(&m, 2);
	put16(&m, 300);
	put16(&m, 2);
	put16(&m, 0x8000 | 1); /* not octetDeltaCount: it is enterprise 9's */
	put16(&m, 4);
	put32(&m, 9);
	put16(&m, 2);
	put16(&m, 4);
	end_set(&m);
	begin_set(&m, 300);
	put32(&m, 77);
	put32(&m, 78);
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_int_equal(bed->flow[0].forward.bytes, 0);
	assert_int_equal(bed->flow[0].forward.packets, 78);
	bed_free(bed);
}

static void type_and_code_come_as_destination_port_where_nothing_else_tells_them(void **state)
{
	static const __u16 fields[][2] = {{4, 1}, {11, 2}};
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 2, fields);
	take_data(bed, 0, 1, 300, "\x01\x08\x00\x11\x00\x35\x3a\x80\x00", 9);
	assert_int_equal(bed->flow[0].icmp, 0x0800);
	assert_int_equal(bed->flow[1].icmp, 0);
	assert_false(bed->flow[1].known & FIELD_BIT(ICMP));
	assert_int_equal(bed->flow[2].icmp, 0x8000);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_data_set_of_rfc_7011_is_read),
		cmocka_unit_test(the_same_is_read_from_v9),
		cmocka_unit_test(the_options_of_rfc_7011_are_read),
		cmocka_unit_test(the_options_of_rfc_3954_are_read),
		cmocka_unit_test(the_biflow_of_rfc_5103_is_read),
		cmocka_unit_test(times_are_read_in_every_unit),
		cmocka_unit_test(numbers_come_in_any_length),
		cmocka_unit_test(other_fields_are_read),
		cmocka_unit_test(uptimes_count_from_a_boot_time_in_the_record),
		cmocka_unit_test(uptimes_without_boot_time_are_not_times),
		cmocka_unit_test(a_v9_uptime_may_have_gone_round),
		cmocka_unit_test(a_template_for_both_families_tells_the_one_that_is_not_zero),
		cmocka_unit_test(addresses_of_both_families_in_a_flow_are_kept),
		cmocka_unit_test(of_a_header_in_a_header_the_outer_is_the_flow),
		cmocka_unit_test(values_of_variable_length_are_read_and_skipped),
		cmocka_unit_test(elements_of_enterprises_are_skipped),
		cmocka_unit_test(
			type_and_code_come_as_destination_port_where_nothing_else_tells_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a decoder finds missing or wrong, and how it counts what was sampled. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/wire/wire_bed.h"

/* --- Sequence ------------------------------------------------------------------------------- */

static void take_numbered(struct bed *bed, unsigned int sequence, unsigned int records)
{
	take_data(bed, sequence, 1, 300, (__u8[64]){0}, 4 * records);
}

static void records_missing_in_the_sequence_of_ipfix_are_counted(void **state)
{
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 1, packets);
	take_numbered(bed, 0, 3);
	take_numbered(bed, 3, 2);
	assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), 0);
	take_numbered(bed, 10, 1); /* 5 to 9 are missing */
	assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), 5);
	take_numbered(bed, 7, 3); /* 7 to 9 come late */
	assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), 2);
	assert_int_equal(bed_count(bed, WIRE_COUNT_LATE), 1);
	take_numbered(bed, 11, 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), 2);
	take_numbered(bed, 3000000000u, 1); /* the exporter began anew */
	take_numbered(bed, 3000000001u, 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), 2);
	assert_int_equal(bed_count(bed, WIRE_COUNT_RESTARTS), 1);
	bed_free(bed);
}

static void sequence_numbers_go_round(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;

	begin_ipfix(&m, 0xfffffffe, 1);
	begin_set(&m, 2);
	put_template(&m, 300, 1, packets);
	end_set(&m);
	end_ipfix(&m);
	bed_take(bed, &m);
	take_numbered(bed, 0xfffffffe, 4);
	take_numbered(bed, 2, 1);
	take_numbered(bed, 4, 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_RESTARTS), 0);
	bed_free(bed);
}

static void messages_missing_in_the_sequence_of_v9_are_counted(void **state)
{
	struct bed *bed = bed_new(NULL);
	static const unsigned int numbers[] = {7, 8, 9, 13, 11, 14};
	struct message m;

	for (unsigned int i = 0; i < 6; i++) {
		begin_v9(&m, 0, numbers[i], 1);
		bed_take(bed, &m);
	}
	assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_MESSAGES), 2);
	assert_int_equal(bed_count(bed, WIRE_COUNT_LATE), 1);
	bed_free(bed);
}

/* --- Bad input ------------------------------------------------------------------------------ */

/* One IPFIX message of one set with this in it; what is counted of it. */
static void assert_bad(enum wire_count what, unsigned int set, const __u16 *words,
		       unsigned int count)
{
	struct bed *bed = bed_with(small_rooms);
	struct message m;

	begin_ipfix(&m, 0, 1);
	begin_set(&m, set);
	for (unsigned int i = 0; i < count; i++)
		put16(&m, words[i]);
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_int_equal(bed_count(bed, what), 1);
	for (int i = 0; i < WIRE_COUNT_MAX; i++) {
		if (wire_count_names[i].kind == WIRE_KIND_OF_BAD && i != (int)what)
			assert_int_equal(bed_count(bed, i), 0);
	}
	bed_free(bed);
}

#define BAD(what, set, ...)                                                                        \
	assert_bad(WIRE_COUNT_##what, set, (const __u16[]){__VA_ARGS__},                           \
		   sizeof((const __u16[]){__VA_ARGS__}) / 2)

static void bad_templates_are_counted_by_name(void **state)
{
	BAD(SET_ID, 77, 1, 2);
	BAD(TEMPLATE, 2, 255, 1, 2, 4);                /* a reserved id */
	BAD(TEMPLATE, 2, 300, 2, 2, 4);                /* one field of two */
	BAD(TEMPLATE, 2, 300, 1, 0x8002, 4);           /* and no enterprise number */
	BAD(TEMPLATE, 2, 300, 1, 2, 0);                /* records of no bytes */
	BAD(TEMPLATE, 2, 300, 2, 210, 0xfffe, 211, 9); /* longer than a message */
	BAD(TEMPLATE, 3, 300, 1);                      /* no scope count */
	BAD(SCOPE, 3, 300, 1, 0, 2, 4);
	BAD(SCOPE, 3, 300, 1, 2, 2, 4);
	BAD(FIELDS, 2, 300, 9, 2, 4);
	BAD(WITHDRAWAL, 2, 300, 0);
	BAD(FIELD_LENGTH, 2, 300, 1, 8, 5);   /* sourceIPv4Address */
	BAD(FIELD_LENGTH, 2, 300, 1, 1, 9);   /* octetDeltaCount */
	BAD(FIELD_LENGTH, 2, 300, 1, 152, 4); /* flowStartMilliseconds */
}

static void a_value_beyond_its_set_is_counted(void **state)
{
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 2, (const __u16[][2]){{236, 65535}, {1, 4}});
	take_data(bed, 0, 1, 300, "\x05red\0", 6);
	take_data(bed, 0, 1, 300, "\xff\x00\x09red", 7);
	take_data(bed, 0, 1, 300, "\x04redx\0\0\0", 7);
	take_data(bed, 0, 1, 300, "\xff\0\0\0\0", 5);
	assert_int_equal(bed_count(bed, WIRE_COUNT_RECORD), 4);
	assert_int_equal(bed->flows, 0);
	bed_free(bed);
}

static void bad_lengths_are_counted_and_the_rest_is_read(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;

	take_template(bed, 1, 300, 1, packets);
	for (int shift = -1; shift <= 1; shift++) {
		begin_ipfix(&m, 0, 1);
		begin_set(&m, 300);
		put32(&m, 5);
		end_set(&m);
		end_ipfix(&m);
		m.bytes[3] += 2 * shift; /* the message's length */
		bed_take(bed, &m);
	}
	assert_int_equal(bed_count(bed, WIRE_COUNT_LENGTH), 2);
	assert_int_equal(bed->flows, 2);

	/* Two bytes of padding that are claimed and not there. */
	begin_ipfix(&m, 2, 1);
	begin_set(&m, 300);
	put32(&m, 5);
	end_set(&m);
	m.bytes[m.set + 3] += 2;
	end_ipfix(&m);
	bed_take(bed, &m);
	assert_int_equal(bed->flows, 3);
	m.bytes[m.set + 3] = 3;
	bed_take(bed, &m);
	assert_int_equal(bed_count(bed, WIRE_COUNT_SET_LENGTH), 3);
	assert_int_equal(bed_decode(bed, m.bytes, 15), -EBADMSG);
	assert_int_equal(bed_decode(bed, m.bytes, 0), -EBADMSG);
	assert_int_equal(bed_count(bed, WIRE_COUNT_SHORT), 2);
	bed_free(bed);
}

static void v5_is_read_as_far_as_it_goes(void **state)
{
	struct bed *bed = bed_new(NULL);
	__u8 message[24 + 48] = {0, 5, 0, 2};

	assert_int_equal(bed_decode(bed, message, sizeof(message)), 0);
	assert_int_equal(bed->flows, 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_COUNT), 1);
	bed_free(bed);
}

/* --- Sampling ------------------------------------------------------------------------------- */

static void scale(struct wire_decoder_options *o)
{
	o->scale = true;
}

static void take_sampling(struct bed *bed, unsigned int sampler, unsigned int one_of)
{
	static const __u16 template[] = {400, 3, 1, 302, 4, 305, 4, 306, 4};
	struct message m;

	begin_ipfix(&m, 0, 1);
	begin_set(&m, 3);
	for (size_t i = 0; i < sizeof(template) / sizeof(*template); i++)
		put16(&m, template[i]);
	end_set(&m);
	begin_set(&m, 400);
	put32(&m, sampler);
	put32(&m, 1);
	put32(&m, one_of - 1);
	end_set(&m);
	end_ipfix(&m);
	bed_take(bed, &m);
}

static void counts_are_scaled_by_the_sampler_when_asked_for(void **state)
{
	static const __u16 fields[][2] = {{2, 4}, {302, 4}};

	for (int scaled = 0; scaled < 2; scaled++) {
		struct bed *bed = bed_with(scaled ? scale : NULL);

		take_sampling(bed, 1, 100);
		take_sampling(bed, 2, 1000);
		take_template(bed, 1, 300, 2, fields);
		take_data(bed, 0, 1, 300, "\0\0\0\3\0\0\0\1", 8);
		take_data(bed, 1, 1, 300, "\0\0\0\3\0\0\0\2", 8);
		assert_int_equal(bed->option[1].sampling.rate, 1000);
		assert_int_equal(bed->flow[0].sampling, 100);
		assert_int_equal(bed->flow[1].sampling, 1000);
		assert_int_equal(bed->flow[0].forward.packets, scaled ? 300 : 3);
		assert_int_equal(bed->flow[1].forward.packets, scaled ? 3000 : 3);
		bed_free(bed);
	}
}

static void flows_that_name_no_sampler_have_the_domains(void **state)
{
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 1, packets);
	take_data(bed, 0, 1, 300, "\0\0\0\3", 4);
	take_sampling(bed, 1, 64);
	take_data(bed, 1, 1, 300, "\0\0\0\3", 4);
	take_sampling(bed, 1, 128);
	take_data(bed, 1, 1, 300, "\0\0\0\3", 4);
	assert_int_equal(bed->flow[0].sampling, 0);
	assert_false(bed->flow[0].known & FIELD_BIT(SAMPLING));
	assert_int_equal(bed->flow[1].sampling, 64);
	assert_true(bed->flow[1].known & FIELD_BIT(SAMPLING));
	assert_int_equal(bed->flow[2].sampling, 128);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_missing_in_the_sequence_of_ipfix_are_counted),
		cmocka_unit_test(sequence_numbers_go_round),
		cmocka_unit_test(messages_missing_in_the_sequence_of_v9_are_counted),
		cmocka_unit_test(bad_templates_are_counted_by_name),
		cmocka_unit_test(a_value_beyond_its_set_is_counted),
		cmocka_unit_test(bad_lengths_are_counted_and_the_rest_is_read),
		cmocka_unit_test(v5_is_read_as_far_as_it_goes),
		cmocka_unit_test(counts_are_scaled_by_the_sampler_when_asked_for),
		cmocka_unit_test(flows_that_name_no_sampler_have_the_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

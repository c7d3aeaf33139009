// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Options as they are written and read back, and the table of elements. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "export/options.h"
#include "unit/wire/wire_bed.h"

static const struct wire_option *find(const struct bed *bed, enum wire_option_kind kind, int nth)
{
	for (unsigned int i = 0; i < bed->options; i++) {
		if (bed->option[i].kind == kind && !nth--)
			return &bed->option[i];
	}
	fail_msg("no option of kind %d", kind);
	return NULL;
}

static void options_come_back_as_they_were(void **state)
{
	const struct wire_statistics s = {
		BOOT / NS_PER_MS * NS_PER_MS, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	static char about[301];

	memset(about, 'a', sizeof(about) - 1);
	for (enum wire_protocol p = WIRE_IPFIX; p <= WIRE_V5; p++) {
		struct writer *w = writer_new(p, 1400);
		struct wire_statistics got, shall = s;
		const struct wire_option *o;

		assert_int_equal(wire_add_templates(&w->e), 0);
		assert_int_equal(wire_add_sampling(&w->e), 0);
		assert_int_equal(wire_add_interface(&w->e, 7, "eth7", about), 0);
		assert_int_equal(wire_add_interface(&w->e, 8, "a-name-of-20-letters", NULL), 0);
		assert_int_equal(wire_add_statistics(&w->e, &s), 0);
		finish(w);
		assert_nothing_bad(w->bed);
		if (p == WIRE_V5) {
			assert_int_equal(w->messages, 0);
			writer_free(w);
			continue;
		}
		assert_int_equal(find(w->bed, WIRE_OPTION_SAMPLING, 0)->sampling.rate, 1);
		o = find(w->bed, WIRE_OPTION_INTERFACE, 0);
		assert_int_equal(o->interface.ifindex, 7);
		assert_string_equal(o->interface.name, "eth7");
		o = find(w->bed, WIRE_OPTION_INTERFACE, 1);
		assert_int_equal(o->interface.ifindex, 7);
		assert_int_equal(strlen(o->interface.about), 64);
		o = find(w->bed, WIRE_OPTION_INTERFACE, 2);
		assert_int_equal(o->interface.ifindex, 8);
		assert_string_equal(o->interface.name, "a-name-of-20-let");

		/* The metering process tells of its own. */
		got = find(w->bed, WIRE_OPTION_STATISTICS, 0)->statistics;
		o = find(w->bed, WIRE_OPTION_STATISTICS, 1);
		got.ignored_packets = o->statistics.ignored_packets;
		got.ignored_bytes = o->statistics.ignored_bytes;
		got.overflow_packets = o->statistics.overflow_packets;
		got.overflow_bytes = o->statistics.overflow_bytes;
		got.seen_packets = o->statistics.seen_packets;
		got.seen_bytes = o->statistics.seen_bytes;
		if (p == WIRE_V9) {
			shall.overflow_packets = shall.overflow_bytes = 0;
			shall.seen_packets = shall.seen_bytes = 0;
		}
		assert_memory_equal(&got, &shall, sizeof(got));
		writer_free(w);
	}
}

static struct wire_distinct nth_distinct(unsigned int n)
{
	struct wire_distinct d = {.window_ms = 60000, .covered_ms = 60000 - n, .error = n + 0.5};

	snprintf(d.query, sizeof(d.query), "the query that has number %u", n);
	snprintf(d.key, sizeof(d.key), "%s", n % 2 ? "src" : "dport");
	d.count = ((__u64)n << 40) + 7;
	d.saturated = n % 3 == 0;
	return d;
}

static void assert_distinct(const struct wire_option *o, const struct wire_distinct *shall)
{
	assert_string_equal(o->distinct.query, shall->query);
	assert_string_equal(o->distinct.key, shall->key);
	assert_int_equal(o->distinct.window_ms, shall->window_ms);
	assert_int_equal(o->distinct.covered_ms, shall->covered_ms);
	assert_int_equal(o->distinct.count, shall->count);
	assert_true(o->distinct.error == shall->error);
	assert_int_equal(o->distinct.saturated, shall->saturated);
}

/* In no message of 1400 bytes there is room for all. */
static void distinct_counts_come_back_as_they_were_over_several_messages(void **state)
{
	struct writer *w = writer_new(WIRE_IPFIX, 1400);

	assert_int_equal(wire_add_templates(&w->e), 0);
	for (unsigned int n = 0; n < BED_OPTIONS; n++) {
		const struct wire_distinct d = nth_distinct(n);
		int err = wire_add_distinct(&w->e, &d);

		if (err) {
			assert_int_equal(err, -ENOSPC);
			finish(w);
			assert_int_equal(wire_add_distinct(&w->e, &d), 0);
		}
	}
	finish(w);
	assert_nothing_bad(w->bed);
	assert_in_range(w->messages, 3, 6);
	assert_int_equal(w->bed->options, BED_OPTIONS);
	for (unsigned int n = 0; n < BED_OPTIONS; n++) {
		const struct wire_distinct d = nth_distinct(n);

		assert_distinct(find(w->bed, WIRE_OPTION_DISTINCT, n), &d);
	}
	writer_free(w);
}

/* Whatever the interface's MTU: EXPORT_MESSAGE_MIN. */
static void all_templates_fit_in_the_smallest_message(void **state)
{
	for (enum wire_protocol p = WIRE_IPFIX; p <= WIRE_V5; p++) {
		struct writer *w = writer_new(p, EXPORT_MESSAGE_MIN);

		w->e.biflow = p == WIRE_IPFIX;
		assert_int_equal(wire_add_templates(&w->e), 0);
		writer_free(w);
	}
}

static void distinct_counts_are_for_ipfix_alone(void **state)
{
	const struct wire_distinct d = nth_distinct(1);

	for (enum wire_protocol p = WIRE_V9; p <= WIRE_V5; p++) {
		struct writer *w = writer_new(p, 1400);

		assert_int_equal(wire_add_distinct(&w->e, &d), 0);
		finish(w);
		assert_int_equal(w->messages, 0);
		writer_free(w);
	}
}

/* A name as long as may be, all else as large as it can be. */
static void a_distinct_count_takes_less_than_128_bytes(void **state)
{
	struct wire_distinct d = {
		.window_ms = ~0u, .covered_ms = ~0u, .count = ~0ull, .error = -1e300};
	struct writer *w = writer_new(WIRE_IPFIX, 128);

	memset(d.query, 'q', sizeof(d.query) - 1);
	memset(d.key, 'k', sizeof(d.key) - 1);
	assert_int_equal(wire_add_distinct(&w->e, &d), 0);
	finish(w);
	writer_free(w);
}

/* By hand, from RFC 7011 and IEEE 754. */
static void a_distinct_count_is_written_byte_for_byte(void **state)
{
	static const __u8 shall[] = {
		1,    10,   0,    37,                        /* set 266 */
		3,    'w',  'e',  'b',                       /* queryName */
		3,    's',  'r',  'c',                       /* distinctKey */
		0,    0,    0xea, 0x60,                      /* window: 60,000 ms */
		0,    0,    0x05, 0xdc,                      /* covered: 1,500 ms */
		0,    0,    0,    0,    0, 0x01, 0x8f, 0xe6, /* 102,374 */
		0x40, 0x55, 0xe0, 0,    0, 0,    0,    0,    /* 87.5 */
		2,                                           /* false */
	};
	static const __u8 template[] = {
		0,    3,  0,    66,                     /* an options template */
		1,    10, 0,    7,    0, 2,             /* 266: 7 fields, 2 of them scope */
		0x80, 16, 0xff, 0xff, 0, 0, 0x7e, 0xd9, /* queryName: variable; 32473 */
		0x80, 32, 0xff, 0xff, 0, 0, 0x7e, 0xd9, /* distinctKey */
		0x80, 17, 0,    4,    0, 0, 0x7e, 0xd9, /* queryWindowMilliseconds */
		0x80, 36, 0,    4,    0, 0, 0x7e, 0xd9, /* distinctCoveredMilliseconds */
		0x80, 33, 0,    8,    0, 0, 0x7e, 0xd9, /* distinctCount */
		0x80, 34, 0,    8,    0, 0, 0x7e, 0xd9, /* distinctStandardError */
		0x80, 35, 0,    1,    0, 0, 0x7e, 0xd9, /* distinctSaturated */
	};
	const struct wire_distinct d = {"web", "src", 60000, 1500, 102374, 87.5, false};
	struct writer *w = writer_new(WIRE_IPFIX, 1400);

	assert_int_equal(wire_add_templates(&w->e), 0);
	finish(w);
	assert_memory_equal(w->buffer + w->length - sizeof(template), template, sizeof(template));
	assert_int_equal(wire_add_distinct(&w->e, &d), 0);
	finish(w);
	assert_int_equal(w->length, 16 + sizeof(shall));
	assert_memory_equal(w->buffer + 16, shall, sizeof(shall));
	assert_distinct(find(w->bed, WIRE_OPTION_DISTINCT, 0), &d);
	writer_free(w);
}

/* distinctKey, queryName, distinctCount, distinctStandardError, distinctSaturated: each in a length
 * of its own, in an order of its own. */
static void put_foreign_template(struct message *m, unsigned int count_bytes,
				 unsigned int error_bytes)
{
	const __u16 fields[][2] = {
		{32, 5}, {16, IPFIX_VARIABLE}, {33, count_bytes}, {34, error_bytes}, {35, 1}};

	begin_ipfix(m, 0, 1);
	begin_set(m, IPFIX_SET_OPTIONS);
	put16(m, 300);
	put16(m, 5);
	put16(m, 1);
	for (int i = 0; i < 5; i++) {
		put16(m, IPFIX_ENTERPRISE | fields[i][0]);
		put16(m, fields[i][1]);
		put32(m, WIRE_WEIR_PEN);
	}
	end_set(m);
}

static void put_foreign_record(struct message *m, const void *count, size_t count_bytes,
			       const void *error, size_t error_bytes)
{
	static const __u8 long_name[] = {IPFIX_LONG_LENGTH, 0, 100};

	put_bytes(m, "src\0\0", 5);
	put_bytes(m, long_name, sizeof(long_name));
	for (int i = 0; i < 100; i++)
		put8(m, 'n');
	put_bytes(m, count, count_bytes);
	put_bytes(m, error, error_bytes);
	put8(m, 1);
}

static void distinct_counts_of_other_lengths_are_read(void **state)
{
	static const struct {
		__u8 count[3], error[9];
		unsigned int error_bytes;
		double shall;
	} cases[] = {
		{{1, 0, 0}, {0x42, 0xaf, 0, 0}, 4, 87.5}, {{1, 0, 0}, {0x40, 0x55, 0xe0}, 8, 87.5},
		{{1, 0, 0}, {0x7f, 0x80, 0, 0}, 4, 0}, /* infinity */
		{{1, 0, 0}, {0x7f, 0xf8}, 8, 0},       /* not a number */
		{{1, 0, 0}, {0x42, 0xaf, 0}, 3, 0},    /* no length for a float */
		{{1, 0, 0}, {0x42, 0xaf, 0}, 9, 0},
	};

	char name[WIRE_NAME_BYTES] = ""; /* as much as there is room for */

	memset(name, 'n', sizeof(name) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bed *bed = bed_new(NULL);
		const struct wire_option *o;
		struct message m;

		put_foreign_template(&m, 3, cases[i].error_bytes);
		begin_set(&m, 300);
		put_foreign_record(&m, cases[i].count, 3, cases[i].error, cases[i].error_bytes);
		end_set(&m);
		end_ipfix(&m);
		assert_int_equal(bed_take(bed, &m), 0);
		assert_int_equal(bed_count(bed, WIRE_COUNT_FIELD_LENGTH),
				 cases[i].error_bytes != 4 && cases[i].error_bytes != 8);
		assert_int_equal(bed_count(bed, WIRE_COUNT_RECORD), 0);
		o = find(bed, WIRE_OPTION_DISTINCT, 0);
		assert_string_equal(o->distinct.key, "src");
		assert_string_equal(o->distinct.query, name);
		assert_int_equal(o->distinct.count, 65536);
		assert_true(o->distinct.error == cases[i].shall);
		assert_true(o->distinct.saturated);
		bed_free(bed);
	}
}

/* At every length: nothing is told of a record that is not whole. */
static void a_distinct_count_cut_short_is_refused(void **state)
{
	const __u8 count[8] = {0}, error[8] = {0};
	const size_t whole = 5 + 103 + 17;

	for (size_t bytes = 1; bytes <= whole; bytes++) {
		struct bed *bed = bed_new(NULL);
		struct message m;

		put_foreign_template(&m, 8, 8);
		begin_set(&m, 300);
		put_foreign_record(&m, count, 8, error, 8);
		m.length -= whole - bytes;
		end_set(&m);
		end_ipfix(&m);
		assert_int_equal(bed_take(bed, &m), 0);
		assert_int_equal(bed->options, bytes == whole);
		/* Less than the least that a record takes is padding. */
		assert_int_equal(bed_count(bed, WIRE_COUNT_RECORD), bytes >= 23 && bytes < whole);
		bed_free(bed);
	}
}

static void types_tell_what_weirs_elements_are(void **state)
{
	struct writer *w = writer_new(WIRE_IPFIX, 280);
	unsigned int next = 0, calls = 0;
	const struct wire_option *o;

	/* Small messages, so that it takes several. */
	do {
		assert_int_equal(wire_add_types(&w->e, &next), 0);
		finish(w);
		calls++;
	} while (next);
	assert_in_range(calls, 2, 10);
	wire_begin(&w->e, w->buffer, 100);
	assert_int_equal(wire_add_types(&w->e, &next), -ENOSPC);
	assert_int_equal(w->e.records, 0);
	assert_nothing_bad(w->bed);
	assert_int_equal(w->bed->options, WIRE_INTERVAL_FIRST - WIRE_OWN_FIRST);
	o = find(w->bed, WIRE_OPTION_TYPE, 0);
	assert_int_equal(o->type.pen, WIRE_WEIR_PEN);
	assert_int_equal(o->type.number, 1);
	assert_int_equal(o->type.type, 4);      /* unsigned64 */
	assert_int_equal(o->type.semantics, 2); /* totalCounter */
	assert_int_equal(o->type.units, 3);     /* packets */
	assert_string_equal(o->type.name, "overflowPacketTotalCount");
	assert_string_equal(o->type.about, wire_elements[WIRE_OWN_FIRST].about);
	o = find(w->bed, WIRE_OPTION_TYPE, WIRE_distinctStandardError - WIRE_OWN_FIRST);
	assert_int_equal(o->type.number, 34);
	assert_int_equal(o->type.type, 10);     /* float64 */
	assert_int_equal(o->type.semantics, 1); /* quantity */
	assert_int_equal(o->type.units, 0);     /* none */
	assert_string_equal(o->type.name, "distinctStandardError");
	writer_free(w);
}

static void the_table_is_sorted_and_finds_itself(void **state)
{
	for (int i = 0; i < WIRE_ROWS; i++) {
		const struct wire_element *e = &wire_elements[i];

		assert_ptr_equal(wire_element_find(e->pen, e->number), e);
	}
	assert_null(wire_element_find(0, 0));
	assert_null(wire_element_find(0, 9999));
	assert_null(wire_element_find(9, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_come_back_as_they_were),
		cmocka_unit_test(distinct_counts_come_back_as_they_were_over_several_messages),
		cmocka_unit_test(all_templates_fit_in_the_smallest_message),
		cmocka_unit_test(distinct_counts_are_for_ipfix_alone),
		cmocka_unit_test(a_distinct_count_takes_less_than_128_bytes),
		cmocka_unit_test(a_distinct_count_is_written_byte_for_byte),
		cmocka_unit_test(distinct_counts_of_other_lengths_are_read),
		cmocka_unit_test(a_distinct_count_cut_short_is_refused),
		cmocka_unit_test(types_tell_what_weirs_elements_are),
		cmocka_unit_test(the_table_is_sorted_and_finds_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

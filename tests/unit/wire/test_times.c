// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Starts and ends as exporters tell them: in which lengths, by a duration, not at all, or wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/wire/wire_bed.h"

#define MS(s) ((s)*1000ull)
#define PACKETS                                                                                    \
	{                                                                                          \
		2, 4, 1                                                                            \
	}
#define COUNT(...) (sizeof((const struct cell[]){__VA_ARGS__}) / sizeof(struct cell))
/* FLOW(bed, protocol, cells ...) */
#define FLOW(bed, protocol, ...)                                                                   \
	take_flow(bed, protocol, COUNT(PACKETS, __VA_ARGS__),                                      \
		  (const struct cell[]){PACKETS, __VA_ARGS__})

/* Seconds from the export on, 1 for a time that is not known. */
static void assert_times(const struct flow_record *f, int start_s, int end_s)
{
	assert_int_equal(!(f->known & FIELD_BIT(START)), start_s == 1);
	assert_int_equal(!(f->known & FIELD_BIT(END)), end_s == 1);
	assert_true(f->forward.start_ns ==
		    (start_s == 1 ? 0 : (EXPORT_S + (__s64)start_s) * SECOND));
	assert_true(f->forward.end_ns == (end_s == 1 ? 0 : (EXPORT_S + (__s64)end_s) * SECOND));
}

/* --- Lengths --------------------------------------------------------------------------------- */

static void times_come_in_every_length_that_means_one_thing(void **state)
{
	struct bed *bed = bed_new(NULL);
	const __u64 up = BED_UPTIME_MS;

	/* Uptime has 32 bits, whatever stands above them. */
	assert_times(FLOW(bed, WIRE_V9, {22, 8, 0xabcd00000000 | (up - 9000)}, {21, 8, up - 1000}),
		     -9, -1);
	assert_times(FLOW(bed, WIRE_V9, {22, 3, up - 9000}, {21, 4, up - 1000}), -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {150, 8, EXPORT_S - 9}, {151, 5, EXPORT_S - 1}), -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {152, 6, MS(EXPORT_S - 9)}, {153, 7, MS(EXPORT_S - 1)}),
		     -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {158, 8, 9000000}, {159, 3, 1000000}), -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {22, 4, 1000}, {21, 4, 9000},
			  {160, 6, MS(EXPORT_S - 10)}),
		     -9, -1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_FIELD_LENGTH), 0);
	bed_free(bed);
}

static void other_lengths_are_refused_and_counted(void **state)
{
	static const struct cell cells[] = {{150, 3, 5},           {152, 4, 5},        {152, 5, 5},
					    {154, 4, 5},           {156, 7, 5},        {22, 9, 5},
					    {161, 9, 5},           {323, 5, 5},        {160, 4, 5},
					    {152, IPFIX_VARIABLE}, {1, IPFIX_VARIABLE}};

	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
		struct bed *bed = bed_new(NULL);
		const struct cell both[] = {PACKETS, cells[i]};

		assert_false(take_flow(bed, WIRE_IPFIX, 2, both)->known &
			     (FIELD_BIT(START) | FIELD_BIT(END) | FIELD_BIT(BYTES)));
		assert_int_equal(bed_count(bed, WIRE_COUNT_FIELD_LENGTH), 1);
		bed_free(bed);
	}
}

static void a_length_of_65535_is_variable_in_v9_too(void **state)
{
	static const struct cell cells[] = {{236, IPFIX_VARIABLE}, PACKETS, {84, IPFIX_VARIABLE}};
	static const struct cell options[] = {{1, 4, 0}, {84, IPFIX_VARIABLE}, {34, 4, 100}};
	struct bed *bed = bed_new(NULL);

	assert_string_equal(take_flow(bed, WIRE_V9, 3, cells)->vrf_name, "x");
	assert_int_equal(bed->flow[0].forward.packets, 1);
	take_record(bed, WIRE_V9, 1, 400, 1, 3, options);
	assert_int_equal(bed->option[0].sampling.rate, 100);
	assert_int_equal(bed_count(bed, WIRE_COUNT_TEMPLATE), 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_RECORD), 0);
	bed_free(bed);
}

/* --- What is not told ------------------------------------------------------------------------ */

static void a_time_that_is_not_told_is_unknown(void **state)
{
	struct bed *bed = bed_new(NULL);

	assert_times(FLOW(bed, WIRE_IPFIX, {150, 4, EXPORT_S - 9}), -9, 1);
	assert_times(FLOW(bed, WIRE_IPFIX, {153, 8, MS(EXPORT_S - 1)}), 1, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {152, 8, MS(EXPORT_S - 1)}, {153, 8, 0}), -1, 1);
	assert_times(FLOW(bed, WIRE_IPFIX, {156, 8, 0}, {157, 8, 0}), 1, 1);
	assert_times(FLOW(bed, WIRE_IPFIX, {22, 4, 1000}, {21, 4, 2000}, {160, 8, 0}), 1, 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_ORDER), 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_TIME), 0);
	bed_free(bed);
}

static void an_uptime_that_cannot_be_read_leaves_its_place_to_another_time(void **state)
{
	struct bed *bed = bed_new(NULL);

	/* Before and behind it; nobody told when the exporter was booted. */
	assert_times(FLOW(bed, WIRE_IPFIX, {22, 4, 1000}, {150, 4, EXPORT_S - 9}, {21, 4, 2000},
			  {151, 4, EXPORT_S - 1}),
		     -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {150, 4, EXPORT_S - 9}, {22, 4, 1000},
			  {151, 4, EXPORT_S - 1}, {21, 4, 2000}),
		     -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {22, 4, 1000}, {21, 4, 2000}), 1, 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_NO_BOOT), 3);
	bed_free(bed);
}

static void a_boot_told_in_the_same_message_holds_for_the_flows_behind_it(void **state)
{
	static const __u16 words[] = {400, 2, 1, 144, 4, 160, 8};
	struct bed *bed = bed_new(NULL);
	struct message m;

	take_data(bed, 0, 1, 301, "\0\0\x03\xe8\0\0\x23\x28\0\0\0\1", 12); /* and has to wait */
	begin_ipfix(&m, 0, 1);
	begin_set(&m, 3);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		put16(&m, words[i]);
	end_set(&m);
	begin_set(&m, 400);
	put32(&m, 1);
	put64(&m, MS(EXPORT_S - 10));
	end_set(&m);
	begin_set(&m, 2);
	put_template(&m, 300, 3, (const __u16[][2]){{22, 4}, {21, 4}, {2, 4}});
	put_template(&m, 301, 3, (const __u16[][2]){{22, 4}, {21, 4}, {2, 4}});
	end_set(&m);
	begin_set(&m, 300);
	put32(&m, 1000);
	put32(&m, 9000);
	put32(&m, 1);
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_int_equal(bed->flows, 2);
	assert_times(&bed->flow[0], -9, -1);
	assert_times(&bed->flow[1], -9, -1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_NO_BOOT), 0);
	bed_free(bed);
}

/* --- Durations ------------------------------------------------------------------------------- */

static void a_duration_gives_the_time_that_is_not_told(void **state)
{
	struct bed *bed = bed_new(NULL);

	assert_times(FLOW(bed, WIRE_IPFIX, {150, 4, EXPORT_S - 9}, {161, 4, 8000}), -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {161, 4, 8000}, {151, 4, EXPORT_S - 1}), -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {162, 4, 8000000}, {150, 4, EXPORT_S - 9}), -9, -1);
	assert_times(FLOW(bed, WIRE_V9, {162, 8, 8000000}, {21, 4, BED_UPTIME_MS - 1000}), -9, -1);
	/* The finer of two. */
	assert_times(FLOW(bed, WIRE_IPFIX, {162, 4, 8000000}, {161, 4, 7000},
			  {150, 4, EXPORT_S - 9}),
		     -9, -1);
	/* What is told by itself holds. */
	assert_times(FLOW(bed, WIRE_IPFIX, {161, 4, 5000}, {150, 4, EXPORT_S - 9},
			  {151, 4, EXPORT_S - 1}),
		     -9, -1);
	/* An observation is the end; of a flow whose start is told, the duration says more. */
	assert_times(FLOW(bed, WIRE_IPFIX, {161, 4, 8000}, {322, 4, EXPORT_S - 1}), -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {322, 4, EXPORT_S}, {150, 4, EXPORT_S - 9},
			  {161, 4, 8000}),
		     -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {161, 4, 8000}), 1, 1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_ORDER), 0);
	bed_free(bed);
}

static void a_duration_longer_than_its_end_gives_nothing(void **state)
{
	struct bed *bed = bed_new(NULL);

	assert_times(FLOW(bed, WIRE_IPFIX, {161, 8, ~0ull}, {151, 4, EXPORT_S - 1}), 1, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {150, 4, EXPORT_S - 9}, {161, 8, ~0ull}), -9, 1);
	assert_times(FLOW(bed, WIRE_IPFIX, {150, 4, 0}, {161, 4, 8000}), 1, 1);
	bed_free(bed);
}

/* --- Wrong ----------------------------------------------------------------------------------- */

static void a_first_after_the_last_is_exchanged_and_counted(void **state)
{
	struct bed *bed = bed_new(NULL);

	assert_times(FLOW(bed, WIRE_V9, {22, 4, BED_UPTIME_MS - 1000},
			  {21, 4, BED_UPTIME_MS - 9000}),
		     -9, -1);
	assert_times(FLOW(bed, WIRE_IPFIX, {150, 4, EXPORT_S - 1}, {151, 4, EXPORT_S - 9}), -9, -1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_ORDER), 2);
	assert_times(FLOW(bed, WIRE_IPFIX, {150, 4, EXPORT_S - 1}, {151, 4, EXPORT_S - 1}), -1, -1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_ORDER), 2);
	bed_free(bed);
}

static void v5_is_held_to_the_same(void **state)
{
	struct bed *bed = bed_new(NULL);
	__u8 message[24 + 48] = {0, 5, 0, 1};

	wire_put32(message + 4, BED_UPTIME_MS);
	wire_put32(message + 8, EXPORT_S);
	wire_put32(message + 24 + 24, BED_UPTIME_MS - 1000);
	wire_put32(message + 24 + 28, BED_UPTIME_MS - 9000);
	assert_int_equal(bed_decode(bed, message, sizeof(message)), 0);
	assert_times(&bed->flow[0], -9, -1);
	assert_int_equal(bed_count(bed, WIRE_COUNT_ORDER), 1);
	/* At an export in 1970 an uptime of a day before is no time. */
	wire_put32(message + 8, 100);
	wire_put32(message + 24 + 24, BED_UPTIME_MS - 86400000);
	wire_put32(message + 24 + 28, BED_UPTIME_MS);
	assert_int_equal(bed_decode(bed, message, sizeof(message)), 0);
	assert_false(bed->flow[1].known & FIELD_BIT(START));
	assert_true(bed->flow[1].forward.end_ns == 100 * SECOND);
	assert_int_equal(bed_count(bed, WIRE_COUNT_TIME), 1);
	bed_free(bed);
}

/* In nanoseconds of 64 bits there is no such time, or below 0 it would be. */
static void a_time_that_no_clock_shows_is_unknown_and_counted(void **state)
{
	static const struct cell cells[] = {
		{152, 8, ~0ull}, {152, 8, 1ull << 60},    {150, 8, 1ull << 40},
		{158, 8, ~0ull}, {152, 8, 9300000000000}, {158, 8, (EXPORT_S + 1ull) * 1000000}};

	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
		struct bed *bed = bed_new(NULL);

		assert_times(FLOW(bed, WIRE_IPFIX, cells[i], {151, 4, EXPORT_S - 1}), 1, -1);
		assert_int_equal(bed_count(bed, WIRE_COUNT_TIME), 1);
		bed_free(bed);
	}
}

static void the_reverse_direction_is_held_to_the_same(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;
	const struct flow_traffic *t = &bed->flow[0].reverse;

	begin_ipfix(&m, 0, 1);
	begin_set(&m, 2);
	put16(&m, 300);
	put16(&m, 3);
	put16(&m, 2);
	put16(&m, 4);
	for (int i = 0; i < 2; i++) {
		put16(&m, 0x8000 | (150 + i));
		put16(&m, 4);
		put32(&m, 29305);
	}
	end_set(&m);
	begin_set(&m, 300);
	put32(&m, 1);
	put32(&m, EXPORT_S - 1);
	put32(&m, EXPORT_S - 9);
	put32(&m, 1);
	put32(&m, 0);
	put32(&m, EXPORT_S - 9);
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
	assert_true(t->start_ns == (EXPORT_S - 9) * SECOND && t->end_ns == (EXPORT_S - 1) * SECOND);
	assert_int_equal(bed_count(bed, WIRE_COUNT_ORDER), 1);
	assert_false(bed->flow[1].known & FIELD_BIT(REVERSE_START));
	assert_true(bed->flow[1].known & FIELD_BIT(REVERSE_END));
	bed_free(bed);
}

/* --- Records that are no flows, and events ----------------------------------------------------- */

static void a_record_without_key_and_counters_is_no_flow(void **state)
{
	static const struct cell cells[] = {
		{10, 4, 1}, {14, 4, 2},  {61, 1, 0},  {58, 2, 7}, {152, 8, 5},
		{34, 4, 9}, {230, 1, 3}, {236, 4, 0}, {32, 2, 0}, {233, 1, 1},
	};
	struct bed *bed = bed_new(NULL);

	take_record(bed, WIRE_IPFIX, 1, 300, 0, sizeof(cells) / sizeof(*cells), cells);
	assert_int_equal(bed->flows, 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_OTHER_RECORDS), 1);
	/* And is one with any of them. */
	for (const __u16 *number = (const __u16[]){8, 12, 7, 11, 4, 1, 2, 23, 24, 85, 86, 225, 226,
						   231, 232, 298, 299, 352, 0};
	     *number; number++) {
		const struct cell more[] = {cells[0], cells[1], {*number, 4, 1}};
		const struct cell proto[] = {cells[0], cells[1], {*number, 1, 1}};

		take_flow(bed, WIRE_IPFIX, 3, *number == 4 ? proto : more);
	}
	bed_free(bed);
}

static void events_of_firewalls_and_translators_are_fields(void **state)
{
	struct bed *bed = bed_new(NULL);
	const struct flow_record *f;

	f = FLOW(bed, WIRE_IPFIX, {233, 1, 3}, {230, 1, 4});
	assert_true(f->known & FIELD_BIT(EVENT) && f->known & FIELD_BIT(NAT_EVENT));
	assert_int_equal(f->event, 3);
	assert_int_equal(f->nat_event, 4);
	f = FLOW(bed, WIRE_V9, {40005, 1, 2}, {33002, 2, 1001});
	assert_int_equal(f->event, 2);
	assert_int_equal(f->event_detail, 1001);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_come_in_every_length_that_means_one_thing),
		cmocka_unit_test(other_lengths_are_refused_and_counted),
		cmocka_unit_test(a_length_of_65535_is_variable_in_v9_too),
		cmocka_unit_test(a_time_that_is_not_told_is_unknown),
		cmocka_unit_test(an_uptime_that_cannot_be_read_leaves_its_place_to_another_time),
		cmocka_unit_test(a_boot_told_in_the_same_message_holds_for_the_flows_behind_it),
		cmocka_unit_test(a_duration_gives_the_time_that_is_not_told),
		cmocka_unit_test(a_duration_longer_than_its_end_gives_nothing),
		cmocka_unit_test(a_first_after_the_last_is_exchanged_and_counted),
		cmocka_unit_test(v5_is_held_to_the_same),
		cmocka_unit_test(a_time_that_no_clock_shows_is_unknown_and_counted),
		cmocka_unit_test(the_reverse_direction_is_held_to_the_same),
		cmocka_unit_test(a_record_without_key_and_counters_is_no_flow),
		cmocka_unit_test(events_of_firewalls_and_translators_are_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

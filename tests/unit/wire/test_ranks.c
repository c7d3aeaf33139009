// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Several elements for one field: which holds, in every order of the template.
 *
 * Each element of a list below tells another value, so that the flow shows which one was taken. The
 * lists are written here by what the elements mean (RFC 7012, IANA's registry), best first: deltas
 * before totals, what came in before what went out, IP before layer 2; flows' times before those of
 * observations, the finer before the coarser. Up to four of a list at once, in every order, and with
 * a value of variable length at every place between them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/wire/wire_bed.h"

#define MOST 10
#define AT_ONCE 4
#define NOTHING (~0ull)

struct list {
	unsigned int field;
	unsigned int count;
	struct {
		struct cell cell;
		__u64 says; /* what the flow has then */
		__u64 zero; /* and where the value is 0; NOTHING: what the next one says */
	} of[MOST];
};

static __u64 field_value(const struct flow_record *f, unsigned int field)
{
	const struct flow_field_row *row = &flow_fields[field];
	const __u8 *from = (const __u8 *)f + row->offset;

	/* Of addresses the one half that is not zero: of IPv4, or the end of IPv6. */
	if (row->bytes == 16 && wire_get64(from) && wire_get64(from + 8))
		return NOTHING;
	if (row->bytes == 16)
		return wire_get64(from) >> 32 | wire_get64(from) << 32 | wire_get64(from + 8);
	return flow_field_load(from, row->bytes);
}

static __u64 expected(const struct list *list, const unsigned int *order, unsigned int count,
		      unsigned int best, bool zero)
{
	unsigned int next = MOST;

	if (!zero)
		return list->of[best].says;
	if (list->of[best].zero != NOTHING)
		return list->of[best].zero;
	for (unsigned int i = 0; i < count; i++)
		next = order[i] != best && order[i] < next ? order[i] : next;
	return next == MOST ? 0 : list->of[next].says;
}

/* One order; the value of variable length is before the one at `cut`. */
static void check(struct bed *bed, const struct list *list, const unsigned int *order,
		  unsigned int count, unsigned int cut, bool zero)
{
	/* Of a flow, whatever else is in it. */
	struct cell cells[AT_ONCE + 2] = {{4, 1, 6}};
	unsigned int n = 1, best = MOST;
	__u64 is, shall;

	for (unsigned int i = 0; i < count; i++)
		best = order[i] < best ? order[i] : best;
	for (unsigned int i = 0; i < count; i++) {
		if (i == cut)
			cells[n++] = (struct cell){236, IPFIX_VARIABLE};
		cells[n] = list->of[order[i]].cell;
		if (zero && order[i] == best)
			cells[n].value = 0;
		n++;
	}
	is = field_value(take_flow(bed, WIRE_V9, n, cells), list->field);
	shall = expected(list, order, count, best, zero);
	if (is != shall)
		fail_msg("%s of %u elements, %u first, %u best, zero %d: %llu, not %llu",
			 flow_fields[list->field].name, count, list->of[order[0]].cell.number,
			 list->of[best].cell.number, zero, is, shall);
}

static void permute(struct bed *bed, const struct list *list, unsigned int *order,
		    unsigned int count, unsigned int fixed)
{
	for (unsigned int i = fixed; i < count; i++) {
		unsigned int at = order[fixed];

		order[fixed] = order[i];
		order[i] = at;
		permute(bed, list, order, count, fixed + 1);
		order[i] = order[fixed];
		order[fixed] = at;
	}
	for (unsigned int cut = 0; fixed == count && cut <= count; cut++) {
		check(bed, list, order, count, cut, false);
		check(bed, list, order, count, cut, true);
	}
}

static void choose(struct bed *bed, const struct list *list, unsigned int *order,
		   unsigned int count, unsigned int from)
{
	if (count)
		permute(bed, list, order, count, 0);
	for (unsigned int i = from; i < list->count && count < AT_ONCE; i++) {
		order[count] = i;
		choose(bed, list, order, count + 1, i + 1);
	}
}

static void check_list(const struct list *list)
{
	struct bed *bed = bed_new(NULL);
	unsigned int order[AT_ONCE];

	choose(bed, list, order, 0, 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_FIELD_LENGTH), 0);
	bed_free(bed);
}

#define COUNTER(number, value)                                                                     \
	{                                                                                          \
		{number, 8, value}, value, 0                                                       \
	}
#define NUMBER(number, bytes, value)                                                               \
	{                                                                                          \
		{number, bytes, value}, value, NOTHING                                             \
	}

static void deltas_come_before_totals_and_a_delta_of_0_is_one(void **state)
{
	static const struct list octets = {
		.field = FIELD_BYTES,
		.count = 9,
		.of = {COUNTER(1, 101), COUNTER(231, 102), COUNTER(23, 103), COUNTER(352, 104),
		       COUNTER(417, 105), COUNTER(85, 106), COUNTER(171, 107), COUNTER(353, 108),
		       COUNTER(420, 109)},
	};
	static const struct list packets_of = {
		.field = FIELD_PACKETS,
		.count = 5,
		.of = {COUNTER(2, 101), COUNTER(298, 102), COUNTER(24, 103), COUNTER(86, 104),
		       COUNTER(172, 105)},
	};

	check_list(&octets);
	check_list(&packets_of);
}

/* Each another second, observations on the side where they contradict no flow's time. */
static __u64 second_of(unsigned int i, bool end)
{
	if (i >= 6)
		return end ? EXPORT_S - 4000 - i : EXPORT_S + i;
	return EXPORT_S - 100 - i;
}

static void times_of_flows_come_before_observations_the_finer_first(void **state)
{
	static const __u16 numbers[2][MOST] = {
		{156, 154, 158, 152, 22, 150, 325, 324, 323, 322},
		{157, 155, 159, 153, 21, 151, 325, 324, 323, 322},
	};
	const __u64 boot_s = EXPORT_S - BED_UPTIME_MS / 1000;

	for (int end = 0; end < 2; end++) {
		struct list list = {.field = end ? FIELD_END : FIELD_START, .count = MOST};

		for (unsigned int i = 0; i < MOST; i++) {
			const __u64 s = second_of(i, end), ntp = ntp_bits(s), ms = s * 1000;
			const struct cell cells[MOST] = {{0, 8, ntp},
							 {0, 8, ntp},
							 {0, 4, (EXPORT_S - s) * 1000000},
							 {0, 8, ms},
							 {0, 4, (s - boot_s) * 1000},
							 {0, 4, s},
							 {0, 8, ntp},
							 {0, 8, ntp},
							 {0, 8, ms},
							 {0, 4, s}};

			list.of[i].cell = cells[i];
			list.of[i].cell.number = numbers[end][i];
			list.of[i].says = s * SECOND;
			list.of[i].zero = NOTHING;
		}
		/* The moment of the export, and the boot. */
		list.of[2].zero = EXPORT_S * SECOND;
		list.of[4].zero = boot_s * SECOND;
		check_list(&list);
	}
}

static void the_other_family_or_the_older_number_holds_where_the_first_is_0(void **state)
{
	static const struct list lists[] = {
		{FIELD_SRC, 2, {NUMBER(27, 16, 5), NUMBER(8, 4, 0x01020304)}},
		{FIELD_DST, 2, {NUMBER(28, 16, 5), NUMBER(12, 4, 0x01020304)}},
		{FIELD_SRC_MASK, 2, {NUMBER(29, 1, 64), NUMBER(9, 1, 24)}},
		{FIELD_DST_MASK, 2, {NUMBER(30, 1, 64), NUMBER(13, 1, 24)}},
		{FIELD_NEXT_HOP, 2, {NUMBER(62, 16, 5), NUMBER(15, 4, 0x01020304)}},
		{FIELD_BGP_NEXT_HOP, 2, {NUMBER(63, 16, 5), NUMBER(18, 4, 0x01020304)}},
		{FIELD_VLAN, 2, {NUMBER(243, 2, 7), NUMBER(58, 2, 8)}},
		{FIELD_POST_VLAN, 2, {NUMBER(254, 2, 7), NUMBER(59, 2, 8)}},
		{FIELD_NAT_SRC,
		 3,
		 {NUMBER(281, 16, 5), NUMBER(225, 4, 0x01020304), NUMBER(40001, 4, 9)}},
		{FIELD_NAT_DST,
		 3,
		 {NUMBER(282, 16, 5), NUMBER(226, 4, 0x01020304), NUMBER(40002, 4, 9)}},
		{FIELD_NAT_SPORT, 2, {NUMBER(227, 2, 7), NUMBER(40003, 2, 8)}},
		{FIELD_NAT_DPORT, 2, {NUMBER(228, 2, 7), NUMBER(40004, 2, 8)}},
		{FIELD_IN_IF, 2, {NUMBER(10, 4, 7), NUMBER(252, 4, 8)}},
		{FIELD_OUT_IF, 2, {NUMBER(14, 2, 7), NUMBER(253, 4, 8)}},
		{FIELD_EVENT, 2, {NUMBER(233, 1, 2), NUMBER(40005, 1, 3)}},
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		check_list(&lists[i]);
}

static void type_and_code_of_icmp_hold_whichever_elements_have_them(void **state)
{
	static const struct cell cells[] = {
		{4, 1, 1}, {176, 1, 3}, {178, 1, 0}, {177, 1, 4}, {179, 1, 0}};
	struct bed *bed = bed_new(NULL);
	struct cell order[5];

	for (unsigned int first = 0; first < 5; first++) {
		for (unsigned int i = 0; i < 5; i++)
			order[i] = cells[(first + i) % 5];
		assert_int_equal(take_flow(bed, WIRE_IPFIX, 5, order)->icmp, 0x0304);
	}
	/* Both in one come first. */
	order[0] = (struct cell){32, 2, 0x0800};
	assert_int_equal(take_flow(bed, WIRE_IPFIX, 5, order)->icmp, 0x0800);
	order[0] = cells[1];
	order[4] = (struct cell){139, 2, 0x8100};
	assert_int_equal(take_flow(bed, WIRE_IPFIX, 5, order)->icmp, 0x8100);
	/* What is not ICMP has neither. */
	assert_false(take_flow(bed, WIRE_IPFIX, 2, (const struct cell[]){{4, 1, 6}, {176, 1, 0}})
			     ->known &
		     FIELD_BIT(ICMP));
	bed_free(bed);
}

/* So that the table says of each which comes first. */
static void no_two_elements_of_a_field_have_one_rank(void **state)
{
	for (unsigned int i = 0; i < WIRE_OWN_FIRST; i++) {
		const struct wire_element *a = &wire_elements[i];

		for (unsigned int j = 0; j < i; j++) {
			const struct wire_element *b = &wire_elements[j];
			bool both_hold =
				a->kind == WIRE_KIND_LABEL || a->kind == WIRE_KIND_ICMP_TYPE ||
				a->kind == WIRE_KIND_ICMP_CODE || b->kind == WIRE_KIND_ICMP ||
				a->field == FIELD_SAMPLING || a->kind == WIRE_KIND_LINK_HEADER;

			assert_true(a->number > b->number);
			if (a->field < FIELD_MAX && a->field == b->field && !both_hold &&
			    b->kind != WIRE_KIND_LINK_HEADER && a->rank == b->rank)
				fail_msg("%s and %s", a->name, b->name);
		}
	}
}

/* --- The reverse half ------------------------------------------------------------------------ */

static void responders_are_the_reverse_half_even_alone(void **state)
{
	struct bed *bed = bed_new(NULL);
	const struct flow_record *f;

	f = take_flow(bed, WIRE_V9, 2, (const struct cell[]){{232, 4, 7}, {231, 4, 5}});
	assert_int_equal(f->forward.bytes, 5);
	assert_int_equal(f->reverse.bytes, 7);
	assert_true((f->known & FLOW_REVERSE_FIELDS) == FIELD_BIT(REVERSE_BYTES));
	assert_false(f->known & FIELD_BIT(PACKETS));
	f = take_flow(bed, WIRE_IPFIX, 2, (const struct cell[]){{298, 8, 1}, {299, 8, 2}});
	assert_int_equal(f->forward.packets, 1);
	assert_int_equal(f->reverse.packets, 2);
	assert_false(f->known & FIELD_BIT(REVERSE_BYTES));
	f = take_flow(bed, WIRE_IPFIX, 1, (const struct cell[]){{232, 8, 0}});
	assert_true(f->known & FIELD_BIT(REVERSE_BYTES));
	bed_free(bed);
}

/* --- What bytes are -------------------------------------------------------------------------- */

static void what_bytes_are_is_said(void **state)
{
	static const struct {
		__u16 number;
		enum flow_counted counted;
	} cases[] = {
		{231, FLOW_COUNTED_PAYLOAD},      {23, FLOW_COUNTED_POST},
		{352, FLOW_COUNTED_LAYER2},       {417, FLOW_COUNTED_POST_LAYER2},
		{85, FLOW_COUNTED_TOTAL},         {171, FLOW_COUNTED_POST_TOTAL},
		{353, FLOW_COUNTED_LAYER2_TOTAL}, {420, FLOW_COUNTED_POST_LAYER2_TOTAL},
	};
	struct bed *bed = bed_new(NULL);
	const struct flow_record *f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f = take_flow(bed, WIRE_IPFIX, 1, (const struct cell[]){{cases[i].number, 8, 9}});
		assert_true(f->known & FIELD_BIT(COUNTED));
		assert_int_equal(f->counted, cases[i].counted);
	}
	f = take_flow(bed, WIRE_IPFIX, 2, (const struct cell[]){{1, 8, 9}, {85, 8, 9}});
	assert_false(f->known & FIELD_BIT(COUNTED));
	bed_free(bed);
}

/* 50 packets of 1280 bytes on the link, 18 of them the header: 1262 each. */
static void link_headers_of_known_length_are_taken_off(void **state)
{
	struct bed *bed = bed_new(NULL);
	const struct flow_record *f;

	f = take_flow(bed, WIRE_IPFIX, 3,
		      (const struct cell[]){{240, 1, 18}, {352, 8, 64000}, {2, 8, 50}});
	assert_int_equal(f->forward.bytes, 50 * 1262);
	assert_int_equal(f->counted, FLOW_COUNTED_IP);
	f = take_flow(bed, WIRE_IPFIX, 2, (const struct cell[]){{352, 8, 64000}, {2, 8, 50}});
	assert_int_equal(f->forward.bytes, 64000);
	assert_int_equal(f->counted, FLOW_COUNTED_LAYER2);
	/* Not below 0, and not from octets of IP. */
	f = take_flow(bed, WIRE_IPFIX, 3,
		      (const struct cell[]){{352, 8, 899}, {2, 8, 50}, {240, 1, 18}});
	assert_int_equal(f->forward.bytes, 899);
	assert_int_equal(f->counted, FLOW_COUNTED_LAYER2);
	f = take_flow(bed, WIRE_IPFIX, 3,
		      (const struct cell[]){{1, 8, 64000}, {2, 8, 50}, {240, 1, 18}});
	assert_int_equal(f->forward.bytes, 64000);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deltas_come_before_totals_and_a_delta_of_0_is_one),
		cmocka_unit_test(times_of_flows_come_before_observations_the_finer_first),
		cmocka_unit_test(the_other_family_or_the_older_number_holds_where_the_first_is_0),
		cmocka_unit_test(type_and_code_of_icmp_hold_whichever_elements_have_them),
		cmocka_unit_test(no_two_elements_of_a_field_have_one_rank),
		cmocka_unit_test(responders_are_the_reverse_half_even_alone),
		cmocka_unit_test(what_bytes_are_is_said),
		cmocka_unit_test(link_headers_of_known_length_are_taken_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

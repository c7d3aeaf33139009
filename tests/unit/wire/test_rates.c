// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rates of sampling: as numbers, and of which flows they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/wire/wire_bed.h"

#define CELLS(...)                                                                                 \
	sizeof((const struct cell[]){__VA_ARGS__}) / sizeof(struct cell), (const struct cell[])    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
/* TELL(bed, protocol, domain, scopes, cells ...): options. */
#define TELL(bed, protocol, domain, scopes, ...)                                                   \
	take_record(bed, protocol, domain, 400, scopes, CELLS(__VA_ARGS__))
#define V9_SYSTEM 1
#define V9_INTERFACE 2
#define V9_CARD 3
#define V9_CACHE 4
#define V9_TEMPLATE 5

/* The rate of a flow with these cells; 0: unknown. */
static __u32 rate_in(struct bed *bed, enum wire_protocol protocol, unsigned int domain,
		     unsigned int count, const struct cell *cells)
{
	bed->flows = 0;
	take_record(bed, protocol, domain, 300, 0, count, cells);
	assert_int_equal(bed->flows, 1);
	assert_int_equal(!(bed->flow[0].known & FIELD_BIT(SAMPLING)), !bed->flow[0].sampling);
	return bed->flow[0].sampling;
}

#define RATE(bed, protocol, domain, ...)                                                           \
	rate_in(bed, protocol, domain, CELLS({2, 4, 1}, __VA_ARGS__))
#define PLAIN                                                                                      \
	{                                                                                          \
		1, 4, 1                                                                            \
	}

/* --- Numbers --------------------------------------------------------------------------------- */

static void every_way_of_telling_a_rate_is_understood(void **state)
{
	const struct {
		unsigned int count;
		struct cell cells[6];
		__u32 shall;
	} cases[] = {
		{1, {{34, 4, 100}}, 100},
		{2, {{35, 1, 2}, {34, 2, 100}}, 100},
		{2, {{49, 1, 2}, {50, 4, 128}}, 128},
		{2, {{34, 4, 7}, {50, 4, 128}}, 128},
		{2, {{305, 4, 1}, {306, 4, 999}}, 1000},
		{2, {{306, 4, 90}, {305, 4, 10}}, 10},
		{2, {{305, 4, 1}, {306, 4, 0}}, 1},
		{1, {{305, 4, 1}}, 1},
		{1, {{305, 4, 256}}, 0}, /* of how many? */
		{1, {{306, 4, 256}}, 0},
		{2, {{309, 4, 2}, {310, 4, 512}}, 256},
		{2, {{309, 4, 0}, {310, 4, 512}}, 0},
		{2, {{309, 4, 9}, {310, 4, 3}}, 0},
		{1, {{311, 8, real_bits(0.001)}}, 1000},
		{1, {{311, 8, real_bits(1)}}, 1},
		{1, {{311, 4, 0x3c800000}}, 64}, /* 2^-6 as a float32 */
		{1, {{311, 8, real_bits(0)}}, 0},
		{1, {{311, 8, real_bits(-0.5)}}, 0},
		{1, {{311, 8, real_bits(1.5)}}, 0},
		{1, {{311, 8, 0x7ff8ull << 48}}, 0},
		{1, {{311, 8, real_bits(1e-12)}}, 0xffffffff},
		/* One in 1.5 and in 2.5, rounded. */
		{2, {{305, 4, 2}, {306, 4, 1}}, 2},
		{2, {{309, 4, 100}, {310, 4, 249}}, 2},
		/* What IOS-XR sends: the algorithm, random n out of N, says which two count. */
		{4, {{304, 2, 3}, {305, 4, 256}, {309, 4, 1}, {310, 4, 256}}, 256},
		{4, {{309, 4, 1}, {310, 4, 256}, {305, 4, 1}, {304, 2, 3}}, 256},
		{5, {{304, 2, 1}, {305, 4, 1}, {306, 4, 9}, {309, 4, 1}, {310, 4, 256}}, 10},
		{3, {{304, 2, 4}, {311, 8, real_bits(0.5)}, {34, 4, 9}}, 2},
		{2, {{304, 2, 3}, {311, 8, real_bits(0.001)}}, 1000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bed *bed = bed_new(NULL);
		struct cell cells[8] = {{149, 4, 1}};

		memcpy(cells + 1, cases[i].cells, sizeof(cases[i].cells));
		take_record(bed, WIRE_IPFIX, 1, 400, 1, 1 + cases[i].count, cells);
		if (RATE(bed, WIRE_IPFIX, 1, PLAIN) != cases[i].shall)
			fail_msg("case %zu: %u", i, bed->flow[0].sampling);
		assert_int_equal(bed->options, !!cases[i].shall);
		assert_int_equal(bed_count(bed, WIRE_COUNT_OTHER_OPTIONS), !cases[i].shall);
		/* And in the flow's own record. */
		cells[0] = (struct cell){2, 4, 1};
		bed_free(bed);
		bed = bed_new(NULL);
		assert_int_equal(rate_in(bed, WIRE_IPFIX, 1, 1 + cases[i].count, cells),
				 cases[i].shall);
		bed_free(bed);
	}
}

/* --- Scopes ---------------------------------------------------------------------------------- */

static void a_sampler_has_its_own_rate_and_no_others(void **state)
{
	for (enum wire_protocol p = WIRE_IPFIX; p <= WIRE_V9; p++) {
		struct bed *bed = bed_new(NULL);
		__u16 name = p == WIRE_V9 ? 48 : 302;

		TELL(bed, p, 1, 1, {p == WIRE_V9 ? V9_SYSTEM : 149, 4, 1}, {name, 2, 7},
		     {34, 4, 1000});
		assert_int_equal(bed->option[0].sampling.scope, WIRE_RATE_SAMPLER);
		assert_true(bed->option[0].sampling.id == 7);
		assert_int_equal(RATE(bed, p, 1, {name, 4, 7}), 1000);
		assert_int_equal(RATE(bed, p, 1, {name, 4, 8}), 0);
		/* It names none, and there is but one rate. */
		assert_int_equal(RATE(bed, p, 1, PLAIN), 1000);
		assert_int_equal(RATE(bed, p, 1, {name, 4, 0}), 1000);
		TELL(bed, p, 1, 1, {p == WIRE_V9 ? V9_SYSTEM : 149, 4, 1}, {name, 2, 9},
		     {34, 4, 10});
		assert_int_equal(RATE(bed, p, 1, {name, 4, 7}), 1000);
		assert_int_equal(RATE(bed, p, 1, {name, 4, 9}), 10);
		assert_int_equal(RATE(bed, p, 1, PLAIN), 0);
		assert_int_equal(RATE(bed, p, 1, {name, 4, 0}), 0);
		/* Not even the domain's. */
		TELL(bed, p, 1, 1, {p == WIRE_V9 ? V9_SYSTEM : 149, 4, 1}, {34, 4, 5});
		assert_int_equal(RATE(bed, p, 1, {name, 4, 8}), 0);
		assert_int_equal(RATE(bed, p, 1, PLAIN), 5);
		/* Nor another domain's. */
		assert_int_equal(RATE(bed, p, 2, {name, 4, 7}), 0);
		assert_int_equal(RATE(bed, p, 2, PLAIN), 0);
		bed_free(bed);
	}
}

static void an_interface_has_its_own_rate(void **state)
{
	for (enum wire_protocol p = WIRE_IPFIX; p <= WIRE_V9; p++) {
		struct bed *bed = bed_new(NULL);

		for (unsigned int i = 1; i <= 3; i++)
			TELL(bed, p, 1, 1, {p == WIRE_V9 ? V9_INTERFACE : 10, 4, i},
			     {34, 4, 100 * i});
		assert_int_equal(RATE(bed, p, 1, {10, 4, 1}), 100);
		assert_int_equal(RATE(bed, p, 1, {10, 2, 2}, {14, 4, 3}), 200);
		assert_int_equal(RATE(bed, p, 1, {10, 2, 2}, {14, 4, 3}, {61, 1, 1}), 300);
		assert_int_equal(RATE(bed, p, 1, {10, 2, 2}, {14, 4, 3}, {61, 1, 0}), 200);
		assert_int_equal(RATE(bed, p, 1, {10, 4, 4}), 0);
		assert_int_equal(RATE(bed, p, 1, {14, 4, 1}), 0);
		assert_int_equal(RATE(bed, p, 1, PLAIN), 0);
		TELL(bed, p, 1, 1, {p == WIRE_V9 ? V9_SYSTEM : 149, 4, 1}, {34, 4, 5});
		assert_int_equal(RATE(bed, p, 1, {10, 4, 1}), 100);
		assert_int_equal(RATE(bed, p, 1, {10, 4, 4}), 5);
		bed_free(bed);
	}
}

static void rates_of_what_leaves_are_of_what_leaves(void **state)
{
	struct bed *bed = bed_new(NULL);

	TELL(bed, WIRE_IPFIX, 1, 1, {10, 4, 1}, {34, 4, 100});
	TELL(bed, WIRE_IPFIX, 1, 1, {14, 4, 1}, {34, 4, 200});
	assert_int_equal(RATE(bed, WIRE_IPFIX, 1, {10, 4, 1}, {14, 4, 1}, {61, 1, 0}), 100);
	assert_int_equal(RATE(bed, WIRE_IPFIX, 1, {10, 4, 1}, {14, 4, 1}, {61, 1, 1}), 200);
	assert_int_equal(RATE(bed, WIRE_IPFIX, 1, {10, 4, 9}, {14, 4, 1}), 200);
	assert_int_equal(RATE(bed, WIRE_IPFIX, 1, {10, 4, 9}, {14, 4, 1}, {61, 1, 0}), 0);
	bed_free(bed);
}

static void line_cards_templates_and_parts_have_their_own(void **state)
{
	struct bed *bed = bed_new(NULL);

	TELL(bed, WIRE_V9, 1, 1, {V9_CARD, 4, 1}, {34, 4, 100});
	TELL(bed, WIRE_V9, 1, 1, {V9_CARD, 4, 2}, {34, 4, 200});
	assert_int_equal(RATE(bed, WIRE_V9, 1, {141, 4, 1}), 100);
	assert_int_equal(RATE(bed, WIRE_V9, 1, {141, 4, 2}), 200);
	assert_int_equal(RATE(bed, WIRE_V9, 1, {141, 4, 3}), 0);
	assert_int_equal(RATE(bed, WIRE_V9, 1, PLAIN), 0);
	TELL(bed, WIRE_V9, 2, 1, {V9_TEMPLATE, 2, 300}, {34, 4, 300});
	assert_int_equal(RATE(bed, WIRE_V9, 2, PLAIN), 300);
	TELL(bed, WIRE_V9, 3, 1, {V9_TEMPLATE, 2, 301}, {34, 4, 400});
	assert_int_equal(RATE(bed, WIRE_V9, 3, PLAIN), 0);
	TELL(bed, WIRE_IPFIX, 3, 1, {145, 2, 300}, {34, 4, 500});
	assert_int_equal(RATE(bed, WIRE_IPFIX, 3, PLAIN), 500);
	/* Flows say nothing of caches and ports: all the same, or unknown. */
	TELL(bed, WIRE_V9, 4, 1, {V9_CACHE, 4, 1}, {34, 4, 600});
	assert_int_equal(RATE(bed, WIRE_V9, 4, PLAIN), 600);
	TELL(bed, WIRE_V9, 4, 1, {V9_CACHE, 4, 2}, {34, 4, 700});
	assert_int_equal(RATE(bed, WIRE_V9, 4, PLAIN), 0);
	bed_free(bed);
}

static void domain_0_stands_for_those_that_were_told_nothing(void **state)
{
	struct bed *bed = bed_new(NULL);

	TELL(bed, WIRE_V9, 0, 1, {V9_SYSTEM, 4, 0}, {34, 4, 100});
	assert_int_equal(RATE(bed, WIRE_V9, 7, PLAIN), 100);
	TELL(bed, WIRE_V9, 7, 1, {V9_SYSTEM, 4, 0}, {34, 4, 200});
	assert_int_equal(RATE(bed, WIRE_V9, 7, PLAIN), 200);
	assert_int_equal(RATE(bed, WIRE_IPFIX, 7, PLAIN), 0);
	/* What names its domain is of that one, whatever message it came in. */
	TELL(bed, WIRE_IPFIX, 1, 1, {149, 4, 5}, {34, 4, 300});
	assert_int_equal(RATE(bed, WIRE_IPFIX, 5, PLAIN), 300);
	assert_int_equal(RATE(bed, WIRE_IPFIX, 1, PLAIN), 0);
	bed->peer.address[3] = 99;
	assert_int_equal(RATE(bed, WIRE_V9, 7, PLAIN), 0);
	bed_free(bed);
}

static void the_records_own_rate_comes_first(void **state)
{
	struct bed *bed = bed_new(NULL);

	TELL(bed, WIRE_V9, 1, 1, {V9_SYSTEM, 4, 1}, {48, 2, 7}, {34, 4, 1000});
	assert_int_equal(RATE(bed, WIRE_V9, 1, {48, 2, 7}, {34, 4, 3}), 3);
	assert_int_equal(RATE(bed, WIRE_V9, 1, {34, 4, 3}, {48, 2, 8}), 3);
	assert_int_equal(RATE(bed, WIRE_V9, 1, {34, 4, 0}, {48, 2, 7}), 1000);
	bed_free(bed);
}

/* --- Bounds ---------------------------------------------------------------------------------- */

static void few_rates(struct wire_decoder_options *o)
{
	o->max_rates = 10;
	o->rate_lifetime_ns = 100 * SECOND;
	o->template_lifetime_ns = 1000 * SECOND;
}

static void rates_have_a_bound_and_expire(void **state)
{
	struct bed *bed = bed_with(few_rates);

	for (unsigned int i = 1; i <= 1000; i++)
		TELL(bed, WIRE_V9, i % 4, 1, {V9_INTERFACE, 4, i}, {34, 4, i});
	assert_int_equal(bed_count(bed, WIRE_COUNT_FLOOD), 990);
	assert_int_equal(RATE(bed, WIRE_V9, 1, {10, 4, 1}), 1);
	assert_int_equal(RATE(bed, WIRE_V9, 0, {10, 4, 1000}), 0);
	bed->now_ns += 99 * SECOND;
	TELL(bed, WIRE_V9, 1, 1, {V9_INTERFACE, 4, 1}, {34, 4, 11});
	bed->now_ns += 2 * SECOND;
	wire_decoder_expire(bed->d, bed->now_ns);
	assert_int_equal(bed_count(bed, WIRE_COUNT_EXPIRED_RATES), 9);
	assert_int_equal(RATE(bed, WIRE_V9, 1, {10, 4, 1}), 11);
	assert_int_equal(RATE(bed, WIRE_V9, 1, PLAIN), 11);
	assert_int_equal(RATE(bed, WIRE_V9, 2, {10, 4, 2}), 0);
	TELL(bed, WIRE_V9, 0, 1, {V9_INTERFACE, 4, 1000}, {34, 4, 12});
	assert_int_equal(RATE(bed, WIRE_V9, 0, {10, 4, 1000}), 12);
	wire_decoder_close(bed->d, &bed->peer);
	assert_int_equal(wire_decoder_bytes(bed->d), 0);
	bed_free(bed);
}

static void a_flow_has_no_rate_of_the_set_before_it(void **state)
{
	struct bed *bed = bed_with(few_rates);

	TELL(bed, WIRE_V9, 1, 1, {V9_SYSTEM, 4, 1}, {34, 4, 100});
	assert_int_equal(RATE(bed, WIRE_V9, 1, PLAIN), 100);
	bed->now_ns += 101 * SECOND;
	wire_decoder_expire(bed->d, bed->now_ns);
	assert_int_equal(RATE(bed, WIRE_V9, 1, PLAIN), 0);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_of_telling_a_rate_is_understood),
		cmocka_unit_test(a_sampler_has_its_own_rate_and_no_others),
		cmocka_unit_test(an_interface_has_its_own_rate),
		cmocka_unit_test(rates_of_what_leaves_are_of_what_leaves),
		cmocka_unit_test(line_cards_templates_and_parts_have_their_own),
		cmocka_unit_test(domain_0_stands_for_those_that_were_told_nothing),
		cmocka_unit_test(the_records_own_rate_comes_first),
		cmocka_unit_test(rates_have_a_bound_and_expire),
		cmocka_unit_test(a_flow_has_no_rate_of_the_set_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "flow/harvest.h"

#define FLOWS 4096

struct gathered {
	struct flow_ended flow[FLOWS];
	unsigned int count;
};

static void gather(void *context, const struct flow_ended *flow)
{
	struct gathered *g = context;

	assert_true(g->count < FLOWS);
	g->flow[g->count++] = *flow;
}

/* 10.0.0.host:1000+port → 192.0.2.1:80 over TCP, or back. */
static struct flow_ended flow_of(uint8_t host, uint16_t port, bool back)
{
	struct flow_ended f = {.start_ns = 100, .end_ns = 200, .packets = 1, .bytes = 40};
	__be32 here = weir_be32(0x0a000000u | host), there = weir_be32(0xc0000201u);
	__be16 a = weir_be16(1000 + port), b = weir_be16(80);

	f.key.addrs = back ? weir_key_addrs(there, here) : weir_key_addrs(here, there);
	f.key.rest = weir_key_rest(back ? b : a, back ? a : b, 6, back ? 0 : WEIR_KEY_OUT, 0);
	f.key.ifindex = 2;
	f.end = WEIR_END_IDLE;
	return f;
}

static void parts_of_one_flow_from_two_cpus_become_one(void **state)
{
	struct gathered g = {};
	struct harvest h;
	struct flow_ended a = flow_of(1, 0, false), b = a;

	a.tcp_flags = 0x02;
	a.tos = 8;
	b.start_ns = 50;
	b.end_ns = 300;
	b.packets = 5;
	b.bytes = 1 << 20;
	b.tcp_flags = 0x11;
	b.end = WEIR_END_FLOW;
	b.tos = 16;
	assert_int_equal(harvest_open(&h, 16), 0);
	assert_int_equal(harvest_add(&h, &a, 0), 0);
	assert_int_equal(harvest_add(&h, &b, 1), 0);
	harvest_emit(&h, gather, &g);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.flow[0].packets, 6);
	assert_int_equal(g.flow[0].bytes, (1 << 20) + 40);
	assert_int_equal(g.flow[0].start_ns, 50);
	assert_int_equal(g.flow[0].end_ns, 300);
	assert_int_equal(g.flow[0].tcp_flags, 0x13);
	assert_int_equal(g.flow[0].end, WEIR_END_FLOW); /* of the part that ended last */
	assert_int_equal(g.flow[0].tos, 16);            /* of the first packet */
	harvest_close(&h);
}

static void two_parts_from_one_cpu_stay_two_flows(void **state)
{
	struct gathered g = {};
	struct flow_ended a = flow_of(1, 0, false);
	struct harvest h;

	assert_int_equal(harvest_open(&h, 16), 0);
	assert_int_equal(harvest_add(&h, &a, 3), 0);
	assert_int_equal(harvest_add(&h, &a, 3), 0);
	assert_int_equal(harvest_add(&h, &a, 4), 0); /* belongs to one of them */
	harvest_emit(&h, gather, &g);
	assert_int_equal(g.count, 2);
	assert_int_equal(g.flow[0].packets + g.flow[1].packets, 3);
	harvest_close(&h);
}

static void keys_that_differ_in_anything_are_not_merged(void **state)
{
	struct flow_ended flows[8];
	struct gathered g = {};
	struct harvest h;

	for (int i = 0; i < 8; i++)
		flows[i] = flow_of(1, 0, false);
	flows[1].key.src4 ^= weir_be32(1);
	flows[2].key.dport ^= 1;
	flows[3].key.proto = 17;
	flows[4].key.vlan = 7;
	flows[5].key.ifindex = 3;
	flows[6].key.flags |= WEIR_KEY_V6;
	flows[7].key.flags |= WEIR_KEY_V6;
	flows[7].pair.dst[15] = 1; /* though the fold be the same */
	assert_int_equal(harvest_open(&h, 16), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(harvest_add(&h, &flows[i], i), 0);
	harvest_emit(&h, gather, &g);
	assert_int_equal(g.count, 8);
	harvest_close(&h);
}

static void the_two_directions_of_a_conversation_come_out_side_by_side(void **state)
{
	static struct gathered g;
	struct harvest h;

	assert_int_equal(harvest_open(&h, 1024), 0);
	for (int back = 0; back < 2; back++) {
		for (int i = 0; i < 400; i++) {
			struct flow_ended f = flow_of(i % 200, i / 200, back);

			assert_int_equal(harvest_add(&h, &f, 0), 0);
		}
	}
	harvest_emit(&h, gather, &g);
	assert_int_equal(g.count, 800);
	for (unsigned int i = 0; i < g.count; i += 2)
		assert_true(flow_ended_reverses(&g.flow[i], &g.flow[i + 1]));
	harvest_close(&h);
}

static void what_goes_in_comes_out_once_and_then_it_is_empty(void **state)
{
	uint64_t packets = 0, bytes = 0, got_packets = 0, got_bytes = 0;
	static struct gathered g;
	struct harvest h;

	srandom(5);
	assert_int_equal(harvest_open(&h, 4096), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4000; i++) {
			struct flow_ended f = flow_of(random() % 8, random() % 16, random() % 2);

			f.packets = 1 + random() % 9;
			f.bytes = f.packets * 100;
			packets += f.packets;
			bytes += f.bytes;
			assert_int_equal(harvest_add(&h, &f, random() % 64), 0);
		}
		g.count = 0;
		harvest_emit(&h, gather, &g);
		for (unsigned int i = 0; i < g.count; i++) {
			got_packets += g.flow[i].packets;
			got_bytes += g.flow[i].bytes;
		}
	}
	assert_int_equal(got_packets, packets);
	assert_int_equal(got_bytes, bytes);
	g.count = 0;
	harvest_emit(&h, gather, &g);
	assert_int_equal(g.count, 0);
	harvest_close(&h);
}

static void a_full_harvest_says_so_and_still_merges(void **state)
{
	struct gathered g = {};
	struct flow_ended f;
	struct harvest h;

	assert_int_equal(harvest_open(&h, 2), 0);
	for (int i = 0; i < 2; i++) {
		f = flow_of(i, 0, false);
		assert_int_equal(harvest_add(&h, &f, 0), 0);
	}
	f = flow_of(9, 0, false);
	assert_int_equal(harvest_add(&h, &f, 0), -ENOSPC);
	f = flow_of(1, 0, false);
	assert_int_equal(harvest_add(&h, &f, 1), 0);
	harvest_emit(&h, gather, &g);
	assert_int_equal(g.count, 2);
	assert_int_equal(g.flow[0].packets + g.flow[1].packets, 3);
	harvest_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_one_flow_from_two_cpus_become_one),
		cmocka_unit_test(two_parts_from_one_cpu_stay_two_flows),
		cmocka_unit_test(keys_that_differ_in_anything_are_not_merged),
		cmocka_unit_test(the_two_directions_of_a_conversation_come_out_side_by_side),
		cmocka_unit_test(what_goes_in_comes_out_once_and_then_it_is_empty),
		cmocka_unit_test(a_full_harvest_says_so_and_still_merges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A cache of several sets. A new flow may lie in two of them; only when both are full does one
 * leave, and that is the longest unused of the eight. The test keeps a picture of the cache of
 * its own, by slot, from what came through the ring and what is resident.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/bed.h"
#include "weir.skel.h"

#define SETS 16
#define FLOWS 2000

static struct bed bed;

static void sets_of(const struct weir_flow_key *key, __u32 set[2])
{
	const __u64 seed[2] = {bed.m.skeleton->rodata->constants.seed[0],
			       bed.m.skeleton->rodata->constants.seed[1]};
	__u64 hash = weir_flow_hash(key, seed);

	set[0] = weir_hash_set(hash, SETS);
	set[1] = weir_hash_set2(hash, SETS);
}

static __u32 partition(void)
{
	return (bed_only_flow(&bed).slot / WEIR_WAYS) / SETS * SETS;
}

static void feed(__u16 sport)
{
	struct frame f = frame_of_udp("10.0.0.1", "10.0.0.2", sport, 9, 10);

	bed_feed(&bed, &f);
	bed.now_ns += 1000; /* so that no two were last used at the same time */
}

/* The oldest last_ns in the two sets, before the new flow came; 0 if there was a free way. */
static __u64 oldest_in(const struct weir_set *before, const __u32 set[2], __u32 base)
{
	__u64 oldest = ~0ull;

	for (int s = 0; s < 2; s++) {
		for (int way = 0; way < WEIR_WAYS; way++) {
			const struct weir_flow *f = &before[base + set[s]].flow[way];

			if (!f->generation)
				return 0;
			if (f->last_ns < oldest)
				oldest = f->last_ns;
		}
	}
	return oldest;
}

static void only_the_oldest_of_eight_leaves_and_only_when_all_are_taken(void **state)
{
	struct weir_set *before = calloc(bed.m.sets, sizeof(*before));
	__u32 base = 0;

	assert_non_null(before);
	bed_reset(&bed);
	for (int port = 1; port <= FLOWS; port++) {
		struct bed_flow now;
		__u64 oldest;
		__u32 set[2];
		int events;

		memcpy(before, bed.m.set, bed.m.sets * sizeof(*before));
		feed(port);
		if (port == 1)
			base = partition();
		if (port > 3 && port % 3 == 0)
			feed(port - 2); /* some are used again */
		now = bed_flow_of_port(&bed, port);
		sets_of(&now.flow.key, set);
		assert_true(now.slot / WEIR_WAYS == base + set[0] ||
			    now.slot / WEIR_WAYS == base + set[1]);
		if (port > 3 && port % 3 == 0) { /* it may have taken a place too */
			bed_drain(&bed);
			continue;
		}
		oldest = oldest_in(before, set, base);
		events = bed_drain(&bed);
		assert_int_equal(events, oldest ? 1 : 0);
		if (events) {
			assert_int_equal(bed.event[bed.events - 1].flow.last_ns, oldest);
			assert_int_equal(bed.event[bed.events - 1].slot, now.slot);
		}
	}
	assert_int_equal(bed_flows(&bed, NULL, 0), SETS * WEIR_WAYS);
	bed_expect_balance(&bed);
	free(before);
}

static void a_flow_is_resident_once_however_often_it_comes(void **state)
{
	static struct bed_flow all[SETS * WEIR_WAYS];
	int count;

	bed_reset(&bed);
	for (int i = 0; i < 5000; i++) {
		feed(1 + i * 7919 % 97);
		bed_drain(&bed);
		bed.events = 0;
	}
	count = bed_flows(&bed, all, SETS * WEIR_WAYS);
	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(&all[i].flow.key, &all[j].flow.key,
						sizeof(all[i].flow.key));
	bed_expect_balance(&bed);
}

static void flows_that_differ_in_one_field_are_apart(void **state)
{
	struct frame f = frame_of_udp("2001:db8::1", "2001:db8::2", 1, 2, 10);
	struct frame tagged = {};

	bed_reset(&bed);
	bed_feed(&bed, &f);
	bed_feed(&bed, &f); /* before others can take its slot, in so small a cache */
	for (__u32 byte = 0; byte < 32; byte++) { /* each byte of both addresses */
		struct frame other = f;

		other.data[f.ip_at[0] + 8 + byte] ^= 1;
		bed_feed(&bed, &other);
	}
	for (__u32 byte = 0; byte < 4; byte++) { /* of both ports */
		struct frame other = f;

		other.data[f.ip_at[0] + 40 + byte] ^= 1;
		bed_feed(&bed, &other);
	}
	frame_eth(&tagged);
	frame_vlan(&tagged, 0x8100, 1);
	frame_ip6(&tagged, "2001:db8::1", "2001:db8::2");
	frame_udp(&tagged, 1, 2);
	frame_end(&tagged);
	bed_feed(&bed, &tagged);
	bed_drain(&bed);
	/* Resident, or given way to another: each once. */
	assert_int_equal(bed_flows(&bed, NULL, 0) + bed.events, 1 + 32 + 4 + 1);
	bed_expect_balance(&bed);
}

static int open_bed(void **state)
{
	__u32 flows = SETS * WEIR_WAYS;

	bed_open(&bed, &(struct meter_options){.flow_size = flows, .replay = true},
		 "queries: []\nflow: { idle_timeout: 1h, active_timeout: 1h }\n");
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_oldest_of_eight_leaves_and_only_when_all_are_taken),
		cmocka_unit_test(a_flow_is_resident_once_however_often_it_comes),
		cmocka_unit_test(flows_that_differ_in_one_field_are_apart),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

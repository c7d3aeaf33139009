/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random and mutated frames through every program. Whatever comes: the packet goes on as it came,
 * and every packet and byte is in the books.
 *
 *   WEIR_SEED=N     repeats a run; its seed is printed
 *   WEIR_FRAMES=N   how many frames go through each program (200000)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/bed.h"
#include "kernel/zoo.h"

#define FRAME_MIN 14 /* what TEST_RUN takes */
#define LONGEST 600

static struct bed live, replay;
static struct frame zoo[ZOO_FRAMES];
static __u64 seed, rounds = 200000;

#define CONFIG                                                                                     \
	"tunnels: %s\n"                                                                            \
	"queries:\n"                                                                               \
	"- { name: a, match: 'in or out' }\n"                                                      \
	"- { name: b, match: 'tcp flags syn or dns query or less 100' }\n"                         \
	"- { name: c, match: 'src inside and not dst port 53' }\n"

/* Vigna's splitmix64. */
static __u64 draw(__u64 *state)
{
	__u64 z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static __u32 below(__u64 *state, __u32 limit)
{
	return draw(state) % limit;
}

/* Values that headers branch on. */
static __u8 telling_byte(__u64 *state)
{
	static const __u8 bytes[] = {0,    1,    4,    5,    6,    17,   41,   43,   44,   47,
				     51,   53,   58,   60,   132,  0x08, 0x45, 0x4f, 0x60, 0x81,
				     0x86, 0x88, 0xa8, 0xdd, 0x47, 0x64, 0xff, 0x80, 0x7f, 0x12};

	return below(state, 3) ? bytes[below(state, sizeof(bytes))] : draw(state);
}

/* Makes the next frame in `out`, which has room; returns its length. */
static __u32 next_frame(__u64 *state, __u8 *out)
{
	const struct frame *f = &zoo[below(state, ZOO_FRAMES)];
	__u32 bytes = f->bytes;

	memcpy(out, f->data, bytes);
	if (!below(state, 8)) { /* nothing but noise */
		bytes = FRAME_MIN + below(state, LONGEST - FRAME_MIN);
		for (__u32 i = 0; i < bytes; i++)
			out[i] = telling_byte(state);
	}
	if (!below(state, 3)) { /* the tail of another */
		const struct frame *g = &zoo[below(state, ZOO_FRAMES)];
		__u32 from = below(state, g->bytes), at = below(state, bytes);

		memcpy(out + at, g->data + from, g->bytes - from);
		bytes = at + g->bytes - from;
	}
	for (__u32 i = below(state, 5); i > 0; i--)
		out[below(state, bytes)] = telling_byte(state);
	for (__u32 i = below(state, 3); i > 0; i--)
		out[below(state, bytes)] ^= 1 << below(state, 8);
	if (!below(state, 4))
		bytes = 1 + below(state, bytes);
	while (bytes < FRAME_MIN)
		out[bytes++] = draw(state);
	return bytes;
}

static void expect_all_counted(struct bed *bed, __u64 packets, __u64 bytes)
{
	struct weir_count in = bed_books(bed, WEIR_SEEN_IN), out = bed_books(bed, WEIR_SEEN_OUT);

	assert_int_equal(in.packets + out.packets, packets);
	assert_int_equal(in.bytes + out.bytes, bytes);
	bed_expect_balance(bed);
}

static void tables(struct bed *bed, bool inner)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), CONFIG, inner ? "inner" : "outer");
	bed_tables(bed, yaml);
}

static void drain_now_and_then(struct bed *bed, __u64 i)
{
	if (i % 512)
		return;
	bed_drain(bed);
	bed->events = 0;
	if (i % 16384 == 0) {
		tables(bed, i & 16384);
		bed_expect_conserved(bed);
	}
}

static void fuzz_live(enum meter_prog prog, __u32 pass)
{
	__u64 state = seed + prog, bytes = 0;
	__u8 frame[2 * LONGEST];

	bed_reset(&live);
	for (__u64 i = 0; i < rounds; i++) {
		__u32 verdict = 0, length = next_frame(&state, frame);

		while (prog != PROG_XDP && bed_is_refused(frame, length))
			length = next_frame(&state, frame);
		if (bed_run(&live, live.m.prog[prog], frame, length, NULL, &verdict))
			fail_msg("frame %llu of seed %llu: %s", i, seed, strerror(errno));
		assert_int_equal(verdict, pass);
		bytes += length;
		drain_now_and_then(&live, i);
	}
	expect_all_counted(&live, rounds, bytes);
}

static void xdp_lets_any_frame_pass_and_counts_it(void **state)
{
	fuzz_live(PROG_XDP, XDP_PASS);
}

static void tc_in_lets_any_frame_pass_and_counts_it(void **state)
{
	fuzz_live(PROG_TC_IN, -1);
}

static void tc_out_lets_any_frame_pass_and_counts_it(void **state)
{
	fuzz_live(PROG_TC_OUT, -1);
}

static void l3_in_lets_any_frame_pass_and_counts_it(void **state)
{
	fuzz_live(PROG_L3_IN, -1);
}

static void l3_out_lets_any_frame_pass_and_counts_it(void **state)
{
	fuzz_live(PROG_L3_OUT, -1);
}

static void replay_counts_any_frame_at_any_time(void **unused)
{
	__u64 state = seed + PROG_MAX, bytes = 0;
	__u8 frame[2 * LONGEST];

	bed_reset(&replay);
	for (__u64 i = 0; i < rounds; i++) {
		__u32 length = next_frame(&state, frame), wire = length;

		if (!below(&state, 4)) /* not all of it was captured */
			wire += below(&state, 70000);
		replay.now_ns += below(&state, 2000000);
		if (!below(&state, 1000)) /* clocks step, either way */
			replay.now_ns += (__u64)below(&state, 200000) * 1000000 - 100000000000;
		assert_int_equal(meter_feed(&replay.m, replay.now_ns, frame, length, wire), 0);
		bytes += wire;
		drain_now_and_then(&replay, i);
	}
	expect_all_counted(&replay, rounds, bytes);
}

static int open_beds(void **state)
{
	const char *wanted = getenv("WEIR_SEED"), *count = getenv("WEIR_FRAMES");

	seed = wanted ? strtoull(wanted, NULL, 0) : (__u64)time(NULL);
	rounds = count ? strtoull(count, NULL, 0) : rounds;
	printf("# WEIR_SEED=%llu\n", seed);
	zoo_frames(zoo);
	bed_open(&live, &(struct meter_options){.flow_size = 512, .ring_bytes = 65536},
		 "queries: []\n");
	bed_open(&replay,
		 &(struct meter_options){.flow_size = 512, .ring_bytes = 65536, .replay = true},
		 "queries: []\n");
	return 0;
}

static int close_beds(void **state)
{
	bed_close(&live);
	bed_close(&replay);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_lets_any_frame_pass_and_counts_it),
		cmocka_unit_test(tc_in_lets_any_frame_pass_and_counts_it),
		cmocka_unit_test(tc_out_lets_any_frame_pass_and_counts_it),
		cmocka_unit_test(l3_in_lets_any_frame_pass_and_counts_it),
		cmocka_unit_test(l3_out_lets_any_frame_pass_and_counts_it),
		cmocka_unit_test(replay_counts_any_frame_at_any_time),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_beds, close_beds);
}

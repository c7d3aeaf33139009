/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every kind of frame, cut off at every byte: by a capture that kept less than was sent, and by a
 * sender that sent less than it said. Wherever the cut is, the packet has one account.
 *
 *   Ethernet, tags, labels │ IP header │ options, transport, tunnel
 *   truncated ─────────────┴───────────┤ a flow, with ports where four bytes of them are left
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/bed.h"
#include "kernel/zoo.h"

static struct bed bed, live;
static struct frame frames[ZOO_FRAMES];

#define OUTER "queries: [{ name: all, match: 'ip or ip6' }]\ntunnels: outer\n"
#define INNER "queries: [{ name: all, match: 'ip or ip6' }]\ntunnels: inner\n"

#define FRAME_MIN 14 /* what TEST_RUN takes */

static __u32 first_ip_end(const struct frame *f)
{
	__u32 at = f->ip_at[0];

	return at + (f->data[at] >> 4 == 4 ? 20 : 40);
}

/* One packet of wire_bytes was seen, and is in one place. */
static void expect_one_account(const struct bed *b, const struct frame *f, __u32 captured,
			       __u32 wire_bytes)
{
	static const enum weir_counter named[] = {WEIR_ARP, WEIR_NOT_IP, WEIR_TRUNCATED,
						  WEIR_MALFORMED, WEIR_PSEUDOWIRE};
	__u64 accounts = 0, packets, bytes;
	struct weir_books books;
	struct bed_flow flow;
	int flows = bed_flows(b, &flow, 1);

	assert_int_equal(meter_books(&b->m, 0, &books), 0);
	packets = books.count[WEIR_SEEN_IN].packets + books.count[WEIR_SEEN_OUT].packets;
	bytes = books.count[WEIR_SEEN_IN].bytes + books.count[WEIR_SEEN_OUT].bytes;
	assert_int_equal(packets, 1);
	assert_int_equal(bytes, wire_bytes);
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		accounts += books.count[named[i]].packets;
	assert_int_equal(accounts + flows, 1);
	bed_expect_conserved(b);
	if (!f->ips)
		return;
	/* Behind labels nothing but its length says that IPv6 is IPv6. */
	if (books.count[WEIR_PSEUDOWIRE].packets) {
		assert_true(wire_bytes < f->bytes);
		return;
	}
	if (captured < first_ip_end(f)) {
		assert_int_equal(books.count[WEIR_TRUNCATED].packets, 1);
		assert_int_equal(books.count[WEIR_TRUNCATED].bytes, wire_bytes);
	} else {
		assert_int_equal(flows, 1);
		assert_int_equal(flow.flow.packets, 1);
	}
}

static void cut_captures(const char *yaml)
{
	bed_tables(&bed, yaml);
	for (int i = 0; i < ZOO_FRAMES; i++) {
		for (__u32 captured = FRAME_MIN; captured <= frames[i].bytes; captured++) {
			bed_reset(&bed);
			bed_feed_part(&bed, &frames[i], captured);
			expect_one_account(&bed, &frames[i], captured, frames[i].bytes);
			if (captured == frames[i].bytes && frames[i].ips)
				assert_int_equal(bed_books(&bed, WEIR_NO_TRANSPORT).packets, 0);
		}
		bed_expect_balance(&bed);
	}
}

static void a_cut_capture_has_one_account_by_outer_headers(void **state)
{
	cut_captures(OUTER);
}

static void a_cut_capture_has_one_account_by_inner_headers(void **state)
{
	cut_captures(INNER);
}

static void whole_frames_end_in_the_ports_they_were_built_with(void **state)
{
	bed_tables(&bed, INNER);
	for (int i = 0; i < ZOO_FRAMES - 2; i++) {
		bed_reset(&bed);
		bed_feed(&bed, &frames[i]);
		assert_int_equal(__builtin_bswap16(bed_flow_of_port(&bed, 1111).flow.key.dport),
				 2222);
	}
}

static void ports_are_known_as_soon_as_four_bytes_of_them_are_left(void **state)
{
	bed_tables(&bed, OUTER);
	for (int i = 0; i < 2; i++) { /* plain TCP over IPv4, IPv6 */
		__u32 end = first_ip_end(&frames[i]);

		for (__u32 left = 0; left <= 20; left++) {
			struct bed_flow flow;

			bed_reset(&bed);
			bed_feed_part(&bed, &frames[i], end + left);
			flow = bed_only_flow(&bed);
			assert_int_equal(flow.flow.key.proto, 6);
			assert_int_equal(!(flow.flow.key.flags & WEIR_KEY_NOPORTS), left >= 4);
			assert_int_equal(flow.flow.key.sport,
					 left >= 4 ? __builtin_bswap16(1111) : 0);
			assert_int_equal(flow.flow.tcp_flags, left >= 14 ? 0x18 : 0);
			assert_int_equal(flow.flow.bytes, frames[i].bytes - 14);
			assert_int_equal(bed_books(&bed, WEIR_NO_TRANSPORT).packets, left < 4);
		}
	}
}

static void short_frames_have_one_account_in_every_live_program(void **state)
{
	static const enum meter_prog programs[] = {PROG_XDP, PROG_TC_IN, PROG_TC_OUT};

	for (int i = 0; i < ZOO_FRAMES; i++) {
		for (int p = 0; p < 3; p++) {
			for (__u32 bytes = FRAME_MIN; bytes <= frames[i].bytes; bytes++) {
				__u32 verdict;
				int code;

				bed_reset(&live);
				code = bed_run(&live, live.m.prog[programs[p]], frames[i].data,
					       bytes, NULL, &verdict);
				if (p && code == -22 && bed_is_refused(frames[i].data, bytes))
					continue;
				assert_int_equal(code, 0);
				expect_one_account(&live, &frames[i], bytes, bytes);
			}
		}
		bed_expect_balance(&live);
	}
}

static void what_is_shorter_than_a_link_header_is_truncated(void **state)
{
	bed_reset(&bed);
	for (__u32 bytes = 0; bytes < FRAME_MIN; bytes++)
		assert_int_equal(meter_feed(&bed.m, bed.now_ns, frames[0].data, bytes, 60), 0);
	assert_int_equal(bed_books(&bed, WEIR_TRUNCATED).packets, FRAME_MIN);
	assert_int_equal(bed_books(&bed, WEIR_TRUNCATED).bytes, FRAME_MIN * 60);
	bed_expect_balance(&bed);
}

static void headers_beyond_the_readers_reach_are_cut_off(void **state)
{
	struct frame f = {};

	/* Extension headers of 2 KiB: IP is known, ports are not. */
	frame_eth(&f);
	frame_ip6(&f, "2001:db8::1", "fd00::1");
	frame_extension(&f, 60, 1200);
	frame_tcp(&f, 1111, 2222, 0);
	frame_end(&f);
	bed_tables(&bed, OUTER);
	bed_reset(&bed);
	bed_feed(&bed, &f);
	expect_one_account(&bed, &f, f.bytes, f.bytes);
	assert_true(bed_only_flow(&bed).flow.key.flags & WEIR_KEY_NOPORTS);
	assert_int_equal(bed_books(&bed, WEIR_NO_TRANSPORT).packets, 1);
}

static int open_beds(void **state)
{
	const struct meter_options replay = {.flow_size = 1, .replay = true};

	zoo_frames(frames);
	bed_open(&bed, &replay, OUTER);
	bed_open(&live, &(struct meter_options){.flow_size = 1}, INNER);
	return 0;
}

static int close_beds(void **state)
{
	bed_close(&bed);
	bed_close(&live);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_capture_has_one_account_by_outer_headers),
		cmocka_unit_test(a_cut_capture_has_one_account_by_inner_headers),
		cmocka_unit_test(whole_frames_end_in_the_ports_they_were_built_with),
		cmocka_unit_test(ports_are_known_as_soon_as_four_bytes_of_them_are_left),
		cmocka_unit_test(short_frames_have_one_account_in_every_live_program),
		cmocka_unit_test(what_is_shorter_than_a_link_header_is_truncated),
		cmocka_unit_test(headers_beyond_the_readers_reach_are_cut_off),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_beds, close_beds);
}

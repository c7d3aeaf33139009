/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What only the TC programs meet: devices without a link header, VLAN tags that the card took
 * off, packets of many segments. They run on the live clock.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/bed.h"

static struct bed bed;

#define PASS ((__u32)-1) /* TCX_NEXT, TC_ACT_UNSPEC */
#define TCX_INGRESS 46   /* enum bpf_attach_type */

#define A4 "10.0.0.1"
#define B4 "192.0.2.1"

static void run(int prog, const struct frame *f, struct __sk_buff *ctx)
{
	__u32 verdict = 0;

	assert_int_equal(bed_run(&bed, bed.m.prog[prog], f->data, f->bytes, ctx, &verdict), 0);
	assert_int_equal(verdict, PASS);
	bed_expect_conserved(&bed);
}

static void tc_programs_count_by_direction(void **state)
{
	struct frame f = frame_of_udp(A4, B4, 1, 2, 100);
	struct bed_flow flow;

	for (int out = 0; out < 2; out++) {
		bed_reset(&bed);
		run(out ? PROG_TC_OUT : PROG_TC_IN, &f, NULL);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &(struct bed_key){A4, B4, 1, 2, .proto = 17, .out = out});
		assert_int_equal(flow.flow.bytes, f.bytes - 14);
		assert_int_equal(bed_books(&bed, WEIR_SEEN_IN).packets, !out);
		assert_int_equal(bed_books(&bed, WEIR_SEEN_OUT).packets, out);
		bed_expect_balance(&bed);
	}
}

/* Which differs from monotonic time only on a machine that has slept. */
static void stamps_are_of_boot_time(void **state)
{
	const __u64 tick_ns = 10 * NS_PER_MS, before_ns = clock_boot_ns();
	struct frame f = frame_of_udp(A4, B4, 1, 2, 100);
	struct bed_flow flow;

	bed_reset(&bed);
	run(PROG_TC_IN, &f, NULL);
	flow = bed_only_flow(&bed);
	assert_in_range(flow.flow.first_ns, before_ns - tick_ns, clock_boot_ns());
	assert_int_equal(flow.flow.last_ns, flow.flow.first_ns);
}

/* Of a frame that does not fit a page XDP sees the first part, where the kernel has such (5.18).
 * Elsewhere it gives none to a program. */
static void live_xdp_counts_frames_of_any_size(void **state)
{
	__u32 most = bed.m.frags ? 9000 : 3000;

	for (__u32 payload = 0; payload <= most; payload += 500) {
		struct frame f = frame_of_udp(A4, B4, 1, 2, payload);
		__u32 verdict = 0;

		bed_reset(&bed);
		assert_int_equal(
			bed_run(&bed, bed.m.prog[PROG_XDP], f.data, f.bytes, NULL, &verdict), 0);
		assert_int_equal(verdict, XDP_PASS);
		assert_int_equal(bed_only_flow(&bed).flow.bytes, f.bytes - 14);
		assert_int_equal(bed_books(&bed, WEIR_SEEN_IN).bytes, f.bytes);
		bed_expect_conserved(&bed);
	}
}

static void live_xdp_counts_all_of_a_large_frame_that_leaves_its_length_out(void **state)
{
	struct frame f = frame_of_udp(A4, B4, 1, 2, 9000);
	__u32 verdict = 0;

	f.data[f.ip_at[0] + 2] = f.data[f.ip_at[0] + 3] = 0;
	bed_reset(&bed);
	if (!bed.m.frags) {
		assert_int_not_equal(
			bed_run(&bed, bed.m.prog[PROG_XDP], f.data, f.bytes, NULL, &verdict), 0);
		return;
	}
	assert_int_equal(bed_run(&bed, bed.m.prog[PROG_XDP], f.data, f.bytes, NULL, &verdict), 0);
	assert_int_equal(bed_books(&bed, WEIR_SEEN_IN).bytes, f.bytes);
	assert_int_equal(bed_only_flow(&bed).flow.bytes, f.bytes - 14);
	bed_expect_conserved(&bed);
}

/*
 * TEST_RUN takes the protocol from bytes 12 and 13, where a link header has it, and hands over
 * the frame from its first byte. On a device without such a header these bytes are of the source
 * address: 8.0.x.x reads as IPv4, 2001:db8:86dd:: as IPv6.
 */
static void devices_without_a_link_header_are_read_from_the_ip_header_on(void **state)
{
	static const char *const src[] = {"8.0.0.1", "2001:db8:86dd::1"};
	static const char *const dst[] = {"10.0.0.1", "2001:db8::2"};

	for (int i = 0; i < 4; i++) {
		bool six = i & 1, out = i & 2;
		struct bed_key want = {src[six], dst[six], 1, 2, .proto = 6, .out = out};
		struct frame f = {};
		struct bed_flow flow;

		if (six)
			frame_ip6(&f, src[six], dst[six]);
		else
			frame_ip4(&f, src[six], dst[six]);
		frame_tcp(&f, 1, 2, WEIR_TCP_SYN);
		frame_payload(&f, 77);
		frame_end(&f);
		bed_reset(&bed);
		run(out ? PROG_L3_OUT : PROG_L3_IN, &f, NULL);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &want);
		assert_int_equal(flow.flow.bytes, f.bytes);
		assert_int_equal(flow.flow.tcp_flags, WEIR_TCP_SYN);
		assert_int_equal(bed_books(&bed, WEIR_OUTSIDE).bytes, 0);
	}
}

/* Puts a tag beside the frame, as a card does, and goes on with the program at index 0 of a map. */
static int load_tagger(int progs, __u16 tpid, __u16 tci)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = __builtin_bswap16(tpid)},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = tci},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_skb_vlan_push},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 2,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = progs},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 99},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = TCX_INGRESS);

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tagger", "GPL", code,
			     sizeof(code) / sizeof(*code), &opts);
}

static void run_tagged(const struct frame *f, __u16 tpid, __u16 tci)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->bytes,
		    .repeat = 1);
	int progs = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "progs", 4, 4, 1, NULL);
	__u32 zero = 0;
	int tagger;

	assert_true(progs >= 0);
	assert_int_equal(bpf_map_update_elem(progs, &zero, &bed.m.prog[PROG_TC_IN], BPF_ANY), 0);
	tagger = load_tagger(progs, tpid, tci);
	assert_true(tagger >= 0);
	assert_int_equal(bpf_prog_test_run_opts(tagger, &opts), 0);
	assert_int_equal(opts.retval, PASS);
	close(tagger);
	close(progs);
}

static void a_vlan_tag_beside_the_frame_is_read(void **state)
{
	static const __u16 tpid[] = {0x8100, 0x88a8};

	for (int i = 0; i < 2; i++) {
		struct frame f = frame_of_udp(A4, B4, 1, 2, 100), inner = {};
		struct bed_flow flow;

		bed_reset(&bed);
		run_tagged(&f, tpid[i], 0x6000 | 321);
		flow = bed_only_flow(&bed);
		assert_int_equal(flow.flow.key.vlan, 321);
		assert_int_equal(flow.flow.bytes, f.bytes - 14);
		bed_expect_conserved(&bed);

		/* The tag that stays in the frame is the inner one. */
		frame_eth(&inner);
		frame_vlan(&inner, 0x8100, 9);
		frame_ip6(&inner, "2001:db8::1", "2001:db8::2");
		frame_udp(&inner, 1, 2);
		frame_end(&inner);
		bed_reset(&bed);
		run_tagged(&inner, tpid[i], 321);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &(struct bed_key){"2001:db8::1", "2001:db8::2", 1, 2,
							.proto = 17, .vlan = 321});
	}
}

/* Each segment goes on the wire with all headers of the buffer. */
static void segments_are_counted_as_they_go_on_the_wire(void **state)
{
	for (int six = 0; six < 2; six++) {
		for (__u32 segments = 0; segments <= 45; segments += 5) {
			struct __sk_buff ctx = {.gso_segs = segments, .gso_size = 60};
			__u32 ip = six ? 40 : 20, wire = segments > 1 ? segments : 1;
			struct frame f = {};
			struct bed_flow flow;

			frame_eth(&f);
			if (six)
				frame_ip6(&f, "2001:db8::1", "2001:db8::2");
			else
				frame_ip4(&f, A4, B4);
			frame_tcp(&f, 1, 2, WEIR_TCP_ACK);
			frame_payload(&f, wire * 60);
			frame_end(&f);
			bed_reset(&bed);
			run(PROG_TC_OUT, &f, &ctx);
			flow = bed_only_flow(&bed);
			assert_int_equal(flow.flow.packets, wire);
			assert_int_equal(flow.flow.bytes, wire * (ip + 20 + 60));
			assert_int_equal(bed_books(&bed, WEIR_SEEN_OUT).packets, wire);
			assert_int_equal(bed_books(&bed, WEIR_SEEN_OUT).bytes,
					 wire * (14 + ip + 20 + 60));
			bed_expect_balance(&bed);
		}
	}
}

static void segments_of_udp_have_a_header_of_eight_bytes(void **state)
{
	struct __sk_buff ctx = {.gso_segs = 3, .gso_size = 100};
	struct frame f = frame_of_udp(A4, B4, 1, 2, 250);

	bed_reset(&bed);
	run(PROG_TC_OUT, &f, &ctx);
	assert_int_equal(bed_only_flow(&bed).flow.packets, 3);
	assert_int_equal(bed_only_flow(&bed).flow.bytes, 3 * 28 + 250);
	assert_int_equal(bed_books(&bed, WEIR_SEEN_OUT).bytes, 3 * 42 + 250);
}

static void interfaces_have_books_of_their_own(void **state)
{
	const struct weir_device device = {.ifindex = 1, .books = 1}, none = {};
	struct frame f = frame_of_udp(A4, B4, 1, 2, 100);
	struct weir_books books;
	__u32 place = 1;

	bed_reset(&bed);
	assert_int_equal(bpf_map_update_elem(bed.m.map[MAP_DEVICES], &place, &device, BPF_ANY), 0);
	run(PROG_TC_OUT, &f, NULL);
	assert_int_equal(bpf_map_update_elem(bed.m.map[MAP_DEVICES], &place, &none, BPF_ANY), 0);
	assert_int_equal(meter_books(&bed.m, 1, &books), 0);
	assert_int_equal(books.count[WEIR_SEEN_OUT].packets, 1);
	assert_int_equal(bed_books(&bed, WEIR_SEEN_OUT).packets, 0);
	assert_int_equal(meter_books(&bed.m, WEIR_INTERFACES, &books), 0);
	assert_int_equal(books.count[WEIR_SEEN_OUT].packets, 1);
}

static void without_tables_nothing_is_counted(void **state)
{
	struct frame f = frame_of_udp(A4, B4, 1, 2, 100);
	__u32 verdict = 0;
	struct why why;
	struct meter m;

	assert_int_equal(meter_load(&(struct meter_options){.flow_size = 64}, &m, &why), 0);
	assert_int_equal(bed_run(&bed, m.prog[PROG_TC_IN], f.data, f.bytes, NULL, &verdict), 0);
	assert_int_equal(verdict, PASS);
	meter_close(&m);
}

static int open_bed(void **state)
{
	bed_open(&bed, &(struct meter_options){.flow_size = 64}, "queries: []\n");
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tc_programs_count_by_direction),
		cmocka_unit_test(stamps_are_of_boot_time),
		cmocka_unit_test(live_xdp_counts_frames_of_any_size),
		cmocka_unit_test(live_xdp_counts_all_of_a_large_frame_that_leaves_its_length_out),
		cmocka_unit_test(devices_without_a_link_header_are_read_from_the_ip_header_on),
		cmocka_unit_test(a_vlan_tag_beside_the_frame_is_read),
		cmocka_unit_test(segments_are_counted_as_they_go_on_the_wire),
		cmocka_unit_test(segments_of_udp_have_a_header_of_eight_bytes),
		cmocka_unit_test(interfaces_have_books_of_their_own),
		cmocka_unit_test(without_tables_nothing_is_counted),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

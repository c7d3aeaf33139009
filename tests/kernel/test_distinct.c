// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Countdown Vectors in the kernel: what each key counts, which packets count, for how long, and how
 * near the answers come to numbers that are known exactly, with 14 to 30,000 keys.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/bed.h"

static struct bed bed;
static __u32 foreign_slabs; /* of meters beside this one */

#define MINUTE (60 * BED_SECOND)
#define ALL_KEYS "distinct: [flow, src, dst, pair, dport]"

static void start(const char *query)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "queries: [{ name: q, window: 60s, %s }]\n", query);
	bed_tables(&bed, yaml);
	bed_reset(&bed);
}

/* What a query says, now unless another time is given. */
static struct countdown_estimate ask(__u32 query, enum weir_distinct distinct, __u64 now_ns,
				     __u64 window_ns)
{
	struct meter_distinct d = {0};

	assert_int_equal(meter_distinct(&bed.m, query, distinct, now_ns, 0, window_ns, &d), 0);
	return d.keys;
}

static void expect(enum weir_distinct distinct, double want)
{
	struct countdown_estimate e = ask(0, distinct, bed.now_ns, MINUTE);

	assert_false(e.saturated);
	/* Of few keys two may share a cell, about once in a thousand runs. */
	if (fabs(e.count - want) > 4 * e.error + 0.01 * want + 1)
		fail_msg("expected %g, got %g +- %g", want, e.count, e.error);
}

/* Number `i` of addresses in a row. */
static const char *address(char text[40], int family, __u32 i)
{
	if (family == 6)
		snprintf(text, 40, "2001:db8::%x:%x", i >> 16, i & 0xffff);
	else
		snprintf(text, 40, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
	return text;
}

static void feed_udp(int family, __u32 src, __u32 dst, __u16 sport, __u16 dport)
{
	char from[40], to[40];
	struct frame f = frame_of_udp(address(from, family, src), address(to, family, dst), sport,
				      dport, 30);

	bed_feed(&bed, &f);
}

static void feed_tcp(__u32 src, __u16 sport, __u8 flags)
{
	struct frame f = {};
	char from[40];

	frame_eth(&f);
	frame_ip4(&f, address(from, 4, src), "192.0.2.1");
	frame_tcp(&f, sport, 80, flags);
	frame_end(&f);
	bed_feed(&bed, &f);
}

static void each_key_counts_what_its_name_says(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		start("match: 'ip or ip6', " ALL_KEYS);
		/* 50 sources, 20 destinations, 1000 pairs, 10 ports, 5000 flows; each twice. */
		for (int i = 0; i < 10000; i++) {
			int dst = i / 50 % 20, port = i / 1000 % 5;

			feed_udp(family, i % 50, 1000 + dst, 5, 100 + port + 5 * (dst & 1));
		}
		expect(WEIR_DISTINCT_SRC, 50);
		expect(WEIR_DISTINCT_DST, 20);
		expect(WEIR_DISTINCT_PAIR, 1000);
		expect(WEIR_DISTINCT_DPORT, 10);
		expect(WEIR_DISTINCT_FLOW, 5000);
		bed_expect_conserved(&bed);
	}
}

static void the_protocol_and_the_source_port_are_part_of_a_flow(void **state)
{
	struct frame f = {};

	start("match: ip, " ALL_KEYS);
	for (int i = 0; i < 8; i++)
		feed_udp(4, 1, 2, i, 80);
	frame_eth(&f);
	frame_ip4(&f, "10.0.0.1", "10.0.0.2");
	frame_tcp(&f, 0, 80, WEIR_TCP_ACK);
	frame_end(&f);
	bed_feed(&bed, &f);
	expect(WEIR_DISTINCT_FLOW, 9);
	expect(WEIR_DISTINCT_PAIR, 1);
	expect(WEIR_DISTINCT_DPORT, 1);
}

static void a_packet_without_ports_has_no_destination_port(void **state)
{
	start("match: ip, " ALL_KEYS);
	for (int type = 0; type < 20; type++) {
		struct frame f = {};

		frame_eth(&f);
		frame_ip4(&f, "10.0.0.1", "10.0.0.2");
		frame_icmp(&f, type, 0);
		frame_end(&f);
		bed_feed(&bed, &f);
	}
	assert_true(ask(0, WEIR_DISTINCT_DPORT, bed.now_ns, MINUTE).count < 0.5);
	expect(WEIR_DISTINCT_FLOW, 20);
}

static void a_vlan_does_not_make_two_flows_of_one(void **state)
{
	start("match: ip, " ALL_KEYS);
	for (int vlan = 0; vlan < 30; vlan++) {
		struct frame f = {};

		frame_eth(&f);
		if (vlan)
			frame_vlan(&f, 0x8100, vlan);
		frame_ip4(&f, "10.0.0.1", "10.0.0.2");
		frame_udp(&f, 1, 2);
		frame_end(&f);
		bed_feed(&bed, &f);
	}
	expect(WEIR_DISTINCT_FLOW, 1);
}

/* The query looks at each packet's flags, the flow being known already and having had a packet at
 * this very time. */
static void only_packets_that_the_query_selects_count(void **state)
{
	start("match: 'tcp flags syn and not tcp flags ack', distinct: [src]");
	for (int src = 0; src < 100; src++)
		feed_tcp(src, 7, WEIR_TCP_ACK);
	assert_true(ask(0, WEIR_DISTINCT_SRC, bed.now_ns, MINUTE).count < 0.5);
	for (int src = 0; src < 40; src++)
		feed_tcp(src, 7, WEIR_TCP_SYN);
	expect(WEIR_DISTINCT_SRC, 40);
}

static void a_flow_that_goes_on_stays_counted(void **state)
{
	start("match: ip, distinct: [flow]");
	for (int second = 0; second < 300; second++) {
		bed.now_ns = BED_START + second * BED_SECOND;
		for (int flow = 0; flow < 50; flow++)
			feed_udp(4, flow, 2, 3, 4);
	}
	expect(WEIR_DISTINCT_FLOW, 50);
}

static void a_key_leaves_when_the_window_has_passed_it(void **state)
{
	start("match: ip, distinct: [src]");
	for (int src = 0; src < 200; src++)
		feed_udp(4, src, 2, 3, 4);
	/* A step is 60/14 s: within one before the end and one after nothing is certain. */
	for (int second = 1; second <= 55; second++) {
		bed.now_ns = BED_START + second * BED_SECOND;
		expect(WEIR_DISTINCT_SRC, 200);
	}
	for (__u64 second = 65; second < 1 << 20; second *= 2) {
		bed.now_ns = BED_START + second * BED_SECOND;
		assert_true(ask(0, WEIR_DISTINCT_SRC, bed.now_ns, MINUTE).count < 0.5);
	}
}

/* 100 sources a second for three minutes, each heard once. */
static void any_window_up_to_the_querys_can_be_asked(void **state)
{
	static const int windows[] = {60, 50, 37, 20, 9, 5};

	start("match: ip, distinct: { keys: [src], size: 64KiB }");
	for (int i = 0; i < 18000; i++) {
		bed.now_ns = BED_START + i * (BED_SECOND / 100);
		feed_udp(4, i, 2, 3, 4);
	}
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		struct countdown_estimate e =
			ask(0, WEIR_DISTINCT_SRC, bed.now_ns, windows[i] * BED_SECOND);

		if (fabs(e.count - windows[i] * 100) > 4 * e.error + 10)
			fail_msg("%d s: %g +- %g", windows[i], e.count, e.error);
	}
	assert_int_equal(meter_distinct(&bed.m, 0, WEIR_DISTINCT_SRC, bed.now_ns, 0,
					62 * BED_SECOND, &(struct meter_distinct){0}),
			 -EINVAL);
	assert_int_equal(meter_distinct(&bed.m, 0, WEIR_DISTINCT_DST, bed.now_ns, 0, MINUTE,
					&(struct meter_distinct){0}),
			 -ENOENT);
}

/* 100 sources a second, from some time on others. */
static void what_came_before_a_query_started_again_is_not_counted(void **state)
{
	static const int seconds[] = {0, 1, 2, 4, 9, 20, 40, 60};
	const __u64 again_ns = BED_START + 60 * BED_SECOND;

	bed.now_ns = BED_START;
	start("match: ip, distinct: { keys: [src], size: 64KiB }");
	for (int i = 0, n = 0; n < 8; i++) {
		struct meter_distinct d;
		const __u64 window_ns = seconds[n] * BED_SECOND;

		bed.now_ns = BED_START + i * (BED_SECOND / 100);
		if (bed.now_ns >= again_ns + window_ns) {
			assert_int_equal(meter_distinct(&bed.m, 0, WEIR_DISTINCT_SRC, bed.now_ns,
							again_ns, MINUTE, &d),
					 0);
			assert_int_equal(d.covered_ns, window_ns);
			if (fabs(d.keys.count - seconds[n] * 100) > 4 * d.keys.error + 1)
				fail_msg("%d s: %g +- %g", seconds[n], d.keys.count, d.keys.error);
			n++;
		}
		feed_udp(4, i, 2, 3, 4);
	}
}

/* All in its first moment, as a flood that is there already; the query was labelled after. */
static void a_vector_made_a_moment_before_its_query_is_read_whole(void **state)
{
	struct weir_vector *v;
	struct countdown_estimate whole;
	struct meter_distinct d;

	bed.now_ns = BED_START;
	start("match: ip, distinct: { keys: [src], size: 64KiB }");
	v = &bed.m.tables[bed.m.control->generation & 1].vector[0][WEIR_DISTINCT_SRC];
	v->since_ns = bed.now_ns;
	for (int src = 0; src < 2000; src++)
		feed_udp(4, src, 2, 3, 4);
	for (int second = 1; second <= 9; second++) {
		bed.now_ns = BED_START + second * BED_SECOND;
		whole = ask(0, WEIR_DISTINCT_SRC, bed.now_ns, MINUTE);
		assert_int_equal(meter_distinct(&bed.m, 0, WEIR_DISTINCT_SRC, bed.now_ns,
						v->since_ns + 5000000, MINUTE, &d),
				 0);
		assert_int_equal(d.covered_ns, second * BED_SECOND - 5000000);
		assert_true(d.keys.count == whole.count && d.keys.error == whole.error);
		if (fabs(d.keys.count - 2000) > 4 * d.keys.error + 1)
			fail_msg("%d s: %g +- %g", second, d.keys.count, d.keys.error);
	}
}

static void every_query_that_a_packet_satisfies_counts_it(void **state)
{
	bed_tables(&bed,
		   "queries:\n"
		   "  - { name: a, match: ip, distinct: [src, dst] }\n"
		   "  - { name: b, match: udp, distinct: [src] }\n"
		   "  - { name: c, match: 'udp and dst port 9' }\n"
		   "  - { name: d, match: 'dst port 9 or dst port 8', distinct: [src, pair] }\n");
	bed_reset(&bed);
	for (int src = 0; src < 120; src++)
		feed_udp(4, src, 77, 3, src < 30 ? 9 : src < 40 ? 8 : 7);
	assert_in_range(ask(0, WEIR_DISTINCT_SRC, bed.now_ns, MINUTE).count + 0.5, 118, 122);
	assert_in_range(ask(0, WEIR_DISTINCT_DST, bed.now_ns, MINUTE).count + 0.5, 1, 1);
	assert_in_range(ask(1, WEIR_DISTINCT_SRC, bed.now_ns, MINUTE).count + 0.5, 118, 122);
	assert_in_range(ask(3, WEIR_DISTINCT_SRC, bed.now_ns, MINUTE).count + 0.5, 39, 41);
	assert_in_range(ask(3, WEIR_DISTINCT_PAIR, bed.now_ns, MINUTE).count + 0.5, 39, 41);
	assert_int_equal(meter_distinct(&bed.m, 2, WEIR_DISTINCT_SRC, bed.now_ns, 0, MINUTE,
					&(struct meter_distinct){0}),
			 -ENOENT);
	bed_expect_conserved(&bed);
}

/* 30,000 distinct flows, by both the short way (UDP, the second packet of each) and the long one
 * (the first), against a vector of 16 KiB. */
static void thirty_thousand_flows_are_counted_within_the_error_they_state(void **state)
{
	struct countdown_estimate e;

	start("match: ip, distinct: { keys: [flow], size: 16KiB }");
	for (int i = 0; i < 60000; i++)
		feed_udp(4, i % 30000 / 100, 2, i % 100, 4);
	e = ask(0, WEIR_DISTINCT_FLOW, bed.now_ns, MINUTE);
	assert_false(e.saturated);
	assert_true(e.error > 0 && e.error < 0.01 * 30000);
	if (fabs(e.count - 30000) > 4 * e.error)
		fail_msg("%g +- %g", e.count, e.error);
	bed_expect_conserved(&bed);
}

static void a_packet_older_than_the_window_is_not_counted(void **state)
{
	start("match: ip, distinct: [src]");
	bed.now_ns = BED_START + 1000 * BED_SECOND;
	for (int src = 0; src < 10; src++)
		feed_udp(4, src, 2, 3, 4);
	bed.now_ns = BED_START;
	for (int src = 0; src < 3000; src++)
		feed_udp(4, src, 2, 3, 4);
	bed.now_ns = BED_START + 1000 * BED_SECOND;
	/* Only those whose line nobody was in before. */
	assert_true(ask(0, WEIR_DISTINCT_SRC, bed.now_ns, MINUTE).count < 200);
}

/* What the packet sets is the one cell that the seeds of this load choose for its key. */
static void expect_cell(int family, enum weir_distinct distinct)
{
	struct weir_constants constants;
	struct weir_flow_key key = {.dport = weir_be16(80), .sport = weir_be16(7), .proto = 17};
	struct weir_pair6 pair;
	const struct weir_vector *v = &meter_tables(&bed.m)->vector[0][distinct];
	struct weir_cell want;
	char src[40], dst[40];
	__u32 zero = 0, set = 0;

	inet_pton(family == 6 ? AF_INET6 : AF_INET, address(src, family, 11),
		  family == 6 ? (void *)pair.src : &key.src4);
	inet_pton(family == 6 ? AF_INET6 : AF_INET, address(dst, family, 22),
		  family == 6 ? (void *)pair.dst : &key.dst4);
	assert_int_equal(bpf_map_lookup_elem(bed.m.map[MAP_CONSTANTS], &zero, &constants), 0);
	want = weir_cell_of(weir_distinct_hash(distinct, &key, family == 6 ? &pair : NULL,
					       constants.distinct_seed),
			    v->slabs);
	for (__u32 line = 0; line < v->slabs * bed.m.cpus * WEIR_SLAB_LINES; line++) {
		const struct weir_line *l =
			&bed.m.slab[v->first + line / WEIR_SLAB_LINES][line % WEIR_SLAB_LINES];

		for (__u32 i = 0; i < sizeof(l->cells); i++) {
			if (!l->cells[i])
				continue;
			assert_int_equal(line % (v->slabs * WEIR_SLAB_LINES), want.line);
			assert_int_equal(i, want.byte);
			assert_int_equal(l->cells[i], want.mask);
			set++;
		}
	}
	assert_int_equal(set, 1);
}

static void a_packet_sets_the_cell_that_the_seeds_choose(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		start("match: 'ip or ip6', distinct: { keys: [flow, src, dst, pair, dport], "
		      "size: 32KiB }");
		feed_udp(family, 11, 22, 7, 80);
		for (int d = 0; d < WEIR_DISTINCT_MAX; d++)
			expect_cell(family, d);
	}
}

static void another_load_has_other_seeds(void **state)
{
	struct meter_options options = {.flow_size = 1024, .replay = true};
	struct weir_constants first, second;
	struct why why;
	struct meter other;
	__u32 zero = 0;

	assert_int_equal(meter_load(&options, &other, &why), 0);
	assert_int_equal(bpf_map_lookup_elem(bed.m.map[MAP_CONSTANTS], &zero, &first), 0);
	assert_int_equal(bpf_map_lookup_elem(other.map[MAP_CONSTANTS], &zero, &second), 0);
	for (int i = 0; i < WEIR_DISTINCT_SEEDS; i++)
		assert_int_not_equal(first.distinct_seed[i], second.distinct_seed[i]);
	meter_close(&other);
}

/* Maps there are of that name. A look into map `vectors` would make kernels before 6.8 wait until no
 * program runs, for each place. */
static __u32 count_slabs(void)
{
	__u32 id = 0, count = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue; /* gone meanwhile */
		if (!bpf_obj_get_info_by_fd(fd, &info, &size))
			count += !strcmp(info.name, "slab");
		close(fd);
	}
	return count;
}

static __u32 slabs_in_use(void)
{
	return count_slabs() - foreign_slabs;
}

static void memory_is_taken_only_by_what_is_asked_for(void **state)
{
	start("match: ip");
	assert_int_equal(slabs_in_use(), 0);
	start("match: ip, distinct: { keys: [src, dst], size: 48KiB }");
	assert_int_equal(slabs_in_use(), 2 * 3 * bed.m.cpus);
	start("match: ip, distinct: { keys: [src], size: 16KiB }");
	assert_int_equal(slabs_in_use(), bed.m.cpus);
	start("match: ip");
	assert_int_equal(slabs_in_use(), 0);
}

static void what_does_not_fit_is_refused_and_nothing_is_made(void **state)
{
	struct weir_tables *tables = calloc(1, sizeof(*tables));

	assert_non_null(tables);
	start("match: ip, distinct: { keys: [src], size: 16KiB }");
	for (int q = 0; q < 4; q++)
		tables->vector[q][0] =
			(struct weir_vector){.slabs = WEIR_SLABS_MAX, .first = METER_UNMADE};
	assert_int_equal(meter_make_vectors(&bed.m, tables), -ENOSPC);
	assert_int_equal(slabs_in_use(), bed.m.cpus);
	free(tables);
}

/* All there may be takes the place of all there may be, with no more files open than usual. */
static void the_largest_vectors_take_turns(void **state)
{
	struct rlimit was, low = {.rlim_cur = 256};

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	low.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (int turn = 0; turn < 2; turn++) {
		start("match: ip, distinct: { keys: [src], size: 16MiB }");
		feed_udp(4, 1, 2, 3, 4);
		expect(WEIR_DISTINCT_SRC, 1);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(slabs_in_use(), WEIR_SLABS_MAX * bed.m.cpus);
	start("match: ip");
	assert_int_equal(slabs_in_use(), 0);
}

static int open_bed(void **state)
{
	const struct meter_options options = {.flow_size = 1 << 17, .replay = true};

	foreign_slabs = count_slabs();
	bed_open(&bed, &options, "queries: []\n");
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_counts_what_its_name_says),
		cmocka_unit_test(the_protocol_and_the_source_port_are_part_of_a_flow),
		cmocka_unit_test(a_packet_without_ports_has_no_destination_port),
		cmocka_unit_test(a_vlan_does_not_make_two_flows_of_one),
		cmocka_unit_test(only_packets_that_the_query_selects_count),
		cmocka_unit_test(a_flow_that_goes_on_stays_counted),
		cmocka_unit_test(a_key_leaves_when_the_window_has_passed_it),
		cmocka_unit_test(any_window_up_to_the_querys_can_be_asked),
		cmocka_unit_test(what_came_before_a_query_started_again_is_not_counted),
		cmocka_unit_test(a_vector_made_a_moment_before_its_query_is_read_whole),
		cmocka_unit_test(every_query_that_a_packet_satisfies_counts_it),
		cmocka_unit_test(thirty_thousand_flows_are_counted_within_the_error_they_state),
		cmocka_unit_test(a_packet_older_than_the_window_is_not_counted),
		cmocka_unit_test(a_packet_sets_the_cell_that_the_seeds_choose),
		cmocka_unit_test(another_load_has_other_seeds),
		cmocka_unit_test(memory_is_taken_only_by_what_is_asked_for),
		cmocka_unit_test(what_does_not_fit_is_refused_and_nothing_is_made),
		cmocka_unit_test(the_largest_vectors_take_turns),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kernel programs for the benches: loaded, with tables and a frame that the queries match. */
#include "meter.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

/* Flows come in another order than they came first in, or a cache that puts new flows side by side
 * would be walked along its memory. */
#define STEP 0x9e3779b1u
#define LOOPBACK 1    /* the interface that BPF_PROG_TEST_RUN says frames come by */
#define TCX_EGRESS 47 /* enum bpf_attach_type, newer than the headers we build with */
#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1u << 5)
#endif

const __u8 tcp_frame[FRAME_BYTES] = {
	2,    0, 0,    0,    0,    1,    2, 0, 0,  0, 0, 2, 0x08, 0x00, /* link */
	0x45, 0, 0,    50,   0,    0,    0, 0, 64, 6, 0, 0, 10,   0,    0,    0,    198,  51,
	100,  1, 0x04, 0x00, 0x01, 0xbb, 0, 0, 0,  0, 0, 0, 0,    0,    0x50, 0x10, 0xff, 0xff,
};

struct weir_tables *make_tables(__u32 terms)
{
	struct query queries[WEIR_QUERIES];
	struct query_expr *more[WEIR_QUERIES];
	struct weir_tables *t = calloc(1, sizeof(*t));
	unsigned int count, extra = 0;
	struct why config_err;
	struct query_error err;
	struct config config;
	char text[64];

	if (!t)
		fail("tables", ENOMEM);
	check(config_default(&config, &config_err), "default configuration");
	for (count = 0; count < config.query_count; count++)
		queries[count] = (struct query){config.queries[count].expr, count};
	check(query_compile(queries, count, &config.scope, t, &err), "default queries");
	while (t->terms < terms && count < WEIR_QUERIES) {
		snprintf(text, sizeof(text), "udp and dst port %u and src net 172.16.%u.0/24",
			 2000 + extra, extra);
		check(query_parse(text, &more[extra], &err), text);
		queries[count] = (struct query){more[extra++], count};
		check(query_compile(queries, ++count, &config.scope, t, &err), text);
	}
	t->timeouts = (struct weir_timeouts){HOUR_NS, HOUR_NS, HOUR_NS};
	t->inner = 0;
	while (extra)
		query_free(more[--extra]);
	config_free(&config);
	return t;
}

void load_meter(__u32 flow_size, const struct weir_tables *t, struct meter *m)
{
	struct meter_options options = {.flow_size = flow_size};
	const struct weir_device lo = {.ifindex = LOOPBACK, .books = 1};
	const __u32 place = LOOPBACK;
	struct why why;

	if (meter_load(&options, m, &why)) {
		fprintf(stderr, "bench: %s\n", why.text);
		exit(1);
	}
	check(meter_set_tables(m, t), "tables");
	check(bpf_map_update_elem(m->map[MAP_DEVICES], &place, &lo, BPF_ANY), "devices");
}

struct bench_bpf *load_bench(__u32 flow_count, bool frags)
{
	struct bench_bpf *s = bench_bpf__open();
	struct bpf_program *p;

	if (!s)
		fail("bench programs", errno);
	s->data->flow_count = flow_count;
	bpf_map__set_max_entries(s->maps.lru_flows, 2 * flow_count);
	/* A tail call wants both ends alike in these. */
	bpf_object__for_each_program(p, s->obj) {
		if (bpf_program__type(p) == BPF_PROG_TYPE_XDP && frags)
			bpf_program__set_flags(p, BPF_F_XDP_HAS_FRAGS);
		if (bpf_program__type(p) == BPF_PROG_TYPE_SCHED_CLS)
			bpf_program__set_expected_attach_type(p, TCX_EGRESS);
	}
	check(bench_bpf__load(s), "bench programs");
	return s;
}

static void run(int prog, __u32 repeat)
{
	__u8 frame[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = repeat);

	memcpy(frame, tcp_frame, sizeof(frame));
	check(bpf_prog_test_run_opts(prog, &opts), "BPF_PROG_TEST_RUN");
}

double packet_ns(struct bench_bpf *s, enum bench_hook hook, __u32 flows, int target)
{
	int entry = bpf_program__fd(hook == BENCH_XDP ? s->progs.bench_xdp : s->progs.bench_tc);
	int map = bpf_map__fd(hook == BENCH_XDP ? s->maps.xdp_target : s->maps.tc_target);
	__u32 zero = 0, repeat = flows > BENCH_REPEATS ? flows : BENCH_REPEATS;
	double start;

	check(bpf_map_update_elem(map, &zero, &target, BPF_ANY), "tail call");
	s->data->flow_step = 1;
	run(entry, flows);
	s->data->flow_step = STEP;
	start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	run(entry, repeat);
	return (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / repeat;
}

cpu_set_t use_cpu(void)
{
	cpu_set_t before, cpus;

	check(sched_getaffinity(0, sizeof(before), &before), "CPU");
	CPU_ZERO(&cpus);
	CPU_SET(libbpf_num_possible_cpus() - 1, &cpus);
	check(sched_setaffinity(0, sizeof(cpus), &cpus), "CPU");
	return before;
}

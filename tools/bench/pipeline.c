// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Nanoseconds a packet takes in the kernel programs, by BPF_PROG_TEST_RUN, behind a
 * program that varies the 5-tuple (tools/bench/bench.bpf.c); net of the empty program
 * behind the same. It is CPU time of the thread, so that being preempted costs
 * nothing. Before a case is timed all its flows are touched; timeouts are an hour,
 * so that it is the steady state that is measured.
 */
#include <errno.h>
#include <stdlib.h>

#include "meter.h"

#define PIPELINE_ROUNDS 11

/* So many flows, room for so many on the CPU that runs, and what is measured with them. */
struct lane {
	const char *name, *lru_name, *memory_name, *goal;
	__u32 flows, room;
	struct bench_bpf *bench;
	struct meter in;
	double net[PIPELINE_ROUNDS], lru[PIPELINE_ROUNDS], memory[PIPELINE_ROUNDS];
};

/* A cache of the default size has room for 128 Ki flows on each of two CPUs. */
static struct lane lanes[] = {
	{"ingress_1Ki_net_ns", "lru_hash_1Ki_ns", "memory_1Ki_ns", "<= 20", 1u << 10, 1u << 17},
	{"ingress_64Ki_net_ns", "lru_hash_64Ki_ns", "memory_64Ki_ns", "<= 60", 1u << 16, 1u << 17},
	{"ingress_1Mi_net_ns", "lru_hash_1Mi_ns", "memory_1Mi_ns", "<= 170", 1u << 20, 1u << 21},
	{"ingress_1Ki_tight_ns", "lru_hash_tight_ns", "memory_tight_ns", "", 1u << 10, 1u << 11},
};

#define LANES (sizeof(lanes) / sizeof(*lanes))

static double measure_xdp(const struct lane *l, int target)
{
	return packet_ns(l->bench, BENCH_XDP, l->flows, target);
}

static double measure_tc(const struct lane *l, int target)
{
	return packet_ns(l->bench, BENCH_TC, l->flows, target);
}

/*
 * For scale: what reading the flows' memory costs on its own. User space walks the lines of the
 * resident flows in random order, each read waiting for the one before, less what the same walk
 * takes on one line.
 */
static double walk(const struct weir_set *sets, const __u32 *slot, size_t count, __u32 mask)
{
	size_t rounds = count < BENCH_REPEATS ? BENCH_REPEATS / count : 1;
	double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	__u32 none = 0, last = 0;

	weir_opaque(none);
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < count; i++) {
			__u32 s = (slot[i] & mask) + (last & none);

			last = sets[s / WEIR_WAYS].flow[s % WEIR_WAYS].generation;
		}
	}
	weir_opaque(last);
	return (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / rounds / count;
}

static double measure_memory(const struct lane *l)
{
	__u32 slots = l->in.sets * WEIR_WAYS, *slot = malloc(slots * sizeof(*slot));
	size_t count = 0;
	double ns;

	if (!slot)
		fail("slots", ENOMEM);
	for (__u32 s = 0; s < slots; s++)
		if (l->in.set[s / WEIR_WAYS].flow[s % WEIR_WAYS].generation)
			slot[count++] = s;
	for (size_t i = count; i > 1; i--) {
		size_t k = random() % i;
		__u32 other = slot[k];

		slot[k] = slot[i - 1];
		slot[i - 1] = other;
	}
	ns = walk(l->in.set, slot, count, ~0u) - walk(l->in.set, slot, count, 0);
	free(slot);
	return ns;
}

void bench_pipeline(void)
{
	static double base[PIPELINE_ROUNDS], extra[PIPELINE_ROUNDS], egress[PIPELINE_ROUNDS];
	struct weir_tables *five = make_tables(0), *many = make_tables(WEIR_TERMS);
	struct meter out;
	int cpus = libbpf_num_possible_cpus();
	cpu_set_t before;

	before = use_cpu();
	for (struct lane *l = lanes; l < lanes + LANES; l++) {
		load_meter(l->room * cpus, five, &l->in);
		l->bench = load_bench(l->flows, l->in.frags);
	}
	load_meter(lanes->room * cpus, five, &out);
	for (int r = 0; r < PIPELINE_ROUNDS; r++) {
		for (struct lane *l = lanes; l < lanes + LANES; l++) {
			double empty = measure_xdp(l, bpf_program__fd(l->bench->progs.empty_xdp));

			l->net[r] = measure_xdp(l, l->in.prog[PROG_XDP]) - empty;
			l->lru[r] =
				measure_xdp(l, bpf_program__fd(l->bench->progs.lru_xdp)) - empty;
			l->memory[r] = measure_memory(l);
			if (l != lanes)
				continue;
			base[r] = empty;
			check(meter_set_tables(&l->in, many), "tables");
			extra[r] = measure_xdp(l, l->in.prog[PROG_XDP]) - empty - l->net[r];
			check(meter_set_tables(&l->in, five), "tables");
			egress[r] = measure_tc(l, out.prog[PROG_TC_OUT]) -
				    measure_tc(l, bpf_program__fd(l->bench->progs.empty_tc)) -
				    l->net[r];
		}
	}
	tell("empty_xdp_ns", median(base, PIPELINE_ROUNDS), "");
	for (struct lane *l = lanes; l < lanes + LANES; l++) {
		tell(l->name, median(l->net, PIPELINE_ROUNDS), l->goal);
		tell(l->lru_name, median(l->lru, PIPELINE_ROUNDS), "");
		tell(l->memory_name, median(l->memory, PIPELINE_ROUNDS), "");
		bench_bpf__destroy(l->bench);
		meter_close(&l->in);
	}
	tell("terms64_extra_ns", median(extra, PIPELINE_ROUNDS), "<= 3");
	tell("egress_extra_ns", median(egress, PIPELINE_ROUNDS), "<= 10");
	meter_close(&out);
	free(five);
	free(many);
	/* What other benches start is not to share this CPU. */
	check(sched_setaffinity(0, sizeof(before), &before), "CPU");
}

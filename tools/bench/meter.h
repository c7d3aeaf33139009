/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the benches of the kernel programs share. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>

#include "base/clock.h"
#include "bench.h"
#include "bench.skel.h"
#include "meter/meter.h"

#define FRAME_BYTES 64

/* Ethernet, IPv4, TCP with ACK, from inside to outside: the default queries Q1 and Q2 match. */
extern const __u8 tcp_frame[FRAME_BYTES];

/* The five default queries, and while there is room more that match none of the frames. */
struct weir_tables *make_tables(__u32 terms);
void load_meter(__u32 flow_size, const struct weir_tables *t, struct meter *m);
struct bench_bpf *load_bench(__u32 flow_count, bool frags);

enum bench_hook {
	BENCH_XDP,
	BENCH_TC,
};

#define BENCH_REPEATS (1u << 20)

/* Nanoseconds a packet takes with `target` behind the program that varies its flow; every flow has
 * been there before. CPU time of the thread. */
double packet_ns(struct bench_bpf *s, enum bench_hook hook, __u32 flows, int target);
/* On the last CPU from now on; returns where it was allowed before. */
cpu_set_t use_cpu(void);

#endif

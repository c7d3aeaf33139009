/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Live XDP frames through a pair of network namespaces:
 *
 *     weirbench-a                     weirbench-b
 *     send_xdp ─→ bench0 ══════════ bench1 ─→ what receives
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include "meter.h"

#define NS_A "weirbench-a"
#define NS_B "weirbench-b"

struct wire {
	struct bench_bpf *bench;
	int receiver; /* ifindex of bench1 */
	int home;     /* the namespace that was left */
};

/* What became of the frames that were made. */
struct flood {
	__u64 sent, refused, received;
	double pps;
};

/* Leaves the process in NS_A, with empty_xdp at bench1. SIGINT and SIGTERM set bench_stopped. */
void wire_up(struct wire *w, __u32 flows, bool frags);
void wire_down(struct wire *w);
/* prog: -1 for none. */
void receive_with(const struct wire *w, int prog);
void enter(const char *ns);

void send_frames(const struct wire *w, __u32 frames);
/* Sends, and waits until the receiver's counter stands still. */
struct flood flood(const struct wire *w, __u32 frames);
/* Sends at a rate, a little every 2 ms, for so long. Returns how many. */
__u64 drizzle(const struct wire *w, double pps, double seconds);

/* system() of a line. */
__attribute__((format(printf, 1, 2))) int shell(const char *format, ...);

/* softflowd, pmacctd behind empty_xdp: the share of `frames` that each says it saw, told as its name
 * with `suffix`. */
void bench_rivals(const struct wire *w, __u32 frames, const char *suffix);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The rate at which frames get through with weir_xdp at the receiver, against an empty program there,
 * and that all of them are in the books. The stack behind it is in both. Time is the wall's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

#define VETH_ROUNDS 9
#define VETH_FRAMES 3000000u
#define VETH_FLOWS 1024

void bench_veth(void)
{
	static double weir[VETH_ROUNDS], ratio[VETH_ROUNDS];
	struct weir_tables *five = make_tables(0);
	__u64 sent = 0, lost = 0, got = 0, seen;
	struct meter_balance balance;
	struct wire w;
	struct meter m;
	int rounds;

	load_meter(2 * VETH_FLOWS * libbpf_num_possible_cpus(), five, &m);
	wire_up(&w, VETH_FLOWS, m.frags);
	flood(&w, VETH_FRAMES);
	for (rounds = 0; rounds < VETH_ROUNDS && !bench_stopped; rounds++) {
		double empty;
		struct flood f;

		receive_with(&w, bpf_program__fd(w.bench->progs.empty_xdp));
		empty = flood(&w, VETH_FRAMES).pps;
		receive_with(&w, m.prog[PROG_XDP]);
		f = flood(&w, VETH_FRAMES);
		weir[rounds] = f.pps;
		ratio[rounds] = f.pps / empty;
		sent += f.sent;
		got += f.received;
		lost += f.refused;
	}
	receive_with(&w, bpf_program__fd(w.bench->progs.empty_xdp));
	check(meter_balance(&m, &balance), "books");
	seen = balance.seen_after.packets;
	if (rounds) {
		tell("veth_rate_ratio", median(ratio, rounds), ">= 0.85");
		tell("veth_rate_mpps", median(weir, rounds) / 1e6, "");
		/* Made is refused by the device or seen by weir, and what is seen is in the books. */
		tell("veth_unaccounted_packets",
		     fabs((double)sent - lost - seen) + fabs((double)balance.high.packets - seen),
		     "0");
		tell("veth_refused_ratio", (double)lost / sent, "");
		if (got != seen || !balance.holds)
			printf("  the device handed over %llu, weir saw %llu, sum %s\n",
			       (unsigned long long)got, (unsigned long long)seen,
			       balance.holds ? "holds" : "does not hold");
	}
	bench_rivals(&w, VETH_FRAMES, "_seen_ratio");
	wire_down(&w);
	meter_close(&m);
	free(five);
}

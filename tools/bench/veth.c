// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The rate at which frames get through with weir at the receiver, against an empty program there, and
 * that all of them are in the books. The stack behind it is in both. Time is the wall's. weir is
 * attached as `weir run` does it: by the ladder, with what it knows of the links; and once more
 * so that it asks for VLAN tags, which there are none of.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "meter/links.h"
#include "net.h"

#define VETH_ROUNDS 9
#define VETH_FRAMES 3000000u
#define VETH_FLOWS 1024

struct way {
	const char *name;
	struct attach_policy policy;
	struct weir_interface is;
	double rate[VETH_ROUNDS], ratio[VETH_ROUNDS];
};

struct veth {
	struct wire w;
	struct meter m;
	__u64 sent, lost, got;
};

/* Links are pinned, and not where those of a weir are that runs on this machine. */
static void hide_pins(void)
{
	check(unshare(CLONE_NEWNS), "mount namespace");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mounts");
	check(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), "/sys/fs/bpf");
}

static void attach(struct veth *v, struct way *way)
{
	const __u32 receiver = v->w.receiver;
	struct link_place place;
	struct links links = {};
	struct why why;

	receive_with(&v->w, -1);
	enter(NS_B);
	check(links_read(&links), "links");
	check(links_place(&links, &receiver, 1, false, &place), "links");
	links_free(&links);
	check(meter_attach(&v->m, receiver, "bench1", &way->policy, place.vlans, &way->is, &why),
	      "attach");
	enter(NS_A);
}

static void detach(struct veth *v)
{
	struct why why;

	enter(NS_B);
	check(meter_detach(&v->m, v->w.receiver, &why), "detach");
	enter(NS_A);
}

static void measure(struct veth *v, struct way *way, int round, double empty)
{
	struct flood f;

	attach(v, way);
	f = flood(&v->w, VETH_FRAMES);
	detach(v);
	way->rate[round] = f.pps;
	way->ratio[round] = f.pps / empty;
	v->sent += f.sent;
	v->got += f.received;
	v->lost += f.refused;
}

static void tell_way(struct way *way, int rounds, const char *goal)
{
	char name[64];

	printf("  %s\n", way->is.why);
	snprintf(name, sizeof(name), "veth_%srate_ratio", way->name);
	tell(name, median(way->ratio, rounds), goal);
	snprintf(name, sizeof(name), "veth_%srate_mpps", way->name);
	tell(name, median(way->rate, rounds) / 1e6, "");
}

static void tell_books(struct veth *v)
{
	struct meter_balance balance;
	__u64 seen;

	check(meter_balance(&v->m, &balance), "books");
	seen = balance.seen_after.packets;
	/* Made is refused by the device or seen by weir, and what is seen is in the books. */
	tell("veth_unaccounted_packets",
	     fabs((double)v->sent - v->lost - seen) + fabs((double)balance.high.packets - seen),
	     "0");
	tell("veth_refused_ratio", (double)v->lost / v->sent, "");
	if (v->got != seen || !balance.holds)
		printf("  the device handed over %llu, weir saw %llu, sum %s\n",
		       (unsigned long long)v->got, (unsigned long long)seen,
		       balance.holds ? "holds" : "does not hold");
}

void bench_veth(void)
{
	static struct way weir = {.name = ""};
	static struct way asking = {.name = "asking_", .policy.vlan = ATTACH_VLAN_ALWAYS};
	struct weir_tables *five = make_tables(0);
	struct veth v = {};
	int rounds, empty_prog;

	hide_pins();
	load_meter(2 * VETH_FLOWS * libbpf_num_possible_cpus(), five, &v.m);
	wire_up(&v.w, VETH_FLOWS, v.m.frags);
	empty_prog = bpf_program__fd(v.w.bench->progs.empty_xdp);
	flood(&v.w, VETH_FRAMES);
	for (rounds = 0; rounds < VETH_ROUNDS && !bench_stopped; rounds++) {
		double empty;

		receive_with(&v.w, empty_prog);
		empty = flood(&v.w, VETH_FRAMES).pps;
		measure(&v, &weir, rounds, empty);
		measure(&v, &asking, rounds, empty);
	}
	receive_with(&v.w, empty_prog);
	if (rounds) {
		tell_way(&weir, rounds, ">= 0.85");
		tell_way(&asking, rounds, "");
		tell_books(&v);
	}
	bench_rivals(&v.w, VETH_FRAMES, "_seen_ratio");
	wire_down(&v.w);
	meter_close(&v.m);
	free(five);
}

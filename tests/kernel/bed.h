/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A meter to test on: loaded, pinned nowhere, with tables from a text of configuration, run by
 * BPF_PROG_TEST_RUN on one CPU, so that one partition of the cache holds all flows. Functions
 * assert what they need; a test that calls them reads on only if it held.
 */
#ifndef KERNEL_BED_H
#define KERNEL_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/bpf.h>

#include "kernel/frames.h"
#include "meter/meter.h"

#define BED_EVENTS 4096
#define BED_SECOND WEIR_NS_PER_SEC
#define BED_START (1000 * BED_SECOND) /* where the replay clock begins */

struct bed {
	struct meter m;
	__u64 now_ns; /* of the next frame fed */
	int events;   /* taken from the ring since bed_reset() */
	struct weir_event event[BED_EVENTS];
};

struct bed_flow {
	__u32 slot;
	struct weir_flow flow;
	struct weir_pair6 pair;
};

/* What a flow's key should be. src NULL: no matter. */
struct bed_key {
	const char *src, *dst;
	__u16 sport, dport, vlan;
	__u8 proto;
	bool no_ports, unknown, out;
};

/* In main(): says so in TAP and returns true when nothing can be tested. */
bool bed_is_impossible(void);

/* Has the kernel, or a module that is loaded, this function? Asked of /proc/kallsyms. */
bool bed_has_symbol(const char *name);

void bed_open(struct bed *bed, const struct meter_options *options, const char *yaml);
void bed_close(struct bed *bed);
/* Teardown of a group whose setup put the bed into *state. */
int bed_close_group(void **state);
void bed_tables(struct bed *bed, const char *yaml);
/* Empties flows, books, windows, fragments and ring; the clock is at BED_START again. */
void bed_reset(struct bed *bed);

void bed_feed(struct bed *bed, const struct frame *f);
/* `captured` bytes of it. */
void bed_feed_part(struct bed *bed, const struct frame *f, __u32 captured);
/* By another program than weir_xdp; returns what TEST_RUN does, the verdict in *verdict; asserts
 * that the frame came out as it went in. ctx may be NULL. */
int bed_run(struct bed *bed, int prog, const void *frame, __u32 bytes, struct __sk_buff *ctx,
	    __u32 *verdict);

/* TEST_RUN takes no skb that ends in its link header, nor, by its ethertype, in its first IP header
 * (-EINVAL, since Linux 6.18.y). Is this one of them? */
bool bed_is_refused(const void *frame, __u32 bytes);

int bed_flows(const struct bed *bed, struct bed_flow *out, int max); /* how many there are */
struct bed_flow bed_only_flow(const struct bed *bed);
/* The resident flow of that UDP or TCP source port; asserts that there is one. */
struct bed_flow bed_flow_of_port(const struct bed *bed, __u16 sport);
bool bed_has_port(const struct bed *bed, __u16 sport);
void bed_expect_key(const struct bed_flow *flow, const struct bed_key *want);

struct weir_count bed_books(const struct bed *bed, enum weir_counter counter);
int bed_drain(struct bed *bed); /* of the ring; returns how many came */
/* The law of conservation, summed here from maps; then by meter_balance() as well. */
void bed_expect_conserved(const struct bed *bed);
void bed_expect_balance(const struct bed *bed);

#endif

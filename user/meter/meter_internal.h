/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of this room only. */
#ifndef METER_METER_INTERNAL_H
#define METER_METER_INTERNAL_H

#include <linux/bpf.h>

#include "meter/meter.h"

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1u << 5)
#endif

#define TCX_INGRESS 46 /* enum bpf_attach_type, newer (6.6) than the headers we build with */
#define TCX_EGRESS 47

struct bpf_map;
struct bpf_object;
struct bpf_program;

/* Writes "what: reason of code" and returns code (a negative errno). */
int meter_fail(struct why *why, int code, const char *what);

/* One of ours in an object opened; NULL: not there. */
struct bpf_map *meter_map(const struct bpf_object *object, enum meter_map map);

/* Where a map or a program of a live meter is pinned. */
#define PIN_PATH 128
const char *prog_path(char path[PIN_PATH], enum meter_prog prog);

/* probe.c. probe_explain(): why loading ended with `code`, in a line; returns it. */
bool probe_is_refused(void); /* we may not load programs */
bool probe_frags(void);
int probe_explain(int code, struct why *why);

/* Slabs that map vectors has room for: what runs and, at a reload, what is to run; as much again,
 * for a vector's lie in a row. */
static inline __u32 slab_limit(const struct meter *m)
{
	return 3 * WEIR_SLABS_MAX * m->cpus;
}

void slabs_unmap(struct meter *m);
void slabs_unpin(void); /* all there are */

/*
 * verifier.c. verifier_listen(): keep what it says of each program of an object that is to be
 * loaded. Of a program loaded: how many instructions it went through, 0 when not known; of an
 * object refused: "PROGRAM: why", false if it was not the verifier that refused it.
 */
struct verifier_logs {
	char text[PROG_MAX][4096];
};
bool verifier_is_loud(void); /* libbpf shall print all there is to say */
void verifier_listen(struct bpf_object *object, struct verifier_logs *logs);
__u32 verifier_work(const struct bpf_program *prog);
bool verifier_complaint(const char *log, struct why *why); /* why, by one program's log */
bool verifier_refusal(const struct bpf_object *object, struct why *why);

int ring_map(struct meter *m); /* 0 or a negative errno */
void ring_unmap(struct meter *m);

/*
 * accounts.c. Which account of map books an interface has, and the table by which the programs find
 * it. 0 or a negative errno.
 */

/* The account of the interface: its own from before, or one never used (-ENOSPC: there is none).
 * Accounts of interfaces that have gone are not reused, because their counts belong to the sum. */
int account_find(const struct meter *m, __u32 ifindex, const char *name, __u32 *out);
int account_write(const struct meter *m, __u32 account, const struct weir_interface *i);
/* Calls fn for each account whose interface has this ifindex and has not gone. */
int account_each(const struct meter *m, __u32 ifindex, void (*fn)(struct weir_interface *));

/* -ENOSPC: the places that a program would look at are taken. */
int account_add_device(const struct meter *m, __u32 ifindex, __u32 account);
int account_remove_device(const struct meter *m, __u32 ifindex);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One program on one side of one interface: attached, found again, removed. ladder.c decides which
 * hook. Nobody else's program is ever replaced or removed.
 *
 *   XDP, TCX   a link, pinned as WEIR_PIN_DIR/links/<ifindex>-in or -out; a program of XDP that is
 *              bound to the interface beside it as <ifindex>-bound
 *   clsact     a filter, which stays by itself. It is known by its program's name, weir_*.
 *              Its handle says whether the qdisc is ours to take away with the last filter.
 *
 * Functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef METER_HOOKS_H
#define METER_HOOKS_H

#include "weir/meter.h"

enum hook_side {
	HOOK_IN,
	HOOK_OUT
};

#define HOOK_PROGRAM_NAME 16

/* "?" when the program has gone or has no name. */
void hook_program_name(__u32 id, char name[HOOK_PROGRAM_NAME]);
__u32 hook_program_id(int prog); /* 0: no such program */
__u32 hook_map_id(int map);

/* The id of whoever's program is at the XDP hook, in any mode; 0: nobody's. */
int hook_xdp_owner(__u32 ifindex, __u32 *id);

/* Ours, by which what is attached is known. */
struct hook_ours {
	__u32 xdp; /* id of the program of XDP that all interfaces share */
	__u32 map; /* id of a map that one bound to an interface uses too */
	__u32 tc;  /* id of the program of TC */
};

/* What of ours is attached: WEIR_HOOK_* if it is one of `ours`. Else WEIR_HOOK_NONE, and what an
 * older meter left there is removed. */
int hook_find(__u32 ifindex, enum hook_side side, const struct hook_ours *ours);

/* bound: `prog` is bound to the interface. */
int hook_xdp(int prog, __u32 ifindex, bool generic, bool bound);
/* In place of the one of ours that is there: each packet passes one of the two. `before`: what is
 * expected there; -1: the one bound to the interface. */
int hook_replace_xdp(int prog, __u32 ifindex, bool bound, int before);
int hook_tcx(int prog, __u32 ifindex, enum hook_side side);
/* Returns the filter's priority: 1 unless filters of another kind are before it. */
int hook_clsact(int prog, __u32 ifindex, enum hook_side side);

/* Returns how many of ours were removed. */
int hook_remove(__u32 ifindex, enum hook_side side);
/* Every pin of a link, and every filter of ours in this network namespace. *count: interfaces. */
int hook_remove_all(unsigned int *count);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which hook for each side of an interface, from the best down to the first that takes us.
 *
 *               Ethernet                                 no link header (tun, wireguard, ...)
 *   ingress     XDP native, bound to the device where    TCX → clsact, programs l3
 *               it is to be asked for VLAN tags
 *               → TCX → clsact
 *   egress      TCX → clsact                             TCX → clsact, programs l3
 *
 * The ladder goes one step down when a step is taken by somebody else's program, or refused by the
 * device or the kernel, and notes the reason. A policy other than AUTO takes its one step or
 * fails; that of TC, for ingress, has the two steps of egress: clsact alone where the policy for
 * egress says clsact.
 *
 * What is found attached stays, but for the one thing that can be changed in its place: whether it
 * asks for VLAN tags.
 *
 * The same ladder foresees: it then asks what each step would come to, and attaches nothing.
 *
 * Functions return 0 or a negative errno.
 */
#ifndef METER_LADDER_H
#define METER_LADDER_H

#include "meter/hooks.h"
#include "meter/meter.h"

#define LADDER_REASON_BYTES 128

struct ladder {
	const struct meter *m;
	__u32 ifindex;
	const struct attach_policy *policy;
	bool vlans;                         /* are about: what the policy's AUTO goes by */
	const struct meter_kernel *foresee; /* what this kernel has; NULL: attach */

	/* The ladder's. */
	bool l3;    /* no link header */
	bool bound; /* it is weir_xdp_bound that is at XDP, or would be */
	struct {
		enum weir_hook hook;
		bool found;                       /* attached by an earlier agent */
		char reason[LADDER_REASON_BYTES]; /* why not better; on failure, why not at all */
	} side[2];
};

/* What kind of device it is, before the first step. `name` is for the reason. */
int ladder_open(struct ladder *l, const char *name, struct why *why);
/* Both sides or none. Foreseen: what both would be. */
int ladder_take(struct ladder *l, const char *name, struct why *why);
/* Writes hooks and reasons to `i`: "in: XDP native; out: clsact (no TCX)". */
void ladder_describe(const struct ladder *l, struct weir_interface *i);

#endif

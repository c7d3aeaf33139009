/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The links of this network namespace, and which is above which:
 *
 *      wb.55   vlan          br0   bridge              an upper device
 *        │                  ╱   ╲
 *       wb              tap0     bond0  bond           its lower devices
 *                               ╱     ╲
 *                            eth0     eth1
 *
 * A packet of an upper device also passes one of its lower devices, as the same frame except for its
 * tag: if both are measured, it is counted twice. The reverse need not hold: not every packet of
 * eth0 is for wb.55. The two ends of a veth in one namespace see the same packets, and neither is
 * above the other.
 *
 * What is above a device says also whether it is worth asking for the VLAN tags that it takes off
 * its frames.
 *
 * Pure: filled by what netlink.h reads, its dump and its changes alike.
 */
#ifndef METER_LINKS_H
#define METER_LINKS_H

#include "meter/netlink.h"
#include "meter/policy.h"
#include "weir/meter.h"

/* Of a link, what matters here. */
struct links_entry {
	__u32 ifindex, lower, master;
	char kind[NETLINK_KIND_BYTES];
	bool promiscuous, vlan_aware;
};

struct links {
	struct links_entry *link; /* by ifindex */
	unsigned int count, room;
};

/* Of some devices, each by its place among them. */
struct link_set {
	__u64 word[WEIR_INTERFACES / 64];
};

static inline bool link_set_has(const struct link_set *set, unsigned int place)
{
	return set->word[place / 64] >> place % 64 & 1;
}

/* What is around one device of some: those below it, however far, the other end of its veth. */
struct link_place {
	struct link_set below;
	int peer;   /* -1: not among them */
	bool vlans; /* above it are VLAN devices or a VLAN-aware bridge, or it hears all there is */
};

/* A change, or one of all there are; one that is gone is taken out. Returns whether anything above or
 * below anything may be other than before, or -ENOMEM, and then `l` is as it was. */
int links_put(struct links *l, const struct netlink_link *link);
/* All there are now instead of what was known. Negative errno: `l` is as it was. */
int links_read(struct links *l);
void links_free(struct links *l);

/*
 * Places of `count` devices, WEIR_INTERFACES at most, of which 0 is none. `inner`: what is inside a
 * tunnel is what is counted of its carrier, so the carrier is below the tunnel. 0 or -ENOMEM.
 */
int links_place(const struct links *l, const __u32 *ifindex, unsigned int count, bool inner,
		struct link_place *out);

/* Which other device of `place` is the reason to leave that one out; -1: it is measured. */
int links_leave_out(const struct link_place *place, unsigned int count, enum count_mode mode,
		    unsigned int which);
/* Those that see packets of that one. */
struct link_set links_also(const struct link_place *place, unsigned int count, unsigned int which);

#endif

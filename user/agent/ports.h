/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The interfaces that are wanted, what is attached to those that are there, and which are left out. */
#ifndef AGENT_PORTS_H
#define AGENT_PORTS_H

#include <net/if.h>
#include <stdbool.h>

#include "export/names.h"
#include "meter/links.h"
#include "meter/meter.h"
#include "meter/netlink.h"
#include "query/prefix.h"
#include "view/notes.h"

#define PORTS_MAX 128
#define PORT_NETWORKS 256
#define PORT_REASON_BYTES 64

/* An interface that is wanted. */
struct port {
	char name[IFNAMSIZ];
	__u32 there;    /* the ifindex that has the name now; 0: none has */
	__u32 ifindex;  /* attached there; 0: not attached */
	__u32 refused;  /* the ifindex that could not be attached: said once */
	__u32 left_out; /* the ifindex that is left out */
	bool ours;      /* this process attached it, it adopted none */
	bool asks;      /* for VLAN tags */
	struct weir_interface hooks;
	struct link_set said; /* ports below it that also count its packets, already reported */
};

struct ports {
	struct meter *meter;
	struct notes *notes;
	struct names *names; /* of those that flows can be of */
	struct attach_policy policy;
	enum count_mode mode;
	bool inner; /* flows are those inside tunnels */

	struct port port[PORTS_MAX];
	unsigned int count;
	unsigned int changes; /* interfaces newly attached, trimmed or left out, so far */
	bool more; /* ports_sync() has left something to the next time, which should be soon */

	struct links links;
	bool moved;                         /* since `place` was right */
	struct link_place place[PORTS_MAX]; /* of each port */
};

/* The interfaces' own networks, in an order that makes them comparable. */
struct port_networks {
	struct query_range range[PORT_NETWORKS];
	unsigned int count;
};

/*
 * These are wanted from now on, and none else; without names that of the default route. What is
 * attached to one that was wanted before stays known. Negative errno after a line that says why not:
 * then those that were wanted are.
 */
int ports_want(struct ports *p, const char *const *names, unsigned int count);
/* -ENODEV after a line: none of the interfaces is there. */
int ports_check(const struct ports *p);
/* Which are waited for. */
void ports_say_absent(const struct ports *p);
/* Where the ports are among the links. ports_link(): a change, for netlink_read(), also of what an
 * interface is named. Negative errno: what was known stays. */
int ports_read_links(struct ports *p);
void ports_link(void *ports, const struct netlink_link *link);
/* Which interface each name is now, and what is above and below it. */
void ports_look(struct ports *p);
/* Is the port's interface there, and left out for another's sake? `reason`: in words. */
bool ports_leave_out(const struct ports *p, unsigned int port, char reason[PORT_REASON_BYTES]);
/*
 * Attaches the wanted interfaces that exist, forgets those that have gone, leaves out what would be
 * counted twice if so configured, and begins to ask for VLAN tags. At the `start` every existing one
 * must be attachable; later one line says that it was not. Negative errno after a line.
 */
int ports_sync(struct ports *p, bool start);
/* Names the interfaces that are wanted or have accounts, before the first flow of theirs. */
void ports_name(struct ports *p);
/* What can wait until the second is over: to stop asking for VLAN tags, to say what is counted
 * twice. */
void ports_settle(struct ports *p);
void ports_free(struct ports *p);
/* Detaches interfaces that were adopted and are not wanted. */
void ports_trim(struct ports *p);
/* Detaches all; only those that this process attached. */
void ports_detach(struct ports *p, bool only_ours);
void ports_networks(const struct ports *p, struct port_networks *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The interfaces that are wanted, and what is attached to those that are there. */
#ifndef AGENT_PORTS_H
#define AGENT_PORTS_H

#include <net/if.h>
#include <stdbool.h>

#include "export/names.h"
#include "meter/meter.h"
#include "meter/netlink.h"
#include "query/prefix.h"
#include "view/notes.h"

#define PORTS_MAX 128
#define PORT_NETWORKS 256

/* An interface that is wanted. */
struct port {
	char name[IFNAMSIZ];
	__u32 ifindex; /* attached there; 0: not attached */
	__u32 refused; /* the ifindex that could not be attached: said once */
	bool ours;     /* this process attached it, it adopted none */
	struct weir_interface hooks;
};

struct ports {
	struct meter *meter;
	struct notes *notes;
	struct names *names; /* of those that flows can be of */
	struct attach_policy policy;

	struct port port[PORTS_MAX];
	unsigned int count;
	unsigned int changes; /* interfaces attached anew, and those that were trimmed, so far */
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
/*
 * Attaches what is wanted and there, forgets what has gone. At the `start` what is there must be
 * attachable; later one line says that it was not. Negative errno after a line.
 */
int ports_sync(struct ports *p, bool start);
/* Names the interfaces that are wanted or have accounts, before the first flow of theirs. */
void ports_name(struct ports *p);
/* Something about the interface has changed. */
void ports_follow(struct ports *p, const struct netlink_link *link);
/* Detaches interfaces that were adopted and are not wanted. */
void ports_trim(struct ports *p);
/* Detaches all; only those that this process attached. */
void ports_detach(struct ports *p, bool only_ours);
void ports_networks(const struct ports *p, struct port_networks *out);

#endif

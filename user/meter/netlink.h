/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What netlink knows: interfaces as they come and go, the default route, the filters of a clsact
 * qdisc, what a device reports to XDP. All of it of the network namespace the process is in.
 *
 * Functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef METER_NETLINK_H
#define METER_NETLINK_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>

#define NETLINK_KIND_BYTES 16 /* of the longest ("ip6gretap") and more */

/* A name may come back with another ifindex (hot-plug), and an ifindex with another name. */
struct netlink_link {
	__u32 ifindex;
	char name[IFNAMSIZ];
	char kind[NETLINK_KIND_BYTES]; /* "vlan", "bridge"...; "": a device, of hardware or not */
	__u32 lower;      /* what it is made on, a veth's other end; 0: nothing in this namespace */
	__u32 master;     /* a bridge, a bond... that it is a port of; 0: none */
	__u16 type;       /* ARPHRD_* */
	bool up;          /* IFF_UP */
	bool promiscuous; /* because the administrator said so, not for a bridge or a sniffer */
	bool vlan_aware;  /* a bridge with vlan_filtering */
	bool gone;        /* nothing more will be heard of this ifindex */
	char alias[256];  /* the administrator's description; "": none */
};

struct nlmsghdr;

/* What a message says of a link; false: nothing, or not all that there is to say. */
bool netlink_parse_link(const struct nlmsghdr *message, struct netlink_link *out);

typedef void (*netlink_link_fn)(void *ctx, const struct netlink_link *link);

/* -ENODEV: there is none. */
int netlink_link(__u32 ifindex, struct netlink_link *out);
/* All that are there now. */
int netlink_links(netlink_link_fn fn, void *ctx);

/* Watches for interfaces that appear, change or go. netlink_fd() is for poll(); netlink_read()
 * never waits. -ENOBUFS: the kernel dropped messages; ask netlink_links() for what is there. */
struct netlink;
int netlink_watch(struct netlink **out);
int netlink_fd(const struct netlink *n);
int netlink_read(struct netlink *n, netlink_link_fn fn, void *ctx);
void netlink_close(struct netlink *n);

/* The interface of the default route in table main, lowest metric first, IPv4 before IPv6; the
 * first hop of several. -ENOENT: no such route. */
int netlink_default_route(char name[IFNAMSIZ]);

/* A filter of the ingress or egress side of an interface's clsact (or ingress) qdisc. */
struct netlink_filter {
	__u32 handle;
	__u32 priority;
	__u32 program; /* id; 0: the filter is no BPF program */
	char name[32]; /* as it was given when it was attached: libbpf gives the program's */
};

typedef void (*netlink_filter_fn)(void *ctx, const struct netlink_filter *filter);

/* What is in clsact's place. One of kind ingress has no egress, and takes and lists filters meant
 * for egress as its own. Returns one of these or a negative errno. */
enum netlink_qdisc {
	NETLINK_QDISC_NONE,
	NETLINK_QDISC_CLSACT,
	NETLINK_QDISC_INGRESS,
};
int netlink_qdisc(__u32 ifindex);
/* No qdisc is the same as no filters. */
int netlink_filters(__u32 ifindex, bool egress, netlink_filter_fn fn, void *ctx);

/* Whether kernel (6.8) and driver report to XDP the VLAN tag that the device took off a frame. */
bool netlink_tells_vlan(__u32 ifindex);

/* Whether the driver takes native XDP. Kernels before 6.3 do not say. */
enum netlink_told {
	NETLINK_UNTOLD,
	NETLINK_NO,
	NETLINK_YES,
};
enum netlink_told netlink_native_xdp(__u32 ifindex);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Netlink in one direction: a request is a message, its answer a row of messages, and what they say
 * is read out of their attributes.
 *
 *   request   header │ fixed struct: which family, which device │ attributes
 *   answer    header │ fixed struct │ IFLA_IFNAME "eth0" │ ... │ nested attributes │ ...
 *             header │ ...
 *             NLMSG_DONE, or an acknowledgement with an errno
 *
 * Each question is asked on a socket of its own, so that answers of two questions cannot mix and a
 * question that failed leaves nothing to be read. They are few: an interface comes, goes, or is
 * attached to. The one socket that stays is the watch, to which the kernel sends changes of
 * interfaces unasked.
 *
 * A question has a callback on_*() that sees one message of the answer and hands what it found to
 * the caller's function. Two things spoil a long answer, a dump: the kernel says that something
 * changed meanwhile (-EINTR), and then dump() asks again and callbacks may see a thing twice; and a
 * watch that is not read in time loses messages (-ENOBUFS), which its reader must make good.
 *
 *   Interfaces, The watch     RTM_GETLINK, and RTMGRP_LINK for changes
 *   The default route         RTM_GETROUTE, table main
 *   Filters                   RTM_GETQDISC, RTM_GETTFILTER: what is attached by clsact
 *   What XDP is told          generic netlink, family "netdev" (6.3)
 */
#include "meter/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DUMP_TRIES 8
#define MESSAGE_BYTES 32768 /* what iproute2 reads at once; the kernel fills no more */

/* --- One request, its answers ------------------------------------------------------------------ */

static int answers(struct mnl_socket *socket, __u32 sequence, mnl_cb_t fn, void *ctx)
{
	unsigned int port = mnl_socket_get_portid(socket);
	char buffer[MESSAGE_BYTES];
	ssize_t bytes;
	int ret = MNL_CB_OK;

	while (ret > MNL_CB_STOP) {
		bytes = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (bytes < 0)
			return -errno;
		ret = mnl_cb_run(buffer, bytes, sequence, port, fn, ctx);
	}
	return ret < 0 ? -errno : 0;
}

/* Sends `request`, a message without sequence number, and calls fn for what is answered. A dump
 * that was interrupted by a change ends in -EINTR and is worth another try. */
static int ask(int bus, struct nlmsghdr *request, mnl_cb_t fn, void *ctx)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int err = 0;

	if (!socket)
		return -errno;
	request->nlmsg_seq = time(NULL);
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		err = -errno;
	if (!err)
		err = answers(socket, request->nlmsg_seq, fn, ctx);
	mnl_socket_close(socket);
	return err;
}

static int ask_once(struct nlmsghdr *request, mnl_cb_t fn, void *ctx)
{
	return ask(NETLINK_ROUTE, request, fn, ctx);
}

/* Until no change interrupts it, or -EINTR; fn may see a thing twice. */
static int dump(struct nlmsghdr *request, mnl_cb_t fn, void *ctx)
{
	int err = -EINTR;

	for (unsigned int i = 0; i < DUMP_TRIES && err == -EINTR; i++)
		err = ask_once(request, fn, ctx);
	return err;
}

static struct nlmsghdr *begin(void *buffer, __u16 type, __u16 flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	return header;
}

/* --- Interfaces -------------------------------------------------------------------------------- */

struct link_sink {
	netlink_link_fn fn;
	void *ctx;
};

static void copy_text(char *to, size_t size, const struct nlattr *attr)
{
	if (!mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
		strncpy(to, mnl_attr_get_str(attr), size - 1);
}

static void read_number(const struct nlattr *attr, __u32 *out)
{
	if (!mnl_attr_validate(attr, MNL_TYPE_U32))
		*out = mnl_attr_get_u32(attr);
}

/* Which attributes the data has depends on the kind, which comes first. */
static void read_kind(const struct nlattr *info, struct netlink_link *link)
{
	const struct nlattr *attr, *option;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			copy_text(link->kind, sizeof(link->kind), attr);
		if (mnl_attr_get_type(attr) != IFLA_INFO_DATA || strcmp(link->kind, "bridge") != 0)
			continue;
		mnl_attr_for_each_nested(option, attr)
		{
			if (mnl_attr_get_type(option) == IFLA_BR_VLAN_FILTERING &&
			    !mnl_attr_validate(option, MNL_TYPE_U8))
				link->vlan_aware = mnl_attr_get_u8(option);
		}
	}
}

/* A message of wireless events has a name and nothing else. */
static bool read_attributes(const struct nlmsghdr *header, struct netlink_link *link)
{
	bool elsewhere = false;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, header, sizeof(struct ifinfomsg))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			copy_text(link->name, sizeof(link->name), attr);
			break;
		case IFLA_IFALIAS:
			copy_text(link->alias, sizeof(link->alias), attr);
			break;
		case IFLA_LINK:
			read_number(attr, &link->lower);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_MASTER:
			read_number(attr, &link->master);
			break;
		case IFLA_LINKINFO:
			read_kind(attr, link);
			break;
		case IFLA_WIRELESS:
			return false;
		}
	}
	if (elsewhere || link->lower == link->ifindex)
		link->lower = 0; /* a number of another namespace, which may be given here too */
	return true;
}

bool netlink_parse_link(const struct nlmsghdr *message, struct netlink_link *out)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct netlink_link link = {0};

	/* A bridge says "deleted" of its family when a port leaves it; the interface stays. */
	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
	    message->nlmsg_len < mnl_nlmsg_size(sizeof(*info)) || info->ifi_family != AF_UNSPEC)
		return false;
	link.ifindex = info->ifi_index;
	link.type = info->ifi_type;
	link.up = info->ifi_flags & IFF_UP;
	link.promiscuous = info->ifi_flags & IFF_PROMISC;
	link.gone = message->nlmsg_type == RTM_DELLINK;
	if (!read_attributes(message, &link))
		return false;
	*out = link;
	return true;
}

static int on_link(const struct nlmsghdr *header, void *ctx)
{
	const struct link_sink *sink = ctx;
	struct netlink_link link;

	if (netlink_parse_link(header, &link))
		sink->fn(sink->ctx, &link);
	return MNL_CB_OK;
}

static void keep_link(void *ctx, const struct netlink_link *link)
{
	memcpy(ctx, link, sizeof(*link));
}

static int ask_links(__u32 ifindex, struct link_sink *sink)
{
	char buffer[256];
	struct nlmsghdr *header = begin(buffer, RTM_GETLINK, ifindex ? NLM_F_ACK : NLM_F_DUMP);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(header, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = ifindex;
	return ifindex ? ask_once(header, on_link, sink) : dump(header, on_link, sink);
}

int netlink_link(__u32 ifindex, struct netlink_link *out)
{
	struct netlink_link link = {0};
	struct link_sink sink = {keep_link, &link};
	int err;

	if (!ifindex || ifindex > INT32_MAX)
		return -ENODEV;
	err = ask_links(ifindex, &sink);
	if (err)
		return err;
	if (link.ifindex != ifindex)
		return -ENODEV;
	*out = link;
	return 0;
}

int netlink_links(netlink_link_fn fn, void *ctx)
{
	struct link_sink sink = {fn, ctx};

	return ask_links(0, &sink);
}

/* --- The watch --------------------------------------------------------------------------------- */

struct netlink {
	struct mnl_socket *socket;
};

int netlink_watch(struct netlink **out)
{
	struct netlink *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!n->socket || mnl_socket_bind(n->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID)) {
		err = -errno;
		netlink_close(n);
		return err;
	}
	*out = n;
	return 0;
}

int netlink_fd(const struct netlink *n)
{
	return mnl_socket_get_fd(n->socket);
}

int netlink_read(struct netlink *n, netlink_link_fn fn, void *ctx)
{
	struct link_sink sink = {fn, ctx};
	char buffer[MESSAGE_BYTES];
	ssize_t bytes;

	for (;;) {
		bytes = mnl_socket_recvfrom(n->socket, buffer, sizeof(buffer));
		if (bytes < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (mnl_cb_run(buffer, bytes, 0, 0, on_link, &sink) < 0)
			return -errno;
	}
}

void netlink_close(struct netlink *n)
{
	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	free(n);
}

/* --- The default route ------------------------------------------------------------------------- */

struct route {
	__u32 ifindex;
	__u32 metric;
};

static int on_route(const struct nlmsghdr *header, void *ctx)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(header);
	struct route *best = ctx, route = {0};
	const struct rtnexthop *hop;
	const struct nlattr *attr;
	__u32 table = r->rtm_table;

	if (header->nlmsg_type != RTM_NEWROUTE || r->rtm_dst_len || r->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*r))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
			table = mnl_attr_get_u32(attr);
			break;
		case RTA_OIF:
			route.ifindex = mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			route.metric = mnl_attr_get_u32(attr);
			break;
		case RTA_MULTIPATH:
			hop = mnl_attr_get_payload(attr);
			if (!route.ifindex && mnl_attr_get_payload_len(attr) >= sizeof(*hop))
				route.ifindex = hop->rtnh_ifindex;
			break;
		}
	}
	if (table == RT_TABLE_MAIN && route.ifindex &&
	    (!best->ifindex || route.metric < best->metric))
		*best = route;
	return MNL_CB_OK;
}

static int ask_default_route(__u8 family, __u32 *ifindex)
{
	struct route best = {0};
	char buffer[256];
	struct nlmsghdr *header = begin(buffer, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *r = mnl_nlmsg_put_extra_header(header, sizeof(*r));
	int err;

	r->rtm_family = family;
	err = dump(header, on_route, &best);
	if (err)
		return err;
	if (!best.ifindex)
		return -ENOENT;
	*ifindex = best.ifindex;
	return 0;
}

int netlink_default_route(char name[IFNAMSIZ])
{
	char found[IFNAMSIZ];
	__u32 ifindex;
	int err;

	err = ask_default_route(AF_INET, &ifindex);
	if (err)
		err = ask_default_route(AF_INET6, &ifindex);
	if (err)
		return err == -EOPNOTSUPP || err == -EAFNOSUPPORT ? -ENOENT : err;
	if (!if_indextoname(ifindex, found))
		return -errno;
	memcpy(name, found, sizeof(found));
	return 0;
}

/* --- Filters ----------------------------------------------------------------------------------- */

struct filter_sink {
	netlink_filter_fn fn;
	void *ctx;
	__u32 ifindex;
};

static int on_filter(const struct nlmsghdr *header, void *ctx)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(header);
	const struct filter_sink *sink = ctx;
	struct netlink_filter filter = {0};
	const struct nlattr *attr, *option;
	bool bpf = false;

	/* Each priority introduces itself with a message of handle 0. */
	if (header->nlmsg_type != RTM_NEWTFILTER || t->tcm_ifindex != (int)sink->ifindex ||
	    !t->tcm_handle)
		return MNL_CB_OK;
	filter.handle = t->tcm_handle;
	filter.priority = TC_H_MAJ(t->tcm_info) >> 16;
	mnl_attr_for_each(attr, header, sizeof(*t))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			bpf = !strcmp(mnl_attr_get_str(attr), "bpf");
		if (mnl_attr_get_type(attr) != TCA_OPTIONS || !bpf)
			continue;
		mnl_attr_for_each_nested(option, attr)
		{
			if (mnl_attr_get_type(option) == TCA_BPF_ID)
				filter.program = mnl_attr_get_u32(option);
			if (mnl_attr_get_type(option) == TCA_BPF_NAME)
				copy_text(filter.name, sizeof(filter.name), option);
		}
	}
	sink->fn(sink->ctx, &filter);
	return MNL_CB_OK;
}

struct qdisc_sink {
	__u32 ifindex;
	enum netlink_qdisc qdisc;
};

static int on_qdisc(const struct nlmsghdr *header, void *ctx)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(header);
	struct qdisc_sink *sink = ctx;
	const struct nlattr *attr;

	if (header->nlmsg_type != RTM_NEWQDISC || t->tcm_ifindex != (int)sink->ifindex ||
	    t->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*t))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			sink->qdisc = strcmp(mnl_attr_get_str(attr), "clsact")
					      ? NETLINK_QDISC_INGRESS
					      : NETLINK_QDISC_CLSACT;
	}
	return MNL_CB_OK;
}

int netlink_qdisc(__u32 ifindex)
{
	struct qdisc_sink sink = {ifindex, NETLINK_QDISC_NONE};
	char buffer[256];
	struct nlmsghdr *header = begin(buffer, RTM_GETQDISC, NLM_F_DUMP);
	struct tcmsg *t = mnl_nlmsg_put_extra_header(header, sizeof(*t));
	int err;

	t->tcm_ifindex = ifindex;
	err = dump(header, on_qdisc, &sink);
	return err ? err : (int)sink.qdisc;
}

int netlink_filters(__u32 ifindex, bool egress, netlink_filter_fn fn, void *ctx)
{
	struct filter_sink sink = {fn, ctx, ifindex};
	char buffer[256];
	struct nlmsghdr *header = begin(buffer, RTM_GETTFILTER, NLM_F_DUMP);
	struct tcmsg *t = mnl_nlmsg_put_extra_header(header, sizeof(*t));
	int err;

	if (egress) {
		err = netlink_qdisc(ifindex);
		if (err != NETLINK_QDISC_CLSACT)
			return err < 0 ? err : 0;
	}
	t->tcm_ifindex = ifindex;
	t->tcm_parent = TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
	err = ask_once(header, on_filter, &sink);
	/* Without the qdisc the answer is empty or -EINVAL, by the kernel's age. */
	return err == -EINVAL || err == -ENODEV ? 0 : err;
}

/* --- What XDP is told -------------------------------------------------------------------------- */

/* Numbers of <linux/netdev.h>, which the headers of 6.1 lack. */
#define NETDEV_DEV_GET 1
#define NETDEV_DEV_IFINDEX 1
#define NETDEV_DEV_XDP_FEATURES 3 /* a 64-bit number */
#define NETDEV_XDP_ACT_BASIC (1 << 0)
#define NETDEV_DEV_XDP_RX_METADATA_FEATURES 5 /* 6.7; a 64-bit number */
#define NETDEV_RX_METADATA_VLAN_TAG (1 << 2)  /* 6.8 */

/* A number looked for in the answer, 0 unless it is there. */
struct number {
	__u16 attribute;
	__u64 value;
};

static int on_number(const struct nlmsghdr *header, void *ctx)
{
	struct number *number = ctx;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, header, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) != number->attribute)
			continue;
		if (mnl_attr_get_payload_len(attr) == sizeof(__u16))
			number->value = mnl_attr_get_u16(attr);
		else if (mnl_attr_get_payload_len(attr) == sizeof(__u64))
			number->value = mnl_attr_get_u64(attr);
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *command(void *buffer, __u16 family, __u8 number)
{
	struct nlmsghdr *header = begin(buffer, family, NLM_F_ACK);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));

	generic->cmd = number;
	generic->version = 1;
	return header;
}

/* A number that the netdev family (6.3) tells of a device. */
static int ask_device(__u32 ifindex, __u16 attribute, __u64 *out)
{
	struct number family = {.attribute = CTRL_ATTR_FAMILY_ID};
	struct number number = {.attribute = attribute};
	struct nlmsghdr *header;
	char buffer[256];
	int err;

	header = command(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, "netdev");
	err = ask(NETLINK_GENERIC, header, on_number, &family);
	if (err || !family.value)
		return err ? err : -ENOENT;
	header = command(buffer, family.value, NETDEV_DEV_GET);
	mnl_attr_put_u32(header, NETDEV_DEV_IFINDEX, ifindex);
	err = ask(NETLINK_GENERIC, header, on_number, &number);
	if (err)
		return err;
	*out = number.value;
	return 0;
}

bool netlink_tells_vlan(__u32 ifindex)
{
	__u64 features;

	return !ask_device(ifindex, NETDEV_DEV_XDP_RX_METADATA_FEATURES, &features) &&
	       features & NETDEV_RX_METADATA_VLAN_TAG;
}

enum netlink_told netlink_native_xdp(__u32 ifindex)
{
	__u64 features;

	if (ask_device(ifindex, NETDEV_DEV_XDP_FEATURES, &features))
		return NETLINK_UNTOLD;
	return features & NETDEV_XDP_ACT_BASIC ? NETLINK_YES : NETLINK_NO;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Headers as they are on the wire, and the numbers in them. */
#ifndef WEIR_HEADERS_BPF_H
#define WEIR_HEADERS_BPF_H

#include <linux/types.h>

#define ETH_IPV4 0x0800
#define ETH_ARP 0x0806
#define ETH_LENGTHS 0x0600 /* what is less is a length: IEEE 802.3, LLC comes next */
#define ETH_TEB 0x6558     /* Ethernet inside GRE or GENEVE */
#define ETH_VLAN 0x8100
#define ETH_QINQ 0x88a8
#define ETH_QINQ_OLD 0x9100
#define ETH_IPV6 0x86dd
#define ETH_MPLS 0x8847
#define ETH_MPLS_MULTICAST 0x8848
#define ETH_PPPOE 0x8864
#define ETH_ERSPAN 0x88be  /* types I and II, in GRE */
#define ETH_ERSPAN3 0x22eb /* type III */
#define ETH_PBB 0x88e7     /* IEEE 802.1ah */
#define ETH_FABRICPATH 0x8903
#define ETH_VNTAG 0x8926
#define ETH_ETAG 0x893f /* IEEE 802.1BR */
#define ETH_NSH 0x894f
#define ETH_LINK 0x10000     /* ours: an Ethernet header comes next */
#define ETH_LABELLED 0x10001 /* ours: what is behind MPLS labels comes next */

#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057

#define PROTO_HOPOPT 0
#define PROTO_ICMP 1
#define PROTO_IPIP 4
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_IPV6 41
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_DCCP 33
#define PROTO_GRE 47
#define PROTO_AH 51
#define PROTO_ICMPV6 58
#define PROTO_NONE 59
#define PROTO_DSTOPTS 60
#define PROTO_L2TP 115
#define PROTO_SCTP 132
#define PROTO_MOBILITY 135
#define PROTO_UDPLITE 136
#define PROTO_HIP 139
#define PROTO_SHIM6 140

#define PORT_DNS 53
#define PORT_L2TP 1701
#define PORT_GTP 2152
#define PORT_VXLAN_GPE 4790
#define PORT_GENEVE 6081

struct ethernet {
	__u8 dst[6], src[6];
	__be16 type;
} __attribute__((packed));

struct vlan_tag {
	__be16 tci;
	__be16 type;
};

struct pppoe {
	__u8 version_type, code;
	__be16 session, length, protocol;
};

struct ipv4 {
	__u8 version_ihl, tos;
	__be16 total_length, id, fragment;
	__u8 ttl, proto;
	__be16 checksum;
	__be32 src, dst;
};

struct ipv6 {
	__be32 version_class_label;
	__be16 payload_length;
	__u8 next, hops;
	__u8 src[16], dst[16];
};

struct extension {
	__u8 next, length;
	__be16 fragment; /* of a fragment header */
	__be32 id;       /* of a fragment header */
};

struct ports {
	__be16 src, dst;
};

struct gre {
	__be16 flags, type;
};

#endif

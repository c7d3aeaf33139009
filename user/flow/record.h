/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A flow as it leaves a host or comes from one: what the kernel's entry says, freed of CPUs and
 * of the kernel's clock, and what foreign exporters say besides. Its fields have a table,
 * flow/fields.h, which all that reads or writes flows goes by.
 *
 * Numbers are in host order, addresses in network order, times in nanoseconds of Unix time.
 */
#ifndef FLOW_RECORD_H
#define FLOW_RECORD_H

#include <linux/types.h>
#include <stdbool.h>

#define FLOW_LABELS 10 /* MPLS label stack, top first */
#define FLOW_NAME_BYTES 32

/* What an exporter's counters count, the best for us first: octets of IP since the last report, or
 * what comes nearest to it. */
enum flow_counted {
	FLOW_COUNTED_IP,
	FLOW_COUNTED_PAYLOAD, /* of layer 4, in bytes */
	FLOW_COUNTED_POST,    /* as the packets were when they left the exporter */
	FLOW_COUNTED_LAYER2,  /* with the link's headers, in bytes */
	FLOW_COUNTED_POST_LAYER2,
	FLOW_COUNTED_TOTAL, /* since the flow began: so are all that follow */
	FLOW_COUNTED_POST_TOTAL,
	FLOW_COUNTED_LAYER2_TOTAL,
	FLOW_COUNTED_POST_LAYER2_TOTAL,
	FLOW_COUNTED_MAX,
};

/* One direction of traffic. */
struct flow_traffic {
	__u64 start_ns, end_ns;
	__u64 packets;
	__u64 bytes;    /* octets from the IP header on */
	__u8 tcp_flags; /* OR of all */
	__u8 end;       /* enum weir_end */
	__u8 tos;
	__u8 pad[5];
};

struct flow_record {
	__u64 known; /* bit n: the field in row n of the table of fields has a value */
	struct flow_traffic forward;
	struct flow_traffic reverse; /* of a biflow (RFC 5103), else zero packets */
	__u8 src[16], dst[16];       /* IPv4 in the first four bytes */
	__u16 sport, dport;
	__u16 icmp; /* type * 256 + code */
	__u16 vlan;
	__u8 family; /* 4 or 6 */
	__u8 proto;
	__u8 direction; /* IPFIX flowDirection: 0 ingress, 1 egress */
	__u8 initiator; /* IPFIX biflowDirection: 0 arbitrary, 1 the source began */
	__u32 in_if, out_if;

	/* Of foreign exporters. */
	__u32 sampling; /* one of how many packets was looked at; 0 unknown */
	__u32 src_as, dst_as;
	__u32 in_vrf, out_vrf;
	__u16 post_vlan;
	__u8 src_mask, dst_mask;
	__u8 next_hop[16], bgp_next_hop[16];
	__u8 nat_src[16], nat_dst[16];
	__u16 nat_sport, nat_dport;
	__u8 nat_event; /* IPFIX natEvent */
	__u8 event;     /* IPFIX firewallEvent */
	__u8 counted;   /* enum flow_counted */
	__u8 labels;
	__u32 label[FLOW_LABELS]; /* 20 bits label, 3 experimental, 1 bottom of stack */
	char vrf_name[FLOW_NAME_BYTES];
	__u16 event_detail; /* of a Cisco ASA: why it denied, created or deleted the flow */
	__u8 pad[2];
};

/* Of ICMP there are no ports, but a type and a code. */
static __always_inline bool flow_is_icmp(const struct flow_record *flow)
{
	return flow->proto == 1 || flow->proto == 58;
}

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side of weir: one pipeline, five doors.
 *
 *   weir_xdp     ingress, before the stack              XDP_PASS
 *   weir_tc_in   ingress where XDP is taken or refused  TCX_NEXT / TC_ACT_UNSPEC
 *   weir_tc_out  egress                                 TCX_NEXT / TC_ACT_UNSPEC
 *   weir_l3_in, weir_l3_out   the same two on devices without a link header
 *
 *   clock → parse → books → flow → classify → windows
 *        ↘ common ↗                                     most frames: see common.bpf.h
 *
 * weir_xdp has a twin in bound.bpf.c, for devices that tell of VLAN tags they took off.
 *
 * The programs only look: whatever happens the packet goes on, unwritten.
 */
#include "account.bpf.h"
#include "common.bpf.h"
#include "xdp.bpf.h"

#define PASS_TC -1 /* TCX_NEXT and TC_ACT_UNSPEC are the same number */

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int weir_xdp(struct xdp_md *ctx)
{
	return xdp(ctx, 0);
}

/* What the stack hands over as one buffer is many packets on the wire, each with its headers. A
 * sender the kernel does not trust leaves their number to be worked out. */
static __always_inline void count_segments(struct __sk_buff *skb, struct packet *p)
{
	__u32 segments = skb->gso_segs, size = skb->gso_size;

	if (likely(!size) || skb->len <= p->header_bytes)
		return;
	if (!segments)
		segments = (skb->len - p->header_bytes + size - 1) / size;
	p->segments = segments;
	p->frame_bytes = skb->len + (segments - 1) * p->header_bytes;
	/* Inside a tunnel that is not followed the headers are longer: the stack knows, going out. */
	if (skb->wire_len > p->frame_bytes)
		p->frame_bytes = skb->wire_len;
	p->ip_bytes = p->frame_bytes - segments * p->ip_offset;
}

/* One reading of the linear part. Global, as classify_flow() is: called twice, verified once. */
__noinline int parse_skb(struct __sk_buff *skb, bool link, __u32 key_flags, bool inner)
{
	struct packet *p = this_packet();
	__u32 type = link ? ETH_LINK : weir_be16((__u16)skb->protocol);

	if (!p)
		return WEIR_TRUNCATED;
	blank(p, key_flags);
	p->frame_bytes = skb->len;
	if (skb->vlan_present)
		p->key.vlan = skb->vlan_tci & 4095;
	return parse(p, (void *)(long)skb->data, (void *)(long)skb->data_end, type, inner);
}

static __always_inline int tc(struct __sk_buff *skb, bool link, __u8 key_flags)
{
	__u32 generation = control.generation;
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	struct common c = {.key.ifindex = skb->ifindex};
	int fate;

	if (!t || !p)
		return PASS_TC;
	read_clock(p);
	if (link && !skb->gso_size &&
	    read_common(&c, (void *)(long)skb->data, (void *)(long)skb->data_end, skb->len,
			key_flags, skb->vlan_present ? skb->vlan_tci & 4095 : 0, t->inner) &&
	    count_common(&c, p, t, generation))
		return PASS_TC;

	fate = parse_skb(skb, link, key_flags, t->inner);
	/* Headers beyond the linear part are pulled into it and read again. */
	if (unlikely(p->cut) && skb->data_end - skb->data < skb->len &&
	    !bpf_skb_pull_data(skb, skb->len <= REACH ? skb->len : REACH + 1))
		fate = parse_skb(skb, link, key_flags, t->inner);
	p->key.ifindex = skb->ifindex;
	settle_ip_bytes(p);
	if (fate == PARSED)
		count_segments(skb, p);
	account(p, t, generation, fate);
	return PASS_TC;
}

SEC("tc")
int weir_tc_in(struct __sk_buff *skb)
{
	return tc(skb, true, 0);
}

SEC("tc")
int weir_tc_out(struct __sk_buff *skb)
{
	return tc(skb, true, WEIR_KEY_OUT);
}

SEC("tc")
int weir_l3_in(struct __sk_buff *skb)
{
	return tc(skb, false, 0);
}

SEC("tc")
int weir_l3_out(struct __sk_buff *skb)
{
	return tc(skb, false, WEIR_KEY_OUT);
}

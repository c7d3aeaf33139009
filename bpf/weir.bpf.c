// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side of weir: one pipeline, five hooks.
 *
 *   weir_xdp     ingress, before the stack              XDP_PASS
 *   weir_tc_in   ingress where XDP is taken or refused  TCX_NEXT / TC_ACT_UNSPEC
 *   weir_tc_out  egress                                 TCX_NEXT / TC_ACT_UNSPEC
 *   weir_l3_in, weir_l3_out   the same two on devices without a link header
 *
 *   clock → parse → books → flow → classify → windows
 *        ↘ fastpath ↗                                   most frames: see fastpath.bpf.h
 *
 * weir_xdp has a twin in bound.bpf.c, for devices that tell of VLAN tags they took off.
 *
 * The programs only look: whatever happens the packet goes on, unwritten.
 */
#include "account.bpf.h"
#include "fastpath.bpf.h"
#include "xdp.bpf.h"

#define PASS_TC -1   /* TCX_NEXT and TC_ACT_UNSPEC are the same number */
#define LEAD_MAX 255 /* bytes of headers in front, more than any tunnel has */

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

	if (likely(!size) || p->frame_bytes <= p->header_bytes)
		return;
	if (!segments)
		segments = (p->frame_bytes - p->header_bytes + size - 1) / size;
	p->segments = segments;
	p->frame_bytes += (segments - 1) * p->header_bytes;
	/* Headers inside a tunnel that is not followed: going out, the stack knows their length. */
	if (skb->wire_len > p->frame_bytes)
		p->frame_bytes = skb->wire_len;
	p->ip_bytes = p->frame_bytes - segments * p->ip_offset;
}

/* Fills p->head, also from behind the linear part; returns how many bytes of it. */
static __always_inline __u32 copy_skb(struct packet *p, struct __sk_buff *skb, __u32 lead)
{
	__u64 bytes = head_bytes(p->frame_bytes);

	return bytes && !bpf_skb_load_bytes(skb, lead, p->head, bytes) ? bytes : 0;
}

/* What the stack puts in front of a packet that a device without a link header received, which it
 * takes for one: before 5.14 the outer headers of IP tunnels. Only wire_len, noted earlier, is
 * without. */
static __always_inline __u64 lead_of(const struct __sk_buff *skb)
{
	__u64 lead = skb->len - skb->wire_len;

	weir_opaque(lead);
	return lead <= LEAD_MAX && skb->wire_len ? lead : 0;
}

static __always_inline int tc(struct __sk_buff *skb, bool link, __u8 key_flags)
{
	__u16 vlan = skb->vlan_present ? skb->vlan_tci & 4095 : 0;
	__u32 generation = control.generation;
	const struct weir_tables *t = current_tables(generation);
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct common c = {.key.ifindex = skb->ifindex};
	struct packet *p = this_packet();
	__u32 type, copied;
	__u64 lead;
	int fate;

	if (!t || !p)
		return PASS_TC;
	read_clock(p);
	if (link && !skb->gso_size &&
	    read_common(&c, data, end, skb->len, key_flags, vlan, t->inner) &&
	    count_common(&c, p, t, generation))
		return PASS_TC;

	type = link ? ETH_LINK : weir_be16((__u16)skb->protocol);
	lead = link || key_flags & WEIR_KEY_OUT ? 0 : lead_of(skb);
	blank(p, key_flags);
	p->key.vlan = vlan;
	p->key.ifindex = skb->ifindex;
	p->frame_bytes = skb->len - lead;
	fate = forget(parse_frame(p, data + lead, end, type, t));
	if (unlikely(p->cut)) {
		copied = copy_skb(p, skb, lead);
		if (copied)
			fate = parse_copy(copied, type, key_flags, vlan, generation);
	}
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

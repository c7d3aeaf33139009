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
 * The programs only look: whatever happens the packet goes on, unwritten.
 */
#include "classify.bpf.h"
#include "common.bpf.h"
#include "count.bpf.h"
#include "flow.bpf.h"
#include "packet.bpf.h"
#include "parse.bpf.h"

#define PASS_TC -1 /* TCX_NEXT and TC_ACT_UNSPEC are the same number */

char _license[] SEC("license") = "Dual BSD/GPL";

/*
 * The kernel clock, read once a tick (1 to 10 ms) on each CPU: the tick counter is a load, each
 * clock a call, 20 ns and more where returns are guarded against speculation.
 */
static __always_inline void read_clock(struct packet *p)
{
	__u64 tick = bpf_jiffies64();

	if (unlikely(p->tick != tick)) {
		p->tick = tick;
		p->tick_ns = bpf_ktime_get_ns();
		weir_second_of(&p->second, p->tick_ns);
	}
	p->now_ns = p->tick_ns;
}

static __always_inline void book_notes(struct weir_books *b, const struct packet *p)
{
	if (likely(!p->notes))
		return;
	if (p->no_transport)
		book(b, WEIR_NO_TRANSPORT, p->segments, p->frame_bytes);
	if (p->no_first_fragment)
		book(b, WEIR_NO_FIRST_FRAGMENT, p->segments, p->frame_bytes);
	if (p->too_deep)
		book(b, WEIR_TOO_DEEP, p->segments, p->frame_bytes);
}

/* Everything after parsing. */
static __always_inline void account(struct packet *p, const struct weir_tables *t, __u32 generation,
				    int fate)
{
	struct weir_books *b = books_of(p->key.ifindex);
	__u64 terms;

	if (!b)
		return;
	if (weir_replay && fate == PARSED && leaves(generation))
		p->key.flags |= WEIR_KEY_OUT;
	book(b, p->key.flags & WEIR_KEY_OUT ? WEIR_SEEN_OUT : WEIR_SEEN_IN, p->segments,
	     p->frame_bytes);
	if (unlikely(fate != PARSED)) {
		if (fate >= 0 && fate < WEIR_COUNTER_MAX)
			book(b, fate, p->segments, p->frame_bytes);
		return;
	}
	b->count[WEIR_OUTSIDE].bytes += p->frame_bytes - p->ip_bytes;
	book_notes(b, p);
	if (!count_flow(p, t, generation))
		book(b, WEIR_OVERFLOW, p->segments, p->ip_bytes);
	p->traits.len_bytes = p->frame_bytes;
	terms = weir_classify_packet(t, p->terms, &p->traits);
	if (!count_queries(t, terms, p->second.second, p->segments, p->frame_bytes))
		book(b, WEIR_LATE, p->segments, p->frame_bytes);
}

/* The length an IP header claims can exceed the frame (offload, lies): the frame wins. */
static __always_inline void settle_ip_bytes(struct packet *p)
{
	__u32 room = p->frame_bytes - p->ip_offset;

	if (!p->ip_bytes || p->ip_bytes > room)
		p->ip_bytes = room;
}

/*
 * The frame's headers. Global, as classify_flow() is: called from many states, verified once.
 */
__noinline int parse_xdp(struct xdp_md *ctx, __u32 frame_bytes, bool inner)
{
	struct packet *p = this_packet();

	if (!p)
		return WEIR_TRUNCATED;
	blank(p, 0);
	p->frame_bytes = frame_bytes;
	return parse(p, (void *)(long)ctx->data, (void *)(long)ctx->data_end, ETH_LINK, inner);
}

SEC("xdp")
int weir_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct common c = {.key.ifindex = ctx->ingress_ifindex};
	__u32 generation = control.generation, frame_bytes = end - data;
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	int fate;

	if (!t || !p)
		return XDP_PASS;
	if (weir_replay) {
		struct weir_replay *meta = (void *)(long)ctx->data_meta;

		if ((void *)(meta + 1) > data)
			return XDP_PASS;
		p->now_ns = meta->now_ns;
		weir_second_of(&p->second, p->now_ns);
		frame_bytes = meta->wire_bytes;
	} else {
		read_clock(p);
	}
	if (read_common(&c, data, end, frame_bytes, 0, 0, t->inner) &&
	    count_common(&c, p, t, generation))
		return XDP_PASS;

	fate = parse_xdp(ctx, frame_bytes, t->inner);
	p->key.ifindex = ctx->ingress_ifindex;
	if (weir_has_frags && !weir_replay &&
	    unlikely(fate != PARSED || !p->ip_bytes || p->ip_offset + p->ip_bytes > p->frame_bytes))
		p->frame_bytes = bpf_xdp_get_buff_len(ctx);
	settle_ip_bytes(p);
	account(p, t, generation, fate);
	return XDP_PASS;
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

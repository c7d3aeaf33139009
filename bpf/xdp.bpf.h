/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ingress at XDP: the body of weir_xdp and of weir_xdp_bound. */
#ifndef WEIR_XDP_BPF_H
#define WEIR_XDP_BPF_H

#include "account.bpf.h"
#include "common.bpf.h"

/* The frame's headers. Global, as classify_flow() is: called from many states, verified once. */
__noinline int parse_xdp(struct xdp_md *ctx, __u32 frame_bytes, bool inner)
{
	struct packet *p = this_packet();

	if (!p)
		return WEIR_TRUNCATED;
	blank(p, 0);
	p->frame_bytes = frame_bytes;
	return parse(p, (void *)(long)ctx->data, (void *)(long)ctx->data_end, ETH_LINK, inner);
}

/* `vlan`: the id of the tag that the device took off, 0 for none. It stood before those that are
 * left in the frame, so it is the flow's. */
static __always_inline int xdp(struct xdp_md *ctx, __u16 vlan)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct common c = {.key.ifindex = ctx->ingress_ifindex};
	__u32 generation = control.generation, frame_bytes = end - data;
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	int fate;

	if (!t || !p)
		return XDP_PASS;
	if (constants.replay) {
		struct weir_replay *meta = (void *)(long)ctx->data_meta;

		if ((void *)(meta + 1) > data)
			return XDP_PASS;
		p->now_ns = meta->now_ns;
		p->cpu = bpf_get_smp_processor_id();
		weir_second_of(&p->second, p->now_ns);
		frame_bytes = meta->wire_bytes;
	} else {
		read_clock(p);
	}
	if (read_common(&c, data, end, frame_bytes, 0, vlan, t->inner) &&
	    count_common(&c, p, t, generation))
		return XDP_PASS;

	fate = parse_xdp(ctx, frame_bytes, t->inner);
	if (vlan)
		p->key.vlan = vlan;
	p->key.ifindex = ctx->ingress_ifindex;
	if (constants.has_frags && !constants.replay &&
	    unlikely(fate != PARSED || !p->ip_bytes || p->ip_offset + p->ip_bytes > p->frame_bytes))
		p->frame_bytes = bpf_xdp_get_buff_len(ctx);
	settle_ip_bytes(p);
	account(p, t, generation, fate);
	return XDP_PASS;
}

#endif

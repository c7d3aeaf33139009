/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ingress at XDP: the body of weir_xdp and of weir_xdp_bound. */
#ifndef WEIR_XDP_BPF_H
#define WEIR_XDP_BPF_H

#include "account.bpf.h"
#include "fastpath.bpf.h"

static __always_inline void *frame_of(const struct xdp_md *ctx)
{
	return (void *)(long)ctx->data + (constants.replay ? sizeof(struct weir_replay) : 0);
}

/* Before 5.18, word by word; the last overlaps the one before. clang 22 reads a word at an unknown
 * offset as eight bytes, unless it cannot tell. */
static __always_inline __u32 copy_words(struct packet *p, const void *data, const void *end)
{
	__u64 *to = (__u64 *)p->head;
	const __u64 *from = data;
	__u64 bytes = head_bytes(end - data);
	__u64 last = weir_bounded(bytes - sizeof(*to), 2 * REACH + 1);

#pragma unroll
	for (__u32 i = 0; i < HEAD_BYTES / sizeof(*to); i++) {
		if ((const void *)(from + i + 1) > end)
			break;
		to[i] = from[i];
	}
	if (last > HEAD_BYTES - sizeof(*to))
		return 0;
	to = (void *)to + last;
	from = data + last;
	weir_opaque(to);
	weir_opaque(from);
	if ((const void *)(from + 1) > end)
		return 0;
	*to = *from;
	return bytes;
}

/* Fills p->head; returns how many bytes of it. */
static __always_inline __u32 copy_xdp(struct packet *p, struct xdp_md *ctx)
{
	__u32 skip = constants.replay ? sizeof(struct weir_replay) : 0;
	__u64 bytes;

	if (!constants.has_frags)
		return copy_words(p, frame_of(ctx), (void *)(long)ctx->data_end);
	bytes = head_bytes(bpf_xdp_get_buff_len(ctx) - skip);
	return bytes && !bpf_xdp_load_bytes(ctx, skip, p->head, bytes) ? bytes : 0;
}

/* `vlan`: the id of the tag that the device took off, 0 for none. It stood before those that are
 * left in the frame, so it is the flow's. */
static __always_inline int xdp(struct xdp_md *ctx, __u16 vlan)
{
	void *data = frame_of(ctx), *end = (void *)(long)ctx->data_end;
	struct common c = {.key.ifindex = ctx->ingress_ifindex};
	__u32 generation = control.generation, frame_bytes = end - data;
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	__u32 copied;
	int fate;

	if (!t || !p)
		return XDP_PASS;
	if (constants.replay) {
		struct weir_replay *replay = (void *)(long)ctx->data;

		if ((void *)(replay + 1) > end)
			return XDP_PASS;
		p->now_ns = replay->now_ns;
		p->cpu = bpf_get_smp_processor_id();
		weir_second_of(&p->second, p->now_ns);
		frame_bytes = replay->wire_bytes;
	} else {
		read_clock(p);
	}
	if (read_common(&c, data, end, frame_bytes, 0, vlan, t->inner) &&
	    count_common(&c, p, t, generation))
		return XDP_PASS;

	blank(p, 0);
	p->key.vlan = vlan;
	p->key.ifindex = ctx->ingress_ifindex;
	p->frame_bytes = frame_bytes;
	fate = forget(parse_frame(p, data, end, ETH_LINK, t));
	if (unlikely(p->cut)) {
		if (constants.has_frags && !constants.replay)
			p->frame_bytes = bpf_xdp_get_buff_len(ctx);
		copied = copy_xdp(p, ctx);
		if (copied)
			fate = parse_copy(copied, ETH_LINK, 0, vlan, generation);
	}
	if (constants.has_frags && !constants.replay &&
	    unlikely(fate != PARSED || !p->ip_bytes || p->ip_offset + p->ip_bytes > p->frame_bytes))
		p->frame_bytes = bpf_xdp_get_buff_len(ctx);
	settle_ip_bytes(p);
	account(p, t, generation, fate);
	return XDP_PASS;
}

#endif

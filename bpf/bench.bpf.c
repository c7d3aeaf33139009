// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What `make bench` puts before the program it measures: it gives the frame the
 * next of `flows` source addresses and ports and hands it on by tail call. The
 * base line is the same program with an empty one behind it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

__u32 flow_count = 1;
__u32 flow_next;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tc_target SEC(".maps");

/* Source address at 26 in an Ethernet/IPv4 frame, source port at 34. */
static __always_inline void vary(void *data, void *end)
{
	__u32 flow = flow_next + 1 < flow_count ? flow_next + 1 : 0;

	if (data + 38 > end)
		return;
	flow_next = flow;
	*(__u32 *)(data + 26) = __builtin_bswap32(0x0a000000 | flow >> 4);
	*(__u16 *)(data + 34) = 1024 + (flow & 15);
}

SEC("xdp")
int bench_xdp(struct xdp_md *ctx)
{
	vary((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	bpf_tail_call(ctx, &xdp_target, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int empty_xdp(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int bench_tc(struct __sk_buff *skb)
{
	vary((void *)(long)skb->data, (void *)(long)skb->data_end);
	bpf_tail_call(skb, &tc_target, 0);
	return 0;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What `make bench` puts before the program it measures: it gives the frame the
 * next of `flow_count` source addresses and ports and hands it on by tail call.
 * The base line is the same program with an empty one behind it.
 *
 *   bench_xdp ──┬── weir_xdp          bench_tc ──┬── weir_tc_out
 *               ├── lru_xdp                      └── empty_tc
 *               └── empty_xdp
 *
 *   send_xdp ──→ devmap ──→ veth      as live frames
 *
 * And what tests/e2e put beside weir: the empty ones as another's programs, tag_tc as the VLAN
 * device that a kernel may lack.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

/* A power of two, and the odd step by which they are gone through. */
__u32 flow_count = 1;
__u32 flow_step = 1;
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

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} wires SEC(".maps");

/* What most flow meters keep, for scale: a flow's key and counts in the kernel's own LRU hash. */
struct lru_key {
	__u32 src, dst;
	__u32 ports;
	__u32 proto;
};

struct lru_count {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lru_key);
	__type(value, struct lru_count);
} lru_flows SEC(".maps");

/* Source address at 26 in an Ethernet/IPv4 frame, source port at 34. */
static __always_inline void vary(void *data, void *end)
{
	__u32 flow = (flow_next + flow_step) & (flow_count - 1);

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

/* No parser, no clock, no queries: the look-up and the update alone. */
SEC("xdp")
int lru_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct lru_count *count, first = {.packets = 1};
	struct lru_key key;

	if (data + 38 > end)
		return XDP_PASS;
	key.src = *(__u32 *)(data + 26);
	key.dst = *(__u32 *)(data + 30);
	key.ports = *(__u16 *)(data + 34) | (__u32) * (__u16 *)(data + 36) << 16;
	key.proto = *(__u8 *)(data + 23);
	count = bpf_map_lookup_elem(&lru_flows, &key);
	if (!count) {
		first.bytes = end - data;
		bpf_map_update_elem(&lru_flows, &key, &first, BPF_ANY);
		return XDP_PASS;
	}
	count->packets++;
	count->bytes += end - data;
	return XDP_PASS;
}

SEC("xdp")
int send_xdp(struct xdp_md *ctx)
{
	vary((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return bpf_redirect_map(&wires, 0, XDP_DROP);
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

/* Gives what is sent the VLAN tag its mark says, beside the frame and not in it. */
SEC("tc")
int tag_tc(struct __sk_buff *skb)
{
	if (skb->mark)
		bpf_skb_vlan_push(skb, __builtin_bswap16(0x8100), skb->mark);
	return -1; /* TC_ACT_UNSPEC */
}

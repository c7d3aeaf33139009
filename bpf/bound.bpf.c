// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir_xdp for one device, which takes VLAN tags off its frames before XDP sees them and tells them
 * when asked (Linux 6.8). The kernel lets only a program that is bound to its device ask, for what
 * it calls is the driver's own function.
 *
 * An object of its own, loaded when such a device is attached, with the maps of weir.bpf.c. In
 * that one the call, weak and never reached though it be, would keep older kernels from loading
 * anything: libbpf 1.1 looks for kfuncs in the kernel's BTF and gives up without one, and before
 * 5.16 the verifier looks up also what dead code calls (commit a5d827275241).
 */
#include "xdp.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __be16 *proto, __u16 *tci) __ksym;

SEC("xdp")
int weir_xdp_bound(struct xdp_md *ctx)
{
	__be16 proto = 0;
	__u16 tci = 0;

	if (bpf_xdp_metadata_rx_vlan_tag(ctx, &proto, &tci)) /* -ENODATA: there was none */
		tci = 0;
	return xdp(ctx, tci & 4095);
}

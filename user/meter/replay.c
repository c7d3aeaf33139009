// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One frame of a capture through the very program that runs live. Its time and
 * its length on the wire go before it, as XDP metadata (struct weir_replay), so
 * windows and timeouts follow the capture's clock.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "meter/internal.h"

#define FRAME_MAX 2048 /* no header lies further in (bpf/parse.bpf.h, REACH) */
#define FRAME_MIN 14   /* the kernel takes no less than an Ethernet header */

int meter_feed(struct meter *m, __u64 now_ns, const void *frame, __u32 bytes, __u32 wire_bytes)
{
	struct {
		struct weir_replay replay;
		__u8 frame[FRAME_MAX];
	} in = {.replay = {.now_ns = now_ns, .wire_bytes = wire_bytes}};
	struct xdp_md ctx = {.data = sizeof(in.replay)};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);

	if (bytes < FRAME_MIN)
		return -EINVAL;
	if (wire_bytes < bytes) /* a capture that contradicts itself */
		in.replay.wire_bytes = bytes;
	if (bytes > FRAME_MAX)
		bytes = FRAME_MAX;
	memcpy(in.frame, frame, bytes);
	opts.data_size_in = sizeof(in.replay) + bytes;
	ctx.data_end = opts.data_size_in;
	return bpf_prog_test_run_opts(m->prog[PROG_XDP], &opts) ? -errno : 0;
}

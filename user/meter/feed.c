// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One frame of a capture through the very program that runs live. Its time and
 * its length on the wire go before it (struct weir_replay), so windows and timeouts
 * follow the capture's clock. As XDP metadata they would be outside the frame, but
 * a test run takes metadata since 5.15 only.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "meter/meter_internal.h"

#define FRAME_MAX 2048 /* no header lies further in (bpf/parse.bpf.h, REACH) */

int meter_feed(struct meter *m, __u64 now_ns, const void *frame, __u32 bytes, __u32 wire_bytes)
{
	struct {
		struct weir_replay replay;
		__u8 frame[FRAME_MAX];
	} in = {.replay = {.now_ns = now_ns, .wire_bytes = wire_bytes}};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .repeat = 1);

	if (wire_bytes < bytes) /* a capture that contradicts itself */
		in.replay.wire_bytes = bytes;
	if (bytes > FRAME_MAX)
		bytes = FRAME_MAX;
	memcpy(in.frame, frame, bytes);
	opts.data_size_in = sizeof(in.replay) + bytes;
	return bpf_prog_test_run_opts(m->prog[PROG_XDP], &opts) ? -errno : 0;
}

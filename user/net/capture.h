/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading captures, pcap and pcapng, by libpcap, as Ethernet frames. */
#ifndef NET_CAPTURE_H
#define NET_CAPTURE_H

#include <linux/types.h>

#include "base/why.h"

/* One frame: `bytes` as captured, `wire_bytes` as sent, time in ns since 1970. */
typedef int (*capture_fn)(void *ctx, __u64 now_ns, const void *frame, __u32 bytes,
			  __u32 wire_bytes);

/*
 * Calls fn for each packet. Packets of captures without Ethernet headers (raw IP, BSD loopback,
 * Linux cooked) are given one, which counts in their length. Non-zero from fn stops and is
 * returned; -EINVAL and the reason for a file that is not a capture, is damaged, or has a link
 * type that we do not know.
 */
int capture_read(const char *path, capture_fn fn, void *ctx, struct why *why);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes of a file or of standard input, as they are or unpacked (gzip, zstd). */
#ifndef NET_CAPTURE_STREAM_H
#define NET_CAPTURE_STREAM_H

#include <linux/types.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/why.h"

struct capture_stream;

/* "-": standard input. NULL after a reason. */
struct capture_stream *capture_stream_open(const char *path, struct why *why);
/* Reads `bytes`, or as many as are left; NULL: they are skipped. -EBADMSG, and the reason without
 * the name: they cannot be read or unpacked. What came before that has been read. */
ssize_t capture_stream_read(struct capture_stream *s, void *to, size_t bytes, struct why *why);
/* How many have been read. */
__u64 capture_stream_at(const struct capture_stream *s);
void capture_stream_close(struct capture_stream *s);

#endif

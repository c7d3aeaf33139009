/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where in a frame, or in the copy of its beginning, the parser stands, and what it can read there. */
#ifndef WEIR_CURSOR_BPF_H
#define WEIR_CURSOR_BPF_H

#include "headers.bpf.h"
#include "packet.bpf.h"

struct cursor {
	void *start, *end; /* the part that can be read */
	bool copied;       /* what is read is the packet's copy, `head` */
	struct stand stand;
};

/* The next `bytes`, or NULL where the readable part of the frame ends. Does not move on. */
static __always_inline void *peek(const struct cursor *c, __u32 bytes)
{
	void *h;

	if (c->stand.at > REACH)
		return NULL;
	h = c->start + weir_bounded(c->stand.at, REACH);
	return h + bytes <= c->end ? h : NULL;
}

static __always_inline void *take(struct cursor *c, __u32 bytes)
{
	void *h = peek(c, bytes);

	c->stand.at += bytes;
	return h;
}

/* At the packet's stand in its copy of `bytes`. */
static __always_inline struct cursor copy_cursor(struct packet *p, __u32 bytes)
{
	return (struct cursor){.start = p->head,
			       .end = p->head + weir_bounded(bytes, 2 * REACH + 1),
			       .copied = true,
			       .stand = p->stand};
}

static __always_inline __u32 load16(const __u8 *h)
{
	return h[0] << 8 | h[1];
}

static __always_inline __u32 load32(const __u8 *h)
{
	return load16(h) << 16 | load16(h + 2);
}

#endif

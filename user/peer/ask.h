/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PEER_ASK_H
#define PEER_ASK_H

#include "interval/words.h"

/* A query as a host announces it, and as a coordinator compares it: texts cut to what a word has
 * room for, control characters made blanks. It counts bytes, or else packets. */
void peer_ask(const char *name, const char *match, bool bytes, __u32 window_s,
	      struct interval_ask *out);

#endif

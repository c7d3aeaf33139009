// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "peer/ask.h"

#include "base/utf8.h"

/* What is longer is cut, not within a character of UTF-8; a match of several lines becomes one. */
static void put_text(const char *text, char *out, size_t size)
{
	const size_t length = utf8_cut(text, size - 1);

	for (size_t i = 0; i < length; i++)
		out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
	out[length] = 0;
}

void peer_ask(const char *name, const char *match, bool bytes, __u32 window_s,
	      struct interval_ask *out)
{
	*out = (struct interval_ask){.window_ms = window_s * 1000};
	put_text(bytes ? "bytes" : "packets", out->measure, sizeof(out->measure));
	put_text(name, out->name, sizeof(out->name));
	put_text(match, out->match, sizeof(out->match));
}

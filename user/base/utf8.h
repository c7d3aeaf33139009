/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <string.h>

/* How many bytes of `text` are in its first `most`, without a character that these cut. */
static inline size_t utf8_cut(const char *text, size_t most)
{
	size_t length = strnlen(text, most + 1);

	if (length <= most)
		return length;
	for (length = most; length && ((unsigned char)text[length] & 0xc0) == 0x80;)
		length--;
	return length;
}

#endif

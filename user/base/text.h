/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

/* NULL equals only NULL. */
static inline bool text_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

#endif

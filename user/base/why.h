/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why something failed, in one line for people. Who knows the reason writes it; who knows what the
 * user wanted prints it. Functions take a struct why and leave it as it was when they succeed.
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include <stdarg.h>

struct why {
	char text[1024]; /* has room for a path that is as long as we say any, and a sentence */
};

/*
 * Writes the reason and returns `code`, so that a failure is one statement:
 *
 *   return why_set(why, -EINVAL, "%s: expected a number", name);
 *
 * What does not fit is cut between characters of UTF-8; control characters become '?'. NULL: nobody
 * wants to know.
 */
int why_set(struct why *why, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int why_vset(struct why *why, int code, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* The reason, or what errno's value `code` (negative) means where nobody wrote one. */
const char *why_text(const struct why *why, int code);

#endif

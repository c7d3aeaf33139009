// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/why.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

int why_vset(struct why *why, int code, const char *format, va_list args)
{
	char text[sizeof(why->text) + 4]; /* a reason may quote the reason before it */

	if (!why)
		return code;
	vsnprintf(text, sizeof(text), format, args);
	text[utf8_cut(text, sizeof(why->text) - 1)] = 0;
	for (char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c))
			*c = '?';
	}
	strcpy(why->text, text);
	return code;
}

int why_set(struct why *why, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	code = why_vset(why, code, format, args);
	va_end(args);
	return code;
}

const char *why_text(const struct why *why, int code)
{
	return why->text[0] ? why->text : strerror(-code);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 2048

__attribute__((format(printf, 2, 0))) static void log_line(const char *prefix, const char *format,
							   va_list args)
{
	const int saved = errno;
	char line[LINE_BYTES];
	size_t length = snprintf(line, sizeof(line), "%s", prefix);
	ssize_t written;

	vsnprintf(line + length, sizeof(line) - 1 - length, format, args);
	for (char *c = line; *c; c++) {
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	length = strlen(line);
	line[length++] = '\n';
	written = write(STDERR_FILENO, line, length);
	(void)written; /* nobody left to tell */
	errno = saved;
}

void log_err(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("weir: ", format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("weir: warning: ", format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("weir: ", format, args);
	va_end(args);
}

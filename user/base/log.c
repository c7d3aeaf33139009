// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 2048

/* Asked for each line: they are few, and standard error may have become something else. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat at;
	int end = 0;

	return stream && sscanf(stream, "%llu:%llu%n", &device, &inode, &end) == 2 &&
	       !stream[end] && !fstat(STDERR_FILENO, &at) && at.st_dev == device &&
	       at.st_ino == inode;
}

__attribute__((format(printf, 3, 0))) static void
log_line(enum log_priority priority, const char *prefix, const char *format, va_list args)
{
	const int saved = errno;
	char line[LINE_BYTES], level[8] = "";
	size_t length;
	ssize_t written;

	if (is_journal())
		snprintf(level, sizeof(level), "<%d>", (int)priority);
	length = snprintf(line, sizeof(line), "%s%s", level, prefix);
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
	log_line(LOG_PRIORITY_ERR, "weir: ", format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_PRIORITY_WARNING, "weir: warning: ", format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_PRIORITY_INFO, "weir: ", format, args);
	va_end(args);
}

void log_say(enum log_priority priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(priority, "weir: ", format, args);
	va_end(args);
}

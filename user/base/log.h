/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages to people: one line each on standard error, "weir: ..." in one write(2), so that lines
 * of several processes or threads do not mix. Line breaks in a message become blanks.
 *
 * Where standard error is the journal, the line begins with its priority, "<3>weir: ..." (sd-daemon(3)).
 * systemd says so by $JOURNAL_STREAM, device and inode of the socket it gave us (systemd.exec(5)): a
 * child that has the variable but another standard error writes without a priority.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

/* As syslog(3) numbers them. */
enum log_priority {
	LOG_PRIORITY_ERR = 3,     /* we fail */
	LOG_PRIORITY_WARNING = 4, /* less than asked */
	LOG_PRIORITY_NOTICE = 5,  /* something has changed */
	LOG_PRIORITY_INFO = 6,
};

void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2))); /* says so */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The text as it is. */
void log_say(enum log_priority priority, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

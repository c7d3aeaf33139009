/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages to people: one line each on standard error, "weir: ..." in one write(2), so that lines
 * of several processes or threads do not mix. Line breaks in a message become blanks.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* we fail */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2))); /* less than asked */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

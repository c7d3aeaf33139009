/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unix time as RFC 3339 writes it, in UTC; and what part of a window was counted. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include <linux/types.h>

#define TIME_TEXT_BYTES 48

/* "2026-11-22T01:58:29.125Z", with `digits` (0 to 9) of the fraction; the others are cut off, so
 * that a text is never later than its time. Times before 1970 are negative. */
const char *time_text(__s64 unix_ns, unsigned int digits, char out[TIME_TEXT_BYTES]);

/* How many digits are enough for the whole of this time: 0, 3, 6 or 9. */
unsigned int time_digits(__s64 unix_ns);

#define TIME_SPAN_BYTES 40

/* What an answer is over: "60 s" when all of the window was counted, else "14 of 60 s"; of few
 * seconds with tenths. Cut off, so that no more is said than was counted. */
const char *time_span(double covered_s, unsigned int window_s, char out[TIME_SPAN_BYTES]);

#endif

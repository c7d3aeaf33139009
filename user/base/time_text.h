/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unix time as RFC 3339 writes it, in UTC. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include <linux/types.h>

#define TIME_TEXT_BYTES 48

/* "2026-11-22T01:58:29.125Z", with `digits` (0 to 9) of the fraction; the others are cut off, so
 * that a text is never later than its time. */
const char *time_text(__u64 unix_ns, unsigned int digits, char out[TIME_TEXT_BYTES]);

#endif

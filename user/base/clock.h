/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The clocks that processes go by, and the units of time. Methods do not read them: they take the
 * time as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "weir/base.h"

#define NS_PER_MS 1000000ull
#define HOUR_NS (3600 * WEIR_NS_PER_SEC)

static inline __u64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * WEIR_NS_PER_SEC + t.tv_nsec;
}

/* For what is due: it does not jump, and means nothing after a reboot. */
static inline __u64 clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Unix time: for people and other hosts. It may be set at any moment. */
static inline __u64 clock_unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* What to add to CLOCK_MONOTONIC to get Unix time. */
static inline __s64 clock_offset_ns(void)
{
	return (__s64)(clock_unix_ns() - clock_monotonic_ns());
}

#endif

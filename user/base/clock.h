/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The clocks that processes go by, and the units of time. Methods do not read them: they take the
 * time as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "weir/base.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define HOUR_NS (3600 * WEIR_NS_PER_SEC)

static inline __u64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * WEIR_NS_PER_SEC + t.tv_nsec;
}

/* For timers: it does not jump, stops while the machine sleeps, and means nothing after a reboot. */
static inline __u64 clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Unix time: for people and other hosts. It may be set at any moment. */
static inline __u64 clock_unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* For measurements and expiry: like clock_monotonic_ns(), but it goes on while the machine sleeps. It
 * is the kernel programs' clock. */
static inline __u64 clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* The clocks at one moment. */
struct clocks {
	__u64 monotonic_ns, boot_ns, unix_ns;
};

static inline struct clocks clocks_read(void)
{
	return (struct clocks){clock_monotonic_ns(), clock_boot_ns(), clock_unix_ns()};
}

/* Added to CLOCK_BOOTTIME, even to a time before a sleep, gives Unix time as it is set now. */
static inline __s64 clocks_offset_ns(const struct clocks *now)
{
	return (__s64)(now->unix_ns - now->boot_ns);
}

static inline __s64 clock_offset_ns(void)
{
	const struct clocks now = clocks_read();

	return clocks_offset_ns(&now);
}

/* The CLOCK_MONOTONIC time (which can be waited for) at which CLOCK_BOOTTIME will be boot_ns; it will
 * be earlier if the machine sleeps meanwhile. ~0: never. */
static inline __u64 clocks_due_ns(const struct clocks *now, __u64 boot_ns)
{
	if (boot_ns == ~0ull)
		return boot_ns;
	return boot_ns > now->boot_ns ? now->monotonic_ns + (boot_ns - now->boot_ns)
				      : now->monotonic_ns;
}

/* The same for the moment when the next second of CLOCK_BOOTTIME is `after_ns` old. */
static inline __u64 clocks_next_second_ns(const struct clocks *now, __u64 after_ns)
{
	const __u64 second = (now->boot_ns - after_ns) / WEIR_NS_PER_SEC + 1;

	return clocks_due_ns(now, second * WEIR_NS_PER_SEC + after_ns);
}

#endif

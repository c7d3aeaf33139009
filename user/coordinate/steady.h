/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unix time that never goes back: when the clock is set back, time goes on from where it was until
 * the clock has come there. The engine's answers need that. */
#ifndef COORDINATE_STEADY_H
#define COORDINATE_STEADY_H

#include "base/clock.h"

struct steady {
	__u64 unix_ns, monotonic_ns; /* of the last look at it */
};

static inline __u64 steady_now(struct steady *s)
{
	const __u64 unix_ns = clock_unix_ns(), monotonic_ns = clock_monotonic_ns();
	const __u64 on_ns = s->unix_ns + (monotonic_ns - s->monotonic_ns);

	s->unix_ns = !s->unix_ns || unix_ns >= s->unix_ns ? unix_ns : on_ns;
	s->monotonic_ns = monotonic_ns;
	return s->unix_ns;
}

#endif

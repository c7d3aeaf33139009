// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rates from the seconds of a window that were counted.
 *
 *   since          1st complete second                  now
 *     ┆    ┌─────────┬─────────┬─────────┬─────────┬┄┄┄┄┄┆
 *   ┄┄┴┄┄┄┄┴─────────┴─────────┴─────────┴─────────┴┄┄┄┄┄
 *    part      covered, in whole seconds             part
 *
 * In a live meter the parts are left out: that counting began takes effect a moment later on some
 * interface, and what the running second still brings is not known. In a capture both ends are known
 * to the nanosecond, and most are shorter than a window, so there the parts count.
 */
#include "meter/meter.h"

static struct weir_count sum_of(const struct weir_count *end, __u32 seconds)
{
	struct weir_count sum = {};

	for (__u32 i = 1; i <= seconds; i++) {
		sum.packets += end[-(int)i].packets;
		sum.bytes += end[-(int)i].bytes;
	}
	return sum;
}

/* All of a capture that is shorter than the window. */
static void take_whole(const struct meter_series *series, int q, __u64 since_ns, __u32 most,
		       struct meter_rate *rate)
{
	rate->window = sum_of(series->query[q] + WEIR_WINDOW_MAX, most);
	rate->window.packets += series->rest[q].packets;
	rate->window.bytes += series->rest[q].bytes;
	rate->covered_ns = weir_covered_ns(since_ns, series->now_ns, ~0ull);
}

void meter_series_rates(const struct meter_series *series, const struct meter_span *spans,
			struct meter_rate *rates)
{
	for (int q = 0; q < WEIR_QUERIES; q++) {
		const struct weir_count *end = series->query[q] + WEIR_WINDOW_MAX;
		const __u32 most = spans[q].window_s < WEIR_WINDOW_MAX ? spans[q].window_s
								       : WEIR_WINDOW_MAX;
		const __u32 covered = weir_covered_s(spans[q].since_ns, series->now_ns, most);

		rates[q] = (struct meter_rate){
			.last = end[-1],
			.window = sum_of(end, covered),
			.covered_ns = covered * WEIR_NS_PER_SEC,
			.whole = weir_covered_s(spans[q].since_ns, series->now_ns, 1),
		};
		if (series->ended && covered < most)
			take_whole(series, q, spans[q].since_ns, most, &rates[q]);
	}
}

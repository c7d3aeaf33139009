/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rates over the seconds that were counted: at a constant rate, each is that rate from the first
 * complete second on, whenever counting began. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "meter/meter.h"

#define SEC 1000000000ull
#define BEGIN_S 5000ull
#define PACKETS 18 /* a second, evenly, of 100 bytes */

static struct meter_series series;
static struct meter_span spans[WEIR_QUERIES];
static struct meter_rate rates[WEIR_QUERIES];

static __u64 packet_ns(__u64 n)
{
	return n * SEC / PACKETS;
}

/* Packets of query 0 from `from_ns` to `to_ns`, in the slots that the kernel has at to_ns. */
static void count(__u64 from_ns, __u64 to_ns)
{
	const __u64 now_s = to_ns / SEC;

	memset(&series, 0, sizeof(series));
	series.now_ns = to_ns;
	for (__u64 n = from_ns * PACKETS / SEC; packet_ns(n) <= to_ns; n++) {
		const __u64 second = packet_ns(n) / SEC;
		struct weir_count *c = &series.rest[0];

		if (packet_ns(n) < from_ns || second + WEIR_WINDOW_MAX < now_s)
			continue;
		if (second != now_s)
			c = &series.query[0][second + WEIR_WINDOW_MAX - now_s];
		c->packets++;
		c->bytes += 100;
	}
}

static const struct meter_rate *rate(__u32 window_s, __u64 since_ns)
{
	spans[0] = (struct meter_span){.window_s = window_s, .since_ns = since_ns};
	meter_series_rates(&series, spans, rates);
	return &rates[0];
}

static void a_rate_is_over_the_complete_seconds_since_counting_began(void **state)
{
	static const __u64 began_ns[] = {0, 1, 300000000, 999999999};

	for (size_t i = 0; i < sizeof(began_ns) / sizeof(began_ns[0]); i++) {
		const __u64 since_ns = BEGIN_S * SEC + began_ns[i];

		for (__u64 age_s = 0; age_s < 70; age_s++) {
			const __u64 whole = began_ns[i] && age_s ? age_s - 1 : age_s;
			const __u64 covered = whole < 60 ? whole : 60;
			const struct meter_rate *r;

			count(since_ns, (BEGIN_S + age_s) * SEC + 999999999);
			r = rate(60, since_ns);
			assert_int_equal(r->covered_ns, covered * SEC);
			assert_int_equal(r->window.packets, covered * PACKETS);
			assert_int_equal(r->window.bytes, covered * PACKETS * 100);
			assert_int_equal(r->whole, covered > 0);
			if (r->whole)
				assert_int_equal(r->last.packets, PACKETS);
			assert_int_equal(rate(5, since_ns)->covered_ns,
					 (covered < 5 ? covered : 5) * SEC);
		}
	}
}

static void what_begins_later_than_now_has_no_rate(void **state)
{
	count(BEGIN_S * SEC, (BEGIN_S + 9) * SEC);
	assert_int_equal(rate(60, (BEGIN_S + 20) * SEC)->covered_ns, 0);
	assert_false(rates[0].whole);
	assert_int_equal(rate(60, ~0ull)->covered_ns, 0);
}

/* capinfos(1) divides by the time from the first packet to the last, and so must this. */
static void a_capture_that_is_shorter_than_the_window_is_over_all_of_it(void **state)
{
	for (__u64 first = 0; first < 40; first++) {
		for (__u64 more = 1; more < 40 * PACKETS; more++) {
			const __u64 from_ns = packet_ns(BEGIN_S * PACKETS + first);
			const __u64 to_ns = packet_ns(BEGIN_S * PACKETS + first + more);

			count(from_ns, to_ns);
			series.ended = true;
			assert_int_equal(rate(60, from_ns)->covered_ns, to_ns - from_ns);
			assert_int_equal(rates[0].window.packets, more + 1);
		}
	}
}

static void a_longer_one_is_over_its_last_complete_seconds(void **state)
{
	const __u64 from_ns = BEGIN_S * SEC + 500000000;

	count(from_ns, (BEGIN_S + 100) * SEC + 200000000);
	series.ended = true;
	assert_int_equal(rate(60, from_ns)->covered_ns, 60 * SEC);
	assert_int_equal(rates[0].window.packets, 60 * PACKETS);
	assert_int_equal(rate(1, from_ns)->window.packets, PACKETS);
	assert_int_equal(rates[0].last.packets, PACKETS);
}

static void one_packet_makes_no_rate(void **state)
{
	const __u64 at_ns = packet_ns(BEGIN_S * PACKETS);

	count(at_ns, at_ns);
	series.ended = true;
	assert_int_equal(rate(60, at_ns)->covered_ns, 0);
	assert_int_equal(rates[0].window.packets, 1);
	assert_false(rates[0].whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_over_the_complete_seconds_since_counting_began),
		cmocka_unit_test(what_begins_later_than_now_has_no_rate),
		cmocka_unit_test(a_capture_that_is_shorter_than_the_window_is_over_all_of_it),
		cmocka_unit_test(a_longer_one_is_over_its_last_complete_seconds),
		cmocka_unit_test(one_packet_makes_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

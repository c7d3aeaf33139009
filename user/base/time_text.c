// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/time_text.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "weir/base.h"

#define DIGITS_MAX 9

const char *time_text(__s64 unix_ns, unsigned int digits, char out[TIME_TEXT_BYTES])
{
	const __s64 second_ns = WEIR_NS_PER_SEC;
	const unsigned int cut = digits < DIGITS_MAX ? DIGITS_MAX - digits : 0;
	time_t seconds = unix_ns / second_ns;
	__s64 fraction = unix_ns % second_ns;
	struct tm utc = {};
	size_t length;

	if (fraction < 0) {
		fraction += second_ns;
		seconds--;
	}
	for (unsigned int i = 0; i < cut; i++)
		fraction /= 10;
	gmtime_r(&seconds, &utc);
	length = strftime(out, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
	if (digits)
		snprintf(out + length, TIME_TEXT_BYTES - length, ".%0*lldZ",
			 (int)(DIGITS_MAX - cut), fraction);
	else
		snprintf(out + length, TIME_TEXT_BYTES - length, "Z");
	return out;
}

unsigned int time_digits(__s64 unix_ns)
{
	unsigned int digits = 0;

	for (__s64 unit_ns = WEIR_NS_PER_SEC; unix_ns % unit_ns; unit_ns /= 1000)
		digits += 3;
	return digits;
}

const char *time_span(double covered_s, unsigned int window_s, char out[TIME_SPAN_BYTES])
{
	const double tenths = floor(10 * covered_s) / 10;

	if (covered_s >= window_s)
		snprintf(out, TIME_SPAN_BYTES, "%u s", window_s);
	else if (covered_s < 10 && tenths != floor(covered_s))
		snprintf(out, TIME_SPAN_BYTES, "%.1f of %u s", tenths, window_s);
	else
		snprintf(out, TIME_SPAN_BYTES, "%.0f of %u s", floor(covered_s), window_s);
	return out;
}

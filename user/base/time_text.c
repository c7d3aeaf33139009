// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/time_text.h"

#include <stdio.h>
#include <time.h>

#include "weir/base.h"

#define DIGITS_MAX 9

const char *time_text(__u64 unix_ns, unsigned int digits, char out[TIME_TEXT_BYTES])
{
	const time_t seconds = unix_ns / WEIR_NS_PER_SEC;
	const unsigned int cut = digits < DIGITS_MAX ? DIGITS_MAX - digits : 0;
	__u64 fraction = unix_ns % WEIR_NS_PER_SEC;
	struct tm utc = {};
	size_t length;

	for (unsigned int i = 0; i < cut; i++)
		fraction /= 10;
	gmtime_r(&seconds, &utc);
	length = strftime(out, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
	if (digits)
		snprintf(out + length, TIME_TEXT_BYTES - length, ".%0*lluZ",
			 (int)(DIGITS_MAX - cut), fraction);
	else
		snprintf(out + length, TIME_TEXT_BYTES - length, "Z");
	return out;
}

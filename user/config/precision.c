// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/precision.h"

#include <errno.h>
#include <string.h>

#define MILLION 1000000
#define UNITS_MAX 1000000000000ull /* a second: what a window's counts of 62 s have room for */
#define PERCENT_MAX 100

int config_precision_parse(const char *text, struct config_precision *out)
{
	struct config_precision precision = {.given = true};
	const char *rest;

	if (!section_decimal(text, 4, &precision.millionths, &rest) &&
	    !strcmp(rest + (*rest == ' '), "%")) {
		precision.relative = true;
		if (precision.millionths > PERCENT_MAX * 10000ull)
			return -EINVAL;
	} else if (section_decimal(text, 6, &precision.millionths, &rest) || *rest ||
		   precision.millionths > UNITS_MAX * MILLION) {
		return -EINVAL;
	}
	*out = precision;
	return 0;
}

int config_read_precision(struct section_reader *r, const struct section_value *value,
			  const struct key *key, void *to)
{
	return config_precision_parse(value->text, to) ? section_refuse_kind(r, value->at, key) : 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How far a coordinator's answer may be from the truth: of a query, or of an answer. */
#ifndef CONFIG_PRECISION_H
#define CONFIG_PRECISION_H

#include "base/section.h"

/* Upper less lower end of the answer at most. */
struct config_precision {
	bool given;
	bool relative;    /* to the answer's lower end */
	__u64 millionths; /* per second of the query's unit, or of the lower end */
};

/* For a struct key: KEY_PRECISION, .at = ... */
#define KEY_PRECISION                                                                              \
	KEY_OWN, .read = config_read_precision,                                                    \
		 .kind = "units per second (5, 0.25) up to 10^12, or a percentage of the answer "  \
			 "(5%) up to 100%"

section_read_own config_read_precision;

/* "5", "0.25", "5%", up to six decimals (of a percentage four). -EINVAL. */
int config_precision_parse(const char *text, struct config_precision *out);

#endif

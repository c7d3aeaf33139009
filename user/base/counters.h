/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Name, text and kind of each counter of the books, out of their table (weir/counters.h). */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include "weir/counters.h"

struct counter_name {
	const char *name, *text;
	enum weir_counter_kind kind;
};

extern const struct counter_name counter_names[WEIR_COUNTER_MAX];

#endif

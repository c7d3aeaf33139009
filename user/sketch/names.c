// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sketch/countdown.h"

static const char *const key_names[] = {
	[WEIR_DISTINCT_FLOW] = "flow", [WEIR_DISTINCT_SRC] = "src",     [WEIR_DISTINCT_DST] = "dst",
	[WEIR_DISTINCT_PAIR] = "pair", [WEIR_DISTINCT_DPORT] = "dport",
};

_Static_assert(sizeof(key_names) / sizeof(*key_names) == WEIR_DISTINCT_MAX, "a name for each");

const char *countdown_key_name(enum weir_distinct key)
{
	return key_names[key];
}

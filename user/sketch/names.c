// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sketch/countdown.h"

const struct key_choice countdown_keys[WEIR_DISTINCT_MAX + 1] = {
	[WEIR_DISTINCT_FLOW] = {"flow", WEIR_DISTINCT_FLOW},
	[WEIR_DISTINCT_SRC] = {"src", WEIR_DISTINCT_SRC},
	[WEIR_DISTINCT_DST] = {"dst", WEIR_DISTINCT_DST},
	[WEIR_DISTINCT_PAIR] = {"pair", WEIR_DISTINCT_PAIR},
	[WEIR_DISTINCT_DPORT] = {"dport", WEIR_DISTINCT_DPORT},
};

const char *countdown_key_name(enum weir_distinct key)
{
	return countdown_keys[key].word;
}

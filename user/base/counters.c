// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/counters.h"

const struct counter_name counter_names[WEIR_COUNTER_MAX] = {
#define X(id, name, kind, text) [WEIR_##id] = {#name, text, WEIR_KIND_##kind},
	WEIR_COUNTERS(X)
#undef X
};

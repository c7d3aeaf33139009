/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the configuration asks of distinct counts: of which keys, in vectors of which size. */
#ifndef CONFIG_DISTINCT_H
#define CONFIG_DISTINCT_H

#include "base/section.h"

struct config_distinct {
	__u32 keys;      /* bit k: enum weir_distinct k */
	bool listed;     /* `keys` is given */
	bool sized;      /* `size` is given */
	__u64 size;      /* bytes of a vector on each CPU; 0: what expect and error take */
	__u32 expect;    /* 0: left out */
	__u32 error_ppm; /* one standard error, 10000: 1 %; 0: left out */
	struct section_place at;
};

#endif

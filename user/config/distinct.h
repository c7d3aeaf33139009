/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the configuration asks of distinct counts: of which keys, in vectors of which size. */
#ifndef CONFIG_DISTINCT_H
#define CONFIG_DISTINCT_H

#include <linux/types.h>
#include <stdbool.h>

#include "weir/countdown.h"

/* A vector for so many keys, told within so much, unless somebody says otherwise. */
#define CONFIG_EXPECT 100000
#define CONFIG_ERROR 0.01

struct config_distinct {
	__u32 keys;                /* bit k: enum weir_distinct k */
	bool listed;               /* `keys` was there */
	bool sized;                /* `size` was there */
	__u32 slabs;               /* of a vector on each CPU; 0: what expect and error take */
	__u32 expect;              /* 0: not said */
	double error;              /* one standard error, 0.01: 1 %; 0: not said */
	unsigned int line, column; /* 1-based, where it stands; 0: nowhere */
};

#endif

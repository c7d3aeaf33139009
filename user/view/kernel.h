/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel gives, and what weir makes of it, in words: weir show status, weir run --check,
 * the line at the start of weir run. All from the one table (meter_features). */
#ifndef VIEW_KERNEL_H
#define VIEW_KERNEL_H

#include <jansson.h>
#include <stdio.h>

#include "meter/meter.h"

#define KERNEL_LACKS_BYTES 448

/* What is missing and matters, in one line: "this kernel has no TCX (Linux 6.6): clsact instead;
 * ...". How many. */
unsigned int kernel_lacks(const struct meter_kernel *k, char out[KERNEL_LACKS_BYTES]);

/* Under a title as those of weir show status. */
void kernel_text(const struct meter_kernel *k, FILE *out);
/* {release btf features: {KEY: {name linux given used means}} verifier: {limit programs}}; null: we
 * may not ask, or it is not known. */
json_t *kernel_json(const struct meter_kernel *k);

#endif

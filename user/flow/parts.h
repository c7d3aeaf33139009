/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What makes one flow of its parts. Each CPU has a flow cache of its own, so what went over two
 * CPUs is there in two parts. Packets and bytes add up, flags too, and the times span all; the type
 * of service is the first packet's.
 *
 * It lives while a part does. How the whole ended is how its last part did.
 */
#ifndef FLOW_PARTS_H
#define FLOW_PARTS_H

#include "flow/ended.h"

bool flow_parts_same(const struct flow_ended *a, const struct flow_ended *b);
void flow_parts_add(struct flow_ended *sum, const struct flow_ended *part);

#endif

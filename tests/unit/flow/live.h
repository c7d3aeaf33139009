/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows of the cache, as the kernel programs write them. */
#ifndef TESTS_FLOW_LIVE_H
#define TESTS_FLOW_LIVE_H

#include <stdint.h>
#include <string.h>

#include "weir/flow.h"

/* 2001:db8::1 to ::ffff:192.0.2.7 */
static const struct weir_pair6 pair6 = {
	.src = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
	.dst = {[10] = 0xff, 0xff, 192, 0, 2, 7},
};

/* From 192.0.2.1 port 1024 to 10.0.0.255 port 53. */
static inline struct weir_flow flow_of(uint8_t proto, uint8_t flags)
{
	struct weir_flow f = {.key = {.proto = proto, .flags = flags}};

	if (!(flags & WEIR_KEY_V6)) {
		memcpy(&f.key.src4, (const uint8_t[]){192, 0, 2, 1}, 4);
		memcpy(&f.key.dst4, (const uint8_t[]){10, 0, 0, 255}, 4);
	}
	memcpy(&f.key.sport, (const uint8_t[]){4, 0}, 2);
	memcpy(&f.key.dport, (const uint8_t[]){0, 53}, 2);
	return f;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* FNV-1a, to know again what was the same; not against an adversary. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <linux/types.h>
#include <stddef.h>

#define DIGEST_EMPTY 0xcbf29ce484222325ull

static inline __u64 digest_add(__u64 digest, const void *data, size_t bytes)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < bytes; i++)
		digest = (digest ^ byte[i]) * 0x100000001b3ull;
	return digest;
}

#endif

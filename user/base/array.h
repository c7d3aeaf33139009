/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdlib.h>

/* The array, with room for one more than `count`, which has grown by ones from 0: the room doubles
 * whenever count has reached a power of two. NULL, and the array as it was: no memory. */
static inline void *array_grow(void *array, unsigned int count, size_t size)
{
	if (count & (count - 1))
		return array;
	return realloc(array, (count ? 2ul * count : 1) * size);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Binary search, said once.
 *
 *   at = search_first(count, i, list[i].key >= key);
 *
 * is the smallest i below `count` for which the condition holds, `count` if there is none. The
 * condition is an expression in i and must be false up to some i and true from there on:
 *
 *   i      0  1  2  3  4  5
 *   key    2  3  5  5  8  9        key >= 5 is first true at 2: where a 5 is, or would be inserted
 *
 * It is asked about log2(count) times, of places below `count` only.
 */
#ifndef BASE_SEARCH_H
#define BASE_SEARCH_H

#define search_first(count, i, condition)                                                          \
	({                                                                                         \
		unsigned int search_low = 0, search_high = (count);                                \
                                                                                                   \
		while (search_low < search_high) {                                                 \
			const unsigned int i = search_low + (search_high - search_low) / 2;        \
                                                                                                   \
			if (condition)                                                             \
				search_high = i;                                                   \
			else                                                                       \
				search_low = i + 1;                                                \
		}                                                                                  \
		search_low;                                                                        \
	})

#endif

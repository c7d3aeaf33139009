/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every header of the contract needs. The contract is compiled by the
 * kernel programs, by user space and by the unit tests, so it holds layouts
 * and arithmetic only: no calls, no allocation, no clock of its own.
 */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Network to host order and back. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define weir_be16(x) __builtin_bswap16(x)
#define weir_be32(x) __builtin_bswap32(x)
#define weir_be64(x) __builtin_bswap64(x)
#else
#define weir_be16(x) (x)
#define weir_be32(x) (x)
#define weir_be64(x) (x)
#endif

/* The compiler can no longer tell what `x` is. */
#define weir_opaque(x) asm volatile("" : "+r"(x))

/*
 * x & mask, computed where it is used, also where the compiler knows that x is no greater. What it
 * knows the verifier may not: it keeps an unchecked copy of x at hand, and until 6.13 a swapped
 * number was any number ("math between map_value pointer and register with unbounded min value is
 * not allowed", "invalid access to packet", 5.10 to 6.12).
 */
static __always_inline __u64 weir_bounded(__u64 x, __u64 mask)
{
	weir_opaque(x);
	return x & mask;
}

#define WEIR_NS_PER_SEC 1000000000ull

/* Grows whenever a layout or a meaning in include/weir changes. An agent adopts pinned maps of
 * its own contract only. */
#define WEIR_CONTRACT 6

#endif

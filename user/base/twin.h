/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A struct of many words that changes as if it were one, for readers in other threads, and for
 * whoever finds the memory after the writer was killed.
 *
 *   serial: 6     copy[0]: valid        copy[1]: free, or being written
 *
 * There are two copies, and the lowest bit of the serial number says which is valid. The writer, of
 * whom there is one, fills the other and moves the serial number on, which is a single store.
 */
#ifndef BASE_TWIN_H
#define BASE_TWIN_H

#include <linux/types.h>
#include <stddef.h>

#define TWIN(type)                                                                                 \
	struct {                                                                                   \
		__u64 serial;                                                                      \
		type copy[2];                                                                      \
	}

/* The struct's own members may be of other types. */
typedef __u64 __attribute__((may_alias)) twin_word;

/* Whoever reads one of the words must see, too, that the copy it was in before is over: so each
 * store is a release. */
static inline void twin_words_store(twin_word *to, const twin_word *from, size_t words)
{
	for (size_t i = 0; i < words; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
}

static inline void twin_words_write(__u64 *serial, void *copies, const void *from, size_t bytes)
{
	__u64 next = *serial + 1;

	twin_words_store((twin_word *)((char *)copies + (next & 1) * bytes), from, bytes / 8);
	__atomic_store_n(serial, next, __ATOMIC_RELEASE);
}

static inline void twin_words_read(const __u64 *serial, const void *copies, void *to, size_t bytes)
{
	__u64 before, after;

	do {
		const twin_word *from;

		before = __atomic_load_n(serial, __ATOMIC_ACQUIRE);
		from = (const twin_word *)((const char *)copies + (before & 1) * bytes);
		for (size_t i = 0; i < bytes / 8; i++)
			((twin_word *)to)[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
		after = __atomic_load_n(serial, __ATOMIC_ACQUIRE);
	} while (before != after);
}

#define twin_write(twin, from)                                                                     \
	twin_words_write(&(twin)->serial, (twin)->copy, from, sizeof(*(from)))
#define twin_read(twin, to) twin_words_read(&(twin)->serial, (twin)->copy, to, sizeof(*(to)))

#endif

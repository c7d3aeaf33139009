/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Countdown Vectors in plain memory: what the kernel does to its own, packet by packet. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sketch/countdown.h"

#define STEP (1ull << 32) /* of the clock */
#define SLAB_CELLS (WEIR_SLAB_LINES * WEIR_CELLS)

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0 < draw_unit() < 1 */
static inline double draw_unit(uint64_t *state)
{
	return ((draw(state) >> 11) + 0.5) * 0x1p-53;
}

static inline struct weir_line *vector_new(uint32_t slabs)
{
	size_t size = slabs * WEIR_SLAB_LINES * sizeof(struct weir_line);
	struct weir_line *lines = aligned_alloc(64, size);

	if (!lines)
		abort();
	return memset(lines, 0, size);
}

static inline void vector_touch(struct weir_line *lines, uint32_t slabs, uint64_t hash,
				uint64_t clock)
{
	struct weir_cell cell = weir_cell_of(hash, slabs);
	struct weir_line *line = &lines[cell.line];

	weir_line_age(line, weir_line_epoch(weir_line_clock(clock, cell.line)));
	line->cells[cell.byte] |= cell.mask;
}

static inline struct countdown_ages vector_read(const struct weir_line *lines, uint32_t slabs,
						uint64_t clock)
{
	struct countdown_ages ages = {0};

	countdown_add(&ages, &lines, 1, 0, slabs * WEIR_SLAB_LINES, clock);
	return ages;
}

#endif

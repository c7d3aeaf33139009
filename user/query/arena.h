/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Memory that lives as long as one expression or one compilation and is then freed whole. Its
 * limit is what keeps an expression that explodes from taking the host's memory with it.
 */
#ifndef QUERY_ARENA_H
#define QUERY_ARENA_H

#include <stddef.h>

struct query_arena {
	struct query_block *blocks; /* newest first */
	size_t used_bytes;
	size_t limit_bytes;
};

/* Zeroed memory, aligned to 16; NULL when the limit is reached or memory is short. */
void *arena_alloc(struct query_arena *arena, size_t bytes);
void arena_free(struct query_arena *arena);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "query/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES 16384
#define ALIGN 16

struct query_block {
	struct query_block *older;
	size_t used, size;
	_Alignas(ALIGN) unsigned char data[];
};

static struct query_block *block_add(struct query_arena *arena, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct query_block *block;

	if (size > arena->limit_bytes - arena->used_bytes)
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	block->older = arena->blocks;
	arena->blocks = block;
	arena->used_bytes += size;
	return block;
}

void *arena_alloc(struct query_arena *arena, size_t bytes)
{
	struct query_block *block = arena->blocks;
	void *at;

	if (bytes > arena->limit_bytes)
		return NULL;
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!block || bytes > block->size - block->used) {
		block = block_add(arena, bytes);
		if (!block)
			return NULL;
	}
	at = block->data + block->used;
	block->used += bytes;
	return at;
}

void arena_free(struct query_arena *arena)
{
	while (arena->blocks) {
		struct query_block *older = arena->blocks->older;

		free(arena->blocks);
		arena->blocks = older;
	}
	arena->used_bytes = 0;
}

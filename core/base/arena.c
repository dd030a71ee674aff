/* SPDX-License-Identifier: MIT
 * arena.c - see arena.h. */
#include "core/base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 * 1024)

struct block {
    struct block *next; /* owned */
    alignas(max_align_t) char bytes[];
};

/* Invariant: used <= bytes_max; `room` bytes at `free_bytes` are free and zeroed. */
struct arena {
    size_t bytes_max;
    size_t used;
    struct block *blocks; /* owned; the newest first */
    char *free_bytes;     /* within one of the blocks */
    size_t room;
};

int arena_new(size_t bytes_max, struct arena **out_arena)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        return -ENOMEM;
    arena->bytes_max = bytes_max;
    *out_arena = arena;
    return 0;
}

static struct block *add_block(struct arena *arena, size_t bytes)
{
    struct block *block = calloc(1, sizeof *block + bytes);
    if (!block)
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    const size_t step = alignof(max_align_t);
    if (bytes > arena->bytes_max - arena->used)
        return NULL;
    bytes = bytes == 0 ? step : (bytes + step - 1) / step * step;
    if (bytes > arena->bytes_max - arena->used)
        return NULL;

    /* What is big gets a block of its own; the free rest of the newest stays in use. */
    if (bytes > BLOCK_BYTES / 4) {
        struct block *block = add_block(arena, bytes);
        if (!block)
            return NULL;
        arena->used += bytes;
        return block->bytes;
    }
    if (bytes > arena->room) {
        struct block *block = add_block(arena, BLOCK_BYTES);
        if (!block)
            return NULL;
        arena->free_bytes = block->bytes;
        arena->room = BLOCK_BYTES;
    }
    void *memory = arena->free_bytes;
    arena->free_bytes += bytes;
    arena->room -= bytes;
    arena->used += bytes;
    return memory;
}

void *arena_take_array(struct arena *arena, size_t count, size_t item_bytes)
{
    if (item_bytes != 0 && count > SIZE_MAX / item_bytes)
        return NULL;
    return arena_take(arena, count * item_bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = arena_take(arena, len + 1);
    if (copy)
        memcpy(copy, text, len); /* the memory is zeroed: the NUL is there */
    return copy;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

void arena_free(struct arena *take_arena)
{
    if (!take_arena)
        return;
    for (struct block *block = take_arena->blocks, *next = NULL; block; block = next) {
        next = block->next;
        free(block);
    }
    free(take_arena);
}

/* SPDX-License-Identifier: MIT
 * arena.h - memory that is given back all at once, with a limit on the whole.
 *
 * Layer: core/base.  Threads: none of its own; the owner locks.  For what is built once from bytes
 * of others: their size cannot make it grow beyond the limit. */
#pragma once

#include <stddef.h>

#include "core/base/own.h"

struct arena; /* opaque: the fields live in arena.c */

/* Makes an empty arena that gives out at most `bytes_max` bytes.  Returns 0 or -ENOMEM. */
MUST_USE int arena_new(size_t bytes_max, struct arena **out_arena);

/* Takes `bytes` zeroed bytes, aligned for any type, that live as long as the arena.
 * Returns NULL when the limit would be passed or there is no memory. */
MUST_USE void *arena_take(struct arena *arena, size_t bytes);

/* As arena_take(), for an array; guards against overflow. */
MUST_USE void *arena_take_array(struct arena *arena, size_t count, size_t item_bytes);

/* Copies `len` bytes of text and ends them with NUL.  Returns NULL as arena_take(). */
MUST_USE char *arena_copy(struct arena *arena, const char *text, size_t len);

/* Bytes that were taken, alignment included. */
size_t arena_used(const struct arena *arena);

/* Gives all of it back; NULL is fine. */
void arena_free(struct arena *take_arena);
DEFINE_DROP(arena, struct arena)

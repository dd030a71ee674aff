/* SPDX-License-Identifier: MIT
 * stack.h - stacks for tasks: guarded, pooled, and given back when too many lie idle.
 *
 * Layer: plugins/kit.  Threads: a shelf belongs to one loop; the store behind the shelves is
 * locked.
 *
 * Stacks are cut from slabs that are mapped once and stay.  Below each lies a guard page:
 * MADV_GUARD_INSTALL where the kernel has it (Linux 6.13), which costs no mapping, else mprotect,
 * which ends near 32,000 stacks at the kernel's limit of mappings (vm.max_map_count).  Sizes are
 * powers of two. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yoke/spawner.h>

#define KIT_STACK_BYTES_MIN     ((size_t)16 * 1024)
#define KIT_STACK_BYTES_DEFAULT ((size_t)128 * 1024)
#define KIT_STACK_BYTES_MAX     ((size_t)64 * 1024 * 1024)
#define KIT_STACK_CLASSES       13  /* 16 KiB to 64 MiB */
#define KIT_STACK_WARM_MAX      256 /* idle stacks of a loop whose memory is kept */

struct kit_stack {
    struct kit_stack *next; /* in the list that it lies in */
    char *low;              /* lowest usable byte; the guard is the page below */
    uint32_t bytes;         /* usable */
    uint16_t class;
    uint16_t color; /* 0..15, so that the tops of stacks do not meet in the cache */
    bool foreign;   /* the store's: for a task that another thread spawned on its loop */
};

struct kit_slab;

/* All stacks of a spawner. */
struct kit_store {
    const yk_host *host; /* borrowed */
    uint64_t bytes_max;  /* of address space; 0: no limit */
    pthread_mutex_t mutex;
    struct kit_slab *slabs;
    struct kit_stack *free[KIT_STACK_CLASSES]; /* given back by foreign threads */
    uint64_t bytes;
    uint64_t count;      /* stacks that there are */
    uint64_t free_count; /* of these, in the lists above */
    bool guard_by_mprotect;
};

/* A loop's own idle stacks, without a lock. */
struct kit_shelf {
    struct kit_store *store; /* borrowed */
    struct kit_stack *warm[KIT_STACK_CLASSES];
    struct kit_stack *cold[KIT_STACK_CLASSES];
    uint64_t warm_count;
    uint64_t cold_count;
};

void kit_store_init(struct kit_store *store, const yk_host *host, uint64_t bytes_max);
void kit_store_done(struct kit_store *store); /* every stack is idle */

/* The class for a wish of `bytes` (0: the default), or -EINVAL beyond KIT_STACK_BYTES_MAX. */
int kit_stack_class(size_t bytes);

/* An idle stack from the shelf, else from the store, else from a new slab; NULL when there is no
 * memory. */
struct kit_stack *kit_shelf_take(struct kit_shelf *shelf, int class);
void kit_shelf_give(struct kit_shelf *shelf, struct kit_stack *stack);

/* Gives the memory of some idle stacks back to the kernel.  Returns whether more are to be done. */
bool kit_shelf_trim(struct kit_shelf *shelf);

/* The same from a thread that has no shelf. */
struct kit_stack *kit_store_take(struct kit_store *store, int class);
void kit_store_give(struct kit_store *store, struct kit_stack *stack);

/* Whose is the address?  Async-signal-safe.  Returns the stack or NULL; *out_guard tells whether it
 * lies in the guard. */
struct kit_stack *kit_store_find(struct kit_store *store, const void *address, bool *out_guard);

/* How deep the stack was ever used since its memory was last given back, in bytes; whole pages. */
size_t kit_stack_depth(const struct kit_stack *stack);

/* SPDX-License-Identifier: MIT
 * thread_spawner.h - one runtime of threads: a task is a thread, and nothing else runs.
 *
 * Layer: plugins/threads.  Threads: as <yoke/spawner.h> says of each verb.
 * Start at spawner_create(), then the table of verbs in thread_spawner.c. */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <yoke/spawner.h>

#include "plugins/threads/thread_crew.h"
#include "plugins/threads/thread_io.h"
#include "plugins/threads/thread_worker.h"

#define SPAWNER_EXTRA_BYTES_MAX 4096

struct kit_pool;

struct spawner {
    yk_spawner head;     /* what the host knows; first */
    const yk_host *host; /* borrowed */
    uint32_t extra_bytes;
    atomic_bool inert;      /* in a forked child */
    atomic_bool inside;     /* a thread is inside block_on */
    _Atomic uint64_t wakes; /* counted by who was woken: the other may touch nothing any more */
    struct kit_pool *pool;  /* owned */
    struct crew crew;
    struct io_table ios;
    struct worker main_worker; /* the caller of block_on */
};

static inline struct spawner *spawner_of(yk_spawner *head)
{
    assert(head && head->magic == YK_SPAWNER_MAGIC);
    return (struct spawner *)(void *)head;
}

static inline bool spawner_is_inert(struct spawner *spawner)
{
    return atomic_load_explicit(&spawner->inert, memory_order_relaxed);
}

static inline void spawner_count_wake(struct spawner *spawner)
{
    atomic_fetch_add_explicit(&spawner->wakes, 1, memory_order_relaxed);
}

/* The create() of the runtime (ABI C1). */
int32_t spawner_create(const yk_host *host, const yk_config *config, yk_spawner **out_spawner,
                       const yk_ops **out_ops, yk_error *error);

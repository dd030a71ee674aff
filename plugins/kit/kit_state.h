/* SPDX-License-Identifier: MIT
 * kit_state.h - one spawner made by the kit: its loops, stacks, descriptors and pool.
 *
 * Layer: plugins/kit.  Threads: as each member says. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugins/kit/loop.h"
#include "plugins/kit/pool.h"
#include "plugins/kit/stack.h"

#define KIT_LOOPS_MAX 256

struct kit {
    yk_spawner spawner; /* the head (ABI); first */
    const yk_host *host;
    struct kit_pool *pool; /* owned */
    struct kit_store store;
    uint32_t extra_bytes;
    int stack_class; /* the default */
    uint32_t tasks_max;
    bool census;                    /* measure how deep each task's stack went */
    int64_t watchdog_ms;            /* 0: none */
    struct kit_watchdog *watchdog;  /* owned; NULL: none */
    bool inert;                     /* in a forked child */
    _Atomic uint64_t foreign_ids;   /* tasks that foreign threads spawned */
    _Atomic uint64_t tasks_counted; /* only kept if tasks_max is set */
    _Atomic uint64_t stack_depth_peak;

    pthread_mutex_t drive_mutex; /* guards `driven`, and loop 0 while nobody drives it */
    bool driven;                 /* some thread is inside block_on */

    pthread_mutex_t io_mutex; /* guards the two below */
    yk_io **io_by_fd;         /* which descriptors have a handle */
    uint32_t io_by_fd_count;
    uint32_t io_open_count;

    uint32_t loops_count;
    uint32_t threads_count; /* threads started: loops 1.. */
    pthread_t threads[KIT_LOOPS_MAX];
    struct kit_loop *loops; /* owned */
};

static inline struct kit *kit_of(yk_spawner *spawner)
{
    return (struct kit *)(void *)spawner;
}

/* Runs visit(loop, arg) on the loop's thread and waits until it has.  Any thread.  On a task of a
 * kit runtime it parks. */
void kit_on_loop(struct kit_loop *loop, void (*visit)(struct kit_loop *loop, void *arg), void *arg);

/* The same on each loop, one after the other. */
void kit_on_each_loop(struct kit *kit, void (*visit)(struct kit_loop *loop, void *arg), void *arg);

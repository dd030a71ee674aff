/* SPDX-License-Identifier: MIT
 * thread_worker.h - a thread that runs tasks one after the other, and the cache of those without
 * one.
 *
 * Layer: plugins/threads.  Threads: any, unless said.  Start at cache_get(), worker_order().
 *
 * A worker whose task has ended waits in the cache for the next, `idle_ms` at the longest, so that
 * most spawns need no new thread: an order is one store and one futex wake.  Who took a worker out
 * of the cache owns it until it has ordered it.  A worker that leaves joins the one that left
 * before it; the last one is joined by cache_stop(). */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <yoke/spawner.h>

#define WORKER_STACK_BYTES_DEFAULT ((uint32_t)256 * 1024)
#define WORKER_STACK_BYTES_MIN     ((uint32_t)64 * 1024)
#define WORKER_STACK_BYTES_MAX     ((uint32_t)1024 * 1024 * 1024)

struct task;

/* The threads of one spawner. */
struct cache {
    const yk_host *host; /* borrowed */
    uint32_t idle_max;
    int64_t idle_ns;
    size_t stack_bytes;        /* of a thread that can be cached, all included */
    uint64_t stack_memory_max; /* 0: no limit */
    _Atomic uint64_t *wakes;   /* borrowed: counts futex wakes */

    pthread_mutex_t mutex;     /* guards what follows */
    pthread_cond_t gone;       /* the last worker leaves, while stopping */
    struct worker *idle_first; /* the one that ran a task last, whose stack is warm */
    uint32_t idle;
    uint32_t workers; /* that are not joined, but for `ended` */
    uint64_t stack_memory;
    bool stopping;
    bool has_ended;
    pthread_t ended; /* left last, to be joined by who leaves next */
};

struct worker {
    _Atomic uint32_t order; /* NONE, ASLEEP (none, and it sleeps), GIVEN */
    int wake_fd;            /* owned eventfd that interrupts a ppoll; -1 until one is needed */
    struct task *task;      /* the order's; NULL: leave */
    yk_task *current;       /* the slot that the host looks at */

    struct cache *cache; /* borrowed; NULL: the caller of block_on */
    size_t stack_bytes;
    const char *stack_low; /* lowest usable byte; NULL: unknown */
    size_t stack_usable, guard_bytes;

    bool idle; /* in the cache, guarded by its lock, as are the links */
    struct worker *next, *prev;
};

/* stack_bytes  what a task is to have at least; 0: the default */
void cache_init(struct cache *cache, const yk_host *host, uint32_t stack_bytes);

/* Ends and joins all threads, which are idle.  Blocks. */
void cache_stop(struct cache *cache);
void cache_done(struct cache *cache);

/* Gives a worker with a stack of at least stack_bytes (0: the default), idle or new.
 * Returns 0, -ENOMEM, -EAGAIN (the system's limit). */
int cache_get(struct cache *cache, uint32_t stack_bytes, struct worker **out_worker);

/* Hands a task to a worker from cache_get().  NULL: it ends. */
void worker_order(struct worker *worker, struct task *task);

/* Threads that there are. */
uint64_t cache_count(struct cache *cache);

/* The worker of the calling thread, or NULL.  Async-signal-safe. */
struct worker *worker_here(void);

/* Makes the calling thread a worker, and ends that.  `role` as yk_host.thread_start. */
void worker_enter(struct worker *worker, const yk_host *host, const char *role);
void worker_leave(struct worker *worker, const yk_host *host);

/* The descriptor that interrupts a ppoll of this worker, made when it is first needed.  By the
 * worker itself. Returns 0 or -ENOMEM (of descriptors, too). */
int worker_need_wake_fd(struct worker *worker);

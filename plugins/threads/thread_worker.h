/* SPDX-License-Identifier: MIT
 * thread_worker.h - a thread that runs tasks, one after the other, as it is ordered.
 *
 * Layer: plugins/threads.  Threads: as said.
 *
 * A worker whose task has ended waits in its crew for the next, so that most spawns need no new
 * thread: an order is one store and one futex wake.  Who took a worker out of the crew owns it
 * until it has ordered it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yoke/spawner.h>

struct crew;
struct task;

struct worker {
    _Atomic uint32_t order; /* NONE, ASLEEP (none, and it sleeps), GIVEN */
    int wake_fd;            /* owned eventfd that interrupts a ppoll; -1 until one is needed */
    struct task *task;      /* the order's; NULL: leave */
    yk_task *current;       /* the slot that the host looks at */

    struct crew *crew;          /* borrowed; NULL: the caller of block_on */
    bool idle;                  /* guarded by the crew's lock, as are the links */
    bool was_woken;             /* for the last order; its own */
    struct worker *next, *prev; /* among the idle */

    size_t stack_bytes;    /* address space that it takes, guarded by the crew's lock */
    const char *stack_low; /* lowest usable byte; NULL: unknown */
    size_t stack_usable, guard_bytes;
};

/* Makes a thread with a stack of so many bytes that waits for an order, in no crew's list.  Any
 * thread.  Returns 0, -ENOMEM, -EAGAIN (the system's limit). */
int worker_new(struct crew *crew, size_t stack_bytes, struct worker **out_worker);

/* Hands a task to a worker that the caller owns.  NULL: it leaves.  Any thread. */
void worker_order(struct worker *worker, struct task *task);

/* The worker of the calling thread, or NULL.  Async-signal-safe. */
struct worker *worker_here(void);

/* Makes the calling thread a worker, and ends that.  `role` as yk_host.thread_start. */
void worker_enter(struct worker *worker, const yk_host *host, const char *role);
void worker_leave(struct worker *worker, const yk_host *host);

/* The descriptor that interrupts a ppoll of this worker, made when it is first needed.  By the
 * worker itself.  Returns 0 or -ENOMEM (of descriptors, too). */
int worker_need_wake_fd(struct worker *worker);

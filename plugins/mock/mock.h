/* SPDX-License-Identifier: MIT
 * mock.h - one mock runtime: a loop without an event loop's library, whose time is its own and
 * whose order is drawn from a seed.
 *
 * Layer: plugins/mock.  Threads: tasks run on the thread that is inside block_on; everything here
 * but what is atomic is guarded by `mutex`, which is free whenever a task runs.
 * Start at mock_schedule.h. */
#pragma once

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <yoke/spawner.h>

#include "plugins/kit/context.h"
#include "plugins/kit/pool.h"
#include "plugins/kit/stack.h"
#include "plugins/kit/timers.h"

#define MOCK_EXTRA_BYTES_MAX 1024
#define MOCK_CLOCK_START     INT64_C(1000000000)

struct mock_fiber;

/* Ready tasks, any of which may be the next. */
struct mock_round {
    struct mock_fiber **fibers; /* owned; `slots` of the mock's rounds */
    uint32_t count;
};

struct mock {
    yk_spawner head;      /* what the host knows; first */
    const yk_host *host;  /* borrowed */
    uint32_t extra_bytes; /* configuration, down to here: */
    uint32_t tasks_max;   /* 0: no limit */
    int stack_class;
    uint64_t seed; /* of the next draw */
    int grace_ms, io_grace_ms, job_patience_ms, patience_ms;

    pthread_mutex_t mutex;
    pthread_cond_t awake;  /* the driving thread has come back from poll */
    struct kit_pool *pool; /* owned */
    struct kit_store store;
    int wake_fd; /* owned eventfd: ends a poll of the driving thread */
    bool inert;  /* in a forked child */

    /* The driving thread's. */
    bool driven;
    bool sleeping;              /* in poll, without the mutex */
    uint64_t sleeps;            /* counts them */
    yk_task *current;           /* the slot that the host looks at */
    struct mock_fiber *dead;    /* has just left for ever */
    struct kit_context context; /* of the scheduler */
    struct mock_fiber *main;    /* of this block_on; NULL: it has ended */
    uint32_t switches;          /* since the last look at descriptors */

    /* Tasks.  Each array has room for all that live, so that waking cannot fail. */
    struct mock_round now, next, later;
    uint32_t slots;
    struct mock_fiber *live_first;
    struct mock_fiber *inbox_first, *inbox_last; /* woken by other threads */
    uint64_t live, peak, spawned;
    uint64_t blocks; /* whose memory is there */
    uint64_t jobs;   /* on the pool, not done */

    /* Time. */
    _Atomic int64_t time;
    struct kit_timers timers;

    /* Descriptors. */
    yk_io **handles; /* owned; by descriptor */
    uint32_t handles_slots;
    uint32_t handles_open;
    struct mock_fiber **waiting; /* owned; for descriptors */
    struct pollfd *polled;       /* owned; room for them and wake_fd */
    struct mock_fiber **asked;   /* owned; whose polled[i + 1] is */
    uint32_t waiting_count, waiting_slots;
    uint64_t polls;
};

/* The mock that this thread drives, or NULL. */
struct mock *mock_here(void);

static inline struct mock *mock_of(yk_spawner *head)
{
    assert(head && head->magic == YK_SPAWNER_MAGIC);
    return (struct mock *)(void *)head;
}

/* The create() of the runtime (ABI C1). */
int32_t mock_create(const yk_host *host, const yk_config *config, yk_spawner **out_spawner,
                    const yk_ops **out_ops, yk_error *error);

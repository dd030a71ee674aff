/* SPDX-License-Identifier: MIT
 * foreign.h - a thread that the runtime knows nothing of.
 *
 * Layer: tests/conformance.  Threads: started and joined by one. */
#pragma once

#include <pthread.h>

#include "tests/conformance/verdict.h"

typedef void *foreign_fn(void *arg);

static inline pthread_t foreign_start(foreign_fn *fn, void *arg)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, fn, arg) == 0, "the kit cannot start a thread");
    return thread;
}

/* Blocks the calling thread: on a task only when the foreign thread is about to end by itself. */
static inline void foreign_join(pthread_t thread)
{
    EXPECT(pthread_join(thread, NULL) == 0, "the kit cannot join a thread");
}

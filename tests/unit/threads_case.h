/* SPDX-License-Identifier: MIT
 * threads_case.h - what the tests of plugins/threads share: the runtime, driven by its bare verbs.
 *
 * Layer: tests/unit.  Threads: the test's own, unless said. */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/runtime/host.h"
#include "tests/support/support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define THREADS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define THREADS_SANITIZED 1
#endif
#endif

/* Opens the runtime with `count` options. */
static inline yk_spawner *threads_open(const yk_option *options, uint32_t count)
{
    yk_config config = {.size = sizeof config, .options = options, .options_count = count};
    return support_spawner_with("threads", &config);
}

/* Runs the main task, which returns 0 when all went well. */
static inline void threads_run(yk_spawner *spawner, yk_entry_fn *entry, void *arg)
{
    int32_t result = -1;
    ck_assert_int_eq(spawner->ops->block_on(spawner, NULL, entry, arg, &result), 0);
    ck_assert_int_eq(result, 0);
}

/* Starts a task; the handle is the caller's. */
static inline yk_task *threads_spawn(yk_spawner *spawner, yk_entry_fn *entry, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(spawner->ops->spawn(spawner, NULL, entry, arg, &task), 0);
    ck_assert_ptr_nonnull(task);
    return task;
}

/* Waits, on no task, until so many tasks live. */
static inline void threads_await_live(yk_spawner *spawner, uint64_t count)
{
    yk_stats stats = {.size = sizeof stats};
    int64_t deadline = support_deadline(NULL);
    do {
        (void)sched_yield();
        spawner->ops->stats(spawner, &stats);
    } while (stats.tasks_live != count && yk_now(NULL) < deadline);
    ck_assert_uint_eq(stats.tasks_live, count);
}

/* Looks until another thread has made it true. */
#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        int64_t await_deadline = support_deadline(NULL);                                           \
        for (; !(condition); (void)sched_yield())                                                  \
            ck_assert_msg(yk_now(NULL) < await_deadline, "%s: does not come true", #condition);    \
    } while (0)

static inline void *threads_tell_number(void *out_number)
{
    *(pid_t *)out_number = gettid();
    return NULL;
}

/* The threads of the process, those included that a sanitizer starts beside the first one. */
static inline int threads_count(void)
{
    pthread_t thread;
    pid_t number = 0;
    char path[64];
    ck_assert_int_eq(pthread_create(&thread, NULL, threads_tell_number, &number), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    (void)snprintf(path, sizeof path, "/proc/self/task/%d", number);
    AWAIT(access(path, F_OK) < 0);
    return support_thread_count();
}

/* A task that waits for its token. */
static inline int32_t threads_park(yk_task *self, void *arg)
{
    (void)arg;
    return self->ops->park(self, YK_NEVER);
}

static inline int32_t threads_nothing(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

/* Gives a handle back. */
static inline void threads_unref(yk_task *task)
{
    task->ops->unref(task);
}

/* A runtime that was left out of the build or of RUNTIMES is skipped, not passed. */
static inline int threads_main(Suite *suite)
{
    const char *runtimes = getenv("RUNTIMES");
    if (!runtimes || strstr(runtimes, "threads"))
        return support_main(suite);
    srunner_free(srunner_create(suite));
    return 77;
}

/* SPDX-License-Identifier: MIT
 * thread_futex.h - sleep on a word, and the clock that deadlines are of.
 *
 * Layer: plugins/threads.  Threads: any.  Source: futex(2).
 *
 * Waits may end without cause; who waits looks at the word again. */
#pragma once

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <yoke/spawner.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)

static inline int64_t clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC,
                        &now); /* cannot fail: the clock is there since Linux 2.6 */
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* ns  0 or more */
static inline struct timespec clock_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_SECOND),
                             .tv_nsec = (long)(ns % NS_PER_SECOND)};
}

/* Waits while the word is `value`, until `deadline` (> 0, or YK_NEVER).  Returns 0 or -ETIMEDOUT;
 * never early. */
static inline int futex_wait_until(_Atomic uint32_t *word, uint32_t value, int64_t deadline)
{
    struct timespec until = clock_timespec(deadline);
    long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
                     deadline == YK_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    return r < 0 && errno == ETIMEDOUT && clock_now() >= deadline ? -ETIMEDOUT : 0;
}

/* As futex_wait_until(), for a span of time from now; a signal starts it anew. */
static inline int futex_wait_for(_Atomic uint32_t *word, uint32_t value, int64_t ns)
{
    struct timespec span = clock_timespec(ns);
    long r = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &span, NULL, 0);
    return r < 0 && errno == ETIMEDOUT ? -ETIMEDOUT : 0;
}

/* Wakes one that waits, or all.  The word may be gone already: its address alone counts. */
static inline void futex_wake(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); /* cannot fail */
}

static inline void futex_wake_all(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0); /* cannot fail */
}

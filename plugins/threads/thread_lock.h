/* SPDX-License-Identifier: MIT
 * thread_lock.h - a lock of one word, for a few instructions at a time.
 *
 * Layer: plugins/threads.  Threads: any.  Never held across a wait or a foreign call, but for a
 * visitor's.  A spawn takes one twice; a mutex of the C library costs five times the instructions.
 * Source: Ulrich Drepper, "Futexes Are Tricky" (2011), mutex 2. */
#pragma once

#include "plugins/threads/thread_futex.h"

struct thread_lock {
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody may sleep */
};

void thread_lock_take_slow(struct thread_lock *lock);

/* Zeroed memory is a free lock. */
static inline void thread_lock_take(struct thread_lock *lock)
{
    uint32_t seen = 0;
    if (!atomic_compare_exchange_strong_explicit(&lock->word, &seen, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        thread_lock_take_slow(lock);
}

static inline void thread_lock_give(struct thread_lock *lock)
{
    if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
        futex_wake(&lock->word); /* the memory may be gone: its address counts */
}

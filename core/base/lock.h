/* SPDX-License-Identifier: MIT
 * lock.h - a lock of one word, for a few instructions at a time.
 *
 * Layer: core/base.  Threads: any, on a task or off.  Never held across a wait, an allocation or a
 * foreign call.
 *
 * Giving it is a plain store: half of what a lock costs that counts its waiters, and most locks
 * here are never waited for.  Whoever finds it held spins, then lets others run, then sleeps for a
 * moment at a time on a futex that nobody wakes; a holder is away for long only when it was
 * preempted. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t word; /* 0 free, 1 held */
};

void lock_take_slow(struct lock *lock);

/* Zeroed memory is a free lock. */
static inline void lock_init(struct lock *lock)
{
    atomic_init(&lock->word, 0);
}

static inline void lock_take(struct lock *lock)
{
    if (__builtin_expect(atomic_exchange_explicit(&lock->word, 1, memory_order_acquire) != 0, 0))
        lock_take_slow(lock);
}

static inline void lock_give(struct lock *lock)
{
    atomic_store_explicit(&lock->word, 0, memory_order_release);
}

/* Waits for `*word` to stop being `value`, which another thread is about to change within a few
 * instructions. */
void lock_await_change(_Atomic uint32_t *word, uint32_t value);

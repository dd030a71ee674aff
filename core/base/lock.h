/* SPDX-License-Identifier: MIT
 * lock.h - a lock of one word, for a few instructions at a time.
 *
 * Layer: core/base.  Threads: any, on a task or off.  Never held across a wait, an allocation or a
 * foreign call. A short spin, then a futex; an uncontended pair costs two atomic instructions and
 * no system call. Source: Ulrich Drepper, "Futexes Are Tricky" (2011), mutex 2. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody may sleep */
};

void lock_take_slow(struct lock *lock);
void lock_give_slow(struct lock *lock);

/* Zeroed memory is a free lock. */
static inline void lock_init(struct lock *lock)
{
    atomic_init(&lock->word, 0);
}

static inline void lock_take(struct lock *lock)
{
    uint32_t expected = 0;
    if (__builtin_expect(!atomic_compare_exchange_strong_explicit(
                             &lock->word, &expected, 1, memory_order_acquire, memory_order_relaxed),
                         0))
        lock_take_slow(lock);
}

static inline void lock_give(struct lock *lock)
{
    if (__builtin_expect(atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2, 0))
        lock_give_slow(lock);
}

/* Waits for `*word` to stop being `value`, which another thread is about to change within a few
 * instructions. */
void lock_await_change(_Atomic uint32_t *word, uint32_t value);

/* SPDX-License-Identifier: MIT
 * lock.c - see lock.h. */
#include "core/base/lock.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPIN_COUNT_MAX 100

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

void lock_take_slow(struct lock *lock)
{
    for (int i = 0; i < SPIN_COUNT_MAX; i++) {
        uint32_t expected = 0;
        if (atomic_compare_exchange_weak_explicit(&lock->word, &expected, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        cpu_relax();
    }
    while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
        (void)syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL,
                      0); /* EAGAIN, EINTR: try again */
}

void lock_give_slow(struct lock *lock)
{
    (void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
                  0); /* cannot fail on our own word */
}

void lock_await_change(_Atomic uint32_t *word, uint32_t value)
{
    for (int i = 0; atomic_load_explicit(word, memory_order_acquire) == value; i++) {
        if (i < SPIN_COUNT_MAX)
            cpu_relax();
        else
            (void)sched_yield(); /* the other was preempted */
    }
}

/* SPDX-License-Identifier: MIT
 * thread_lock.c - see thread_lock.h. */
#include "plugins/threads/thread_lock.h"

#define SPIN_COUNT_MAX 100

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

void thread_lock_take_slow(struct thread_lock *lock)
{
    for (int i = 0; i < SPIN_COUNT_MAX; i++) {
        uint32_t seen = 0;
        if (atomic_compare_exchange_weak_explicit(&lock->word, &seen, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        cpu_relax();
    }
    while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
        (void)futex_wait_until(&lock->word, 2, YK_NEVER);
}

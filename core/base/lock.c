/* SPDX-License-Identifier: MIT
 * lock.c - see lock.h. */
#include "core/base/lock.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPINS_MAX  100
#define YIELDS_MAX 20
#define NAP_NS     50000

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* Waits a little before the nth look at a word that holds `value`, longer each time. */
static void back_off(_Atomic uint32_t *word, uint32_t value, int n)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};
    if (n < SPINS_MAX)
        cpu_relax();
    else if (n < SPINS_MAX + YIELDS_MAX)
        (void)sched_yield(); /* cannot fail */
    else
        (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &nap, NULL,
                      0); /* then look again */
}

void lock_take_slow(struct lock *lock)
{
    int n = 0;
    do
        while (atomic_load_explicit(&lock->word, memory_order_relaxed) != 0)
            back_off(&lock->word, 1, n++);
    while (atomic_exchange_explicit(&lock->word, 1, memory_order_acquire) != 0);
}

void lock_await_change(_Atomic uint32_t *word, uint32_t value)
{
    for (int n = 0; atomic_load_explicit(word, memory_order_acquire) == value; n++)
        back_off(word, value, n);
}

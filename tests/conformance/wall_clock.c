/* SPDX-License-Identifier: MIT
 * wall_clock.c - see wall_clock.h.
 *
 * The functions here stand before the C library's: a program's own symbols come first for the
 * objects that it loads, RTLD_LOCAL or not. */
#include "tests/conformance/wall_clock.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FIRST __attribute__((visibility("default")))

typedef int clock_gettime_fn(clockid_t clock, struct timespec *now);

static _Atomic int64_t jump_s;
static _Atomic(clock_gettime_fn *) libc_clock_gettime;

void wall_clock_jump(int64_t seconds)
{
    atomic_fetch_add(&jump_s, seconds);
}

__attribute__((constructor)) static void find_libc_clock(void)
{
    union {
        void *object;
        clock_gettime_fn *function;
    } found = {.object = dlsym(RTLD_NEXT, "clock_gettime")};
    atomic_store(&libc_clock_gettime, found.function);
}

static int true_time(clockid_t clock, struct timespec *now)
{
    clock_gettime_fn *libc = atomic_load_explicit(&libc_clock_gettime, memory_order_relaxed);
    return libc ? libc(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
}

FIRST int clock_gettime(clockid_t clock, struct timespec *now)
{
    int r = true_time(clock, now);
    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += atomic_load_explicit(&jump_s, memory_order_relaxed);
    return r;
}

FIRST int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec time_of_day;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &time_of_day);
    *now = (struct timeval){.tv_sec = time_of_day.tv_sec, .tv_usec = time_of_day.tv_nsec / 1000};
    return 0;
}

FIRST time_t time(time_t *out_now)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out_now)
        *out_now = now.tv_sec;
    return now.tv_sec;
}

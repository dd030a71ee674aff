/* SPDX-License-Identifier: MIT
 * clock_trouble.c - see clock_trouble.h.
 *
 * The functions here stand before the C library's: a program's own symbols come first for the
 * objects that it loads, RTLD_LOCAL or not. */
#include "tests/conformance/clock_trouble.h"

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
static _Atomic uint32_t stall_each;
static _Atomic int64_t stall_us;
static _Atomic uint32_t looks;
static _Atomic(clock_gettime_fn *) libc_clock_gettime;

void clock_trouble_jump(int64_t seconds)
{
    atomic_fetch_add(&jump_s, seconds);
}

void clock_trouble_stall(uint32_t each_nth, int64_t us)
{
    atomic_store(&stall_us, us);
    atomic_store(&stall_each, each_nth);
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

static int64_t monotonic_us(void)
{
    struct timespec now;
    (void)true_time(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void stall(void)
{
    uint32_t each = atomic_load_explicit(&stall_each, memory_order_relaxed);
    if (__builtin_expect(each == 0, 1) || atomic_fetch_add(&looks, 1) % each != 0)
        return;
    int64_t end_us = monotonic_us() + atomic_load(&stall_us);
    while (monotonic_us() < end_us)
        continue;
}

FIRST int clock_gettime(clockid_t clock, struct timespec *now)
{
    int r = true_time(clock, now);
    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += atomic_load_explicit(&jump_s, memory_order_relaxed);
    stall();
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

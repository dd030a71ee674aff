/* SPDX-License-Identifier: MIT
 * fail_nth.c - makes one allocation fail; see support.h.
 *
 * The linker's --wrap sends the program's own allocations here; the plugins' come through the host
 * table, whose alloc() is part of the program. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t left; /* allocations until the one that fails; 0: none will */
static _Atomic bool done;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
char *__real_strdup(const char *text);
int __real_posix_memalign(void **out_memory, size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__wrap_strdup(const char *text);
int __wrap_posix_memalign(void **out_memory, size_t alignment, size_t bytes);

static bool fails(void)
{
    uint64_t n = atomic_load_explicit(&left, memory_order_relaxed);
    while (n != 0 && !atomic_compare_exchange_weak(&left, &n, n - 1))
        ;
    if (n != 1)
        return false;
    atomic_store(&done, true);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return fails() ? NULL : __real_realloc(memory, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

int __wrap_posix_memalign(void **out_memory, size_t alignment, size_t bytes)
{
    return fails() ? ENOMEM : __real_posix_memalign(out_memory, alignment, bytes);
}

void support_fail_nth_alloc(uint64_t n)
{
    atomic_store(&done, false);
    atomic_store(&left, n);
}

bool support_fail_nth_done(void)
{
    atomic_store(&left, 0);
    return atomic_load(&done);
}

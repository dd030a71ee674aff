/* SPDX-License-Identifier: MIT
 * host.c - see host.h. */
#include "core/runtime/host.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define LOG_LINE_BYTES     1024
#define SIGNAL_STACK_BYTES ((size_t)64 * 1024)
#define THREAD_NEST_MAX                                                                            \
    4 /* block_on of one spawner on a thread of another one's offload pool, and so on */

/* What a thread knows of itself: one of the few thread-locals (core/LAYERS names them). */
static _Thread_local struct thread_state {
    yk_task *const
        *slots[THREAD_NEST_MAX]; /* where the runtime keeps the running task; NULL: a pool thread */
    int depth;
    void *signal_stack; /* owned mapping, or NULL */
} thread_state __attribute__((tls_model("initial-exec")));

static _Atomic(const yk_entries_v1 *) lent_entries;
static host_log_fn *log_fn;
static int32_t log_level_max = 1;

yk_task *host_current_task(void)
{
    if (thread_state.depth == 0)
        return NULL;
    yk_task *const *slot = thread_state.slots[thread_state.depth - 1];
    return slot ? *slot : NULL;
}

host_log_fn *host_log_set(host_log_fn *log)
{
    host_log_fn *before = log_fn;
    log_fn = log;
    return before;
}

void host_log_level_set(int32_t level_max)
{
    log_level_max = level_max;
}

static void log_line(int32_t level, const char *line)
{
    static const char *const words[] = {"error", "warning", "notice", "debug"};
    if (level > log_level_max)
        return;
    if (log_fn)
        log_fn(level, line);
    else
        fprintf(stderr, "yoke: %s: %s\n", words[level < 0 ? 0 : level > 3 ? 3 : level], line);
}

void host_log(int32_t level, const char *format, ...)
{
    char line[LOG_LINE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args); /* a longer line is cut */
    va_end(args);
    log_line(level, line);
}

static void *alloc_memory(uint64_t bytes)
{
    return malloc(bytes);
}

static void free_memory(void *memory)
{
    free(memory);
}

static void die(const char *line)
{
    fprintf(stderr, "yoke: fatal: %s\n", line);
    abort();
}

/* A task's stack is small and may be the one that overflowed, so handlers run on a stack of the
 * thread's own. */
static void *signal_stack_new(void)
{
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE))
        return NULL; /* somebody's already: a sanitizer's, a test's */
    void *memory =
        mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    stack_t stack = {.ss_sp = memory, .ss_size = SIGNAL_STACK_BYTES};
    if (sigaltstack(&stack, NULL) < 0) {
        (void)munmap(memory, SIGNAL_STACK_BYTES);
        return NULL;
    }
    return memory;
}

static void thread_start(const char *role, yk_task *const *current)
{
    assert(thread_state.depth < THREAD_NEST_MAX);
    thread_state.slots[thread_state.depth++] = current;
    if (thread_state.depth > 1)
        return;
    thread_state.signal_stack = signal_stack_new();
    (void)role; /* the runtime names the threads that it makes; the caller of block_on keeps its
                   name */
}

static void thread_stop(void)
{
    assert(thread_state.depth > 0);
    if (--thread_state.depth > 0 || !thread_state.signal_stack)
        return;
    stack_t none = {.ss_flags = SS_DISABLE};
    (void)sigaltstack(&none, NULL); /* cannot fail off the stack */
    (void)munmap(thread_state.signal_stack, SIGNAL_STACK_BYTES);
    thread_state.signal_stack = NULL;
}

static const void *extension(const char *id)
{
    return strcmp(id, "yoke.entries/1") == 0 ? atomic_load(&lent_entries) : NULL;
}

void host_lend_entries(const yk_entries_v1 *entries)
{
    atomic_store(&lent_entries, entries);
}

const yk_host *host_table(void)
{
    static const yk_host table = {
        .size = sizeof table,
        .abi_major = YK_ABI_MAJOR,
        .abi_minor = YK_ABI_MINOR,
        .alloc = alloc_memory,
        .free = free_memory,
        .log = log_line,
        .fatal = die,
        .thread_start = thread_start,
        .thread_stop = thread_stop,
        .extension = extension,
    };
    return &table;
}

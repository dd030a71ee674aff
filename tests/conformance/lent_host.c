/* SPDX-License-Identifier: MIT
 * lent_host.c - see lent_host.h. */
#include "tests/conformance/lent_host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/conformance/verdict.h"

#define BLOCK_MAGIC_OUT      UINT64_C(0x6c656e74206f7574)
#define BLOCK_MAGIC_BACK     UINT64_C(0x676976656e206261)
#define BLOCK_FILL_NEW       0xa5 /* alloc need not give zeroes, so it does not */
#define BLOCK_FILL_BACK      0xdd
#define BLOCK_FILL_BYTES_MAX ((uint64_t)4096) /* more of a block is not looked at */
#define KEPT_COUNT           256              /* blocks that are kept after their free */
#define KEPT_BYTES_MAX       4096
#define SIGNAL_STACK_BYTES   ((size_t)64 * 1024)
#define THREAD_NEST_MAX      4

/* What lies in front of each block; its size keeps the block aligned as malloc's. */
struct block {
    uint64_t magic;
    uint64_t bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct lent_counts counts;
static int64_t fail_countdown; /* 0: none */
static bool alloc_failed;
static struct block *kept[KEPT_COUNT]; /* owned, NULL: free */
static size_t kept_next;
static const char *plugin_path; /* borrowed */

static _Thread_local struct {
    yk_task *const *slots[THREAD_NEST_MAX];
    int depth;
    char *signal_stack; /* owned mapping, or NULL: the thread has one of somebody else's */
} thread_state;

static void *block_memory(struct block *block)
{
    return block + 1;
}

static uint64_t block_fill_bytes(const struct block *block)
{
    return block->bytes < BLOCK_FILL_BYTES_MAX ? block->bytes : BLOCK_FILL_BYTES_MAX;
}

/* Gives a kept block back to malloc.  With the lock held. */
static void block_release(struct block *block)
{
    if (!block)
        return;
    const unsigned char *bytes = block_memory(block);
    for (uint64_t i = 0; i < block_fill_bytes(block); i++)
        EXPECT(bytes[i] == BLOCK_FILL_BACK,
               "H1: byte %llu of a block of %llu bytes was written after its free",
               (unsigned long long)i, (unsigned long long)block->bytes);
    free(block);
}

static bool alloc_must_fail(void)
{
    if (fail_countdown == 0 || --fail_countdown > 0)
        return false;
    alloc_failed = true;
    return true;
}

static void *host_alloc(uint64_t bytes)
{
    (void)pthread_mutex_lock(&lock);
    struct block *block = alloc_must_fail() ? NULL : malloc(sizeof *block + bytes);
    if (block) {
        counts.blocks++;
        counts.bytes += (int64_t)bytes;
    }
    (void)pthread_mutex_unlock(&lock);
    if (!block)
        return NULL;
    *block = (struct block){.magic = BLOCK_MAGIC_OUT, .bytes = bytes};
    memset(block_memory(block), BLOCK_FILL_NEW, block_fill_bytes(block));
    return block_memory(block);
}

static void host_free(void *memory)
{
    if (!memory)
        return;
    struct block *block = (struct block *)memory - 1;
    EXPECT(block->magic != BLOCK_MAGIC_BACK, "H1: a block of %llu bytes was freed twice",
           (unsigned long long)block->bytes);
    EXPECT(block->magic == BLOCK_MAGIC_OUT, "H1: free of memory that alloc did not give");
    block->magic = BLOCK_MAGIC_BACK;
    memset(memory, BLOCK_FILL_BACK, block_fill_bytes(block));

    (void)pthread_mutex_lock(&lock);
    counts.blocks--;
    counts.bytes -= (int64_t)block->bytes;
    if (block->bytes <= KEPT_BYTES_MAX) {
        struct block *oldest = kept[kept_next];
        kept[kept_next] = block;
        kept_next = (kept_next + 1) % KEPT_COUNT;
        block = oldest;
    }
    block_release(block);
    (void)pthread_mutex_unlock(&lock);
}

static void host_log(int32_t level, const char *line)
{
    (void)fprintf(stderr, "log %d: %s\n", level, line);
}

static void host_fatal(const char *line)
{
    FAIL("H3: the runtime called fatal: %s", line);
}

/* A stack for signal handlers, unless the thread has one already (a sanitizer's). */
static char *signal_stack_new(void)
{
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE))
        return NULL;
    char *memory =
        mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED, "the kit has no memory for a signal stack");
    stack_t stack = {.ss_sp = memory, .ss_size = SIGNAL_STACK_BYTES};
    EXPECT(sigaltstack(&stack, NULL) == 0, "thread_start: sigaltstack failed");
    return memory;
}

static void host_thread_start(const char *role, yk_task *const *current)
{
    EXPECT(role, "H4: thread_start without a role");
    EXPECT(thread_state.depth < THREAD_NEST_MAX, "H4: thread_start is nested %d deep on one thread",
           THREAD_NEST_MAX + 1);
    thread_state.slots[thread_state.depth++] = current;
    if (thread_state.depth == 1)
        thread_state.signal_stack = signal_stack_new();
    (void)pthread_mutex_lock(&lock);
    counts.threads++;
    (void)pthread_mutex_unlock(&lock);
}

static void host_thread_stop(void)
{
    EXPECT(thread_state.depth > 0, "H4: thread_stop on a thread that had no thread_start");
    thread_state.depth--;
    (void)pthread_mutex_lock(&lock);
    counts.threads--;
    (void)pthread_mutex_unlock(&lock);
    if (thread_state.depth > 0 || !thread_state.signal_stack)
        return;
    stack_t none = {.ss_flags = SS_DISABLE};
    EXPECT(sigaltstack(&none, NULL) == 0, "H4: thread_stop runs on the signal stack");
    (void)munmap(thread_state.signal_stack, SIGNAL_STACK_BYTES);
    thread_state.signal_stack = NULL;
}

/* "runtime_NAME.so" in the folder of the plugin under test. */
static const yk_entry *find_entry(const char *name)
{
    char *path = NULL;
    const char *slash = strrchr(plugin_path, '/');
    int folder_bytes = slash ? (int)(slash - plugin_path) : 0;
    if (asprintf(&path, "%.*s/runtime_%s.so", folder_bytes, plugin_path, name) < 0)
        return NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    free(path);
    if (!module)
        host_log(1, dlerror());
    return module ? dlsym(module, "yoke_runtime_v1") : NULL;
}

void lent_entries_beside(const char *path)
{
    plugin_path = path;
}

static const void *host_extension(const char *id)
{
    static const yk_entries_v1 entries = {.size = sizeof entries, .find = find_entry};
    return plugin_path && strcmp(id, "yoke.entries/1") == 0 ? &entries : NULL;
}

const yk_host *lent_host(void)
{
    static const yk_host table = {
        .size = sizeof table,
        .abi_major = YK_ABI_MAJOR,
        .abi_minor = YK_ABI_MINOR,
        .alloc = host_alloc,
        .free = host_free,
        .log = host_log,
        .fatal = host_fatal,
        .thread_start = host_thread_start,
        .thread_stop = host_thread_stop,
        .extension = host_extension,
    };
    return &table;
}

struct lent_counts lent_counts(void)
{
    (void)pthread_mutex_lock(&lock);
    struct lent_counts now = counts;
    (void)pthread_mutex_unlock(&lock);
    return now;
}

void lent_fail_alloc(int64_t n)
{
    (void)pthread_mutex_lock(&lock);
    fail_countdown = n;
    alloc_failed = false;
    (void)pthread_mutex_unlock(&lock);
}

bool lent_alloc_failed(void)
{
    (void)pthread_mutex_lock(&lock);
    bool failed = alloc_failed;
    (void)pthread_mutex_unlock(&lock);
    return failed;
}

bool lent_thread_known(void)
{
    return thread_state.depth > 0;
}

yk_task *lent_current_task(void)
{
    if (thread_state.depth == 0)
        return NULL;
    yk_task *const *slot = thread_state.slots[thread_state.depth - 1];
    return slot ? *slot : NULL;
}

bool lent_on_signal_stack(const void *address)
{
    const char *stack = thread_state.signal_stack;
    return stack && (const char *)address >= stack &&
           (const char *)address < stack + SIGNAL_STACK_BYTES;
}

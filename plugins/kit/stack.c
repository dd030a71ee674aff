/* SPDX-License-Identifier: MIT
 * stack.c - see stack.h. */
#include "plugins/kit/stack.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "plugins/kit/context.h"

#if defined(KIT_ASAN)
#include <sanitizer/asan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

#define PAGE_BYTES      ((size_t)4096)
#define SLAB_BYTES_MAX  ((size_t)4 * 1024 * 1024)
#define SLAB_STACKS_MAX 32
#define TRIM_BATCH      64
#define COLORS          16

struct kit_slab {
    struct kit_slab *next;
    char *base;
    size_t bytes;
    size_t stride; /* a guard and a stack */
    uint32_t count;
    struct kit_stack stacks[];
};

void kit_store_init(struct kit_store *store, const yk_host *host, uint64_t bytes_max)
{
    memset(store, 0, sizeof *store);
    store->host = host;
    store->bytes_max = bytes_max;
    pthread_mutex_init(&store->mutex, NULL);
}

void kit_store_done(struct kit_store *store)
{
    for (struct kit_slab *slab = store->slabs, *next; slab; slab = next) {
        next = slab->next;
        (void)munmap(slab->base, slab->bytes);
        store->host->free(slab);
    }
    pthread_mutex_destroy(&store->mutex);
}

int kit_stack_class(size_t bytes)
{
    if (bytes == 0)
        bytes = KIT_STACK_BYTES_DEFAULT;
    if (bytes > KIT_STACK_BYTES_MAX)
        return -EINVAL;
    int class = 0;
    while (KIT_STACK_BYTES_MIN << class < bytes)
        class ++;
    return class;
}

/* Puts a guard page at `page`.  Returns 0 or -ENOMEM (the kernel's limit of mappings). */
static int guard_page(struct kit_store *store, char *page)
{
    if (!store->guard_by_mprotect) {
        if (madvise(page, PAGE_BYTES, MADV_GUARD_INSTALL) == 0)
            return 0;
        store->guard_by_mprotect = true; /* an older kernel */
    }
    return mprotect(page, PAGE_BYTES, PROT_NONE) == 0 ? 0 : -ENOMEM;
}

/* Maps a slab; the store is locked.  NULL: no memory, or the limit. */
static struct kit_slab *slab_new(struct kit_store *store, int class)
{
    size_t stack_bytes = KIT_STACK_BYTES_MIN << class;
    size_t stride = stack_bytes + PAGE_BYTES;
    uint32_t count = (uint32_t)(SLAB_BYTES_MAX / stride);
    if (count > SLAB_STACKS_MAX)
        count = SLAB_STACKS_MAX;
    if (count == 0)
        count = 1;
    while (count > 1 && store->bytes_max && store->bytes + count * stride > store->bytes_max)
        count--;
    size_t bytes = count * stride;
    if (store->bytes_max && store->bytes + bytes > store->bytes_max)
        return NULL;
    struct kit_slab *slab = store->host->alloc(sizeof *slab + count * sizeof slab->stacks[0]);
    if (!slab)
        return NULL;
    char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) {
        store->host->free(slab);
        return NULL;
    }
    (void)madvise(base, bytes, MADV_NOHUGEPAGE); /* where there are none it does not matter */
    for (uint32_t i = 0; i < count; i++) {
        if (guard_page(store, base + i * stride) < 0) {
            (void)munmap(base, bytes);
            store->host->free(slab);
            return NULL;
        }
        slab->stacks[i] = (struct kit_stack){.low = base + i * stride + PAGE_BYTES,
                                             .bytes = (uint32_t)stack_bytes,
                                             .class = (uint16_t) class,
                                             .color = (uint16_t)((store->count + i) % COLORS)};
        (void)VALGRIND_STACK_REGISTER(slab->stacks[i].low, slab->stacks[i].low + stack_bytes);
    }
    slab->base = base;
    slab->bytes = bytes;
    slab->stride = stride;
    slab->count = count;
    slab->next = store->slabs;
    store->bytes += bytes;
    store->count += count;
    __atomic_store_n(&store->slabs, slab,
                     __ATOMIC_RELEASE); /* kit_store_find() reads without the lock */
    return slab;
}

struct kit_stack *kit_store_take(struct kit_store *store, int class)
{
    pthread_mutex_lock(&store->mutex);
    if (!store->free[class]) {
        struct kit_slab *slab = slab_new(store, class);
        for (uint32_t i = 0; slab && i < slab->count; i++) {
            slab->stacks[i].next = store->free[class];
            store->free[class] = &slab->stacks[i];
            store->free_count++;
        }
    }
    struct kit_stack *stack = store->free[class];
    if (stack) {
        store->free[class] = stack->next;
        store->free_count--;
        stack->foreign = true;
    }
    pthread_mutex_unlock(&store->mutex);
#if defined(KIT_ASAN)
    if (stack)
        __asan_unpoison_memory_region(stack->low, stack->bytes);
#endif
    return stack;
}

void kit_store_give(struct kit_store *store, struct kit_stack *stack)
{
    pthread_mutex_lock(&store->mutex);
    bool many = store->free_count >= KIT_STACK_WARM_MAX;
    pthread_mutex_unlock(&store->mutex);
    if (many)
        (void)madvise(stack->low, stack->bytes, MADV_DONTNEED); /* cannot fail on our own mapping */
    pthread_mutex_lock(&store->mutex);
    stack->next = store->free[stack->class];
    store->free[stack->class] = stack;
    store->free_count++;
    pthread_mutex_unlock(&store->mutex);
}

struct kit_stack *kit_shelf_take(struct kit_shelf *shelf, int class)
{
    struct kit_stack *stack = shelf->warm[class];
    if (stack) {
        shelf->warm[class] = stack->next;
        shelf->warm_count--;
    } else if ((stack = shelf->cold[class]) != NULL) {
        shelf->cold[class] = stack->next;
        shelf->cold_count--;
    } else {
        stack = kit_store_take(shelf->store, class);
        if (stack)
            stack->foreign = false;
        return stack;
    }
#if defined(KIT_ASAN)
    __asan_unpoison_memory_region(stack->low, stack->bytes);
#endif
    return stack;
}

void kit_shelf_give(struct kit_shelf *shelf, struct kit_stack *stack)
{
    stack->next = shelf->warm[stack->class];
    shelf->warm[stack->class] = stack;
    shelf->warm_count++;
}

bool kit_shelf_trim(struct kit_shelf *shelf)
{
    int budget = TRIM_BATCH;
    for (int class = 0; class < KIT_STACK_CLASSES; class ++) {
        while (shelf->warm_count > KIT_STACK_WARM_MAX && shelf->warm[class] && budget-- > 0) {
            struct kit_stack *stack = shelf->warm[class];
            shelf->warm[class] = stack->next;
            shelf->warm_count--;
            (void)madvise(stack->low, stack->bytes,
                          MADV_DONTNEED); /* cannot fail on our own mapping */
            stack->next = shelf->cold[class];
            shelf->cold[class] = stack;
            shelf->cold_count++;
        }
    }
    return shelf->warm_count > KIT_STACK_WARM_MAX;
}

struct kit_stack *kit_store_find(struct kit_store *store, const void *address, bool *out_guard)
{
    const char *place = address;
    for (struct kit_slab *slab = __atomic_load_n(&store->slabs, __ATOMIC_ACQUIRE); slab;
         slab = slab->next) {
        if (place < slab->base || place >= slab->base + slab->bytes)
            continue;
        size_t offset = (size_t)(place - slab->base);
        *out_guard = offset % slab->stride < PAGE_BYTES;
        return &slab->stacks[offset / slab->stride];
    }
    return NULL;
}

size_t kit_stack_depth(const struct kit_stack *stack)
{
    unsigned char resident[64];
    size_t pages = stack->bytes / PAGE_BYTES;
    for (size_t first = 0; first < pages; first += sizeof resident) {
        size_t count = pages - first < sizeof resident ? pages - first : sizeof resident;
        if (mincore(stack->low + first * PAGE_BYTES, count * PAGE_BYTES, resident) < 0)
            return 0;
        for (size_t i = 0; i < count; i++)
            if (resident[i] & 1)
                return stack->bytes - (first + i) * PAGE_BYTES;
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 * broken.c - see broken.h. */
#include "tests/conformance/broken/broken.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EARLY_NS INT64_C(1500000)

const yk_entry *good_entry;
yk_ops good;

static const struct break_way unbroken = {.name = NULL};
static const struct break_way *way = &unbroken;
static yk_ops ops;
static pid_t owner;

bool break_is_owner_thread(void)
{
    return gettid() == owner;
}

int64_t break_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t break_earlier(int64_t deadline)
{
    return deadline == YK_NEVER || deadline <= EARLY_NS ? deadline : deadline - EARLY_NS;
}

static int32_t destroy(yk_spawner *spawner)
{
    int32_t r = good.destroy(spawner);
    if (r == 0 && way->break_destroyed)
        way->break_destroyed();
    return r;
}

/* The tables are the same for each spawner: filled in once. */
static void fill_tables(const yk_ops *good_ops)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&lock);
    if (!ops.destroy) {
        memcpy(&good, good_ops, sizeof good);
        ops = good;
        ops.destroy = destroy;
        if (way->break_ops)
            way->break_ops(&ops);
    }
    (void)pthread_mutex_unlock(&lock);
}

static int32_t create(const yk_host *host, const yk_config *config, yk_spawner **out_spawner,
                      const yk_ops **out_ops, yk_error *error)
{
    static yk_host lent;
    yk_config wanted = *config;
    const yk_ops *good_ops = NULL;
    if (way->break_config)
        way->break_config(&wanted);
    if (way->break_host) {
        lent = *host;
        way->break_host(&lent);
        host = &lent;
    }
    int32_t r = good_entry->create(host, &wanted, out_spawner, &good_ops, error);
    if (r < 0)
        return r;
    fill_tables(good_ops);
    if (way->break_create)
        way->break_create(host);
    *out_ops = &ops;
    return 0;
}

static const void *extension(const char *id)
{
    return good_entry->extension(id);
}

YK_EXPORT yk_entry yoke_runtime_v1 = {
    .size = sizeof(yk_entry),
    .magic = YK_ENTRY_MAGIC,
    .abi_major = YK_ABI_MAJOR,
    .abi_minor = YK_ABI_MINOR,
    .id = "broken",
    .version = "0",
    .build = "forwards to a good one",
    .create = create,
    .extension = extension,
};

/* Prints why this file is of no use here, and leaves the magic wrong. */
static void refuse(const char *why)
{
    (void)fprintf(stderr, "broken runtime: %s\n", why);
    yoke_runtime_v1.magic[0] = '?';
}

static const struct break_way *find_way(const char *name)
{
    static const struct break_way *const lists[] = {break_process_ways, break_task_ways,
                                                    break_io_ways};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const struct break_way *one = lists[i]; one->name; one++)
            if (strcmp(one->name, name) == 0)
                return one;
    return NULL;
}

__attribute__((constructor)) static void find_the_good_one(void)
{
    owner = gettid();
    const char *inner = getenv("YOKE_BROKEN_INNER");
    const char *name = getenv("YOKE_BROKEN_BY");
    void *module = inner ? dlopen(inner, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : NULL;
    good_entry = module ? dlsym(module, "yoke_runtime_v1") : NULL;
    if (!good_entry) {
        refuse("YOKE_BROKEN_INNER must name a plugin's file");
        return;
    }
    yoke_runtime_v1.caps = good_entry->caps;
    yoke_runtime_v1.extra_bytes_max = good_entry->extra_bytes_max;
    if (!name)
        return;
    way = find_way(name);
    if (!way)
        refuse("YOKE_BROKEN_BY names no way to break it");
    else if (way->break_entry)
        way->break_entry(&yoke_runtime_v1);
}

#ifdef BROKEN_SECOND_SYMBOL
YK_EXPORT int broken_second_symbol;
#endif

/* SPDX-License-Identifier: MIT
 * runtime_planted.c - a runtime that runs nothing, for tests of what loads and opens runtimes.
 *
 * Its create() does what the key `plant` says.
 * Tests change bytes of its entry in a copy of the file. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <yoke/spawner.h>

struct planted {
    yk_spawner head;
    const yk_host *host;
    yk_config config; /* what create() was given; its options are not kept */
    int busy;         /* so many calls of destroy() are refused */
    struct planted *next;
};

static atomic_int creating;  /* calls of create() with the plant "pair" */
static atomic_int alive;     /* spawners */
static struct planted *kept; /* so that no tool takes what a host cannot destroy for a leak */
static atomic_flag kept_lock = ATOMIC_FLAG_INIT;

static void keep(struct planted *planted)
{
    while (atomic_flag_test_and_set(&kept_lock))
        (void)sched_yield();
    planted->next = kept;
    kept = planted;
    atomic_flag_clear(&kept_lock);
}

static void forget(const struct planted *planted)
{
    while (atomic_flag_test_and_set(&kept_lock))
        (void)sched_yield();
    struct planted **slot = &kept;
    while (*slot != planted)
        slot = &(*slot)->next;
    *slot = planted->next;
    atomic_flag_clear(&kept_lock);
}

static int32_t block_on(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                        void *arg, int32_t *out_result)
{
    (void)spawner, (void)options, (void)entry, (void)arg, (void)out_result;
    return -ENOSYS;
}

static int32_t destroy(yk_spawner *spawner)
{
    struct planted *planted = (struct planted *)spawner;
    if (planted->busy > 0) {
        planted->busy--;
        return -EBUSY;
    }
    forget(planted);
    atomic_fetch_sub(&alive, 1);
    planted->host->free(planted);
    return 0;
}

static int32_t spawn(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                     void *arg, yk_task **out_task)
{
    (void)spawner, (void)options, (void)entry, (void)arg, (void)out_task;
    return -ENOSYS;
}

static void ignore_task(yk_task *task)
{
    (void)task;
}

static int32_t park(yk_task *self, int64_t deadline)
{
    (void)self, (void)deadline;
    return -ETIMEDOUT;
}

static int32_t io_open(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io)
{
    (void)spawner, (void)fd, (void)flags, (void)out_io;
    return -ENOSYS;
}

static int32_t io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                       uint32_t *out_ready)
{
    (void)self, (void)io, (void)events, (void)deadline, (void)out_ready;
    return -ENOSYS;
}

static void io_close(yk_io *io)
{
    (void)io;
}

static int32_t offload(yk_spawner *spawner, yk_job *job)
{
    (void)spawner, (void)job;
    return -EAGAIN;
}

static void walk(yk_spawner *spawner, void (*visit)(yk_task *task, void *arg), void *arg)
{
    (void)spawner, (void)visit, (void)arg;
}

static void stats(yk_spawner *spawner, yk_stats *out_stats)
{
    (void)spawner, (void)out_stats;
}

static int64_t now(yk_spawner *spawner)
{
    (void)spawner;
    return 42;
}

static const void *extension(yk_spawner *spawner, const char *id)
{
    static const yk_clock_v1 clock = {.size = sizeof clock, .now = now};
    if (strcmp(id, "yoke.clock/1") == 0)
        return clock.now ? &clock : NULL;
    if (strcmp(id, "planted.config/1") == 0)
        return &((struct planted *)spawner)->config;
    if (strcmp(id, "planted.alive/1") == 0)
        return &alive;
    return NULL;
}

static const void *no_extension(yk_spawner *spawner, const char *id)
{
    (void)spawner, (void)id;
    return NULL;
}

#define VERBS                                                                                      \
    .block_on = block_on, .destroy = destroy, .spawn = spawn, .ref = ignore_task,                  \
    .unref = ignore_task, .yield = ignore_task, .unpark = ignore_task, .io_open = io_open,         \
    .io_wait = io_wait, .io_close = io_close, .offload = offload, .walk = walk, .stats = stats

static const yk_ops whole_ops = {
    .size = sizeof whole_ops, VERBS, .park = park, .extension = extension};
static const yk_ops short_ops = {
    .size = sizeof short_ops - 8, VERBS, .park = park, .extension = extension};
static const yk_ops ops_without_park = {
    .size = sizeof ops_without_park, VERBS, .extension = extension};
static const yk_ops ops_without_clock = {
    .size = sizeof ops_without_clock, VERBS, .park = park, .extension = no_extension};
static const struct {
    yk_ops ops;
    void *unknown; /* a verb of a later version */
} long_ops = {{.size = sizeof long_ops, VERBS, .park = park, .extension = extension}, (void *)1};

static const char *find_plant(const yk_config *config, yk_error *error)
{
    const char *plant = "";
    for (uint32_t i = 0; i < config->options_count; i++) {
        if (strcmp(config->options[i].key, "plant") != 0) {
            (void)snprintf(error->text, sizeof error->text, "unknown key '%s'; allowed is plant",
                           config->options[i].key);
            return NULL;
        }
        plant = config->options[i].value;
    }
    return plant;
}

static int32_t create(const yk_host *host, const yk_config *config, yk_spawner **out_spawner,
                      const yk_ops **out_ops, yk_error *error)
{
    const char *plant = find_plant(config, error);
    if (!plant)
        return -EINVAL;
    if (strcmp(plant, "one") == 0 && config->workers != 1) {
        (void)snprintf(error->text, sizeof error->text, "planted: workers = %u is not for this one",
                       config->workers);
        return -EINVAL;
    }
    if (strcmp(plant, "silent refusal") == 0)
        return -EMFILE;
    if (strcmp(plant, "positive") == 0)
        return 7;
    if (strcmp(plant, "nothing") == 0)
        return 0;
    struct planted *planted = host->alloc(sizeof *planted);
    if (!planted)
        return -ENOMEM;
    *planted = (struct planted){.host = host, .config = *config};
    planted->head.magic = strcmp(plant, "no magic") == 0 ? 0 : YK_SPAWNER_MAGIC;
    keep(planted);
    atomic_fetch_add(&alive, 1);
    atomic_fetch_add(&creating, 1);
    while (strcmp(plant, "pair") == 0 && atomic_load(&creating) < 2)
        (void)sched_yield();
    planted->busy = strcmp(plant, "busy") == 0;
    *out_spawner = &planted->head;
    *out_ops = strcmp(plant, "no ops") == 0      ? NULL
               : strcmp(plant, "short ops") == 0 ? &short_ops
               : strcmp(plant, "long ops") == 0  ? &long_ops.ops
               : strcmp(plant, "no park") == 0   ? &ops_without_park
               : strcmp(plant, "no clock") == 0  ? &ops_without_clock
                                                 : &whole_ops;
    return 0;
}

/* Longer than this version's entry, as a later version's is. */
YK_EXPORT extern const struct longer_entry {
    yk_entry entry;
    uint64_t unknown[2];
} YK_RUNTIME_SYMBOL;

const struct longer_entry YK_RUNTIME_SYMBOL = {
    .entry = {.size = sizeof(yk_entry),
              .abi_major = YK_ABI_MAJOR,
              .abi_minor = YK_ABI_MINOR,
              .host_minor_min = 0,
              .extra_bytes_max = 4096,
              .magic = YK_ENTRY_MAGIC,
              .id = "planted",
              .version = "1.2.3",
              .build = "for tests",
              .create = create},
    .unknown = {1, 2},
};

/* SPDX-License-Identifier: MIT
 * bed.c - see bed.h. */
#include "tests/conformance/bed.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define WARM_UPS  2

static double patience = 1;

/* What block_on's main task gets. */
struct main_task {
    struct bed *bed;
    bed_body *body;
    bool await_alone;
};

static int refuse(char *error, const char *path, const char *why)
{
    (void)snprintf(error, BED_ERROR_BYTES, "%s: %s", path, why);
    return -1;
}

/* V1, in the order in which the fields may be trusted. */
static int entry_check(const yk_entry *entry, const char *path, char *error)
{
    if (memcmp(entry->magic, YK_ENTRY_MAGIC, sizeof entry->magic) != 0)
        return refuse(error, path,
                      "not a Yoke runtime: the magic of yoke_runtime_v1 is wrong (V1)");
    if (entry->abi_major != YK_ABI_MAJOR) {
        (void)snprintf(error, BED_ERROR_BYTES,
                       "%s: made for major version %u of the ABI, this kit checks %u (V1)", path,
                       entry->abi_major, YK_ABI_MAJOR);
        return -1;
    }
    if (entry->host_minor_min > YK_ABI_MINOR) {
        (void)snprintf(error, BED_ERROR_BYTES,
                       "%s: needs a host of version %u.%u, this kit is one of %u.%u (V1)", path,
                       YK_ABI_MAJOR, entry->host_minor_min, YK_ABI_MAJOR, YK_ABI_MINOR);
        return -1;
    }
    if (entry->size < YK_ENTRY_BYTES_V1_0) {
        (void)snprintf(error, BED_ERROR_BYTES,
                       "%s: its entry has %" PRIu32 " bytes, at least %d are needed (V1)", path,
                       entry->size, YK_ENTRY_BYTES_V1_0);
        return -1;
    }
    if (!entry->create || !entry->extension || !entry->id || !entry->version || !entry->build)
        return refuse(error, path, "id, version, build, create or extension of its entry is NULL");
    return 0;
}

int bed_load(struct bed *bed, char error[static BED_ERROR_BYTES])
{
    bed->module = dlopen(bed->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!bed->module) {
        (void)snprintf(error, BED_ERROR_BYTES, "%s", dlerror()); /* which names the file */
        return -1;
    }
    lent_entries_beside(bed->path);
    const yk_entry *entry = dlsym(bed->module, "yoke_runtime_v1");
    if (!entry)
        return refuse(error, bed->path, "it does not export yoke_runtime_v1");
    if (entry_check(entry, bed->path, error) < 0)
        return -1;
    bed->entry = entry;
    return 0;
}

bool bed_has(const struct bed *bed, uint64_t caps)
{
    return (bed->entry->caps & caps) == caps;
}

yk_config bed_config(const struct bed *bed)
{
    uint32_t extra_bytes = BED_EXTRA_BYTES;
    if (extra_bytes > bed->entry->extra_bytes_max)
        extra_bytes = bed->entry->extra_bytes_max / 16 * 16;
    return (yk_config){
        .size = sizeof(yk_config),
        .workers = bed->workers,
        .extra_bytes = extra_bytes,
        .options = bed->options,
        .options_count = bed->options_count,
    };
}

yk_config bed_config_with_option(struct bed *bed, const char *key, const char *value)
{
    yk_config config = bed_config(bed);
    bed->options[config.options_count++] = (yk_option){.key = key, .value = value};
    return config;
}

int32_t bed_create_with(const struct bed *bed, const yk_config *config, yk_spawner **out_spawner,
                        yk_error *error)
{
    const yk_ops *ops = NULL;
    yk_spawner *spawner = NULL;
    int32_t r = bed->entry->create(lent_host(), config, &spawner, &ops, error);
    if (r < 0) {
        EXPECT(!spawner, "C1: create failed (%s), but wrote a spawner", code_name(r));
        return r;
    }
    EXPECT_CODE(r, 0);
    EXPECT(spawner, "C1: create gave 0 and no spawner");
    EXPECT(ops, "C1: create gave 0 and no table of verbs");
    EXPECT(ops->size >= YK_OPS_BYTES_V1_0,
           "V2: its table of verbs has %" PRIu32 " bytes, at least %d", ops->size,
           YK_OPS_BYTES_V1_0);
    EXPECT_EQUAL("the magic of a new spawner", spawner->magic, YK_SPAWNER_MAGIC);

    yk_ops *copy = calloc(1, sizeof *copy); /* V5 */
    EXPECT(copy, "the kit has no memory");
    memcpy(copy, ops, ops->size < sizeof *copy ? ops->size : sizeof *copy);
    spawner->ops = copy;
    spawner->host = lent_host();
    spawner->host_data = NULL;
    *out_spawner = spawner;
    return 0;
}

yk_spawner *bed_create(const struct bed *bed)
{
    yk_config config = bed_config(bed);
    yk_error error = {.size = sizeof error};
    yk_spawner *spawner = NULL;
    int32_t r = bed_create_with(bed, &config, &spawner, &error);
    EXPECT(r == 0, "C1: create gave %s: %s", code_name(r), error.text);
    return spawner;
}

int32_t bed_destroy(yk_spawner *spawner)
{
    const yk_ops *ops = spawner->ops;
    int32_t r = ops->destroy(spawner);
    if (r == 0)
        free((void *)(uintptr_t)ops);
    return r;
}

void bed_close(yk_spawner *spawner)
{
    verdict_step("destroy");
    int32_t r = bed_destroy(spawner);
    EXPECT(r == 0, "L2: destroy with nothing left alive gave %s", code_name(r));
}

void bed_await_alone(yk_task *self)
{
    int64_t deadline = in_ms(self->spawner, BED_LIVE_MS_MAX);
    verdict_step("waiting for the other tasks to end (stats.tasks_live)");
    while (stats(self->spawner).tasks_live > 1) {
        EXPECT(now_ns(self->spawner) < deadline, "M2: %llu tasks still count as live, expected 1",
               (unsigned long long)stats(self->spawner).tasks_live);
        (void)park(self, in_us(self->spawner, 200)); /* a token that is left over is fine */
    }
}

static int32_t main_entry(yk_task *self, void *arg)
{
    struct main_task *main_task = arg;
    main_task->body(self, main_task->bed);
    if (main_task->await_alone)
        bed_await_alone(self);
    return 0;
}

static void run_main(struct bed *bed, yk_spawner *spawner, bed_body *body, bool await_alone)
{
    struct main_task main_task = {.bed = bed, .body = body, .await_alone = await_alone};
    int32_t result = -1;
    verdict_step("block_on");
    int32_t r = block_on(spawner, main_entry, &main_task, &result);
    EXPECT(r == 0, "L1: block_on gave %s", code_name(r));
    EXPECT_EQUAL("L1: the main task's result", result, 0);
}

void bed_block_on(struct bed *bed, yk_spawner *spawner, bed_body *body)
{
    run_main(bed, spawner, body, true);
}

void bed_block_on_only(struct bed *bed, yk_spawner *spawner, bed_body *body)
{
    run_main(bed, spawner, body, false);
}

/* What libraries keep once for the process is there after a first spawner; what a bare spawner
 * leaves behind is the matter of one behaviour, create_destroy_leaks_nothing, and not of all the
 * others. */
static void warm_up(const struct bed *bed, struct footprint *before, struct footprint *bare_leak)
{
    for (int i = 0; i < WARM_UPS; i++) {
        footprint_take(before);
        bed_close(bed_create(bed));
        footprint_settle(before, bare_leak);
    }
    bare_leak->fds -= before->fds;
    bare_leak->threads -= before->threads;
    bare_leak->lent.blocks -= before->lent.blocks;
    bare_leak->lent.threads -= before->lent.threads;
}

void bed_run(struct bed *bed, const yk_config *config, bed_body *body)
{
    static struct footprint before;
    static struct footprint bare_leak;
    static struct footprint after;
    warm_up(bed, &before, &bare_leak);
    yk_config usual = bed_config(bed);
    footprint_take(&before);

    yk_error error = {.size = sizeof error};
    yk_spawner *spawner = NULL;
    int32_t r = bed_create_with(bed, config ? config : &usual, &spawner, &error);
    EXPECT(r == 0, "C1: create gave %s: %s", code_name(r), error.text);
    bed_block_on(bed, spawner, body);
    bed_close(spawner);

    footprint_settle(&before, &after);
    const char *excess = footprint_excess(&before, &after, &bare_leak);
    EXPECT(!excess[0], "L2: after destroy %s", excess);
}

void bed_spawn(yk_spawner *spawner, yk_entry_fn *entry, void *arg)
{
    yk_spawn_options options = {.size = sizeof options, .name = "detached"};
    EXPECT_CODE(spawn(spawner, &options, entry, arg, NULL), 0);
}

yk_task *bed_spawn_held(yk_spawner *spawner, yk_entry_fn *entry, void *arg)
{
    yk_spawn_options options = {.size = sizeof options, .name = "held"};
    yk_task *task = NULL;
    EXPECT_CODE(spawn(spawner, &options, entry, arg, &task), 0);
    EXPECT(task, "T5: spawn gave 0 and no task");
    return task;
}

int64_t now_ns(const yk_spawner *spawner)
{
    const yk_clock_v1 *clock =
        spawner->ops->extension((yk_spawner *)(uintptr_t)spawner, "yoke.clock/1");
    if (clock)
        return clock->now((yk_spawner *)(uintptr_t)spawner);
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

int64_t in_us(const yk_spawner *spawner, int64_t us)
{
    return now_ns(spawner) + us * NS_PER_US;
}

int64_t in_ms(const yk_spawner *spawner, int64_t ms)
{
    return now_ns(spawner) + ms * NS_PER_MS;
}

int bed_count(const struct bed *bed, int with_loops, int with_threads)
{
    bool threads = !bed_has(bed, YK_CAP_LOOPS) && bed_has(bed, YK_CAP_PARALLEL);
    int count = (int)((threads ? with_threads : with_loops) / bed->slowness);
    return count > 0 ? count : 1;
}

static uint64_t chance_next(struct chance *chance) /* splitmix64, public domain, Sebastiano Vigna */
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct chance bed_chance(const struct bed *bed, uint64_t n)
{
    struct chance chance = {.state = bed->seed ^ (n << 32)};
    (void)chance_next(&chance);
    return chance;
}

uint32_t chance_below(struct chance *chance, uint32_t limit)
{
    return (uint32_t)(chance_next(chance) >> 32) % limit;
}

double bed_patience(void)
{
    return patience;
}

void bed_patience_set(double new_patience)
{
    patience = new_patience;
}

bool bed_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD"); /* valgrind's own is there */
    return preload && strstr(preload, "vgpreload");
}

bool bed_under_tool(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return bed_under_valgrind();
#endif
}

/* SPDX-License-Identifier: MIT
 * chaos.c - the runtime chaos: another runtime, at its most unhelpful, for tests.
 *
 * Layer: plugins/chaos.  Threads: as those of the runtime inside.  Start at chaos_create().
 *
 * Everything that it does the ABI allows: wake-ups without a token (W1), readiness that is stale
 * (I2), other tasks in between (T2, T7), tokens twice (W2), and delays.  What breaks under it has
 * counted on more than was promised.  Options: inner (a runtime, default uv), seed (a number,
 * default of the clock; logged), permille (how often, 0..1000, default 100), stale (1, or 0:
 * readiness never is); others go to the runtime inside. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <yoke/spawner.h>

#define PERMILLE_DEFAULT 100
#define EXTRA_BYTES_MAX  1024
#define YIELDS_MAX       3
#define DELAY_TURNS_MAX  2000

/* The runtime inside, one for the process: every verb finds it here. */
static struct {
    const yk_ops *ops;
    _Atomic uint64_t seed; /* of the next draw */
    _Atomic uint32_t permille;
    _Atomic bool stale; /* readiness may be stale */
} chaos;

/* ---- chance ---- */

/* splitmix64; Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014). */
static uint64_t draw(void)
{
    uint64_t z =
        atomic_fetch_add_explicit(&chaos.seed, UINT64_C(0x9e3779b97f4a7c15), memory_order_relaxed);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool happens(void)
{
    return draw() % 1000 < chaos.permille;
}

static void delay(void)
{
    if (!happens())
        return;
    for (uint64_t i = draw() % DELAY_TURNS_MAX; i > 0; i--)
        atomic_signal_fence(memory_order_seq_cst);
}

/* Before and after what a task does, others may run. */
static void stumble(yk_task *self)
{
    delay();
    if (!happens())
        return;
    for (uint64_t i = draw() % YIELDS_MAX + 1; i > 0; i--)
        chaos.ops->yield(self);
}

/* ---- verbs ---- */

static int32_t chaos_spawn(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                           void *arg, yk_task **out_task)
{
    delay();
    int32_t r = chaos.ops->spawn(spawner, options, entry, arg, out_task);
    delay();
    return r;
}

static void chaos_yield(yk_task *self)
{
    chaos.ops->yield(self);
    stumble(self);
}

static int32_t chaos_park(yk_task *self, int64_t deadline)
{
    stumble(self);
    if (happens())
        return 0; /* without a token */
    int32_t r = chaos.ops->park(self, deadline);
    stumble(self);
    return r;
}

/* Who unparks sees to it that the task is there until this returns. */
static void chaos_unpark(yk_task *task)
{
    delay();
    chaos.ops->unpark(task);
    if (!happens())
        return;
    delay();
    chaos.ops->unpark(task);
}

static int32_t chaos_io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                             uint32_t *out_ready)
{
    stumble(self);
    bool stale = chaos.stale && happens();
    int32_t r = chaos.ops->io_wait(self, io, events, stale ? 0 : deadline, out_ready);
    if (stale && r == -ETIMEDOUT) {
        *out_ready = events;
        r = 0;
    }
    stumble(self);
    return r;
}

static void chaos_io_close(yk_io *io)
{
    delay();
    chaos.ops->io_close(io);
}

static int32_t chaos_offload(yk_spawner *spawner, yk_job *job)
{
    delay();
    return chaos.ops->offload(spawner, job);
}

/* ---- create ---- */

static int refuse(yk_error *error, int code, const char *what, const char *value)
{
    if (!error)
        return code;
    error->code = code;
    (void)snprintf(error->text, sizeof error->text, "chaos: option %s: '%s' will not do", what,
                   value);
    return code;
}

static int read_number(const char *text, uint64_t max, uint64_t *out_number)
{
    char *end = NULL;
    errno = 0;
    *out_number = strtoull(text, &end, 10);
    return end == text || *end || errno || *out_number > max ? -EINVAL : 0;
}

/* Takes the own options out, leaves the others in `rest`.  Returns 0 or -EINVAL. */
static int take_options(const yk_config *config, yk_option *rest, uint32_t *out_count,
                        const char **out_inner, yk_error *error)
{
    uint64_t seed = (uint64_t)time(NULL), permille = PERMILLE_DEFAULT, stale = 1;
    uint32_t count = 0;
    int r = 0;
    for (uint32_t i = 0; i < config->options_count && r == 0; i++) {
        const yk_option *option = &config->options[i];
        if (strcmp(option->key, "inner") == 0)
            *out_inner = option->value;
        else if (strcmp(option->key, "seed") == 0)
            r = read_number(option->value, UINT64_MAX, &seed);
        else if (strcmp(option->key, "permille") == 0)
            r = read_number(option->value, 1000, &permille);
        else if (strcmp(option->key, "stale") == 0)
            r = read_number(option->value, 1, &stale);
        else
            rest[count++] = *option;
        if (r < 0)
            return refuse(error, r, option->key, option->value);
    }
    *out_count = count;
    atomic_store(&chaos.seed, seed);
    atomic_store(&chaos.permille, (uint32_t)permille);
    atomic_store(&chaos.stale, stale);
    return 0;
}

static int32_t create_inner(const yk_host *host, const yk_config *config, const char *inner,
                            yk_spawner **out_spawner, const yk_ops **out_ops, yk_error *error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static yk_ops verbs; /* of the runtime inside, those above in their places */
    const yk_entries_v1 *entries = host->extension("yoke.entries/1");
    const yk_entry *entry = entries ? entries->find(inner) : NULL;
    if (!entry || strcmp(inner, "chaos") == 0)
        return refuse(error, -EINVAL, "inner", inner);
    const yk_ops *ops = NULL;
    int32_t r = entry->create(host, config, out_spawner, &ops, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&lock);
    bool second = chaos.ops && chaos.ops != ops;
    if (!chaos.ops) {
        chaos.ops = ops;
        memcpy(&verbs, ops, ops->size < sizeof verbs ? ops->size : sizeof verbs);
        verbs.size = sizeof verbs;
        verbs.spawn = chaos_spawn;
        verbs.yield = chaos_yield;
        verbs.park = chaos_park;
        verbs.unpark = chaos_unpark;
        verbs.io_wait = chaos_io_wait;
        verbs.io_close = chaos_io_close;
        verbs.offload = chaos_offload;
    }
    pthread_mutex_unlock(&lock);
    if (second) {
        (void)ops->destroy(*out_spawner); /* it is new: nothing is left in it */
        return refuse(error, -EBUSY, "inner", "a second runtime");
    }
    *out_ops = &verbs;
    return 0;
}

static int32_t chaos_create(const yk_host *host, const yk_config *config, yk_spawner **out_spawner,
                            const yk_ops **out_ops, yk_error *error)
{
    if (config->extra_bytes > EXTRA_BYTES_MAX)
        return refuse(error, -EINVAL, "extra_bytes", "more than 1024");
    yk_option *rest = host->alloc((config->options_count + 1) * sizeof *rest);
    if (!rest)
        return refuse(error, -ENOMEM, "memory", "none");
    yk_config own = *config;
    own.options = rest;
    const char *inner = "uv";
    int32_t r = take_options(config, rest, &own.options_count, &inner, error);
    if (r == 0) {
        char line[96];
        (void)snprintf(line, sizeof line, "chaos around %.32s, seed %" PRIu64, inner,
                       atomic_load(&chaos.seed));
        host->log(2, line);
        r = create_inner(host, &own, inner, out_spawner, out_ops, error);
    }
    host->free(rest);
    return r;
}

static const void *chaos_extension(const char *id)
{
    (void)id;
    return NULL;
}

extern const yk_entry YK_RUNTIME_SYMBOL;
YK_EXPORT const yk_entry YK_RUNTIME_SYMBOL = {
    .size = sizeof(yk_entry),
    .abi_major = YK_ABI_MAJOR,
    .abi_minor = YK_ABI_MINOR,
    .extra_bytes_max = EXTRA_BYTES_MAX,
    .magic = YK_ENTRY_MAGIC,
    .id = "chaos",
    .version = YK_PLUGIN_VERSION,
    .build = "around another runtime",
    .caps = YK_CAP_PARALLEL, /* the weakest promise that holds for each runtime inside */
    .create = chaos_create,
    .extension = chaos_extension,
};

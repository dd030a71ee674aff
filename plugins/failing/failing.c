/* SPDX-License-Identifier: MIT
 * failing.c - the runtime failing: another runtime that fails once, or from then on, for tests.
 *
 * Layer: plugins/failing.  Threads: as those of the runtime inside.  Start at failing_create().
 *
 * Options: inner (a runtime, default uv), fail (spawn, io_open, offload or alloc, default spawn),
 * nth (which call fails, counted from 1; default 0: none, calls are counted only), repeat (yes: all
 * later ones too; default no), code (EAGAIN or ENOMEM, the default); others go to the runtime
 * inside.  An allocation that fails is NULL, whatever the code.  One at a time in a process. */
#include "plugins/failing/failing.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yoke/spawner.h>

enum { FAIL_SPAWN, FAIL_IO_OPEN, FAIL_OFFLOAD, FAIL_ALLOC, FAIL_KINDS };

static const char *const kind_names[FAIL_KINDS] = {"spawn", "io_open", "offload", "alloc"};

/* The runtime inside, one for the process: its allocations come without a spawner. */
static struct {
    atomic_bool taken;
    const yk_host *host; /* the real one */
    yk_host lent;        /* the same but for alloc: what the runtime inside is given */
    const yk_ops *ops;   /* of the runtime inside */
    yk_ops verbs;        /* the same but for those below */
    int kind;
    int code;
    bool repeats;
    _Atomic uint64_t nth; /* 0: none fails */
    _Atomic uint64_t calls, failures;
} failing;

/* ---- counting ---- */

/* Whether this call of `kind` is one that fails. */
static bool fails(int kind)
{
    if (kind != failing.kind)
        return false;
    uint64_t call = atomic_fetch_add(&failing.calls, 1) + 1;
    uint64_t nth = atomic_load(&failing.nth);
    if (nth == 0 || (failing.repeats ? call < nth : call != nth))
        return false;
    atomic_fetch_add(&failing.failures, 1);
    return true;
}

static uint64_t count_calls(void)
{
    return atomic_load(&failing.calls);
}

static uint64_t count_failures(void)
{
    return atomic_load(&failing.failures);
}

static void aim(uint64_t nth)
{
    atomic_store(&failing.nth, 0);
    atomic_store(&failing.calls, 0);
    atomic_store(&failing.failures, 0);
    atomic_store(&failing.nth, nth);
}

static const void *failing_extension(const char *id)
{
    static const failing_v1 extension = {
        .size = sizeof extension, .calls = count_calls, .failures = count_failures, .aim = aim};
    return strcmp(id, FAILING_EXTENSION) == 0 ? &extension : NULL;
}

/* ---- what fails ---- */

static void *failing_alloc(uint64_t bytes)
{
    return fails(FAIL_ALLOC) ? NULL : failing.host->alloc(bytes);
}

static int32_t failing_spawn(yk_spawner *spawner, const yk_spawn_options *options,
                             yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    if (fails(FAIL_SPAWN))
        return failing.code;
    return failing.ops->spawn(spawner, options, entry, arg, out_task);
}

static int32_t failing_io_open(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io)
{
    if (fails(FAIL_IO_OPEN))
        return -ENOMEM; /* the only want that io_open knows */
    return failing.ops->io_open(spawner, fd, flags, out_io);
}

static int32_t failing_offload(yk_spawner *spawner, yk_job *job)
{
    if (fails(FAIL_OFFLOAD))
        return failing.code;
    return failing.ops->offload(spawner, job);
}

static int32_t failing_destroy(yk_spawner *spawner)
{
    int32_t r = failing.ops->destroy(spawner);
    if (r == 0)
        atomic_store(&failing.taken, false);
    return r;
}

static const void *failing_spawner_extension(yk_spawner *spawner, const char *id)
{
    const void *own = failing_extension(id);
    return own ? own : failing.ops->extension(spawner, id);
}

/* ---- create ---- */

static int refuse(yk_error *error, int code, const char *key, const char *value)
{
    if (!error)
        return code;
    error->code = code;
    (void)snprintf(error->text, sizeof error->text, "failing: option %s: '%s' will not do", key,
                   value);
    return code;
}

static int read_kind(const char *value)
{
    for (int i = 0; i < FAIL_KINDS; i++)
        if (strcmp(value, kind_names[i]) == 0) {
            failing.kind = i;
            return 0;
        }
    return -EINVAL;
}

static int read_nth(const char *value)
{
    char *end = NULL;
    errno = 0;
    aim(strtoull(value, &end, 10));
    return end == value || *end || *value == '-' || errno ? -EINVAL : 0;
}

static int read_repeat(const char *value)
{
    failing.repeats = strcmp(value, "yes") == 0;
    return failing.repeats || strcmp(value, "no") == 0 ? 0 : -EINVAL;
}

static int read_code(const char *value)
{
    failing.code = strcmp(value, "EAGAIN") == 0 ? -EAGAIN : -ENOMEM;
    return failing.code == -EAGAIN || strcmp(value, "ENOMEM") == 0 ? 0 : -EINVAL;
}

/* Takes the own options out, leaves the others in `rest`.  Returns 0 or -EINVAL. */
static int take_options(const yk_config *config, yk_option *rest, uint32_t *out_count,
                        const char **out_inner, yk_error *error)
{
    uint32_t count = 0;
    int r = 0;
    for (uint32_t i = 0; i < config->options_count && r == 0; i++) {
        const yk_option *option = &config->options[i];
        if (strcmp(option->key, "inner") == 0)
            *out_inner = option->value;
        else if (strcmp(option->key, "fail") == 0)
            r = read_kind(option->value);
        else if (strcmp(option->key, "nth") == 0)
            r = read_nth(option->value);
        else if (strcmp(option->key, "repeat") == 0)
            r = read_repeat(option->value);
        else if (strcmp(option->key, "code") == 0)
            r = read_code(option->value);
        else
            rest[count++] = *option;
        if (r < 0)
            return refuse(error, r, option->key, option->value);
    }
    *out_count = count;
    return 0;
}

static int32_t create_inner(const yk_config *config, const char *inner, yk_spawner **out_spawner,
                            const yk_ops **out_ops, yk_error *error)
{
    const yk_entries_v1 *entries = failing.host->extension("yoke.entries/1");
    const yk_entry *entry = entries && strcmp(inner, "failing") != 0 ? entries->find(inner) : NULL;
    if (!entry)
        return refuse(error, -EINVAL, "inner", inner);
    failing.lent = *failing.host;
    failing.lent.alloc = failing_alloc;
    int32_t r = entry->create(&failing.lent, config, out_spawner, &failing.ops, error);
    if (r < 0)
        return r;
    const yk_ops *ops = failing.ops;
    yk_ops *verbs = &failing.verbs;
    memset(verbs, 0, sizeof *verbs);
    memcpy(verbs, ops, ops->size < sizeof *verbs ? ops->size : sizeof *verbs);
    verbs->size = sizeof *verbs;
    verbs->spawn = failing_spawn;
    verbs->io_open = failing_io_open;
    verbs->offload = failing_offload;
    verbs->destroy = failing_destroy;
    verbs->extension = failing_spawner_extension;
    *out_ops = verbs;
    return 0;
}

static int32_t create_taken(const yk_host *host, const yk_config *config, yk_spawner **out_spawner,
                            const yk_ops **out_ops, yk_error *error)
{
    yk_option *rest = host->alloc((config->options_count + 1) * sizeof *rest);
    if (!rest)
        return refuse(error, -ENOMEM, "memory", "none");
    yk_config own = *config;
    own.options = rest;
    const char *inner = "uv";
    failing.host = host;
    failing.kind = FAIL_SPAWN;
    failing.code = -ENOMEM;
    failing.repeats = false;
    aim(0);
    int32_t r = take_options(config, rest, &own.options_count, &inner, error);
    if (r == 0)
        r = create_inner(&own, inner, out_spawner, out_ops, error);
    host->free(rest);
    return r;
}

static int32_t failing_create(const yk_host *host, const yk_config *given, yk_spawner **out_spawner,
                              const yk_ops **out_ops, yk_error *error)
{
    yk_config config = {0};
    memcpy(&config, given, given->size < sizeof config ? given->size : sizeof config);
    if (atomic_exchange(&failing.taken, true))
        return refuse(error, -EAGAIN, "inner", "a second one in this process");
    int32_t r = create_taken(host, &config, out_spawner, out_ops, error);
    if (r < 0)
        atomic_store(&failing.taken, false);
    return r;
}

extern const yk_entry YK_RUNTIME_SYMBOL;
YK_EXPORT const yk_entry YK_RUNTIME_SYMBOL = {
    .size = sizeof(yk_entry),
    .abi_major = YK_ABI_MAJOR,
    .abi_minor = YK_ABI_MINOR,
    .extra_bytes_max = 1024,
    .magic = YK_ENTRY_MAGIC,
    .id = "failing",
    .version = YK_PLUGIN_VERSION,
    .build = "around another runtime",
    .caps = YK_CAP_PARALLEL, /* the weakest promise that holds for each runtime inside */
    .create = failing_create,
    .extension = failing_extension,
};

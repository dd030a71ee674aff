/* SPDX-License-Identifier: MIT
 * runtime.c - see runtime.h. */
#include "core/runtime/runtime.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime/fault.h"
#include "core/runtime/host.h"
#include "core/runtime/loader.h"

_Static_assert(sizeof(yk_ops) == YK_OPS_BYTES_V1_0, "this host reads ops of version 1.0");
_Static_assert(HOST_EXTRA_BYTES % 16 == 0, "as yk_config.extra_bytes demands");

/* --- the verbs ------------------------------------------------------------------------------- */

#define VERB(name)                                                                                 \
    {                                                                                              \
#name, offsetof(yk_ops, name)                                                              \
    }

static const struct verb {
    const char *name;
    size_t offset;
} required_verbs[] = {
    VERB(block_on), VERB(destroy), VERB(spawn),  VERB(ref),     VERB(unref),
    VERB(yield),    VERB(park),    VERB(unpark), VERB(io_open), VERB(io_wait),
    VERB(io_close), VERB(offload), VERB(walk),   VERB(stats),   VERB(extension),
};

typedef void verb_fn(void);

/* Copies the plugin's table (V5), as much of it as both know (V2), and looks for what must be
 * there. */
static int copy_ops(const yk_entry *entry, const yk_ops *ops, yk_ops *out_ops, struct error *err)
{
    if (!ops)
        return fail(err, -EPROTO, "runtime %s: its create() gave no verbs", entry->id);
    if (ops->size < YK_OPS_BYTES_V1_0)
        return fail(err, -EPROTO,
                    "runtime %s: its table of verbs has %u bytes; wanted are %d or more", entry->id,
                    ops->size, YK_OPS_BYTES_V1_0);
    memset(out_ops, 0, sizeof *out_ops);
    memcpy(out_ops, ops, ops->size < sizeof *out_ops ? ops->size : sizeof *out_ops);
    out_ops->size = sizeof *out_ops;
    for (size_t i = 0; i < sizeof required_verbs / sizeof required_verbs[0]; i++) {
        verb_fn *verb;
        memcpy(&verb, (const char *)out_ops + required_verbs[i].offset, sizeof verb);
        if (!verb)
            return fail(err, -EPROTO, "runtime %s: its table of verbs has no %s", entry->id,
                        required_verbs[i].name);
    }
    return 0;
}

static int find_clock(struct host_spawner *host, yk_spawner *spawner, struct error *err)
{
    if (!(host->entry->caps & YK_CAP_VIRTUAL_TIME))
        return 0;
    const yk_clock_v1 *clock = host->ops.extension(spawner, "yoke.clock/1");
    if (!clock || clock->size < sizeof *clock || !clock->now)
        return fail(
            err, -EPROTO,
            "runtime %s: it has virtual time and no clock: wanted is the extension yoke.clock/1",
            host->entry->id);
    host->clock = clock;
    return 0;
}

/* --- opening --------------------------------------------------------------------------------- */

/* Passes on what the plugin says, which may begin with its name: "uv: ...", "runtime uv ...". */
static int refuse(const yk_entry *entry, int code, const char *text, struct error *err)
{
    if (text[0] == '\0')
        return fail(err, code, "runtime %s: %s", entry->id, error_words(code));
    const char *rest = text + (strncmp(text, "runtime ", 8) == 0 ? 8 : 0);
    const size_t id_len = strlen(entry->id);
    if (strncmp(rest, entry->id, id_len) == 0 && (rest[id_len] == ':' || rest[id_len] == ' '))
        return fail(err, code, "runtime %s", rest);
    return fail(err, code, "runtime %s: %s", entry->id, text);
}

/* For a runtime that wraps another. */
static const yk_entry *find_entry(const char *name)
{
    struct error err = {0};
    const yk_entry *entry = NULL;
    if (loader_open(name, NULL, &entry, NULL, &err) < 0)
        host_log(0, "%s", err.text);
    return entry;
}

static int create(const yk_entry *entry, const yk_config *config, yk_spawner **out_spawner,
                  const yk_ops **out_ops, struct error *err)
{
    static const yk_entries_v1 entries = {.size = sizeof entries, .find = find_entry};
    yk_error cause = {.size = sizeof cause};
    host_lend_entries(&entries);
    int r = entry->create(host_table(), config, out_spawner, out_ops, &cause);
    cause.text[sizeof cause.text - 1] = '\0';
    if (r < 0)
        return refuse(entry, r, cause.text, err);
    if (r > 0 || !*out_spawner || (*out_spawner)->magic != YK_SPAWNER_MAGIC)
        return fail(err, -EPROTO, "runtime %s: its create() succeeded with code %d and %s",
                    entry->id, r, *out_spawner ? "a spawner without its magic" : "no spawner");
    return 0;
}

static void host_spawner_free(struct host_spawner *take_host)
{
    free(take_host);
}
DEFINE_DROP(host_spawner, struct host_spawner)

/* Gives the spawner its head, and its verbs, which are checked. */
static int adopt(struct host_spawner *host, yk_spawner *spawner, const yk_ops *ops,
                 struct error *err)
{
    spawner->ops = &host->ops;
    spawner->host = host_table();
    spawner->host_data = host;
    int r = copy_ops(host->entry, ops, &host->ops, err);
    return r < 0 ? r : find_clock(host, spawner, err);
}

int runtime_open(const yk_entry *entry, const yk_config *config, yk_spawner **out_spawner,
                 struct error *err)
{
    if (entry->extra_bytes_max < HOST_EXTRA_BYTES)
        return fail(err, -EPROTO,
                    "runtime %s: it gives at most %u bytes of each task to the host; wanted are %d",
                    entry->id, entry->extra_bytes_max, HOST_EXTRA_BYTES);
    OWNED(host_spawner) struct host_spawner *host = calloc(1, sizeof *host);
    if (!host)
        return fail(err, -ENOMEM, "runtime %s: out of memory", entry->id);
    host->magic = HOST_SPAWNER_MAGIC;
    host->entry = entry;
    host->threaded = (entry->caps & YK_CAP_BLOCKING_OK) != 0;

    yk_config full = config ? *config : (yk_config){0};
    full.size = sizeof full;
    full.extra_bytes = HOST_EXTRA_BYTES;
    yk_spawner *spawner = NULL;
    const yk_ops *ops = NULL;
    int r = create(entry, &full, &spawner, &ops, err);
    if (r < 0)
        return r;
    r = adopt(host, spawner, ops, err);
    if (r < 0) {
        if (!host->ops.destroy || host->ops.destroy(spawner) < 0)
            (void)MOVE(host); /* the spawner lives on, and points there */
        return r;
    }
    (void)MOVE(host); /* runtime_close() finds it in the spawner */
    fault_watch(spawner);
    *out_spawner = spawner;
    return 0;
}

/* --- opening what is configured -------------------------------------------------------------- */

/* Whether `text` has `word`, not as a part of a longer one. */
static bool names(const char *text, const char *word)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    const size_t len = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || !strchr(letters, at[-1])) &&
            (at[len] == '\0' || !strchr(letters, at[len])))
            return true;
    return false;
}

/* The line of the key that a plugin's refusal names; 0: of none that is in the file. */
static int find_line(const struct runtimes_settings *settings,
                     const struct runtimes_option *options, size_t options_count, const char *text)
{
    for (size_t i = 0; i < options_count; i++)
        if (names(text, options[i].key))
            return options[i].line;
    for (enum runtimes_key key = RUNTIMES_WORKERS; key < RUNTIMES_KEY_COUNT; key++)
        if (names(text, runtimes_key_name(key)))
            return settings->values[key].line;
    return 0;
}

int runtime_open_settings(const struct runtimes_conf *conf,
                          const struct runtimes_settings *settings, const yk_entry *entry,
                          yk_spawner **out_spawner, struct error *err)
{
    const struct runtimes_option *options = NULL;
    size_t count = runtimes_conf_options(conf, entry->id, &options);
    assert(count <= RUNTIMES_CONF_OPTIONS_MAX);
    yk_option given[RUNTIMES_CONF_OPTIONS_MAX];
    for (size_t i = 0; i < count; i++)
        given[i] = (yk_option){.key = options[i].key, .value = options[i].value};

    const struct runtimes_value *values = settings->values;
    const yk_config config = {
        .workers = (uint32_t)values[RUNTIMES_WORKERS].number,
        .stack_bytes = (uint32_t)values[RUNTIMES_STACK_SIZE].number,
        .tasks_max = (uint32_t)values[RUNTIMES_TASKS_MAX].number,
        .offload_threads_max = (uint32_t)values[RUNTIMES_OFFLOAD_THREADS].number,
        .stack_memory_max = values[RUNTIMES_STACK_MEMORY_MAX].number,
        .options = given,
        .options_count = (uint32_t)count,
    };
    struct error cause = {0};
    int r = runtime_open(entry, &config, out_spawner, &cause);
    if (r == 0)
        return 0;
    int line = r == -EINVAL ? find_line(settings, options, count, cause.text) : 0;
    if (line > 0)
        return fail(err, r, "%s:%d: %s", runtimes_conf_path(conf), line, cause.text);
    return fail(err, r, "%s", cause.text);
}

int runtime_open_configured(const struct runtimes_conf *conf, const char *section,
                            yk_spawner **out_spawner, struct error *err)
{
    struct runtimes_settings settings;
    int r = runtimes_conf_settings(conf, section, &settings, err);
    if (r < 0)
        return r;
    const yk_entry *entry = NULL;
    r = loader_open(settings.values[RUNTIMES_RUNTIME].text,
                    settings.values[RUNTIMES_PLUGIN_DIR].text, &entry, NULL, err);
    if (r < 0)
        return r;
    return runtime_open_settings(conf, &settings, entry, out_spawner, err);
}

int runtime_close(yk_spawner *spawner)
{
    struct host_spawner *host = spawner->host_data;
    assert(spawner->magic == YK_SPAWNER_MAGIC && host->magic == HOST_SPAWNER_MAGIC);
    fault_forget(spawner); /* first: it is gone when destroy has done it */
    int r = host->ops.destroy(spawner);
    if (r == 0)
        free(host);
    else
        fault_watch(spawner);
    return r;
}

const yk_entry *runtime_entry(const yk_spawner *spawner)
{
    return host_spawner_of(spawner)->entry;
}

const char *runtime_cap_name(unsigned bit)
{
    static const char *const names[] = {"parallel",    "loops",        "workers",
                                        "blocking-ok", "virtual-time", "priority"};
    return bit < sizeof names / sizeof names[0] ? names[bit] : NULL;
}

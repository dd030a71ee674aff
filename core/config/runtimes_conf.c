/* SPDX-License-Identifier: MIT
 * runtimes_conf.c - see runtimes_conf.h. */
#include "core/config/runtimes_conf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/config/conf_file.h"
#include "core/config/runtimes_parser.h"

#define ARENA_BYTES_MAX (8 * RUNTIMES_CONF_BYTES_MAX)
#define DEFAULT_SECTION 0

static int out_of_memory(struct error *err)
{
    return fail(err, -ENOMEM, "cannot read runtimes.conf: out of memory");
}

static int conf_new(struct runtimes_conf **out_conf, struct error *err)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = calloc(1, sizeof *conf);
    if (!conf || arena_new(ARENA_BYTES_MAX, &conf->arena) < 0)
        return out_of_memory(err);
    conf->why = "no file was looked for";
    *out_conf = MOVE(conf);
    return 0;
}

int runtimes_conf_parse(const char *file_name, const char *bytes, size_t len,
                        struct runtimes_conf **out_conf, struct error *err)
{
    if (len > RUNTIMES_CONF_BYTES_MAX)
        return fail(err, -EINVAL, "%s is longer than %zu bytes", file_name,
                    RUNTIMES_CONF_BYTES_MAX);
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    int r = conf_new(&conf, err);
    if (r < 0)
        return r;
    r = runtimes_parser_run(conf, file_name, bytes, len, err);
    if (r < 0)
        return r;
    conf->path = arena_copy(conf->arena, file_name, strlen(file_name));
    if (!conf->path)
        return out_of_memory(err);
    *out_conf = MOVE(conf);
    return 0;
}

/* Which runtime the caller or the environment wants, whatever the file says. */
static int take_asked_runtime(struct runtimes_conf *conf, const struct runtimes_request *request,
                              struct error *err)
{
    const char *text = request ? request->runtime : NULL;
    const char *from = "--runtime";
    if (!text) {
        text = secure_getenv("YOKE_RUNTIME");
        from = "YOKE_RUNTIME";
        if (!text || text[0] == '\0')
            return 0;
    }
    uint64_t none;
    if (!runtimes_key_accepts(RUNTIMES_RUNTIME, text, &none))
        return fail(err, -EINVAL, "%s: '%.*s' is not allowed; allowed is %s", from,
                    RUNTIMES_QUOTED_BYTES_MAX, text, runtimes_key_allowed(RUNTIMES_RUNTIME));
    conf->runtime_asked =
        (struct runtimes_value){.text = arena_copy(conf->arena, text, strlen(text)), .from = from};
    return conf->runtime_asked.text ? 0 : out_of_memory(err);
}

int runtimes_conf_load(const struct runtimes_request *request, struct runtimes_conf **out_conf,
                       struct error *err)
{
    OWNED(conf_file) struct conf_file *file = NULL;
    const struct conf_places places = conf_places_of_process(request ? request->file : NULL);
    int r = conf_file_open(&places, RUNTIMES_CONF_BYTES_MAX, &file, err);
    if (r < 0)
        return r;
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    r = file->path ? runtimes_conf_parse(file->path, file->bytes, file->len, &conf, err)
                   : conf_new(&conf, err);
    if (r < 0)
        return r;
    conf->why = arena_copy(conf->arena, file->why, strlen(file->why));
    if (!conf->why)
        return out_of_memory(err);
    r = take_asked_runtime(conf, request, err);
    if (r < 0)
        return r;
    *out_conf = MOVE(conf);
    return 0;
}

void runtimes_conf_free(struct runtimes_conf *take_conf)
{
    if (!take_conf)
        return;
    arena_free(take_conf->arena);
    free(take_conf);
}

const char *runtimes_conf_path(const struct runtimes_conf *conf)
{
    return conf->path;
}

const char *runtimes_conf_why(const struct runtimes_conf *conf)
{
    return conf->why;
}

int runtimes_conf_section_line(const struct runtimes_conf *conf, const char *section)
{
    int i = runtimes_server_index(section);
    return i < 0 ? 0 : conf->servers[i].line;
}

/* What holds for keys that nobody has set.  The runtime: the first that was built of uv, ev,
 * threads; NULL if none. */
static struct runtimes_value built_in_value(enum runtimes_key key)
{
    static const char *const order[] = {"uv", "ev", "threads"};
    struct runtimes_value value = {.from = "built in"};
    if (key == RUNTIMES_WORKERS)
        value.number = 1;
    for (size_t i = 0; key == RUNTIMES_RUNTIME && i < sizeof order / sizeof order[0] && !value.text;
         i++)
        if (runtimes_built_has(order[i]))
            value.text = order[i];
    return value;
}

int runtimes_conf_settings(const struct runtimes_conf *conf, const char *section,
                           struct runtimes_settings *out_settings, struct error *err)
{
    int i = runtimes_server_index(section);
    if (i < 0)
        return runtimes_section_refuse("runtimes.conf", section, err);
    struct runtimes_settings settings = {.section = runtimes_conf_server((size_t)i)};
    for (enum runtimes_key key = 0; key < RUNTIMES_KEY_COUNT; key++) {
        const struct runtimes_value *own = &conf->servers[i].values[key];
        const struct runtimes_value *inherited = &conf->servers[DEFAULT_SECTION].values[key];
        if (key == RUNTIMES_RUNTIME && conf->runtime_asked.text)
            settings.values[key] = conf->runtime_asked;
        else
            settings.values[key] = own->line > 0         ? *own
                                   : inherited->line > 0 ? *inherited
                                                         : built_in_value(key);
    }
    if (!settings.values[RUNTIMES_RUNTIME].text)
        return fail(err, -ENOENT,
                    "none of the runtimes uv, ev and threads was built; name another by --runtime, "
                    "YOKE_RUNTIME or "
                    "`runtime =` in runtimes.conf");
    *out_settings = settings;
    return 0;
}

const char *runtimes_conf_plugin(const struct runtimes_conf *conf, size_t i)
{
    return i < conf->plugins_count ? conf->plugins[i].name : NULL;
}

size_t runtimes_conf_options(const struct runtimes_conf *conf, const char *name,
                             const struct runtimes_option **out_options)
{
    const struct plugin_section *plugin = runtimes_plugin_find(conf, name);
    *out_options = plugin ? plugin->options : NULL;
    return plugin ? plugin->options_count : 0;
}

const char *runtimes_built(void)
{
    const char *words = YOKE_RUNTIMES_BUILT;
    return words + strspn(words, " ");
}

bool runtimes_built_has(const char *name)
{
    const size_t name_len = strlen(name);
    for (const char *word = YOKE_RUNTIMES_BUILT; *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (len == name_len && memcmp(word, name, len) == 0)
            return true;
        word += len + strspn(word + len, " ");
    }
    return false;
}

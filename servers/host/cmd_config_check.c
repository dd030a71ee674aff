/* SPDX-License-Identifier: MIT
 * cmd_config_check.c - yoke config check: which runtimes.conf counts, and whether that works.
 *
 * What counts is tried: every section's runtime is loaded and made once with its settings, so that
 * the plugin itself judges its keys. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/own.h"
#include "core/config/runtimes_conf.h"
#include "core/runtime/loader.h"
#include "core/runtime/runtime.h"
#include "servers/host/command.h"
#include "servers/host/json_text.h"

/* A section of a server, or [runtime NAME] of a runtime that no server uses. */
struct trial {
    char section[RUNTIMES_NAME_BYTES_MAX + sizeof "runtime "];
    bool is_server;
    struct runtimes_settings settings; /* borrows from the configuration */
    const yk_entry *entry;             /* NULL: not loaded */
    char *path;                        /* owned */
    struct error err;                  /* code 0: it works */
    char note[160];                    /* "": none */
};

#define TRIALS_MAX (8 + RUNTIMES_CONF_PLUGINS_MAX)

struct trial_list {
    struct runtimes_conf *conf; /* owned */
    size_t count;
    struct trial trials[TRIALS_MAX];
};

static void trial_list_free(struct trial_list *take_list)
{
    if (!take_list)
        return;
    for (size_t i = 0; i < take_list->count; i++)
        free(take_list->trials[i].path);
    runtimes_conf_free(take_list->conf);
    free(take_list);
}
DEFINE_DROP(trial_list, struct trial_list)

/* --- trying ---------------------------------------------------------------------------------- */

static void note_workers(struct trial *trial)
{
    const struct runtimes_value *workers = &trial->settings.values[RUNTIMES_WORKERS];
    if (workers->number > 1 && !(trial->entry->caps & YK_CAP_LOOPS))
        (void)snprintf(
            trial->note, sizeof trial->note,
            "workers = %s has no effect: the runtime %s has no loops, each task is a thread",
            workers->text, trial->entry->id);
}

/* Loads the runtime, makes a spawner and takes it apart again. */
static void try_runtime(const struct runtimes_conf *conf, struct trial *trial, const char *runtime)
{
    const char *plugin_dir = trial->settings.values[RUNTIMES_PLUGIN_DIR].text;
    if (loader_open(runtime, plugin_dir, &trial->entry, &trial->path, &trial->err) < 0)
        return;
    if (trial->is_server)
        note_workers(trial);
    yk_spawner *spawner = NULL;
    if (runtime_open_settings(conf, &trial->settings, trial->entry, &spawner, &trial->err) < 0)
        return;
    int r = runtime_close(spawner);
    if (r < 0)
        (void)fail(&trial->err, r,
                   "runtime %s: a spawner that did nothing cannot be taken apart: %s",
                   trial->entry->id, error_words(r));
}

static void try_server(struct trial_list *list, const char *section)
{
    struct trial *trial = &list->trials[list->count++];
    trial->is_server = true;
    (void)snprintf(trial->section, sizeof trial->section, "%s", section); /* a short word */
    if (runtimes_conf_settings(list->conf, section, &trial->settings, &trial->err) == 0)
        try_runtime(list->conf, trial, trial->settings.values[RUNTIMES_RUNTIME].text);
}

/* The keys of a runtime that no server uses are tried with what holds by default. */
static void try_unused(struct trial_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->trials[i].entry && strcmp(list->trials[i].entry->id, name) == 0)
            return;
    struct trial *trial = &list->trials[list->count++];
    (void)snprintf(trial->section, sizeof trial->section, "runtime %s",
                   name); /* as long as it can be */
    if (runtimes_conf_settings(list->conf, "default", &trial->settings, &trial->err) < 0)
        return;
    trial->settings.values[RUNTIMES_WORKERS].number = 1; /* meant for another runtime */
    try_runtime(list->conf, trial, name);
}

static int trial_list_new(const struct runtimes_request *request, struct trial_list **out_list,
                          struct error *err)
{
    OWNED(trial_list) struct trial_list *list = calloc(1, sizeof *list);
    if (!list)
        return fail(err, -ENOMEM, "out of memory");
    int r = runtimes_conf_load(request, &list->conf, err);
    if (r < 0)
        return r;
    for (size_t i = 0; runtimes_conf_server(i); i++)
        if (i == 0 || runtimes_conf_section_line(list->conf, runtimes_conf_server(i)) > 0)
            try_server(list, runtimes_conf_server(i));
    for (size_t i = 0; runtimes_conf_plugin(list->conf, i); i++)
        try_unused(list, runtimes_conf_plugin(list->conf, i));
    *out_list = MOVE(list);
    return 0;
}

/* --- printing -------------------------------------------------------------------------------- */

static void print_values(const struct trial *trial)
{
    for (enum runtimes_key key = 0; key < RUNTIMES_KEY_COUNT; key++) {
        const struct runtimes_value *value = &trial->settings.values[key];
        printf("  %-16s ", runtimes_key_name(key));
        if (value->line > 0)
            printf("%-12s line %d\n", value->text, value->line);
        else if (value->text)
            printf("%-12s %s\n", value->text, value->from);
        else if (value->number > 0)
            printf("%-12llu %s\n", (unsigned long long)value->number, value->from);
        else
            printf("%-12s not set\n", "-");
    }
}

static void print_options(const struct runtimes_conf *conf, const char *name)
{
    const struct runtimes_option *options = NULL;
    size_t count = runtimes_conf_options(conf, name, &options);
    for (size_t i = 0; i < count; i++)
        printf("  %-16s %-12s line %d, [runtime %s]\n", options[i].key, options[i].value,
               options[i].line, name);
}

static void print_trial(const struct trial_list *list, const struct trial *trial)
{
    printf("\n[%s]\n", trial->section);
    if (trial->is_server && trial->settings.section)
        print_values(trial);
    if (trial->entry) {
        print_options(list->conf, trial->entry->id);
        printf("  %s %s (%s), %s\n", trial->entry->id, trial->entry->version, trial->entry->build,
               trial->path);
    }
    if (trial->note[0] != '\0')
        printf("  note: %s\n", trial->note);
    if (trial->err.code < 0)
        printf("  error: %s\n", trial->err.text);
}

static int print_report(const struct trial_list *list, size_t errors)
{
    const char *path = runtimes_conf_path(list->conf);
    printf("file: %s (%s)\n", path ? path : "none", runtimes_conf_why(list->conf));
    for (size_t i = 0; i < list->count; i++)
        print_trial(list, &list->trials[i]);
    for (size_t i = 1; runtimes_conf_server(i); i++)
        if (runtimes_conf_section_line(list->conf, runtimes_conf_server(i)) == 0)
            printf("\n[%s] is as [default]", runtimes_conf_server(i));
    printf(errors > 0 ? "\n\n%zu of %zu sections do not work\n" : "\n\nok\n", errors, list->count);
    return 0;
}

static json_t *settings_json(const struct trial *trial)
{
    json_t *object = json_object();
    for (enum runtimes_key key = 0; key < RUNTIMES_KEY_COUNT; key++) {
        const struct runtimes_value *value = &trial->settings.values[key];
        json_t *item = json_object();
        bool is_text = key == RUNTIMES_RUNTIME || key == RUNTIMES_PLUGIN_DIR;
        (void)json_object_set_new(item, "value",
                                  is_text ? json_text(value->text)
                                          : json_integer((json_int_t)value->number));
        if (value->line > 0)
            (void)json_object_set_new(item, "line", json_integer(value->line));
        else
            (void)json_object_set_new(item, "from", json_text(value->from));
        (void)json_object_set_new(object, runtimes_key_name(key), item);
    }
    return object;
}

static json_t *trial_json(const struct trial_list *list, const struct trial *trial)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "section", json_text(trial->section));
    if (trial->is_server && trial->settings.section)
        (void)json_object_set_new(object, "settings", settings_json(trial));
    if (trial->entry) {
        (void)json_object_set_new(object, "runtime", json_text(trial->entry->id));
        (void)json_object_set_new(object, "version", json_text(trial->entry->version));
        (void)json_object_set_new(object, "file", json_text(trial->path));
        json_t *keys = json_object();
        const struct runtimes_option *options = NULL;
        size_t count = runtimes_conf_options(list->conf, trial->entry->id, &options);
        for (size_t i = 0; i < count; i++)
            (void)json_object_set_new(keys, options[i].key, json_text(options[i].value));
        (void)json_object_set_new(object, "options", keys);
    }
    if (trial->note[0] != '\0')
        (void)json_object_set_new(object, "note", json_text(trial->note));
    if (trial->err.code < 0)
        (void)json_object_set_new(object, "error", json_text(trial->err.text));
    return object;
}

static int print_report_json(const struct trial_list *list, size_t errors)
{
    json_t *document = json_object();
    (void)json_object_set_new(document, "ok", json_boolean(errors == 0));
    (void)json_object_set_new(document, "file", json_text(runtimes_conf_path(list->conf)));
    (void)json_object_set_new(document, "why", json_text(runtimes_conf_why(list->conf)));
    json_t *sections = json_array();
    for (size_t i = 0; i < list->count; i++)
        (void)json_array_append_new(sections, trial_json(list, &list->trials[i]));
    (void)json_object_set_new(document, "sections", sections);
    return json_print(document);
}

/* --- the command ----------------------------------------------------------------------------- */

/* A file that cannot be read leaves nothing to report but that. */
static int refuse(const char *text, bool json)
{
    if (json)
        (void)json_print(json_pack("{s:b, s:o}", "ok", 0, "error", json_text(text)));
    return command_failed(&command_config_check, text);
}

static int report(const struct trial_list *list, bool json)
{
    size_t errors = 0;
    for (size_t i = 0; i < list->count; i++)
        errors += list->trials[i].err.code < 0;
    int r = json ? print_report_json(list, errors) : print_report(list, errors);
    if (r < 0)
        return command_failed(&command_config_check, "out of memory");
    for (size_t i = 0; i < list->count; i++)
        if (list->trials[i].err.code < 0)
            fprintf(stderr, "yoke config check: [%s]: %s\n", list->trials[i].section,
                    list->trials[i].err.text);
    return errors > 0;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"runtime", required_argument, NULL, 'r'},
                                            {"runtimes", required_argument, NULL, 'f'},
                                            {0}};
    bool json = false;
    struct runtimes_request request = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        if (c == 'j')
            json = true;
        else if (c == 'r')
            request.runtime = optarg;
        else if (c == 'f')
            request.file = optarg;
        else
            return command_misused_option(&command_config_check, c, argv, options);
    }
    if (optind < argc)
        return command_misused(&command_config_check, "it takes no argument '%s'", argv[optind]);

    struct error err = {0};
    OWNED(trial_list) struct trial_list *list = NULL;
    if (trial_list_new(&request, &list, &err) < 0)
        return refuse(err.text, json);
    return report(list, json);
}

const struct command command_config_check = {
    .name = "check",
    .summary = "say which runtimes.conf counts, what it says, and whether that works",
    .help = "usage: yoke config check [--json] [--runtime NAME] [--runtimes FILE]\n"
            "\n"
            "Says which runtimes.conf counts and why, and what holds for each section.  The "
            "runtime of\n"
            "each is loaded and made once, so that the plugin itself checks its own keys.\n"
            "\n"
            "  --json           print a JSON document\n"
            "  --runtime NAME   the runtime, whatever YOKE_RUNTIME and runtimes.conf say\n"
            "  --runtimes FILE  read FILE in place of runtimes.conf\n"
            "\n"
            "exit status: 0 when all of it works, 1 when not.\n",
    .run = run,
};

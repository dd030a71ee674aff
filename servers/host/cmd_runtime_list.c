/* SPDX-License-Identifier: MIT
 * cmd_runtime_list.c - yoke runtime list: which runtimes there are, and which is the default. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/own.h"
#include "core/base/text.h"
#include "core/config/runtimes_conf.h"
#include "core/runtime/loader.h"
#include "core/runtime/plugin_path.h"
#include "core/runtime/runtime.h"
#include "servers/host/command.h"
#include "servers/host/json_text.h"

#define CAPS_TEXT_BYTES_MAX 256
#define KNOWN_COUNT         3

static const char *const known_runtimes[KNOWN_COUNT] = {"uv", "ev", "threads"};

struct row {
    const char *name;      /* borrowed, as file and entry */
    const char *file;      /* NULL: there is none */
    const yk_entry *entry; /* NULL: it is not ready */
    const char *state;     /* "ready", "refused", "hidden", "not installed", "not built" */
    bool is_default;
    struct error reason; /* of a refusal */
};

struct runtime_table {
    struct runtimes_conf *conf;        /* owned */
    struct runtimes_settings settings; /* of [default] */
    struct plugin_path *path;          /* owned */
    struct plugin_list *list;          /* owned */
    size_t count;
    struct row *rows; /* owned */
};

static void runtime_table_free(struct runtime_table *take_table)
{
    if (!take_table)
        return;
    free(take_table->rows);
    plugin_list_free(take_table->list);
    plugin_path_free(take_table->path);
    runtimes_conf_free(take_table->conf);
    free(take_table);
}
DEFINE_DROP(runtime_table, struct runtime_table)

static void add_file(struct runtime_table *table, const struct plugin_list_file *file)
{
    struct row *row = &table->rows[table->count++];
    *row = (struct row){.name = file->name, .file = file->file, .state = "hidden"};
    if (file->hidden)
        return;
    row->is_default = strcmp(table->settings.values[RUNTIMES_RUNTIME].text, file->name) == 0;
    int r = loader_open_file(file->file, &row->entry, NULL, &row->reason);
    row->state = r < 0 ? "refused" : "ready";
}

/* A runtime of this tree that has no file: was it left out of the build, or is it not installed? */
static void add_missing(struct runtime_table *table, const char *name)
{
    for (size_t i = 0; i < table->list->count; i++)
        if (strcmp(table->list->files[i].name, name) == 0)
            return;
    struct row *row = &table->rows[table->count++];
    *row = (struct row){.name = name,
                        .state = runtimes_built_has(name) ? "not installed" : "not built"};
    row->is_default = strcmp(table->settings.values[RUNTIMES_RUNTIME].text, name) == 0;
}

static int runtime_table_new(const struct runtimes_request *request,
                             struct runtime_table **out_table, struct error *err)
{
    OWNED(runtime_table) struct runtime_table *table = calloc(1, sizeof *table);
    if (!table)
        return fail(err, -ENOMEM, "out of memory");
    int r = runtimes_conf_load(request, &table->conf, err);
    if (r == 0)
        r = runtimes_conf_settings(table->conf, "default", &table->settings, err);
    if (r == 0)
        r = plugin_path_new(table->settings.values[RUNTIMES_PLUGIN_DIR].text, &table->path, err);
    if (r == 0)
        r = plugin_path_list(table->path, &table->list, err);
    if (r < 0)
        return r;
    table->rows = calloc(table->list->count + KNOWN_COUNT, sizeof *table->rows);
    if (!table->rows)
        return fail(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < table->list->count; i++)
        add_file(table, &table->list->files[i]);
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        add_missing(table, known_runtimes[i]);
    *out_table = MOVE(table);
    return 0;
}

/* Writes "loops workers": names of the bits, and numbers of those without a name. */
static void write_caps(uint64_t caps, char out_text[CAPS_TEXT_BYTES_MAX])
{
    size_t len = 0;
    out_text[0] = '\0';
    for (unsigned bit = 0; bit < 64 && len < CAPS_TEXT_BYTES_MAX; bit++) {
        if (!(caps & (UINT64_C(1) << bit)))
            continue;
        const char *name = runtime_cap_name(bit);
        char number[16];
        (void)snprintf(number, sizeof number, "bit-%u", bit);
        len += (size_t)snprintf(out_text + len, CAPS_TEXT_BYTES_MAX - len, "%s%s",
                                len > 0 ? " " : "", name ? name : number);
    }
}

/* Writes why the default is what it is: "runtimes.conf:3", "--runtime", "built in". */
static void write_why(const struct runtime_table *table, struct text *text)
{
    const struct runtimes_value *runtime = &table->settings.values[RUNTIMES_RUNTIME];
    if (runtime->line > 0)
        text_add_format(text, "%s:%d", runtimes_conf_path(table->conf), runtime->line);
    else
        text_add_string(text, runtime->from);
}

static void print_ready(const struct row *row)
{
    const yk_entry *entry = row->entry;
    char caps[CAPS_TEXT_BYTES_MAX];
    write_caps(entry->caps, caps);
    printf("%-10s %-14s %s (%s)%s%s\n%25s %s\n", row->name, row->state, entry->version,
           entry->build, caps[0] != '\0' ? ", " : "", caps, "", row->file);
}

static void print_rows(const struct runtime_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct row *row = &table->rows[i];
        if (row->entry)
            print_ready(row);
        else if (row->file)
            printf("%-10s %-14s %s\n", row->name, row->state,
                   row->reason.code < 0 ? row->reason.text : row->file);
        else
            printf("%-10s %s\n", row->name, row->state);
    }
}

static int print_table(const struct runtime_table *table, const char *why)
{
    print_rows(table);
    printf("\ndefault: %s (%s)\n", table->settings.values[RUNTIMES_RUNTIME].text, why);
    printf("built:   %s\n", runtimes_built()[0] != '\0' ? runtimes_built() : "none");
    for (size_t i = 0; plugin_path_folder(table->path, i); i++)
        printf("%s %s\n", i == 0 ? "folders:" : "        ", plugin_path_folder(table->path, i));
    return 0;
}

static json_t *row_json(const struct row *row)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "name", json_text(row->name));
    (void)json_object_set_new(object, "state", json_text(row->state));
    (void)json_object_set_new(object, "default", json_boolean(row->is_default));
    (void)json_object_set_new(object, "built", json_boolean(runtimes_built_has(row->name)));
    (void)json_object_set_new(object, "file", json_text(row->file));
    if (row->reason.code < 0)
        (void)json_object_set_new(object, "reason", json_text(row->reason.text));
    if (!row->entry)
        return object;
    char caps[CAPS_TEXT_BYTES_MAX];
    write_caps(row->entry->caps, caps);
    (void)json_object_set_new(object, "version", json_text(row->entry->version));
    (void)json_object_set_new(
        object, "abi",
        json_sprintf("%u.%u", (unsigned)row->entry->abi_major, (unsigned)row->entry->abi_minor));
    (void)json_object_set_new(object, "build", json_text(row->entry->build));
    (void)json_object_set_new(object, "caps", json_words(caps));
    return object;
}

static int print_table_json(const struct runtime_table *table, const char *why)
{
    json_t *document = json_object();
    json_t *fallback = json_object();
    (void)json_object_set_new(fallback, "runtime",
                              json_text(table->settings.values[RUNTIMES_RUNTIME].text));
    (void)json_object_set_new(fallback, "why", json_text(why));
    (void)json_object_set_new(document, "default", fallback);
    json_t *folders = json_array();
    for (size_t i = 0; plugin_path_folder(table->path, i); i++)
        (void)json_array_append_new(folders, json_text(plugin_path_folder(table->path, i)));
    (void)json_object_set_new(document, "folders", folders);
    json_t *rows = json_array();
    for (size_t i = 0; i < table->count; i++)
        (void)json_array_append_new(rows, row_json(&table->rows[i]));
    (void)json_object_set_new(document, "runtimes", rows);
    return json_print(document);
}

static int list_run(int argc, char **argv)
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
            return command_misused_option(&command_runtime_list, c, argv, options);
    }
    if (optind < argc)
        return command_misused(&command_runtime_list, "it takes no argument '%s'", argv[optind]);

    struct error err = {0};
    OWNED(runtime_table) struct runtime_table *table = NULL;
    OWNED(text) struct text *why = NULL;
    if (runtime_table_new(&request, &table, &err) < 0)
        return command_failed(&command_runtime_list, err.text);
    if (text_new(ERROR_TEXT_BYTES, &why) < 0)
        return command_failed(&command_runtime_list, "out of memory");
    write_why(table, why);
    int r = json ? print_table_json(table, text_bytes(why)) : print_table(table, text_bytes(why));
    return r < 0 ? command_failed(&command_runtime_list, "out of memory") : 0;
}

const struct command command_runtime_list = {
    .name = "list",
    .summary = "show the runtimes that there are, and which is the default",
    .help =
        "usage: yoke runtime list [--json] [--runtime NAME] [--runtimes FILE]\n"
        "\n"
        "Loads each runtime_NAME.so in the folders with plugins and says what it is, or why it is\n"
        "refused; then which runtime is the default, and why.\n"
        "\n"
        "  --json           print a JSON document\n"
        "  --runtime NAME   the runtime, whatever YOKE_RUNTIME and runtimes.conf say\n"
        "  --runtimes FILE  read FILE in place of runtimes.conf\n"
        "\n"
        "states: ready; refused (with the reason); hidden (an earlier folder has one of that "
        "name);\n"
        "not installed (it was built, but no folder has it); not built.\n",
    .run = list_run,
};

/* SPDX-License-Identifier: MIT
 * plugin_path.c - see plugin_path.h. */
#include "core/runtime/plugin_path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/suggest.h"
#include "core/base/text.h"
#include "core/config/runtimes_key.h"

#define FILE_PREFIX            "runtime_"
#define FILE_SUFFIX            ".so"
#define FOLDERS_TEXT_BYTES_MAX 256 /* of a list in a message */

struct plugin_path {
    size_t count;
    char *folders[PLUGIN_PATH_FOLDERS_MAX]; /* owned */
};

static int out_of_memory(struct error *err)
{
    return fail(err, -ENOMEM, "cannot look for runtimes: out of memory");
}

void plugin_path_free(struct plugin_path *take_path)
{
    if (!take_path)
        return;
    for (size_t i = 0; i < take_path->count; i++)
        free(take_path->folders[i]);
    free(take_path);
}

static int add_folder(struct plugin_path *path, const char *folder, size_t len, const char *from,
                      struct error *err)
{
    if (folder[0] != '/')
        return fail(err, -EINVAL, "%s: the folder '%.*s' is not an absolute path", from, (int)len,
                    folder);
    if (path->count == PLUGIN_PATH_FOLDERS_MAX)
        return fail(err, -EINVAL, "%s: there are more than %d folders with plugins", from,
                    PLUGIN_PATH_FOLDERS_MAX);
    char *copy = strndup(folder, len);
    if (!copy)
        return out_of_memory(err);
    path->folders[path->count++] = copy;
    return 0;
}

int plugin_path_new(const char *plugin_dir, struct plugin_path **out_path, struct error *err)
{
    OWNED(plugin_path) struct plugin_path *path = calloc(1, sizeof *path);
    if (!path)
        return out_of_memory(err);
    int r =
        add_folder(path, YOKE_PLUGIN_DIR, strlen(YOKE_PLUGIN_DIR), "the compiled-in folder", err);
    if (r == 0 && plugin_dir)
        r = add_folder(path, plugin_dir, strlen(plugin_dir), "plugin_dir", err);

    const char *rest = secure_getenv("YOKE_PLUGIN_PATH");
    while (r == 0 && rest && *rest != '\0') {
        size_t len = strcspn(rest, ":");
        if (len > 0) /* "a::b" comes from an empty variable, and names no folder */
            r = add_folder(path, rest, len, "YOKE_PLUGIN_PATH", err);
        rest += len + (rest[len] == ':');
    }
    if (r < 0)
        return r;
    *out_path = MOVE(path);
    return 0;
}

const char *plugin_path_folder(const struct plugin_path *path, size_t i)
{
    return i < path->count ? path->folders[i] : NULL;
}

/* --- listing --------------------------------------------------------------------------------- */

void plugin_list_free(struct plugin_list *take_list)
{
    if (!take_list)
        return;
    for (size_t i = 0; i < take_list->count; i++) {
        free(take_list->files[i].name);
        free(take_list->files[i].file);
    }
    free(take_list);
}

/* The NAME of "runtime_NAME.so", owned by the caller; NULL if it is no such file, or no memory
 * (then errno tells). */
static char *name_of(const char *file_name)
{
    size_t len = strlen(file_name);
    errno = 0;
    if (len <= strlen(FILE_PREFIX FILE_SUFFIX) ||
        strncmp(file_name, FILE_PREFIX, strlen(FILE_PREFIX)) != 0 ||
        strcmp(file_name + len - strlen(FILE_SUFFIX), FILE_SUFFIX) != 0)
        return NULL;
    char *name = strndup(file_name + strlen(FILE_PREFIX), len - strlen(FILE_PREFIX FILE_SUFFIX));
    if (name && !runtimes_name_valid(name)) {
        free(name);
        return NULL;
    }
    return name;
}

/* Adds in order of names, behind those of the same name. */
static int add_file(struct plugin_list *list, const char *folder, char *take_name,
                    const char *file_name, struct error *err)
{
    struct plugin_list_file new = {.name = take_name};
    if (list->count == PLUGIN_LIST_FILES_MAX ||
        asprintf(&new.file, "%s/%s", folder, file_name) < 0) {
        free(take_name);
        if (list->count < PLUGIN_LIST_FILES_MAX)
            return out_of_memory(err);
        return fail(err, -E2BIG, "there are more than %d runtimes in the folders with plugins",
                    PLUGIN_LIST_FILES_MAX);
    }
    size_t i = list->count;
    for (; i > 0 && strcmp(list->files[i - 1].name, new.name) > 0; i--)
        list->files[i] = list->files[i - 1];
    new.hidden = i > 0 && strcmp(list->files[i - 1].name, new.name) == 0;
    list->files[i] = new;
    list->count++;
    return 0;
}

static int list_entries(struct plugin_list *list, const char *folder, DIR *dir, struct error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno != 0)
            return fail(err, -errno, "cannot list %s: %s", folder, error_words(-errno));
        if (!entry)
            return 0;
        char *name = name_of(entry->d_name);
        if (!name && errno == ENOMEM)
            return out_of_memory(err);
        int r = name ? add_file(list, folder, name, entry->d_name, err) : 0;
        if (r < 0)
            return r;
    }
}

static int list_folder(struct plugin_list *list, const char *folder, struct error *err)
{
    DIR *dir = opendir(folder);
    if (!dir && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!dir)
        return fail(err, -errno, "cannot list %s: %s", folder, error_words(-errno));
    int r = list_entries(list, folder, dir, err);
    (void)closedir(dir); /* it was only read */
    return r;
}

int plugin_path_list(const struct plugin_path *path, struct plugin_list **out_list,
                     struct error *err)
{
    OWNED(plugin_list) struct plugin_list *list = calloc(1, sizeof *list);
    if (!list)
        return out_of_memory(err);
    for (size_t i = 0; i < path->count; i++) {
        int r = list_folder(list, path->folders[i], err);
        if (r < 0)
            return r;
    }
    *out_list = MOVE(list);
    return 0;
}

/* --- finding --------------------------------------------------------------------------------- */

/* Adds "; there are: ev, uv" or so. */
static void add_choice(const char *const *names, struct text *text)
{
    text_add_string(text, names[0] ? "; there are: " : "; there are no runtimes");
    for (size_t i = 0; names[i]; i++)
        text_add_format(text, "%s%s", i > 0 ? ", " : "", names[i]);
}

static int refuse_unknown(const struct plugin_path *path, const char *name, struct error *err)
{
    OWNED(text) struct text *text = NULL;
    if (text_new(ERROR_TEXT_BYTES * 2, &text) < 0)
        return out_of_memory(err);
    for (size_t i = 0; i < path->count; i++)
        text_add_format(text, "%s%s", i > 0 ? ", " : "", path->folders[i]);

    OWNED(plugin_list) struct plugin_list *list = NULL;
    const char *names[PLUGIN_LIST_FILES_MAX + 1] = {NULL};
    size_t count = 0;
    if (plugin_path_list(path, &list, NULL) == 0) /* what cannot be listed is not offered */
        for (size_t i = 0; i < list->count; i++)
            if (!list->files[i].hidden)
                names[count++] = list->files[i].name;
    add_choice(names, text);
    const char *near = suggest(name, names);
    return fail(err, -ENOENT,
                "there is no runtime '%s'%s%s%s: no file " FILE_PREFIX "%s" FILE_SUFFIX " in %s",
                name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", name,
                text_bytes(text));
}

int plugin_path_find(const struct plugin_path *path, const char *name, char **out_file,
                     struct error *err)
{
    if (!runtimes_name_valid(name))
        return fail(err, -EINVAL, "'%.80s' cannot be a runtime: wanted is %s", name,
                    runtimes_key_allowed(RUNTIMES_RUNTIME));
    for (size_t i = 0; i < path->count; i++) {
        char *file = NULL;
        if (asprintf(&file, "%s/" FILE_PREFIX "%s" FILE_SUFFIX, path->folders[i], name) < 0)
            return out_of_memory(err);
        struct stat status;
        int r = stat(file, &status) < 0 ? -errno : 0;
        if (r == 0) {
            *out_file = file;
            return 0;
        }
        if (r != -ENOENT && r != -ENOTDIR)
            (void)fail(err, r, "cannot look at %s: %s", file, error_words(r));
        free(file);
        if (r != -ENOENT && r != -ENOTDIR)
            return r;
    }
    return refuse_unknown(path, name, err);
}

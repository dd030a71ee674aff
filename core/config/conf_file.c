/* SPDX-License-Identifier: MIT
 * conf_file.c - see conf_file.h.
 *
 * Source: XDG Base Directory Specification 0.8 (a relative XDG_CONFIG_HOME does not count). */
#include "core/config/conf_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"

#define FILE_NAME "runtimes.conf"

void conf_file_free(struct conf_file *take_file)
{
    if (!take_file)
        return;
    free(take_file->path);
    free(take_file->why);
    free(take_file->bytes);
    free(take_file);
}

struct conf_places conf_places_of_process(const char *option)
{
    return (struct conf_places){
        .option = option,
        .variable = secure_getenv("YOKE_RUNTIMES"),
        .xdg_config_home = secure_getenv("XDG_CONFIG_HOME"),
        .home = secure_getenv("HOME"),
        .system_folder = YOKE_CONFIG_DIR,
    };
}

static bool is_set(const char *text)
{
    return text && text[0] != '\0';
}

static int out_of_memory(struct error *err)
{
    return fail(err, -ENOMEM, "cannot look for " FILE_NAME ": out of memory");
}

/* Returns the formatted text, owned by the caller, or NULL. */
__attribute__((format(printf, 1, 2))) static char *format_text(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return len < 0 ? NULL : text;
}

/* Reads a file that was named; that it is missing is an error. */
static int read_named(struct conf_file *file, const char *path, const char *namer, size_t bytes_max,
                      struct error *err)
{
    struct error cause = {0};
    int r = file_read(path, bytes_max, &file->bytes, &file->len, &cause);
    if (r < 0)
        return fail(err, r, "%s (named by %s)", cause.text, namer);
    file->path = strdup(path);
    file->why = format_text("named by %s", namer);
    return file->path && file->why ? 0 : out_of_memory(err);
}

/* Reads a file that may be missing.  Returns 1 if it is there, 0 if not. */
static int read_in_folder(struct conf_file *file, const char *path, const char *whose,
                          size_t bytes_max, struct error *err)
{
    struct error cause = {0};
    int r = file_read(path, bytes_max, &file->bytes, &file->len, &cause);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r < 0)
        return fail(err, r, "%s; --runtimes or YOKE_RUNTIMES can name another file", cause.text);
    file->path = strdup(path);
    file->why = format_text("found in the %s configuration folder", whose);
    return file->path && file->why ? 1 : out_of_memory(err);
}

/* The path in the user's folder; *out_path is NULL if there is no such folder.  Returns 0 or
 * -ENOMEM. */
static int user_path(const struct conf_places *places, char **out_path)
{
    *out_path = NULL;
    bool has_xdg = is_set(places->xdg_config_home) && places->xdg_config_home[0] == '/';
    if (has_xdg)
        *out_path = format_text("%s/yoke/" FILE_NAME, places->xdg_config_home);
    else if (is_set(places->home) && places->home[0] == '/')
        *out_path = format_text("%s/.config/yoke/" FILE_NAME, places->home);
    else
        return 0;
    return *out_path ? 0 : -ENOMEM;
}

static int search_folders(struct conf_file *file, const char *path_of_user,
                          const char *path_of_system, size_t bytes_max, struct error *err)
{
    int r = path_of_user ? read_in_folder(file, path_of_user, "user's", bytes_max, err) : 0;
    if (r == 0)
        r = read_in_folder(file, path_of_system, "system's", bytes_max, err);
    if (r != 0)
        return r;
    file->why = path_of_user ? format_text("neither %s nor %s exists", path_of_user, path_of_system)
                             : format_text("%s does not exist", path_of_system);
    return file->why ? 0 : out_of_memory(err);
}

static int search(const struct conf_places *places, size_t bytes_max, struct conf_file *file,
                  struct error *err)
{
    if (places->option)
        return read_named(file, places->option, "--runtimes", bytes_max, err);
    if (is_set(places->variable))
        return read_named(file, places->variable, "YOKE_RUNTIMES", bytes_max, err);

    char *path_of_user = NULL;
    char *path_of_system = format_text("%s/" FILE_NAME, places->system_folder);
    int r = user_path(places, &path_of_user);
    if (r < 0 || !path_of_system)
        r = out_of_memory(err);
    else
        r = search_folders(file, path_of_user, path_of_system, bytes_max, err);
    free(path_of_user);
    free(path_of_system);
    return r;
}

int conf_file_open(const struct conf_places *places, size_t bytes_max, struct conf_file **out_file,
                   struct error *err)
{
    OWNED(conf_file) struct conf_file *file = calloc(1, sizeof *file);
    if (!file)
        return out_of_memory(err);
    int r = search(places, bytes_max, file, err);
    if (r < 0)
        return r;
    *out_file = MOVE(file);
    return 0;
}

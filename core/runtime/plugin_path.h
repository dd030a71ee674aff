/* SPDX-License-Identifier: MIT
 * plugin_path.h - the folders in which runtime plugins are looked for, in order.
 *
 * Layer: core/runtime.  Threads: none of its own.  Start at plugin_path_new().
 *
 * First the folder that was compiled in, then `plugin_dir` of runtimes.conf, then those of
 * YOKE_PLUGIN_PATH (absolute, with colons between; for a tree that is not installed), which does
 * not count in a program that runs with other rights than its caller's.  The file of the runtime
 * NAME is runtime_NAME.so; the first folder that has it counts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/base/own.h"

#define PLUGIN_PATH_FOLDERS_MAX 16
#define PLUGIN_LIST_FILES_MAX   256

struct plugin_path; /* opaque: the fields live in plugin_path.c */

/* Makes the list of folders; whether they exist is not looked at.
 *
 * plugin_dir  absolute, or NULL
 * Returns 0, -EINVAL (a folder that is not absolute, or too many) or -ENOMEM. */
MUST_USE int plugin_path_new(const char *plugin_dir, struct plugin_path **out_path,
                             struct error *err);

/* The i-th folder, NULL behind the last. */
const char *plugin_path_folder(const struct plugin_path *path, size_t i);

/* Frees at once; NULL is fine. */
void plugin_path_free(struct plugin_path *take_path);
DEFINE_DROP(plugin_path, struct plugin_path)

/* Finds the file of the runtime `name`.
 *
 * out_file  absolute; caller owns (free); written only on success
 * Returns 0; -EINVAL (no such name can be), -ENOENT (the text lists what there is), -EACCES ...,
 * -ENOMEM. */
MUST_USE int plugin_path_find(const struct plugin_path *path, const char *name, char **out_file,
                              struct error *err);

/* What lies in the folders, by name, then in the order of the folders. */
struct plugin_list {
    size_t count;
    struct plugin_list_file {
        char *name;  /* owned: "uv" */
        char *file;  /* owned */
        bool hidden; /* an earlier folder has one of that name */
    } files[PLUGIN_LIST_FILES_MAX];
};

/* Lists the files runtime_*.so of all folders; a folder that does not exist has none.
 *
 * out_list  caller owns; written only on success
 * Returns 0; -EACCES ..., -E2BIG (more than PLUGIN_LIST_FILES_MAX), -ENOMEM. */
MUST_USE int plugin_path_list(const struct plugin_path *path, struct plugin_list **out_list,
                              struct error *err);

/* Frees at once; NULL is fine. */
void plugin_list_free(struct plugin_list *take_list);
DEFINE_DROP(plugin_list, struct plugin_list)

/* SPDX-License-Identifier: MIT
 * plugin_file.h - the file of a runtime plugin, found trustworthy before any of its code runs.
 *
 * Layer: core/runtime; one of the files that core/LAYERS names for descriptor calls.  Threads: none
 * of its own. Start at plugin_file_open().
 *
 * Trustworthy means: a regular file that only root or the user who runs this program can change, in
 * folders for which the same holds up to the root; a folder like /tmp, where nobody can replace
 * what is another's, is fine. */
#pragma once

#include "core/base/error.h"
#include "core/base/own.h"

struct plugin_file {
    char *path; /* owned; real: no symbolic link in it */
    char
        *name; /* owned; what the file's name says that it is: NAME of runtime_NAME.so or NAME.so */
    int fd;    /* owned; the file that was checked */
    void *page; /* owned; its first page, as a sample of what its mappings look like */
};

/* Opens and checks a plugin's file.
 *
 * path      absolute
 * out_file  caller owns; written only on success
 * Returns 0; -EINVAL (no absolute path, no .so), -EACCES, -EPERM (not trustworthy), -ENOENT ...,
 * -ENOMEM. */
MUST_USE int plugin_file_open(const char *path, struct plugin_file **out_file, struct error *err);

/* Proves that `address` lies in a mapping of the very file that was checked, not of one put in its
 * place. Returns 0; -ESTALE (it is another file), -ENOENT ... (/proc cannot be read). */
MUST_USE int plugin_file_holds(const struct plugin_file *file, const void *address,
                               struct error *err);

/* Closes; what was loaded stays loaded.  NULL is fine. */
void plugin_file_free(struct plugin_file *take_file);
DEFINE_DROP(plugin_file, struct plugin_file)

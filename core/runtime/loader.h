/* SPDX-License-Identifier: MIT
 * loader.h - a runtime plugin is found, checked, loaded, and checked again.
 *
 * Layer: core/runtime; the only user of dlopen.  Threads: any thread that is not a task: the file
 * system and the plugin's constructors take their time.  Start at loader_open().
 *
 * A plugin is loaded once and never unloaded (spawner.h, V6): opening it again gives the same
 * entry. */
#pragma once

#include "core/base/error.h"
#include "core/base/own.h"
#include "core/runtime/spawner.h"

/* Loads a runtime.
 *
 * runtime     a name, looked for as plugin_path.h says, or the absolute path of a file
 * plugin_dir  one more folder to look in, or NULL
 * out_entry   lives for ever; written only on success
 * out_path    the real path of the file; caller owns (free); NULL if it is not wanted; written only
 *             on success
 * Returns 0; -ENOENT (unknown), -EPERM (a file that others can change), -ENOEXEC (cannot be loaded,
 * or is no runtime), -ESTALE (replaced meanwhile), -EPROTO (another ABI), ..., -ENOMEM.  The text
 * says what was tried, found and wanted. */
MUST_USE int loader_open(const char *runtime, const char *plugin_dir, const yk_entry **out_entry,
                         char **out_path, struct error *err);

/* As loader_open(), with the absolute path of a file. */
MUST_USE int loader_open_file(const char *path, const yk_entry **out_entry, char **out_path,
                              struct error *err);

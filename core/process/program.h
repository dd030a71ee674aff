/* SPDX-License-Identifier: MIT
 * program.h - which file a command names, and why the kernel would not run it.
 *
 * Layer: core/process; one of the files that core/LAYERS names for descriptor calls.  Threads: any,
 * in an offloaded job: a slow disk blocks the thread.  Source: execve(2), environ(7). */
#pragma once

#include "core/base/error.h"
#include "core/base/own.h"

#define PROGRAM_PATH_DEFAULT "/bin:/usr/bin" /* where the environment has no PATH */

/* Opens the folder that a program shall run in, for program_find() and fchdir(2).
 *
 * program  for the sentence only
 * Returns the descriptor, above 2 and close-on-exec; -ENOENT, -ENOTDIR, -EACCES (not searchable),
 * -EMFILE, -ENFILE ... */
MUST_USE int program_open_directory(const char *directory, const char *program, struct error *err);

/* Finds the file: `program` itself if it has a slash, else the first in PATH of `env` that may be
 * run.
 *
 * directory_fd  where relative paths begin: of program_open_directory(), or AT_FDCWD
 * out_path      caller owns (free)
 * Returns 0; -ENOENT (in no folder of PATH), -EACCES (found, but none may be run), -EINVAL (empty),
 * -ENAMETOOLONG, -ENOMEM. */
MUST_USE int program_find(const char *program, const char *const *env, int directory_fd,
                          char **out_path, struct error *err);

/* Says in a sentence why execve(2) refused with `code`: looks at the file for what the code leaves
 * open.
 *
 * program, directory  as the user wrote them; directory may be NULL
 * Returns code. */
int program_explain(int code, const char *program, const char *directory, const char *path,
                    int directory_fd, struct error *err);

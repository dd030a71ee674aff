/* SPDX-License-Identifier: MIT
 * file.h - a whole regular file, read at once, with a limit on its size.
 *
 * Layer: core/base; one of the files that core/LAYERS names for descriptor calls.  Threads: any,
 * off tasks or in an offloaded job: a slow disk blocks the thread. */
#pragma once

#include <stddef.h>

#include "core/base/error.h"
#include "core/base/own.h"

/* Reads the file `path`.
 *
 * bytes_max  a longer file is refused
 * out_bytes  caller owns (free); a NUL follows the last byte; written only on success
 * out_len    may be NULL
 * Returns 0; -ENOENT, -EACCES ...; -EISDIR or -EINVAL (not a regular file),
 * -EFBIG (too long), -ENOMEM. */
MUST_USE int file_read(const char *path, size_t bytes_max, char **out_bytes, size_t *out_len,
                       struct error *err);

/* The absolute path of what exists at `path`, without symbolic links.
 *
 * out_path  caller owns (free); written only on success
 * Returns 0; -ENOENT, -EACCES, -ENOMEM ... */
MUST_USE int file_real_path(const char *path, char **out_path, struct error *err);

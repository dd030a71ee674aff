/* SPDX-License-Identifier: MIT
 * utf8.h - whether bytes are text.
 *
 * Layer: core/base.  Threads: none of its own.  Pure.  Source: RFC 3629, section 4. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Length of the longest start of `bytes` that is valid UTF-8: `len` if all of it is. */
size_t utf8_valid_len(const char *bytes, size_t len);

static inline bool utf8_is_valid(const char *bytes, size_t len)
{
    return utf8_valid_len(bytes, len) == len;
}

/* SPDX-License-Identifier: MIT
 * base64.h - bytes as text.
 *
 * Layer: core/base.  Threads: none of its own.  Pure.  Source: RFC 4648, section 4. */
#pragma once

#include <stddef.h>

/* Length of the text of `len` bytes, without the NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_LEN(len) characters, padded with =, and a NUL. */
void base64_encode(const void *bytes, size_t len, char *out_text);

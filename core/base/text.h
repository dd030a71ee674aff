/* SPDX-License-Identifier: MIT
 * text.h - bytes that grow at their end, with a limit.
 *
 * Layer: core/base.  Threads: none of its own; the owner locks.  Errors are sticky: add what there
 * is to add, ask once. */
#pragma once

#include <stddef.h>

#include "core/base/own.h"

struct text; /* opaque: the fields live in text.c */

/* Makes an empty text of at most `len_max` bytes.  Returns 0 or -ENOMEM. */
MUST_USE int text_new(size_t len_max, struct text **out_text);

/* Adds bytes at the end.  What does not fit is left out whole, and text_check() tells from then on.
 */
void text_add(struct text *text, const char *bytes, size_t len);

/* Adds a NUL-terminated string; what printf would print. */
void text_add_string(struct text *text, const char *string);
void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns 0, -E2BIG (something did not fit the limit) or -ENOMEM. */
MUST_USE int text_check(const struct text *text);

/* The bytes, which a NUL follows; borrowed until the next call that changes the text. */
const char *text_bytes(const struct text *text);
size_t text_len(const struct text *text);

/* Empties the text and forgets its error; the memory stays. */
void text_clear(struct text *text);

/* Frees at once; NULL is fine. */
void text_free(struct text *take_text);
DEFINE_DROP(text, struct text)

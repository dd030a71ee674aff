/* SPDX-License-Identifier: MIT
 * problems.h - everything that is wrong with one file, each in one sentence with its place.
 *
 * Layer: servers/stack.  Threads: none of its own.  Start at problems_add(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/own.h"
#include "servers/stack/place.h"

#define PROBLEMS_MAX      50 /* those that are kept; further ones are only counted */
#define PROBLEM_BYTES_MAX 2048

struct problems; /* opaque: the fields live in problems.c */

/* Makes an empty list for the file that is called `file_name`, which is copied.  Returns 0 or
 * -ENOMEM. */
MUST_USE int problems_new(const char *file_name, struct problems **out_problems);

/* Adds "file:line:column: sentence", or "file: sentence" for a place that is nowhere.  Cannot fail:
 * without memory the problem is only counted.  Returns -EINVAL, so that who finds a problem can
 * return it. */
int problems_add(struct problems *problems, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Number of all that were added, whether kept or only counted. */
size_t problems_count(const struct problems *problems);

/* Whether a further problem would only be counted: who looks for more may stop. */
bool problems_full(const struct problems *problems);

/* The sentences that were kept, one a line, sorted by place; then a line that counts the rest.
 * Borrowed until the next change. */
const char *problems_text(struct problems *problems);

const char *problems_file_name(const struct problems *problems);

/* Frees at once; NULL is fine. */
void problems_free(struct problems *take_problems);
DEFINE_DROP(problems, struct problems)

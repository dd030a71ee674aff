/* SPDX-License-Identifier: MIT
 * json_text.h - C strings as JSON, whatever their bytes, and whole documents on standard output.
 *
 * Layer: servers/host.  Threads: none of its own. */
#pragma once

#include <jansson.h>

/* A JSON string; null for NULL.  Bytes that are not UTF-8, which a path may have, become '?'.
 * NULL if there is no memory, which json_print() tells. */
json_t *json_text(const char *text);

/* A JSON array of the words between blanks.  NULL if there is no memory. */
json_t *json_words(const char *words);

/* Prints a document and a newline to stdout, and frees it.
 * Returns 0; -ENOMEM if there was no memory for it or for a part of it. */
int json_print(json_t *take_document);

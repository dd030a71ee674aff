/* SPDX-License-Identifier: MIT
 * suggest.h - "did you mean ...?": the known word that a mistyped one is closest to.
 *
 * Layer: core/base.  Threads: none of its own.  Allocates nothing, cannot fail. */
#pragma once

#include <stddef.h>

#define SUGGEST_WORD_BYTES_MAX 64 /* longer words get no suggestion */

/* Finds the candidate that `word` was most likely meant to be, or NULL if none is close.
 *
 * candidates  a list that ends with NULL; of equally close ones the first is taken
 * Returns one of the candidates, borrowed.  Upper and lower case count as the same letter; a letter
 * more, less or other, and two letters that changed places, count as one mistake each; a third of
 * the letters may be wrong. */
const char *suggest(const char *word, const char *const *candidates);

/* Number of mistakes between two words, as counted above; SIZE_MAX if one is too long. */
size_t suggest_distance(const char *word, const char *other);

/* SPDX-License-Identifier: MIT
 * suggest.c - see suggest.h.
 *
 * Source: the optimal string alignment distance (Damerau, 1964; Levenshtein, 1966). */
#include "core/base/suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define MISTAKES_MAX 3

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int letter(const char *word, size_t i)
{
    return tolower((unsigned char)word[i]);
}

size_t suggest_distance(const char *word, const char *other)
{
    size_t word_len = strnlen(word, SUGGEST_WORD_BYTES_MAX + 1);
    size_t other_len = strnlen(other, SUGGEST_WORD_BYTES_MAX + 1);
    if (word_len > SUGGEST_WORD_BYTES_MAX || other_len > SUGGEST_WORD_BYTES_MAX)
        return SIZE_MAX;

    /* Of the table only the last three rows are needed. */
    uint8_t rows[3][SUGGEST_WORD_BYTES_MAX + 1];
    uint8_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= other_len; j++)
        above[j] = (uint8_t)j;

    for (size_t i = 1; i <= word_len; i++) {
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= other_len; j++) {
            size_t other_letter = letter(word, i - 1) != letter(other, j - 1);
            size_t least = smaller(above[j - 1] + other_letter, smaller(above[j], row[j - 1]) + 1U);
            if (i > 1 && j > 1 && letter(word, i - 1) == letter(other, j - 2) &&
                letter(word, i - 2) == letter(other, j - 1))
                least = smaller(least, before[j - 2] + 1U);
            row[j] = (uint8_t)least;
        }
        uint8_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[other_len];
}

const char *suggest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    size_t best_distance =
        smaller((strnlen(word, SUGGEST_WORD_BYTES_MAX) + 2) / 3, MISTAKES_MAX) + 1;

    for (size_t i = 0; candidates[i]; i++) {
        size_t distance = suggest_distance(word, candidates[i]);
        if (distance < best_distance && distance < strlen(candidates[i])) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

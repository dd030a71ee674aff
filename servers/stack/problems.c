/* SPDX-License-Identifier: MIT
 * problems.c - see problems.h. */
#include "servers/stack/problems.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct problem {
    struct place place;
    size_t number;  /* the order in which they were found */
    char *sentence; /* owned */
};

struct problems {
    char *file_name;   /* owned */
    struct text *text; /* owned; what problems_text() gives */
    size_t count;
    size_t kept;
    struct problem items[PROBLEMS_MAX];
};

int problems_new(const char *file_name, struct problems **out_problems)
{
    OWNED(problems) struct problems *problems = calloc(1, sizeof *problems);
    if (!problems)
        return -ENOMEM;
    problems->file_name = strdup(file_name);
    if (!problems->file_name)
        return -ENOMEM;
    int r = text_new((size_t)PROBLEMS_MAX * (PROBLEM_BYTES_MAX + strlen(file_name) + 64),
                     &problems->text);
    if (r < 0)
        return r;
    *out_problems = MOVE(problems);
    return 0;
}

/* What a file says must not drive the terminal: control characters become '?'. */
static void defuse(char *sentence)
{
    for (unsigned char *c = (unsigned char *)sentence; *c; c++) {
        if (*c < 0x20 || *c == 0x7F)
            *c = '?';
        else if (*c == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0) /* U+0080 to U+009F */
            c[0] = c[1] = '?';
    }
}

int problems_add(struct problems *problems, struct place place, const char *format, ...)
{
    problems->count++;
    if (problems->kept == PROBLEMS_MAX)
        return -EINVAL;

    char sentence[PROBLEM_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (len >= (int)sizeof sentence)
        memcpy(sentence + sizeof sentence - 4, "...", 4);

    defuse(sentence);
    struct problem *problem = &problems->items[problems->kept];
    problem->place = place;
    problem->number = problems->count;
    problem->sentence = len < 0 ? NULL : strdup(sentence);
    if (problem->sentence)
        problems->kept++;
    return -EINVAL;
}

size_t problems_count(const struct problems *problems)
{
    return problems->count;
}

bool problems_full(const struct problems *problems)
{
    return problems->count >= PROBLEMS_MAX;
}

static int compare_numbers(size_t a, size_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_places(const void *left, const void *right)
{
    const struct problem *a = left, *b = right;
    int r = compare_numbers(a->place.line, b->place.line);
    if (r == 0)
        r = compare_numbers(a->place.column, b->place.column);
    return r != 0 ? r : compare_numbers(a->number, b->number);
}

const char *problems_text(struct problems *problems)
{
    qsort(problems->items, problems->kept, sizeof problems->items[0], compare_places);

    text_clear(problems->text);
    for (size_t i = 0; i < problems->kept; i++) {
        const struct problem *problem = &problems->items[i];
        text_add_string(problems->text, problems->file_name);
        if (problem->place.line > 0)
            text_add_format(problems->text, ":%u:%u", problem->place.line, problem->place.column);
        text_add_format(problems->text, ": %s\n", problem->sentence);
    }
    if (problems->count > problems->kept)
        text_add_format(problems->text, "%s: and %zu more problems\n", problems->file_name,
                        problems->count - problems->kept);
    return text_bytes(problems->text);
}

const char *problems_file_name(const struct problems *problems)
{
    return problems->file_name;
}

void problems_free(struct problems *take_problems)
{
    if (!take_problems)
        return;
    for (size_t i = 0; i < take_problems->kept; i++)
        free(take_problems->items[i].sentence);
    text_free(take_problems->text);
    free(take_problems->file_name);
    free(take_problems);
}

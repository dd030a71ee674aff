/* SPDX-License-Identifier: MIT
 * lines.c - see lines.h. */
#include "servers/orchestrator/lines.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN ((size_t)4 * 1024)  /* most services are quiet */
#define ROOM_MAX     ((size_t)64 * 1024) /* a pipe holds no more */
#define CAPACITY_MAX (LINE_BYTES_MAX + ROOM_MAX)

/* Invariant: begin <= scanned <= end <= capacity; no newline lies in begin..scanned. */
struct lines {
    char *bytes; /* owned */
    size_t capacity;
    size_t begin;   /* of the line that is not taken yet */
    size_t scanned; /* as far as newlines were looked for */
    size_t end;     /* of the bytes */
    bool continued; /* the next piece goes on with the one before */
    bool no_more;
};

int lines_new(struct lines **out_lines)
{
    OWNED(lines) struct lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return -ENOMEM;
    lines->bytes = malloc(CAPACITY_MIN);
    if (!lines->bytes)
        return -ENOMEM;
    lines->capacity = CAPACITY_MIN;
    *out_lines = MOVE(lines);
    return 0;
}

/* Moves what is left to the front. */
static void compact(struct lines *lines)
{
    memmove(lines->bytes, lines->bytes + lines->begin, lines->end - lines->begin);
    lines->scanned -= lines->begin;
    lines->end -= lines->begin;
    lines->begin = 0;
    if (lines->end == 0 && lines->capacity > ROOM_MAX) { /* after a long line */
        char *bytes = realloc(lines->bytes, ROOM_MAX);
        if (bytes) {
            lines->bytes = bytes;
            lines->capacity = ROOM_MAX;
        }
    }
}

char *lines_room(struct lines *lines, size_t *out_room)
{
    if (lines->begin > 0)
        compact(lines);
    /* Half full: what comes, comes in numbers. */
    if (lines->end >= lines->capacity / 2 && lines->capacity < CAPACITY_MAX) {
        size_t capacity = lines->capacity * 2 < CAPACITY_MAX ? lines->capacity * 2 : CAPACITY_MAX;
        char *bytes = realloc(lines->bytes, capacity);
        if (bytes) {
            lines->bytes = bytes;
            lines->capacity = capacity;
        } else if (lines->end == lines->capacity) {
            return NULL;
        }
    }
    size_t room = lines->capacity - lines->end;
    assert(room > 0); /* lines_next() leaves at most LINE_BYTES_MAX + 1 bytes */
    *out_room = room < ROOM_MAX ? room : ROOM_MAX;
    return lines->bytes + lines->end;
}

void lines_added(struct lines *lines, size_t len)
{
    assert(len <= lines->capacity - lines->end);
    lines->end += len;
}

void lines_end(struct lines *lines)
{
    lines->no_more = true;
}

static void take(struct lines *lines, size_t len, bool ended, struct line *out_line)
{
    *out_line = (struct line){lines->bytes + lines->begin, len, lines->continued, ended};
    lines->begin += len + ended;
    if (lines->scanned < lines->begin)
        lines->scanned = lines->begin;
    lines->continued = !ended;
}

bool lines_next(struct lines *lines, struct line *out_line)
{
    const char *newline = memchr(lines->bytes + lines->scanned, '\n', lines->end - lines->scanned);
    size_t len = (newline ? (size_t)(newline - lines->bytes) : lines->end) - lines->begin;
    lines->scanned = lines->begin + len;
    if (len > LINE_BYTES_MAX) {
        take(lines, LINE_BYTES_MAX, false, out_line);
        return true;
    }
    if (newline) {
        take(lines, len, true, out_line);
        return true;
    }
    if (lines->no_more && len > 0) {
        take(lines, len, false, out_line);
        return true;
    }
    return false;
}

void lines_free(struct lines *take_lines)
{
    if (!take_lines)
        return;
    free(take_lines->bytes);
    free(take_lines);
}

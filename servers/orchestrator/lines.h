/* SPDX-License-Identifier: MIT
 * lines.h - from the bytes of a stream to its lines.
 *
 * Layer: servers/orchestrator.  Threads: none of its own; one task reads a stream.  Pure: no I/O.
 * Start at lines_room().
 *
 *     bytes = lines_room(lines, &room);          read at most `room` bytes into it
 *     lines_added(lines, n);                     n of them were read
 *     while (lines_next(lines, &line)) ...       the lines that are whole by now
 *     lines_end(lines);                          the stream has ended: lines_next() gives the rest
 *
 * A line longer than LINE_BYTES_MAX comes in pieces, each flagged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/own.h"

#define LINE_BYTES_MAX ((size_t)1024 * 1024) /* without the newline */

struct lines; /* opaque: the fields live in lines.c */

/* Borrowed until the next call of lines_room(). */
struct line {
    const char *bytes;
    size_t len;     /* without the newline */
    bool continued; /* goes on with the piece before */
    bool ended;     /* a newline followed; else a piece of a long line, or the end of the stream */
};

/* Returns 0 or -ENOMEM. */
MUST_USE int lines_new(struct lines **out_lines);

/* Where the next bytes go: the room grows with what comes.  NULL: no memory. */
MUST_USE char *lines_room(struct lines *lines, size_t *out_room);

/* Notes that `len` bytes of the room were filled. */
void lines_added(struct lines *lines, size_t len);

/* Notes that nothing comes any more. */
void lines_end(struct lines *lines);

/* Takes the next line.  Returns whether there was one. */
bool lines_next(struct lines *lines, struct line *out_line);

/* Frees at once; NULL is fine. */
void lines_free(struct lines *take_lines);
DEFINE_DROP(lines, struct lines)

/* SPDX-License-Identifier: MIT
 * line_format.h - how a line looks behind the name of who wrote it.
 *
 * Layer: servers/orchestrator.  Threads: none of its own.  Pure.  Start at line_format_add().
 *
 *     web   | a line                  to a file or pipe the bytes pass as they are
 *     web   |+and so on               a piece of a line that was too long to come whole
 *
 * On a terminal a service may colour its lines (the sequences ESC [ ... m), and nothing else: other
 * control characters are shown, "^G", so that no output drives the terminal.  Bytes that are not
 * UTF-8 are shown as "\x9b".
 * Source: ECMA-48, 8.3.117 (SGR). */
#pragma once

#include "core/base/text.h"
#include "servers/orchestrator/lines.h"

#define LINE_FORMAT_WIDTH_MAX 32 /* names longer than that stand out of line */

struct line_format {
    bool terminal; /* control characters are shown */
    bool colours;  /* names in colours; colours of lines pass, else they are left out */
    size_t width;  /* of the names */
};

#define LINE_FORMAT_NO_COLOUR (-1)

/* Adds one line with its name and a newline.
 *
 * colour  number of the name's colour; it is taken modulo the number of colours */
void line_format_add(const struct line_format *format, const char *name, int colour,
                     const struct line *line, struct text *out);

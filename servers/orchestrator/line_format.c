/* SPDX-License-Identifier: MIT
 * line_format.c - see line_format.h. */
#include "servers/orchestrator/line_format.h"

#include <string.h>

#include "core/base/utf8.h"

#define ESCAPE 0x1B
#define DELETE 0x7F

static const char reset[] = "\033[0m";

/* Neither red, which looks like a failure, nor black and white, of which one cannot be seen. */
static const char *const colours[] = {
    "\033[36m", "\033[33m", "\033[32m", "\033[35m", "\033[34m",
    "\033[96m", "\033[93m", "\033[92m", "\033[95m", "\033[94m",
};

static void add_name(const struct line_format *format, const char *name, int colour, bool continued,
                     struct text *out)
{
    bool coloured = format->colours && colour >= 0;
    if (coloured)
        text_add_string(out, colours[(size_t)colour % (sizeof colours / sizeof colours[0])]);
    text_add_format(out, "%-*s |", (int)format->width, name);
    if (coloured)
        text_add_string(out, reset);
    text_add(out, continued ? "+" : " ", 1);
}

/* Length of the colour sequence at the front of `bytes`, or 0 if it is none. */
static size_t colour_len(const char *bytes, size_t len)
{
    if (len < 3 || bytes[0] != ESCAPE || bytes[1] != '[')
        return 0;
    size_t i = 2;
    while (i < len && ((bytes[i] >= '0' && bytes[i] <= '9') || bytes[i] == ';' || bytes[i] == ':'))
        i++;
    return i < len && bytes[i] == 'm' ? i + 1 : 0;
}

/* Length of what a terminal may get as it is: printable characters and tabs. */
static size_t plain_len(const char *bytes, size_t len)
{
    size_t i = 0;
    while (i < len && (unsigned char)bytes[i] >= 0x20 && (unsigned char)bytes[i] < DELETE)
        i++;
    return i > 0 ? i : len > 0 && bytes[0] == '\t';
}

/* Adds one character that is not plain, in a form that can be seen.  Returns its length. */
static size_t add_shown(const char *bytes, size_t len, struct text *out)
{
    unsigned char first = (unsigned char)bytes[0];
    if (first < 0x20 || first == DELETE) {
        text_add_format(out, "^%c", first ^ 0x40);
        return 1;
    }
    size_t character_len = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    bool valid = len >= character_len && utf8_is_valid(bytes, character_len);
    /* U+0080 to U+009F */
    bool is_control = first == 0xC2 && len > 1 && (unsigned char)bytes[1] < 0xA0;
    if (!valid || is_control) {
        text_add_format(out, "\\x%02x", first);
        return 1;
    }
    text_add(out, bytes, character_len);
    return character_len;
}

static void add_for_terminal(const struct line_format *format, const char *bytes, size_t len,
                             struct text *out)
{
    bool coloured = false;
    if (len > 0 && bytes[len - 1] == '\r')
        len--; /* of a line that ends in CR LF */
    for (size_t i = 0; i < len;) {
        size_t step = plain_len(bytes + i, len - i);
        if (step > 0) {
            text_add(out, bytes + i, step);
            i += step;
            continue;
        }
        step = colour_len(bytes + i, len - i);
        if (step > 0 && format->colours) {
            text_add(out, bytes + i, step);
            coloured = true;
        }
        i += step > 0 ? step : add_shown(bytes + i, len - i, out);
    }
    if (coloured)
        text_add_string(out, reset); /* for the next line is somebody else's */
}

void line_format_add(const struct line_format *format, const char *name, int colour,
                     const struct line *line, struct text *out)
{
    add_name(format, name, colour, line->continued, out);
    if (format->terminal)
        add_for_terminal(format, line->bytes, line->len, out);
    else
        text_add(out, line->bytes, line->len);
    text_add(out, "\n", 1);
}

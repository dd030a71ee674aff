/* SPDX-License-Identifier: MIT
 * text.c - see text.h. */
#include "core/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_BYTES_MIN 64

/* Invariant: len < room once bytes is set, and bytes[len] is NUL. */
struct text {
    size_t len_max;
    char *bytes; /* owned; NULL while empty */
    size_t len;
    size_t room;
    int error; /* the first one, or 0 */
};

int text_new(size_t len_max, struct text **out_text)
{
    struct text *text = calloc(1, sizeof *text);
    if (!text)
        return -ENOMEM;
    text->len_max = len_max < SIZE_MAX / 2 ? len_max : SIZE_MAX / 2;
    *out_text = text;
    return 0;
}

/* Makes room for `len` more bytes and a NUL. */
static int grow(struct text *text, size_t len)
{
    if (len > text->len_max - text->len)
        return -E2BIG;
    size_t needed = text->len + len + 1;
    if (needed <= text->room)
        return 0;

    size_t room = text->room * 2 > needed ? text->room * 2 : needed;
    if (room < ROOM_BYTES_MIN)
        room = ROOM_BYTES_MIN;
    char *bytes = realloc(text->bytes, room);
    if (!bytes)
        return -ENOMEM;
    text->bytes = bytes;
    text->room = room;
    return 0;
}

void text_add(struct text *text, const char *bytes, size_t len)
{
    if (text->error < 0)
        return;
    text->error = grow(text, len);
    if (text->error < 0)
        return;
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_add_format(struct text *text, const char *format, ...)
{
    if (text->error < 0)
        return;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);

    text->error = len < 0 ? -ENOMEM : grow(text, (size_t)len);
    if (text->error < 0)
        return;
    va_start(args, format);
    /* The length is known already. */
    (void)vsnprintf(text->bytes + text->len, (size_t)len + 1, format, args);
    va_end(args);
    text->len += (size_t)len;
}

int text_check(const struct text *text)
{
    return text->error;
}

const char *text_bytes(const struct text *text)
{
    return text->bytes ? text->bytes : "";
}

size_t text_len(const struct text *text)
{
    return text->len;
}

void text_clear(struct text *text)
{
    text->len = 0;
    text->error = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}

void text_free(struct text *take_text)
{
    if (!take_text)
        return;
    free(take_text->bytes);
    free(take_text);
}

/* SPDX-License-Identifier: MIT
 * error.c - see error.h. */
#include "core/base/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

int fail(struct error *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int r = fail_list(err, code, format, args);
    va_end(args);
    return r;
}

int fail_list(struct error *err, int code, const char *format, va_list args)
{
    assert(code < 0);
    if (!err)
        return code;
    err->code = code;
    int len = vsnprintf(err->text, sizeof err->text, format, args);
    if (len < 0)
        err->text[0] = '\0';
    if (len >= (int)sizeof err->text)
        memcpy(err->text + sizeof err->text - 4, "...", 4);
    return code;
}

const char *error_name(int code)
{
    const char *name = strerrorname_np(-code);
    return name ? name : "E?";
}

const char *error_words(int code)
{
    const char *words = strerrordesc_np(-code);
    return words ? words : "unknown error";
}

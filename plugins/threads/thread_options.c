/* SPDX-License-Identifier: MIT
 * thread_options.c - see thread_options.h. */
#include "plugins/threads/thread_options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int thread_fail(yk_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    error->code = code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof error->text, format, args); /* a longer text is cut */
    va_end(args);
    return code;
}

/* Reads a decimal number without sign or blanks. */
static int read_number(const yk_option *option, uint32_t max, uint32_t *out_number, yk_error *error)
{
    const char *text = option->value ? option->value : "";
    size_t len = strlen(text);
    unsigned long number = 0;
    if (len > 0 && len < 10 && strspn(text, "0123456789") == len)
        number = strtoul(text, NULL, 10);
    else
        number = (unsigned long)max + 1;
    if (number > max)
        return thread_fail(error, -EINVAL, "threads: %s = '%s' is not a number in 0..%u",
                           option->key, text, max);
    *out_number = (uint32_t)number;
    return 0;
}

int thread_options_read(const yk_config *config, struct thread_options *out_options,
                        yk_error *error)
{
    struct thread_options options = {.idle_ms = IDLE_MS_DEFAULT, .cache_max = CACHE_MAX_DEFAULT};
    int r = 0;
    for (uint32_t i = 0; i < config->options_count && r == 0; i++) {
        const yk_option *option = &config->options[i];
        if (strcmp(option->key, "idle_ms") == 0)
            r = read_number(option, IDLE_MS_MAX, &options.idle_ms, error);
        else if (strcmp(option->key, "cache_max") == 0)
            r = read_number(option, CACHE_MAX_MAX, &options.cache_max, error);
        else
            r = thread_fail(error, -EINVAL,
                            "threads: option '%s' is unknown; there are idle_ms and cache_max",
                            option->key);
    }
    if (r == 0)
        *out_options = options;
    return r;
}

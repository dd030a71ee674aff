/* SPDX-License-Identifier: MIT
 * mock_options.c - see mock_options.h. */
#include "plugins/mock/mock_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mock_fail(yk_error *error, int code, const char *format, ...)
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
static int read_number(const yk_option *option, uint64_t max, uint64_t *out_number, yk_error *error)
{
    const char *text = option->value ? option->value : "";
    size_t len = strlen(text);
    errno = 0;
    uint64_t number = strtoull(text, NULL, 10);
    if (len == 0 || strspn(text, "0123456789") != len || errno != 0 || number > max)
        return mock_fail(error, -EINVAL, "mock: %s = '%s' is not a number in 0..%" PRIu64,
                         option->key, text, max);
    *out_number = number;
    return 0;
}

int mock_options_read(const yk_config *config, struct mock_options *out_options, yk_error *error)
{
    struct mock_options options = {.seed = 1,
                                   .io_grace_ms = MOCK_IO_GRACE_MS_DEFAULT,
                                   .job_patience_ms = MOCK_JOB_PATIENCE_MS_DEFAULT,
                                   .patience_ms = MOCK_PATIENCE_MS_DEFAULT};
    int r = 0;
    for (uint32_t i = 0; i < config->options_count && r == 0; i++) {
        const yk_option *option = &config->options[i];
        if (strcmp(option->key, "seed") == 0)
            r = read_number(option, UINT64_MAX, &options.seed, error);
        else if (strcmp(option->key, "grace_ms") == 0)
            r = read_number(option, MOCK_MS_MAX, &options.grace_ms, error);
        else if (strcmp(option->key, "io_grace_ms") == 0)
            r = read_number(option, MOCK_MS_MAX, &options.io_grace_ms, error);
        else if (strcmp(option->key, "job_patience_ms") == 0)
            r = read_number(option, MOCK_MS_MAX, &options.job_patience_ms, error);
        else if (strcmp(option->key, "patience_ms") == 0)
            r = read_number(option, MOCK_MS_MAX, &options.patience_ms, error);
        else
            r = mock_fail(error, -EINVAL,
                          "mock: option '%s' is unknown; there are seed, grace_ms, io_grace_ms, "
                          "job_patience_ms and patience_ms",
                          option->key);
    }
    if (r == 0)
        *out_options = options;
    return r;
}

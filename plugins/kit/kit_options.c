/* SPDX-License-Identifier: MIT
 * kit_options.c - see kit_options.h. */
#include "plugins/kit/kit_options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/kit/kit.h"
#include "plugins/kit/kit_state.h"
#include "plugins/kit/watchdog.h"

int yk_kit_fail(yk_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof error->text, format, args); /* a longer one is cut */
    va_end(args);
    error->code = code;
    return code;
}

int yk_kit_refuse_options(const char *runtime, const yk_config *config, yk_error *error)
{
    if (config->options_count == 0)
        return 0;
    return yk_kit_fail(error, -EINVAL,
                       "runtime %s knows no option '%s'; it has census and watchdog_ms", runtime,
                       config->options[0].key);
}

static int take_census(struct kit *kit, const char *value, yk_error *error)
{
    kit->census = strcmp(value, "yes") == 0;
    if (kit->census || strcmp(value, "no") == 0)
        return 0;
    return yk_kit_fail(error, -EINVAL, "option census is 'yes' or 'no', not '%s'", value);
}

static int take_watchdog_ms(struct kit *kit, const char *value, yk_error *error)
{
    char *end = NULL;
    errno = 0;
    long ms = strtol(value, &end, 10);
    bool number = end != value && *end == '\0' && errno == 0;
    if (number && (ms == 0 || (ms >= KIT_WATCHDOG_MS_MIN && ms <= KIT_WATCHDOG_MS_MAX))) {
        kit->watchdog_ms = ms;
        return 0;
    }
    return yk_kit_fail(error, -EINVAL,
                       "option watchdog_ms is 0 (off) or %d..%d milliseconds, not '%s'",
                       KIT_WATCHDOG_MS_MIN, KIT_WATCHDOG_MS_MAX, value);
}

static int take_sizes(struct kit *kit, const yk_config *config, yk_error *error)
{
    kit->loops_count = config->workers ? config->workers : 1;
    if (kit->loops_count > KIT_LOOPS_MAX)
        return yk_kit_fail(error, -EINVAL, "workers is at most %d, not %u", KIT_LOOPS_MAX,
                           config->workers);
    kit->extra_bytes = config->extra_bytes;
    if (config->extra_bytes % 16 || config->extra_bytes > YK_KIT_EXTRA_BYTES_MAX)
        return yk_kit_fail(error, -EINVAL,
                           "the host asks for %u bytes in each task; a multiple of 16 up to %d",
                           config->extra_bytes, YK_KIT_EXTRA_BYTES_MAX);
    kit->stack_class = kit_stack_class(config->stack_bytes);
    if (kit->stack_class < 0)
        return yk_kit_fail(error, -EINVAL, "a stack has at most %zu bytes, not %u",
                           KIT_STACK_BYTES_MAX, config->stack_bytes);
    kit->tasks_max = config->tasks_max;
    return 0;
}

int kit_options_take(struct kit *kit, const yk_config *config, yk_option *rest, uint32_t *out_count,
                     yk_error *error)
{
    uint32_t count = 0;
    int r = take_sizes(kit, config, error);
    for (uint32_t i = 0; i < config->options_count && r == 0; i++) {
        const yk_option *option = &config->options[i];
        if (strcmp(option->key, "census") == 0)
            r = take_census(kit, option->value, error);
        else if (strcmp(option->key, "watchdog_ms") == 0)
            r = take_watchdog_ms(kit, option->value, error);
        else
            rest[count++] = *option;
    }
    *out_count = count;
    return r;
}

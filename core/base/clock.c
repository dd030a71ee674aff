/* SPDX-License-Identifier: MIT
 * clock.c - see clock.h. */
#include "core/base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_wall_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail: the clock exists and so does now */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_text(int64_t wall_ms, char out_text[CLOCK_TEXT_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts = {0};
    char text[CLOCK_TEXT_BYTES] = "";
    if (gmtime_r(&seconds, &parts))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S",
                       &parts); /* a year of 4 digits fits */
    (void)snprintf(out_text, CLOCK_TEXT_BYTES, "%.19s.%03dZ", text, (int)(wall_ms % 1000));
}

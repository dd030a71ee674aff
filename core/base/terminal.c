/* SPDX-License-Identifier: MIT
 * terminal.c - see terminal.h. */
#include "core/base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

bool terminal_has_colours(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    return terminal_is(fd) && !(no_colour && *no_colour) && kind && *kind &&
           strcmp(kind, "dumb") != 0;
}

/* SPDX-License-Identifier: MIT
 * terminal.h - whether somebody looks at a descriptor.
 *
 * Layer: core/base.  Threads: any. */
#pragma once

#include <stdbool.h>

/* Whether `fd` is a terminal. */
bool terminal_is(int fd);

/* Whether colours are welcome on it: it is a terminal, TERM is set and not "dumb", NO_COLOR is not
 * set or empty.
 * Source: https://no-color.org */
bool terminal_has_colours(int fd);

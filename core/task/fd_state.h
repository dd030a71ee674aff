/* SPDX-License-Identifier: MIT
 * fd_state.h - the inside of a registered descriptor, for wait_fd and select.
 *
 * Layer: core/task.  Threads: constant after yk_fd_open(). */
#pragma once

#include <yoke/spawner.h>

struct yk_fd {
    yk_spawner *spawner; /* borrowed */
    yk_io *io;           /* owned */
};

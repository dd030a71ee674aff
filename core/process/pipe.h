/* SPDX-License-Identifier: MIT
 * pipe.h - a pipe between host and child: two descriptions, ours never waits, the child's does.
 *
 * Layer: core/process; one of the files that core/LAYERS names for descriptor calls.  Threads: any.
 *
 * O_NONBLOCK belongs to the open file description, which a child shares; so it is set on our end
 * only, and descriptors 0 to 2 of the host are never touched.  Both ends are close-on-exec and
 * above 2: a host whose stdin is closed would else get a pipe at 0, where the child's own is
 * put. */
#pragma once

#include "core/base/own.h"

enum pipe_direction { PIPE_TO_CHILD, PIPE_FROM_CHILD };

struct pipe_ends {
    int ours;   /* owned; -1: closed */
    int theirs; /* owned; -1: closed */
};

#define PIPE_NONE ((struct pipe_ends){-1, -1})

/* Returns 0, -EMFILE, -ENFILE. */
MUST_USE int pipe_open(enum pipe_direction direction, struct pipe_ends *out_ends);

/* Closes what is open of it.  Again is fine. */
void pipe_close(struct pipe_ends *ends);

/* Closes a descriptor unless it is -1, and makes it -1. */
void pipe_close_end(int *fd);

/* Moves a descriptor that was just made above 2: returns it, or the new number, or a negative errno
 * (`fd` is closed). */
MUST_USE int pipe_above_standard(int fd);

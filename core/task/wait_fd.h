/* SPDX-License-Identifier: MIT
 * wait_fd.h - wait until a descriptor is ready.  For core's own streams and processes; servers use
 * those.
 *
 * Layer: core/task.  Installed as <yoke/wait_fd.h>.  Threads: open and close from any, wait by
 * tasks of the spawner. */
#pragma once

#include <yoke/task.h>

typedef struct yk_fd yk_fd; /* a registered descriptor */

/* Registers `fd`, which is O_NONBLOCK already; borrowed.  Returns 0, -EBUSY (registered already),
 * -EBADF, -ENOMEM. */
MUST_USE int yk_fd_open(yk_spawner *spawner, int fd, yk_fd **out_fd);

/* Waits until `fd` may be ready for one of `events` (YK_IN, YK_OUT, YK_PRI); the system call that
 * follows tells. Blocks.  Returns the readiness (> 0), -EBADF (closed meanwhile), -EBUSY,
 * -ETIMEDOUT, -ECANCELED. */
MUST_USE int yk_fd_wait(yk_task *self, yk_fd *fd, uint32_t events, int64_t deadline);

/* Forgets the descriptor, whose number may be used again afterwards; does not close it.  A task of
 * the same loop that waits gets -EBADF; one that may be waiting on another thread has to be
 * cancelled and joined before.  NULL is fine. */
void yk_fd_free(yk_fd *take_fd);
DEFINE_DROP(yk_fd, yk_fd)

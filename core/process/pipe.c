/* SPDX-License-Identifier: MIT
 * pipe.c - see pipe.h. */
#include "core/process/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int pipe_above_standard(int fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int r = above < 0 ? -errno : above;
    (void)close(fd); /* nothing was written to it */
    return r;
}

/* Turns both numbers into ones above 2; the ends are closed when that fails. */
static int move_above_standard(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        fds[i] = pipe_above_standard(fds[i]);
        if (fds[i] < 0) {
            (void)close(fds[1 - i]);
            return fds[i];
        }
    }
    return 0;
}

int pipe_open(enum pipe_direction direction, struct pipe_ends *out_ends)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    int r = move_above_standard(fds);
    if (r < 0)
        return r;

    struct pipe_ends ends = {.ours = fds[direction == PIPE_TO_CHILD],
                             .theirs = fds[direction == PIPE_FROM_CHILD]};
    int flags = fcntl(ends.ours, F_GETFL);
    if (flags < 0 || fcntl(ends.ours, F_SETFL, flags | O_NONBLOCK) < 0) {
        r = -errno;
        pipe_close(&ends);
        return r;
    }
    *out_ends = ends;
    return 0;
}

void pipe_close(struct pipe_ends *ends)
{
    pipe_close_end(&ends->ours);
    pipe_close_end(&ends->theirs);
}

void pipe_close_end(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* a pipe's close has nothing to report */
    *fd = -1;
}

/* SPDX-License-Identifier: MIT
 * wait_fd.c - see wait_fd.h. */
#include "core/task/wait_fd.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/task/fd_state.h"
#include "core/task/task_state.h"

int yk_fd_open(yk_spawner *spawner, int fd, yk_fd **out_fd)
{
    assert(spawner && out_fd);
    yk_fd *own = malloc(sizeof *own);
    if (!own)
        return -ENOMEM;
    own->spawner = spawner;
    int r = spawner->ops->io_open(spawner, fd, 0, &own->io);
    if (r < 0) {
        free(own);
        return r;
    }
    *out_fd = own;
    return 0;
}

int yk_fd_wait(yk_task *self, yk_fd *fd, uint32_t events, int64_t deadline)
{
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    deadline = task_deadline(self, deadline);
    for (;;) {
        if (task_is_canceled(self))
            return -ECANCELED;
        uint32_t ready = 0;
        task_waits_for(self, "a descriptor");
        int r = self->ops->io_wait(self, fd->io, events, deadline, &ready);
        task_waits_for(self, NULL);
        if (r == 0)
            return (int)ready;
        if (r != -EINTR) /* a token: of a cancellation, or left over */
            return r;
    }
}

void yk_fd_free(yk_fd *take_fd)
{
    if (!take_fd)
        return;
    take_fd->spawner->ops->io_close(take_fd->io);
    free(take_fd);
}

/* SPDX-License-Identifier: MIT
 * signals.c - see signals.h. */
#include "core/task/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/task/wait_fd.h"

struct yk_signals {
    int fd;         /* owned */
    yk_fd *watched; /* owned */
};

static int set_of(const int *signals, sigset_t *out_set)
{
    sigemptyset(out_set);
    for (; *signals; signals++)
        if (sigaddset(out_set, *signals) < 0)
            return -EINVAL;
    return 0;
}

int yk_signals_block(const int *signals)
{
    sigset_t set;
    if (set_of(signals, &set) < 0)
        return -EINVAL;
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int yk_signals_new(yk_spawner *spawner, const int *signals, yk_signals **out_signals)
{
    sigset_t set;
    if (set_of(signals, &set) < 0)
        return -EINVAL;
    OWNED(yk_signals) yk_signals *own = calloc(1, sizeof *own);
    if (!own)
        return -ENOMEM;
    own->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (own->fd < 0)
        return -errno;
    int r = yk_fd_open(spawner, own->fd, &own->watched);
    if (r < 0)
        return r;
    *out_signals = MOVE(own);
    return 0;
}

int yk_signals_receive(yk_task *self, yk_signals *signals, int64_t deadline)
{
    int r = yk_task_check(self);
    while (r >= 0) {
        struct signalfd_siginfo info;
        ssize_t len = read(signals->fd, &info, sizeof info);
        if (len == (ssize_t)sizeof info)
            return (int)info.ssi_signo;
        if (len >= 0 || errno != EAGAIN)
            return len >= 0 ? -EIO : -errno;
        r = yk_fd_wait(self, signals->watched, YK_IN, deadline);
    }
    return r;
}

void yk_signals_free(yk_signals *take_signals)
{
    if (!take_signals)
        return;
    yk_fd_free(take_signals->watched);
    if (take_signals->fd >= 0)
        (void)close(take_signals->fd); /* nothing to lose in a signalfd */
    free(take_signals);
}

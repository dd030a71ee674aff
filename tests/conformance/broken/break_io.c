/* SPDX-License-Identifier: MIT
 * break_io.c - ways to break io_open, io_wait and io_close.
 *
 * Layer: tests/conformance/broken.  Start at the table at the end; bites.sh says which behaviour
 * must notice each.
 * What is not broken is forwarded, so the good one is called by verbs that are not broken:
 * good.verb(). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tests/conformance/broken/broken.h"

/* Which descriptor a handle is for; handles of this file's making carry it. */
struct broken_io {
    yk_io *io; /* the good one's */
    int fd;
    const yk_host *host;
    _Atomic bool told; /* it was ready the last time */
};

static int32_t io_open_noting(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io)
{
    struct broken_io *own = spawner->host->alloc(sizeof *own);
    if (!own)
        return -ENOMEM;
    *own = (struct broken_io){.fd = fd, .host = spawner->host};
    int32_t r = good.io_open(spawner, fd, flags, &own->io);
    if (r < 0)
        spawner->host->free(own);
    else
        *out_io = (yk_io *)(void *)own;
    return r;
}

static struct broken_io *noted(yk_io *io)
{
    return (struct broken_io *)(void *)io;
}

static int32_t io_wait_noted(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                             uint32_t *out_ready)
{
    return good.io_wait(self, noted(io)->io, events, deadline, out_ready);
}

static void io_close_noted(yk_io *io)
{
    struct broken_io *own = noted(io);
    good.io_close(own->io);
    own->host->free(own);
}

static void note_fds(yk_ops *ops)
{
    ops->io_open = io_open_noting;
    ops->io_wait = io_wait_noted;
    ops->io_close = io_close_noted;
}

static int32_t io_wait_early(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                             uint32_t *out_ready)
{
    return good.io_wait(self, io, events, break_earlier(deadline), out_ready);
}

static void io_wait_times_out_early(yk_ops *ops)
{
    ops->io_wait = io_wait_early;
}

static int32_t io_wait_not_told(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                                uint32_t *out_ready)
{
    int32_t r = good.io_wait(self, io, events, deadline, out_ready);
    if (r != -EBADF)
        return r;
    while (good.park(self, deadline) == 0)
        continue;
    return -ETIMEDOUT;
}

static void do_not_tell_closed(yk_ops *ops)
{
    ops->io_wait = io_wait_not_told;
}

static int32_t io_wait_with_errors(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                                   uint32_t *out_ready)
{
    int fd = noted(io)->fd;
    int32_t r = io_wait_noted(self, io, events, deadline, out_ready);
    struct pollfd poll_fd = {.fd = fd};
    if (r == 0 && poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLERR))
        return -EBADF; /* what libuv says of a pipe whose reader is gone */
    return r;
}

static void report_pipe_errors(yk_ops *ops)
{
    note_fds(ops);
    ops->io_wait = io_wait_with_errors;
}

static int32_t io_wait_deaf(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                            uint32_t *out_ready)
{
    int32_t r;
    do
        r = good.io_wait(self, io, events, deadline, out_ready);
    while (r == -EINTR);
    return r;
}

static void do_not_interrupt_io_wait(yk_ops *ops)
{
    ops->io_wait = io_wait_deaf;
}

static int32_t io_wait_greedy(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                              uint32_t *out_ready)
{
    int32_t r = good.io_wait(self, io, events, deadline, out_ready);
    if (r == 0)
        (void)good.park(self, 0);
    return r;
}

static void eat_token_with_readiness(yk_ops *ops)
{
    ops->io_wait = io_wait_greedy;
}

static int32_t io_wait_always(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                              uint32_t *out_ready)
{
    int32_t r = good.io_wait(self, io, events, 0, out_ready);
    (void)deadline;
    if (r != -ETIMEDOUT)
        return r;
    good.yield(self);
    *out_ready = events;
    return 0;
}

static void say_always_ready(yk_ops *ops)
{
    ops->io_wait = io_wait_always;
}

/* Readiness waits until nobody yields any more for a while. */
#define QUIET_NS INT64_C(200000000)

static _Atomic uint64_t yields;

static void yield_counting(yk_task *self)
{
    atomic_fetch_add(&yields, 1);
    good.yield(self);
}

static int32_t io_wait_when_quiet(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                                  uint32_t *out_ready)
{
    uint64_t before;
    do {
        before = atomic_load(&yields);
        (void)good.park(self, break_now_ns() + QUIET_NS);
    } while (atomic_load(&yields) - before > 2 && break_now_ns() < deadline);
    return good.io_wait(self, io, events, deadline, out_ready);
}

static void poll_only_when_idle(yk_ops *ops)
{
    ops->yield = yield_counting;
    ops->io_wait = io_wait_when_quiet;
}

/* What epoll says once is not said again, though it is still true. */
static int32_t io_wait_edge(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                            uint32_t *out_ready)
{
    struct broken_io *own = noted(io);
    struct pollfd poll_fd = {.fd = own->fd, .events = POLLIN | POLLOUT};
    bool still = poll(&poll_fd, 1, 0) > 0 && atomic_load(&own->told);
    while (still && break_now_ns() < deadline)
        (void)good.park(self, deadline);
    if (still)
        return -ETIMEDOUT;
    int32_t r = io_wait_noted(self, io, events, deadline, out_ready);
    atomic_store(&own->told, r == 0);
    return r;
}

static void tell_edges_only(yk_ops *ops)
{
    note_fds(ops);
    ops->io_wait = io_wait_edge;
}

static int32_t io_wait_ignoring_hup(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                                    uint32_t *out_ready)
{
    struct pollfd poll_fd = {.fd = noted(io)->fd, .events = POLLRDHUP};
    int32_t r = io_wait_noted(self, io, events, deadline, out_ready);
    if (r != 0 || poll(&poll_fd, 1, 0) <= 0)
        return r;
    while (break_now_ns() < deadline)
        (void)good.park(self, deadline);
    return -ETIMEDOUT;
}

static void ignore_hang_ups(yk_ops *ops)
{
    note_fds(ops);
    ops->io_wait = io_wait_ignoring_hup;
}

static void io_close_of_owner(yk_io *io)
{
    while (!break_is_owner_thread())
        (void)poll(NULL, 0, -1);
    good.io_close(io);
}

static void hang_in_foreign_close(yk_ops *ops)
{
    ops->io_close = io_close_of_owner;
}

static int32_t io_open_blocking(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io)
{
    int32_t r = good.io_open(spawner, fd, flags, out_io);
    if (r == 0)
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
    return r;
}

static void change_fd_flags(yk_ops *ops)
{
    ops->io_open = io_open_blocking;
}

static int32_t io_open_any(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io)
{
    int32_t r = good.io_open(spawner, fd, flags & 0, out_io);
    return r == -EBADF ? -EINVAL : r;
}

static void wrong_codes(yk_ops *ops)
{
    ops->io_open = io_open_any;
}

const struct break_way break_io_ways[] = {
    {"early_io_timer", .break_ops = io_wait_times_out_early},
    {"closed_not_told", .break_ops = do_not_tell_closed},
    {"pipe_error", .break_ops = report_pipe_errors},
    {"deaf_io_wait", .break_ops = do_not_interrupt_io_wait},
    {"eats_token", .break_ops = eat_token_with_readiness},
    {"always_ready", .break_ops = say_always_ready},
    {"polls_only_when_idle", .break_ops = poll_only_when_idle},
    {"edges_only", .break_ops = tell_edges_only},
    {"ignores_hang_ups", .break_ops = ignore_hang_ups},
    {"hangs_in_foreign_close", .break_ops = hang_in_foreign_close},
    {"changes_fd_flags", .break_ops = change_fd_flags},
    {"wrong_codes", .break_ops = wrong_codes},
    {.name = NULL},
};

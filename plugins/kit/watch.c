/* SPDX-License-Identifier: MIT
 * watch.c - see watch.h. */
#include "plugins/kit/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "plugins/kit/fiber.h"
#include "plugins/kit/kit_state.h"

#define IN_EVENTS    (YK_IN | YK_PRI)
#define ALL_EVENTS   (YK_IN | YK_PRI | YK_OUT)
#define HINTS        (YK_ERR | YK_HUP)
#define FD_TABLE_MIN 64

/* The directions of waiting. */
enum { READER, WRITER, DIRECTIONS };

/* One descriptor on one loop; all of it belongs to that loop's thread. */
struct yk_kit_watch {
    yk_io *io; /* borrowed */
    void *handle;
    uint32_t armed; /* what the driver was asked for */
    uint32_t fired; /* of that, what fired though nobody waited */
    struct kit_fiber *waiters[DIRECTIONS];
    yk_kit_watch *unwanted_next;
    bool unwanted; /* in loop->unwanted */
};

struct yk_io {
    struct kit *kit; /* borrowed */
    int32_t fd;
    _Atomic bool always_ready; /* a regular file */
    _Atomic bool closed;
    _Atomic uint32_t refs;             /* the handle, and each task that waits */
    _Atomic uint32_t busy;             /* bit n: somebody waits in direction n, on some loop */
    _Atomic(yk_kit_watch *) watches[]; /* by loop number; owned */
};

/* ---- open ---- */

/* Makes room for `fd` in the table of handles, which is locked. */
static int table_reserve(struct kit *kit, int32_t fd)
{
    if ((uint32_t)fd < kit->io_by_fd_count)
        return 0;
    uint32_t count = kit->io_by_fd_count ? kit->io_by_fd_count : FD_TABLE_MIN;
    while (count <= (uint32_t)fd)
        count *= 2;
    yk_io **table = kit->host->alloc(count * sizeof *table);
    if (!table)
        return -ENOMEM;
    memset(table, 0, count * sizeof *table);
    if (kit->io_by_fd)
        memcpy(table, kit->io_by_fd, kit->io_by_fd_count * sizeof *table);
    kit->host->free(kit->io_by_fd);
    kit->io_by_fd = table;
    kit->io_by_fd_count = count;
    return 0;
}

static int table_put(struct kit *kit, yk_io *io)
{
    pthread_mutex_lock(&kit->io_mutex);
    int r = table_reserve(kit, io->fd);
    if (r == 0 && kit->io_by_fd[io->fd])
        r = -EBUSY;
    if (r == 0) {
        kit->io_by_fd[io->fd] = io;
        kit->io_open_count++;
    }
    pthread_mutex_unlock(&kit->io_mutex);
    return r;
}

int32_t kit_io_open(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io)
{
    struct kit *kit = kit_of(spawner);
    if (kit->inert)
        return -EOWNERDEAD;
    if (flags)
        return -EINVAL;
    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    size_t bytes = sizeof(yk_io) + kit->loops_count * sizeof(yk_kit_watch *);
    yk_io *io = kit->host->alloc(bytes);
    if (!io)
        return -ENOMEM;
    memset(io, 0, bytes);
    io->kit = kit;
    io->fd = fd;
    atomic_init(&io->refs, 1);
    int r = table_put(kit, io);
    if (r < 0) {
        kit->host->free(io);
        return r;
    }
    *out_io = io;
    return 0;
}

static void io_unref(yk_io *io)
{
    if (atomic_fetch_sub(&io->refs, 1) == 1)
        io->kit->host->free(io);
}

/* ---- watches ---- */

/* What the tasks that wait on this loop want. */
static uint32_t watch_wanted(const yk_kit_watch *watch)
{
    uint32_t wanted = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        if (watch->waiters[i])
            wanted |= watch->waiters[i]->io_wanted;
    return wanted;
}

static void list_unwanted(struct kit_loop *loop, yk_kit_watch *watch)
{
    if (watch->unwanted)
        return;
    watch->unwanted = true;
    watch->unwanted_next = loop->unwanted;
    loop->unwanted = watch;
}

void yk_kit_ready(yk_kit_watch *watch, uint32_t ready)
{
    bool troubled = ready & HINTS;
    uint32_t served = 0;
    for (int i = 0; i < DIRECTIONS; i++) {
        struct kit_fiber *fiber = watch->waiters[i];
        uint32_t got = !fiber ? 0 : troubled ? fiber->io_wanted : ready & fiber->io_wanted;
        if (got) {
            fiber->io_ready |= got | (ready & HINTS);
            kit_fiber_wake(fiber);
            served |= got;
        }
    }
    uint32_t rest = (troubled ? watch->armed : ready & ALL_EVENTS) & ~served;
    if (rest) {
        watch->fired |= rest;
        list_unwanted(kit_loop_here, watch);
    }
}

void yk_kit_disarmed(yk_kit_watch *watch)
{
    watch->armed = 0;
}

void kit_watches_disarm(struct kit_loop *loop)
{
    while (loop->unwanted) {
        yk_kit_watch *watch = loop->unwanted;
        loop->unwanted = watch->unwanted_next;
        watch->unwanted = false;
        uint32_t armed = watch->armed & ~(watch->fired & ~watch_wanted(watch));
        watch->fired = 0;
        if (armed == watch->armed)
            continue; /* the driver may have disarmed it meanwhile */
        loop->watches_changed++;
        if (loop->driver->fd_set(loop->driver_state, watch->handle, armed) == 0)
            watch->armed = armed;
    }
}

/* Takes the watch of `loop` away, and tells who waits there; on the loop's thread. */
static void watch_drop(struct kit_loop *loop, void *arg)
{
    yk_io *io = arg;
    yk_kit_watch *watch = atomic_exchange(&io->watches[loop->number], NULL);
    if (!watch)
        return;
    for (int i = 0; i < DIRECTIONS; i++)
        if (watch->waiters[i])
            kit_fiber_wake(watch->waiters[i]);
    if (watch->unwanted) {
        yk_kit_watch **link = &loop->unwanted;
        while (*link != watch)
            link = &(*link)->unwanted_next;
        *link = watch->unwanted_next;
    }
    if (watch->handle) {
        loop->watches_changed++;
        loop->watches--;
        loop->driver->fd_del(loop->driver_state, watch->handle);
    }
    loop->kit->host->free(watch);
}

/* The watch of the loop for `io`, made if need be. */
static int watch_get(struct kit_loop *loop, yk_io *io, yk_kit_watch **out_watch)
{
    yk_kit_watch *watch = atomic_load_explicit(&io->watches[loop->number], memory_order_relaxed);
    if (!watch) {
        watch = loop->kit->host->alloc(sizeof *watch);
        if (!watch)
            return -ENOMEM;
        memset(watch, 0, sizeof *watch);
        watch->io = io;
        atomic_store(&io->watches[loop->number], watch);
        /* io_close() of another thread either sees the watch, or we see that it is closed. */
        if (atomic_load(&io->closed)) {
            watch_drop(loop, io);
            return -EBADF;
        }
    }
    *out_watch = watch;
    return 0;
}

/* Sees to it that the driver is asked for `events`. */
static int watch_arm(struct kit_loop *loop, yk_kit_watch *watch, uint32_t events)
{
    uint32_t armed = watch->armed | events;
    if (armed == watch->armed)
        return 0;
    loop->watches_changed++;
    int r = 0;
    if (watch->handle) {
        r = loop->driver->fd_set(loop->driver_state, watch->handle, armed);
    } else {
        r = loop->driver->fd_add(loop->driver_state, watch->io->fd, armed, watch, &watch->handle);
        if (r == 0)
            loop->watches++;
    }
    if (r == 0)
        watch->armed = armed;
    return r;
}

/* ---- wait ---- */

/* One look, without waiting. */
static uint32_t look(int32_t fd, uint32_t events)
{
    struct pollfd one = {.fd = fd};
    one.events = (short)((events & YK_IN ? POLLIN : 0) | (events & YK_OUT ? POLLOUT : 0) |
                         (events & YK_PRI ? POLLPRI : 0));
    if (poll(&one, 1, 0) <= 0)
        return 0;
    if (one.revents & (POLLERR | POLLHUP | POLLNVAL))
        return events | (one.revents & POLLHUP ? YK_HUP : 0) | (one.revents & POLLERR ? YK_ERR : 0);
    return (one.revents & POLLIN ? YK_IN : 0) | (one.revents & POLLOUT ? YK_OUT : 0) |
           (one.revents & POLLPRI ? YK_PRI : 0);
}

/* Answers what needs no wait.  Returns 1 if it must wait. */
static int32_t answer_at_once(struct kit_fiber *fiber, yk_io *io, uint32_t events, int64_t deadline,
                              uint32_t *out_ready)
{
    if (atomic_load(&io->always_ready)) {
        kit_fiber_be_fair(fiber);
        *out_ready = events;
        return 0;
    }
    kit_fiber_look(fiber);
    bool past = deadline != YK_NEVER && kit_fiber_is_past(fiber, deadline);
    if (!fiber->token && !past)
        return 1;
    kit_fiber_be_fair(fiber);
    if (atomic_load(&io->closed))
        return -EBADF;
    uint32_t ready = look(io->fd, events);
    if (ready) {
        *out_ready = ready;
        return 0;
    }
    return kit_fiber_take_token(fiber) ? -EINTR : past ? -ETIMEDOUT : 1;
}

static uint32_t directions_of(uint32_t events)
{
    return (events & IN_EVENTS ? 1U << READER : 0) | (events & YK_OUT ? 1U << WRITER : 0);
}

/* Waits with the directions claimed and the watch armed. */
static int32_t wait_armed(struct kit_fiber *fiber, yk_io *io, yk_kit_watch *watch, uint32_t events,
                          int64_t deadline, uint32_t *out_ready)
{
    uint32_t directions = directions_of(events);
    fiber->io_wanted = events;
    fiber->io_ready = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        if (directions & 1U << i)
            watch->waiters[i] = fiber;
    kit_fiber_wait(fiber, KIT_WAITING_IO, deadline);
    if (atomic_load(&io->closed))
        return -EBADF; /* the watch is gone */
    for (int i = 0; i < DIRECTIONS; i++)
        if (directions & 1U << i)
            watch->waiters[i] = NULL;
    if (fiber->io_ready) {
        *out_ready = fiber->io_ready;
        return 0;
    }
    return kit_fiber_take_token(fiber) ? -EINTR : -ETIMEDOUT;
}

static int32_t wait_claimed(struct kit_fiber *fiber, yk_io *io, uint32_t events, int64_t deadline,
                            uint32_t *out_ready)
{
    yk_kit_watch *watch = NULL;
    int32_t r = watch_get(fiber->loop, io, &watch);
    if (r == 0)
        r = watch_arm(fiber->loop, watch, events);
    if (r == -EPERM) {
        atomic_store(&io->always_ready, true);
        *out_ready = events;
        return 0;
    }
    return r < 0 ? r : wait_armed(fiber, io, watch, events, deadline, out_ready);
}

int32_t kit_io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                    uint32_t *out_ready)
{
    struct kit_fiber *fiber = kit_fiber_of(self);
    if (fiber->loop->inert)
        return -EOWNERDEAD;
    if (!events || events & ~ALL_EVENTS)
        return -EINVAL;
    if (atomic_load(&io->closed))
        return -EBADF;
    uint32_t directions = directions_of(events);
    uint32_t before = atomic_fetch_or(&io->busy, directions);
    if (before & directions) {
        atomic_fetch_and(&io->busy, before | ~directions);
        return -EBUSY;
    }
    atomic_fetch_add(&io->refs, 1);
    int32_t r = answer_at_once(fiber, io, events, deadline, out_ready);
    if (r > 0)
        r = wait_claimed(fiber, io, events, deadline, out_ready);
    atomic_fetch_and(&io->busy, ~directions);
    io_unref(io);
    return r;
}

/* ---- close ---- */

void kit_io_close(yk_io *io)
{
    struct kit *kit = io->kit;
    if (kit->inert)
        return;
    pthread_mutex_lock(&kit->io_mutex);
    kit->io_by_fd[io->fd] = NULL;
    kit->io_open_count--;
    pthread_mutex_unlock(&kit->io_mutex);
    atomic_store(&io->closed, true);
    for (uint32_t i = 0; i < kit->loops_count; i++)
        if (atomic_load(&io->watches[i]))
            kit_on_loop(&kit->loops[i], watch_drop, io);
    io_unref(io);
}

/* SPDX-License-Identifier: MIT
 * mock_io.c - see mock_io.h. */
#include "plugins/mock/mock_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "plugins/mock/mock_fiber.h"
#include "plugins/mock/mock_schedule.h"

#define HANDLES_MIN 64
#define WAITING_MIN 64

/* A task waits for one direction or for both. */
enum { READS, WRITES, DIRECTIONS };

struct yk_io {
    struct mock *mock; /* borrowed */
    int fd;            /* borrowed */
    struct mock_fiber *waiters[DIRECTIONS];
};

/* ---- open ---- */

static int handles_reserve(struct mock *mock, uint32_t fd)
{
    uint32_t slots = mock->handles_slots ? mock->handles_slots : HANDLES_MIN;
    while (slots <= fd)
        slots *= 2; /* descriptors are below 2^31 */
    if (slots == mock->handles_slots)
        return 0;
    yk_io **handles = mock->host->alloc(slots * sizeof(yk_io *));
    if (!handles)
        return -ENOMEM;
    memset(handles, 0, slots * sizeof(yk_io *));
    if (mock->handles)
        memcpy(handles, mock->handles, mock->handles_slots * sizeof(yk_io *));
    mock->host->free(mock->handles);
    mock->handles = handles;
    mock->handles_slots = slots;
    return 0;
}

static int open_locked(struct mock *mock, int fd, yk_io **out_io)
{
    int r = handles_reserve(mock, (uint32_t)fd);
    if (r < 0)
        return r;
    if (mock->handles[fd])
        return -EBUSY;
    yk_io *io = mock->host->alloc(sizeof *io);
    if (!io)
        return -ENOMEM;
    *io = (yk_io){.mock = mock, .fd = fd};
    mock->handles[fd] = io;
    mock->handles_open++;
    *out_io = io;
    return 0;
}

int32_t mock_io_open(yk_spawner *head, int32_t fd, uint32_t flags, yk_io **out_io)
{
    struct mock *mock = mock_of(head);
    if (mock->inert)
        return -EOWNERDEAD;
    if (flags != 0)
        return -EINVAL;
    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    pthread_mutex_lock(&mock->mutex);
    int r = open_locked(mock, fd, out_io);
    pthread_mutex_unlock(&mock->mutex);
    return r;
}

/* ---- looking ---- */

static short poll_events(uint32_t events)
{
    return (short)((events & YK_IN ? POLLIN : 0) | (events & YK_OUT ? POLLOUT : 0) |
                   (events & YK_PRI ? POLLPRI : 0));
}

/* Errors and hang-ups count as all that was asked for: the system call that follows tells. */
static uint32_t ready_of(short found, uint32_t events)
{
    uint32_t ready = (found & POLLIN ? YK_IN : 0) | (found & POLLOUT ? YK_OUT : 0) |
                     (found & POLLPRI ? YK_PRI : 0);
    if (found & (POLLERR | POLLHUP))
        ready = events | (found & POLLERR ? YK_ERR : 0) | (found & POLLHUP ? YK_HUP : 0);
    return ready;
}

/* What is ready now, 0 or more; -EBADF. */
static int look_once(int fd, uint32_t events)
{
    struct pollfd polled = {.fd = fd, .events = poll_events(events)};
    if (poll(&polled, 1, 0) <= 0)
        return 0;
    return polled.revents & POLLNVAL ? -EBADF : (int)ready_of(polled.revents, events);
}

/* Sleeps in poll without the mutex.  polled[0] is wake_fd. */
static int sleep_in_poll(struct mock *mock, uint32_t count, int timeout_ms)
{
    mock->sleeping = timeout_ms != 0;
    if (mock->inbox_first)
        timeout_ms = 0;
    pthread_mutex_unlock(&mock->mutex);
    int r = poll(mock->polled, count, timeout_ms);
    pthread_mutex_lock(&mock->mutex);
    mock->sleeping = false;
    mock->sleeps++;
    mock->polls++;
    pthread_cond_broadcast(&mock->awake);
    if (r > 0 && mock->polled[0].revents) {
        eventfd_t kicks;
        (void)eventfd_read(mock->wake_fd, &kicks); /* it is not blocking */
    }
    return r;
}

bool mock_io_look(struct mock *mock, int timeout_ms)
{
    uint32_t count = mock->waiting_count;
    if (count == 0 && timeout_ms == 0)
        return false;
    mock->polled[0] = (struct pollfd){.fd = mock->wake_fd, .events = POLLIN};
    for (uint32_t i = 0; i < count; i++) {
        struct mock_fiber *fiber = mock->waiting[i];
        mock->asked[i] = fiber;
        mock->polled[i + 1] =
            (struct pollfd){.fd = fiber->io->fd, .events = poll_events(fiber->io_events)};
    }
    int r = sleep_in_poll(mock, count + 1, timeout_ms);
    for (uint32_t i = 0; i < count && r > 0; i++)
        if (mock->polled[i + 1].revents && mock->asked[i]->in_waiting)
            mock_make_ready(mock->asked[i]); /* it looks itself */
    return r != 0;
}

/* ---- waiting ---- */

static int waiting_reserve(struct mock *mock)
{
    if (mock->waiting_count < mock->waiting_slots)
        return 0;
    uint32_t slots = mock->waiting_slots ? mock->waiting_slots * 2 : WAITING_MIN;
    const yk_host *host = mock->host;
    struct mock_fiber **waiting = host->alloc(slots * sizeof(struct mock_fiber *));
    struct mock_fiber **asked = host->alloc(slots * sizeof(struct mock_fiber *));
    struct pollfd *polled = host->alloc((slots + 1) * sizeof *polled);
    if (!waiting || !asked || !polled) {
        host->free(waiting);
        host->free(asked);
        host->free(polled);
        return -ENOMEM;
    }
    if (mock->waiting_count > 0)
        memcpy(waiting, mock->waiting, mock->waiting_count * sizeof(struct mock_fiber *));
    host->free(mock->waiting);
    host->free(mock->asked);
    host->free(mock->polled);
    mock->waiting = waiting;
    mock->asked = asked;
    mock->polled = polled;
    mock->waiting_slots = slots;
    return 0;
}

static void waiting_add(struct mock *mock, struct mock_fiber *fiber)
{
    fiber->in_waiting = true;
    fiber->waiting_index = mock->waiting_count;
    mock->waiting[mock->waiting_count++] = fiber;
}

static void waiting_remove(struct mock *mock, struct mock_fiber *fiber)
{
    if (!fiber->in_waiting)
        return;
    fiber->in_waiting = false;
    struct mock_fiber *last = mock->waiting[--mock->waiting_count];
    mock->waiting[fiber->waiting_index] = last;
    last->waiting_index = fiber->waiting_index;
}

static bool waits_in(uint32_t events, int direction)
{
    return direction == READS ? (events & (YK_IN | YK_PRI)) != 0 : (events & YK_OUT) != 0;
}

/* Becomes a waiter of the handle.  Returns 0 or -EBUSY. */
static int io_enter(yk_io *io, struct mock_fiber *fiber, uint32_t events)
{
    for (int i = 0; i < DIRECTIONS; i++)
        if (waits_in(events, i) && io->waiters[i])
            return -EBUSY;
    for (int i = 0; i < DIRECTIONS; i++)
        if (waits_in(events, i))
            io->waiters[i] = fiber;
    fiber->io = io;
    fiber->io_events = events;
    fiber->io_closed = false;
    return 0;
}

static void io_leave(struct mock_fiber *fiber)
{
    for (int i = 0; fiber->io && i < DIRECTIONS; i++)
        if (fiber->io->waiters[i] == fiber)
            fiber->io->waiters[i] = NULL;
    fiber->io = NULL;
}

/* Waits until one of the four holds that the ABI names, in its order. */
static int wait_entered(struct mock_fiber *fiber, int64_t deadline, uint32_t *out_ready)
{
    struct mock *mock = fiber->mock;
    for (;;) {
        int found = fiber->io_closed ? -EBADF : look_once(fiber->io->fd, fiber->io_events);
        if (found > 0)
            *out_ready = (uint32_t)found;
        if (found != 0)
            return found < 0 ? found : 0;
        if (mock_fiber_take_token(fiber))
            return -EINTR;
        if (deadline <= mock_time(mock))
            return -ETIMEDOUT;
        waiting_add(mock, fiber);
        mock_fiber_wait(fiber, deadline);
        waiting_remove(mock, fiber);
    }
}

int32_t mock_io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                     uint32_t *out_ready)
{
    struct mock_fiber *fiber = mock_fiber_of(self);
    struct mock *mock = fiber->mock;
    if (mock->inert)
        return -EOWNERDEAD;
    if (events == 0 || (events & ~(YK_IN | YK_OUT | YK_PRI)) != 0)
        return -EINVAL;
    pthread_mutex_lock(&mock->mutex);
    int r = waiting_reserve(mock);
    if (r == 0)
        r = io_enter(io, fiber, events);
    if (r == 0) {
        mock_fiber_be_fair(fiber);
        r = wait_entered(fiber, deadline, out_ready);
        io_leave(fiber);
    }
    pthread_mutex_unlock(&mock->mutex);
    return r;
}

void mock_io_close(yk_io *take_io)
{
    struct mock *mock = take_io->mock;
    if (mock->inert)
        return;
    pthread_mutex_lock(&mock->mutex);
    for (int i = 0; i < DIRECTIONS; i++) {
        struct mock_fiber *fiber = take_io->waiters[i];
        if (!fiber || fiber->io_closed)
            continue;
        fiber->io_closed = true;
        fiber->io = NULL;
        waiting_remove(mock, fiber);
        mock_make_ready(fiber);
    }
    mock->handles[take_io->fd] = NULL;
    mock->handles_open--;
    mock->host->free(take_io);
    mock_kick(mock);
    for (uint64_t sleep = mock->sleeps; mock->sleeping && mock->sleeps == sleep;)
        pthread_cond_wait(&mock->awake, &mock->mutex); /* the kernel holds the file meanwhile */
    pthread_mutex_unlock(&mock->mutex);
}

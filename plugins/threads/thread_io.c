/* SPDX-License-Identifier: MIT
 * thread_io.c - see thread_io.h. */
#include "plugins/threads/thread_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "plugins/threads/thread_lock.h"
#include "plugins/threads/thread_spawner.h"
#include "plugins/threads/thread_task.h"
#include "plugins/threads/thread_worker.h"

/* A task waits for one direction or for both. */
enum { READS, WRITES, DIRECTIONS };

struct yk_io {
    struct spawner *spawner; /* borrowed */
    int fd;                  /* borrowed */
    struct thread_lock lock; /* guards what follows, but for `left` */
    _Atomic uint32_t left;   /* moves when a waiter leaves a handle that is being closed */
    bool closed;
    struct task
        *waiters[DIRECTIONS]; /* NULL: none.  They stay until they have removed themselves. */
};

void io_table_init(struct io_table *table, const yk_host *host)
{
    memset(table, 0, sizeof *table);
    table->host = host;
}

void io_table_done(struct io_table *table)
{
    table->host->free(table->handles);
}

uint64_t io_table_count(struct io_table *table)
{
    thread_lock_take(&table->lock);
    uint64_t open = table->open;
    thread_lock_give(&table->lock);
    return open;
}

/* Makes room for `fd`, with the lock held. */
static int table_grow(struct io_table *table, uint32_t fd)
{
    uint32_t slots = table->slots ? table->slots : IO_TABLE_SLOTS_MIN;
    while (slots <= fd)
        slots *= 2; /* descriptors are below 2^31 */
    if (slots == table->slots)
        return 0;
    yk_io **handles = table->host->alloc(slots * sizeof *handles);
    if (!handles)
        return -ENOMEM;
    memset(handles, 0, slots * sizeof *handles);
    if (table->handles)
        memcpy(handles, table->handles, table->slots * sizeof *handles);
    table->host->free(table->handles);
    table->handles = handles;
    table->slots = slots;
    return 0;
}

static int table_put(struct io_table *table, yk_io *io)
{
    uint32_t fd = (uint32_t)io->fd;
    thread_lock_take(&table->lock);
    int r = table_grow(table, fd);
    if (r == 0 && table->handles[fd])
        r = -EBUSY;
    if (r == 0) {
        table->handles[fd] = io;
        table->open++;
    }
    thread_lock_give(&table->lock);
    return r;
}

static void table_remove(struct io_table *table, yk_io *io)
{
    thread_lock_take(&table->lock);
    table->handles[io->fd] = NULL;
    table->open--;
    thread_lock_give(&table->lock);
}

int32_t io_open(yk_spawner *head, int32_t fd, uint32_t flags, yk_io **out_io)
{
    struct spawner *spawner = spawner_of(head);
    if (spawner_is_inert(spawner))
        return -EOWNERDEAD;
    if (flags != 0)
        return -EINVAL;
    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    yk_io *io = spawner->host->alloc(sizeof *io);
    if (!io)
        return -ENOMEM;
    *io = (yk_io){.spawner = spawner, .fd = fd};
    int r = table_put(&spawner->ios, io);
    if (r < 0) {
        spawner->host->free(io);
        return r;
    }
    *out_io = io;
    return 0;
}

static bool waits_in(uint32_t events, int direction)
{
    return direction == READS ? (events & (YK_IN | YK_PRI)) != 0 : (events & YK_OUT) != 0;
}

/* Becomes a waiter.  *sleeps: in, whether the task wants to sleep; out, whether there is reason to:
 * no token yet. From then on a close that comes moves the token. */
static int io_enter(yk_io *io, struct task *task, uint32_t events, bool *sleeps)
{
    int r = 0;
    thread_lock_take(&io->lock);
    if (io->closed)
        r = -EBADF;
    for (int i = 0; i < DIRECTIONS && r == 0; i++)
        if (waits_in(events, i) && io->waiters[i])
            r = -EBUSY;
    if (r == 0) {
        for (int i = 0; i < DIRECTIONS; i++)
            if (waits_in(events, i))
                io->waiters[i] = task;
        *sleeps = *sleeps && token_io_begin(&task->token);
    }
    thread_lock_give(&io->lock);
    return r;
}

/* Is a waiter no more.  Says whether the handle was closed meanwhile: then it is gone when this
 * returns. */
static bool io_leave(yk_io *io, struct task *task)
{
    thread_lock_take(&io->lock);
    bool closed = io->closed;
    for (int i = 0; i < DIRECTIONS; i++)
        if (io->waiters[i] == task)
            io->waiters[i] = NULL;
    if (closed) {
        atomic_fetch_add_explicit(&io->left, 1, memory_order_release);
        futex_wake(&io->left);
    }
    thread_lock_give(&io->lock);
    return closed;
}

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

/* Polls once, `span` ns at the longest; negative: no limit.  wake_fd may be -1.
 * Returns 0 or more as *ready says; -EBADF, -ENOMEM. */
static int poll_once(int fd, int wake_fd, uint32_t events, int64_t span, uint32_t *ready)
{
    struct pollfd polled[] = {{.fd = fd, .events = poll_events(events)},
                              {.fd = wake_fd, .events = POLLIN}};
    struct timespec timeout = clock_timespec(span < 0 ? 0 : span);
    int r = ppoll(polled, wake_fd < 0 ? 1 : 2, span < 0 ? NULL : &timeout, NULL);
    if (r < 0)
        return errno == EINTR ? 0 : -errno;
    if (polled[0].revents & POLLNVAL)
        return -EBADF; /* closed without io_close */
    *ready = ready_of(polled[0].revents, events);
    return 0;
}

/* How long a task may still sleep: 0: not at all, a token or a close has come or the deadline;
 * negative: no limit. */
static int64_t span_left(struct task *task, int64_t deadline)
{
    if (token_io_moved(&task->token))
        return 0;
    if (deadline == YK_NEVER)
        return -1;
    int64_t now = clock_now();
    return deadline > now ? deadline - now : 0;
}

/* Polls until there is readiness, a token, a close or the deadline.  Whatever ends the sleep, the
 * last poll comes after it: readiness that was there before a token is told. */
static int poll_asleep(yk_io *io, struct task *task, uint32_t events, int64_t deadline,
                       uint32_t *ready)
{
    int wake_fd = task->worker->wake_fd;
    int64_t span;
    int r;
    do {
        span = span_left(task, deadline);
        r = poll_once(io->fd, wake_fd, events, span, ready);
    } while (r == 0 && *ready == 0 && span != 0);
    if (token_io_end(&task->token, wake_fd))
        spawner_count_wake(io->spawner);
    return r;
}

int32_t io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline, uint32_t *out_ready)
{
    struct task *task = task_of(self);
    if (spawner_is_inert(io->spawner))
        return -EOWNERDEAD;
    if (events == 0 || (events & ~(YK_IN | YK_OUT | YK_PRI)) != 0)
        return -EINVAL;
    bool sleeps = deadline == YK_NEVER || (deadline > 0 && deadline > clock_now());
    int r = sleeps ? worker_need_wake_fd(task->worker) : 0;
    if (r == 0)
        r = io_enter(io, task, events, &sleeps);
    if (r < 0)
        return r;
    uint32_t ready = 0;
    r = sleeps ? poll_asleep(io, task, events, deadline, &ready)
               : poll_once(io->fd, -1, events, 0, &ready);
    if (io_leave(io, task))
        return -EBADF;
    if (ready == 0)
        return r < 0 ? r : token_take(&task->token) ? -EINTR : -ETIMEDOUT;
    *out_ready = ready;
    return 0;
}

void io_close(yk_io *take_io)
{
    yk_io *io = take_io;
    struct spawner *spawner = io->spawner;
    if (spawner_is_inert(spawner))
        return;
    thread_lock_take(&io->lock);
    io->closed = true;
    for (int i = 0; i < DIRECTIONS; i++)
        if (io->waiters[i] && token_kick(&io->waiters[i]->token))
            token_wake_io(io->waiters[i]->worker->wake_fd);
    while (io->waiters[READS] || io->waiters[WRITES]) {
        uint32_t seen = atomic_load_explicit(&io->left, memory_order_relaxed);
        thread_lock_give(&io->lock);
        (void)futex_wait_until(&io->left, seen, YK_NEVER);
        thread_lock_take(&io->lock);
    }
    thread_lock_give(&io->lock);
    table_remove(&spawner->ios, io);
    spawner->host->free(io);
}

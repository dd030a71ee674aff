/* SPDX-License-Identifier: MIT
 * console.c - see console.h. */
#include "core/process/console.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <yoke/condition.h>
#include <yoke/mutex.h>
#include <yoke/offload.h>

#define CONSOLE_MAGIC UINT32_C(0x434f4e53)
#define JOB_BYTES_MAX ((size_t)256 * 1024) /* handed to a pool thread at once */
#define JOB_MS_MAX    100                  /* so long may a pool thread wait for the reader */
#define RETRY_MS      100 /* after a disk was full or no pool thread could be had */
#define MARKER_BYTES  192

/* What a pool thread shall write, and what came of it. */
struct job {
    int fd;       /* borrowed */
    bool regular; /* a file, whose writes always go on */
    bool asks;    /* a pipe or socket on a kernel that can be asked not to wait (Linux 6.4) */
    const char *bytes;
    size_t len;
    size_t done;
};

/* Waiting bytes are buffer[head], len of them, around the end.  taken = written + len. */
struct console {
    uint32_t magic;
    _Atomic uint32_t holders; /* the owner and the task */
    yk_task *task;            /* owned handle */
    const char *marker_before, *marker_after;
    struct job job; /* the task's */
    yk_mutex turn;  /* who waits for room is the next to be served */

    yk_mutex mutex;     /* guards the members below */
    yk_condition more;  /* the task waits for bytes */
    yk_condition room;  /* a producer waits for room */
    yk_condition moved; /* who flushes waits for written */
    char *buffer;       /* owned, CONSOLE_BUFFER_BYTES; touched as deep as the backlog was */
    size_t head, len;
    uint64_t taken, written;
    int64_t progress_time;
    bool stalled;
    uint64_t dropped;    /* lines for the next marker */
    uint64_t marker_end; /* taken, right after the last marker */
    _Atomic uint64_t dropped_all;
    bool full; /* the disk was, at the last try */
    int code;  /* of write(2), for ever; 0: none */
};

/* --- on a pool thread ------------------------------------------------------------------------- */

static bool writable(int fd, int ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, ms) != 0; /* errors are the write's to tell */
}

/* Writes without waiting for the reader.  Returns a count or a negative errno, -EAGAIN if it would
 * wait. */
static ssize_t write_at_once(struct job *job)
{
    struct iovec piece = {.iov_base = (char *)(uintptr_t)(job->bytes + job->done),
                          .iov_len = job->len - job->done};
    if (job->asks) {
        ssize_t n = pwritev2(job->fd, &piece, 1, -1, RWF_NOWAIT);
        if (n >= 0 || errno != EOPNOTSUPP)
            return n < 0 ? -errno : n;
        job->asks = false;
    }
    if (!job->regular) {
        if (!writable(job->fd, 0))
            return -EAGAIN;
        if (piece.iov_len > PIPE_BUF)
            piece.iov_len =
                PIPE_BUF; /* a pipe that is writable takes as much in one piece, pipe(7) */
    }
    ssize_t n = write(job->fd, piece.iov_base, piece.iov_len);
    return n < 0 ? -errno : n;
}

static int write_job(void *arg)
{
    struct job *job = arg;
    bool waited = false;
    while (job->done < job->len) {
        ssize_t n = write_at_once(job);
        if (n >= 0)
            job->done += (size_t)n;
        else if (n == -EAGAIN && (waited || job->done > 0 || !writable(job->fd, JOB_MS_MAX)))
            return 0;
        else if (n == -EAGAIN)
            waited = true;
        else if (n != -EINTR)
            return (int)n;
    }
    return 0;
}

/* --- the task --------------------------------------------------------------------------------- */

static void release(struct console *console)
{
    if (atomic_fetch_sub(&console->holders, 1) > 1)
        return;
    free(console->buffer);
    console->magic = 0;
    free(console);
}

/* With the mutex and the room. */
static void append(struct console *console, const char *bytes, size_t len)
{
    size_t tail = (console->head + console->len) % CONSOLE_BUFFER_BYTES;
    size_t first = CONSOLE_BUFFER_BYTES - tail < len ? CONSOLE_BUFFER_BYTES - tail : len;
    memcpy(console->buffer + tail, bytes, first);
    memcpy(console->buffer, bytes + first, len - first);
    console->len += len;
    console->taken += len;
}

/* With the mutex. */
static void marker_add(struct console *console)
{
    char marker[MARKER_BYTES];
    int len =
        snprintf(marker, sizeof marker, "%s%llu line%s not shown: the terminal did not take %s%s\n",
                 console->marker_before, (unsigned long long)console->dropped,
                 console->dropped == 1 ? " was" : "s were", console->dropped == 1 ? "it" : "them",
                 console->marker_after);
    assert(len < MARKER_BYTES);
    append(console, marker, (size_t)len);
    console->marker_end = console->taken;
    console->dropped = 0;
}

/* With the mutex.  Waits for bytes; fills in the job. */
static int job_take(yk_task *self, struct console *console)
{
    if (console->len == 0) {
        console->head = 0; /* the pages that were touched are touched again */
        while (console->len == 0) {
            int r = yk_condition_wait(self, &console->more, &console->mutex, YK_NEVER);
            if (r < 0)
                return r;
        }
        console->progress_time = yk_now(self);
    }
    size_t len = CONSOLE_BUFFER_BYTES - console->head;
    if (len > console->len)
        len = console->len;
    if (len > JOB_BYTES_MAX)
        len = JOB_BYTES_MAX;
    console->job.bytes = console->buffer + console->head;
    console->job.len = len;
    console->job.done = 0;
    return 0;
}

/* With the mutex.  Books what the job has done. */
static void job_book(yk_task *self, struct console *console, int code)
{
    size_t done = console->job.done;
    console->head = (console->head + done) % CONSOLE_BUFFER_BYTES;
    console->len -= done;
    console->written += done;
    if (done > 0) {
        console->progress_time = yk_now(self);
        console->stalled = false;
    } else if (yk_now(self) - console->progress_time >= (int64_t)CONSOLE_STALL_MS * 1000000) {
        console->stalled = true;
    }
    if (console->dropped > 0 && !console->stalled &&
        CONSOLE_BUFFER_BYTES - console->len >= MARKER_BYTES)
        marker_add(console);
    if (code < 0)
        console->code = code;
    yk_condition_signal(&console->room);
    yk_condition_broadcast(&console->moved);
}

/* With the mutex, which is given back while the job runs.  Returns 0, -ECANCELED or the error of
 * the descriptor. */
static int job_do(yk_task *self, struct console *console)
{
    yk_mutex_unlock(self, &console->mutex);
    int code = 0;
    int r = yk_offload(self, write_job, &console->job, &code);
    bool full = code == -ENOSPC || code == -EDQUOT;
    if (r != -ECANCELED && (r < 0 || full))
        r = yk_task_sleep(self, yk_deadline_ms(self, RETRY_MS));
    yk_shield_begin(self);
    int locked = yk_mutex_lock(self, &console->mutex, YK_NEVER);
    yk_shield_end(self);
    assert(locked == 0);
    console->full = full;
    job_book(self, console, full ? 0 : code);
    return console->code < 0 ? console->code : r == -ECANCELED ? r : 0;
}

static int own(yk_task *self, void *arg)
{
    struct console *console = arg;
    int r = yk_mutex_lock(self, &console->mutex, YK_NEVER);
    if (r == 0) {
        console->progress_time = yk_now(self); /* bytes may be there already */
        while (r == 0) {
            r = job_take(self, console);
            if (r == 0)
                r = job_do(self, console);
        }
        yk_mutex_unlock(self, &console->mutex);
    }
    release(console);
    return 0;
}

/* --- for producers ---------------------------------------------------------------------------- */

int console_new(yk_spawner *spawner, int fd, struct console **out_console)
{
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(fd, &status) < 0)
        return -EBADF;
    struct console *console = calloc(1, sizeof *console);
    if (!console)
        return -ENOMEM;
    console->magic = CONSOLE_MAGIC;
    console->marker_before = "yoke | ";
    console->marker_after = "";
    atomic_init(&console->holders, 1);
    console->job.fd = fd;
    console->job.regular = S_ISREG(status.st_mode);
    console->job.asks = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
    console->buffer = malloc(CONSOLE_BUFFER_BYTES);
    int r = console->buffer ? 0 : -ENOMEM;
    if (r == 0) {
        atomic_store(&console->holders, 2);
        r = yk_task_spawn(spawner, "console", own, console, &console->task);
        if (r < 0)
            atomic_store(&console->holders, 1);
    }
    if (r < 0) {
        release(console);
        return r;
    }
    *out_console = console;
    return 0;
}

void console_set_marker(struct console *console, const char *before, const char *after)
{
    console->marker_before = before;
    console->marker_after = after;
}

static void drop(struct console *console, const char *bytes, size_t len)
{
    uint64_t lines = 0;
    const char *end = bytes + len;
    for (const char *at = bytes; at && at < end; lines++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    console->dropped += lines;
    console->dropped_all += lines;
}

/* With the turn and the mutex.  A line that is kept stands behind the marker of those that were
 * not. */
static int take(yk_task *self, struct console *console, const char *bytes, size_t len)
{
    for (;;) {
        if (console->code < 0)
            return console->code;
        if (console->dropped == 0 && CONSOLE_BUFFER_BYTES - console->len >= len) {
            append(console, bytes, len);
            yk_condition_signal(&console->more);
            return 0;
        }
        if (console->stalled) {
            drop(console, bytes, len);
            return 0;
        }
        int r = yk_condition_wait(self, &console->room, &console->mutex, YK_NEVER);
        if (r < 0)
            return r;
    }
}

int console_write(yk_task *self, struct console *console, const void *bytes, size_t len)
{
    assert(console->magic == CONSOLE_MAGIC);
    if (len > CONSOLE_BUFFER_BYTES)
        return -EMSGSIZE;
    int r = yk_mutex_lock(self, &console->turn, YK_NEVER);
    if (r < 0)
        return r;
    r = yk_mutex_lock(self, &console->mutex, YK_NEVER);
    if (r == 0) {
        r = take(self, console, bytes, len);
        yk_mutex_unlock(self, &console->mutex);
    }
    yk_mutex_unlock(self, &console->turn);
    return r;
}

int console_flush(yk_task *self, struct console *console, int64_t deadline)
{
    assert(console->magic == CONSOLE_MAGIC);
    int r = yk_mutex_lock(self, &console->mutex, deadline);
    if (r < 0)
        return r;
    uint64_t wanted = console->taken;
    bool marker = console->dropped > 0; /* is still to be added */
    while (r == 0 && console->code == 0 && (marker || console->written < wanted)) {
        r = yk_condition_wait(self, &console->moved, &console->mutex, deadline);
        if (marker && console->marker_end > wanted) {
            wanted = console->marker_end;
            marker = false;
        }
    }
    if (r == 0)
        r = console->code;
    else if (r == -ETIMEDOUT && console->full)
        r = -ENOSPC;
    yk_mutex_unlock(self, &console->mutex);
    return r;
}

uint64_t console_lines_dropped(struct console *console)
{
    return console->dropped_all;
}

int console_close(yk_task *self, struct console *take_console, int64_t deadline)
{
    int r = console_flush(self, take_console, deadline);
    yk_task_cancel(take_console->task);
    yk_shield_begin(self);
    int joined = yk_task_join(self, take_console->task, yk_deadline_ms(self, CONSOLE_END_MS), NULL);
    yk_shield_end(self);
    console_free(take_console);
    return r == 0 && joined < 0 ? joined : r;
}

void console_free(struct console *take_console)
{
    if (!take_console)
        return;
    assert(take_console->magic == CONSOLE_MAGIC);
    yk_task_free(take_console->task); /* cancels */
    release(take_console);
}

int console_hold_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) <
            0) /* gets the lowest number that is free */
            return -errno;
    }
    return 0;
}

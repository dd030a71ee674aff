/* SPDX-License-Identifier: MIT
 * child.c - see child.h. */
#include "core/process/child.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <yoke/condition.h>
#include <yoke/mutex.h>
#include <yoke/offload.h>
#include <yoke/wait_fd.h>

#include "core/process/census_share.h"
#include "core/process/launch.h"
#include "core/process/pipe.h"
#include "core/process/reaper_parts.h"

#define CHILD_MAGIC UINT32_C(0x4348494c)
#define POLL_MS     20 /* only where there are no pidfds */

/* Our end of one of the child's pipes. */
struct stream {
    int fd;       /* owned; -1: closed, or there is none */
    yk_fd *wait;  /* owned */
    bool drained; /* the last read got less than it asked for: wait before the next */
};

struct yk_child {
    uint32_t magic;
    yk_spawner *spawner;         /* borrowed: where it was started */
    struct registry *registry;   /* borrowed from the reaper, or NULL */
    struct census_share *census; /* borrowed from the reaper, or NULL */
    struct registry_entry entry; /* pid */
    struct stream input, output, errors;

    yk_mutex mutex; /* guards the members below */
    yk_condition changed;
    bool watched;            /* a task waits for the pidfd; the others wait for `changed` */
    bool ended;              /* the leader is a zombie: the pidfd is closed */
    bool stolen;             /* somebody else reaped it: the group's number is not ours any more */
    yk_exit exit;            /* when ended */
    int pidfd;               /* owned; -1: ended, or there are none here */
    yk_fd *pidfd_wait;       /* owned; NULL with it */
    _Atomic bool group_gone; /* found empty, or stolen: no signal may be sent */
};

static void stream_close(struct stream *stream)
{
    yk_fd_free(MOVE(stream->wait));
    pipe_close_end(&stream->fd);
}

static int stream_open(yk_spawner *spawner, enum pipe_direction direction, struct stream *stream,
                       int *out_theirs)
{
    struct pipe_ends ends = PIPE_NONE;
    int r = pipe_open(direction, &ends);
    if (r < 0)
        return r;
    r = yk_fd_open(spawner, ends.ours, &stream->wait);
    if (r < 0) {
        pipe_close(&ends);
        return r;
    }
    stream->fd = ends.ours;
    *out_theirs = ends.theirs;
    return 0;
}

/* Opens the pipes that the options ask for; what was opened is closed by child_done() and the
 * caller. */
static int streams_open(yk_child *child, const yk_child_options *options, struct launch *launch)
{
    int r = 0;
    if (!options->stdin_null)
        r = stream_open(child->spawner, PIPE_TO_CHILD, &child->input, &launch->stdin_fd);
    if (r == 0)
        r = stream_open(child->spawner, PIPE_FROM_CHILD, &child->output, &launch->stdout_fd);
    if (r == 0 && !options->stderr_to_stdout)
        r = stream_open(child->spawner, PIPE_FROM_CHILD, &child->errors, &launch->stderr_fd);
    if (r < 0)
        return fail(&launch->err, r, "program '%s': no pipe could be made for its stdio: %s",
                    options->program, error_words(r));
    return 0;
}

static void pidfd_close(yk_child *child)
{
    yk_fd_free(MOVE(child->pidfd_wait));
    pipe_close_end(&child->pidfd);
}

/* Gives back everything but the process. */
static void child_done(yk_child *take_child)
{
    stream_close(&take_child->input);
    stream_close(&take_child->output);
    stream_close(&take_child->errors);
    pidfd_close(take_child);
    take_child->magic = 0;
    free(take_child);
}

/* On a pool thread. */
static int launch_job(void *arg)
{
    return launch_run(arg);
}

/* On a pool thread. */
static int undo_job(void *arg)
{
    yk_child *child = arg;
    launch_undo(child->registry, &child->entry);
    return 0;
}

/* The program runs, but its end could not be told: takes it back. */
static int start_undo(yk_task *self, yk_child *child, struct launch *launch, int code)
{
    int result;
    yk_shield_begin(self);
    if (yk_offload(self, undo_job, child, &result) < 0) { /* no memory for that either */
        (void)kill(-child->entry.pid, SIGKILL);
        registry_disown(child->registry, &child->entry); /* the reaper's, if there is one */
    }
    yk_shield_end(self);
    return fail(&launch->err, code,
                "program '%s' was started and killed: its end cannot be waited for: %s",
                launch->options->program, error_words(code));
}

/* With the pipes open.  Closes the child's ends in every case. */
static int start_process(yk_task *self, yk_child *child, struct launch *launch)
{
    int result = 0;
    int r = yk_offload(self, launch_job, launch, &result);
    if (r < 0) /* it did not run */
        return fail(&launch->err, r, "program '%s' was not started: %s", launch->options->program,
                    error_words(r));
    if (result < 0)
        return result;
    child->pidfd = launch->pidfd;
    if (child->pidfd >= 0)
        r = yk_fd_open(child->spawner, child->pidfd, &child->pidfd_wait);
    return r < 0 ? start_undo(self, child, launch, r) : 0;
}

static int start(yk_task *self, struct launch *launch, yk_child **out_child)
{
    yk_child *child = calloc(1, sizeof *child);
    if (!child)
        return fail(&launch->err, -ENOMEM, "program '%s' was not started: out of memory",
                    launch->options->program);
    child->magic = CHILD_MAGIC;
    child->spawner = yk_task_spawner(self);
    child->registry = launch->registry;
    child->census = reaper_census(launch->options->reaper);
    child->input.fd = child->output.fd = child->errors.fd = child->pidfd = -1;
    list_init(&child->entry.link);
    launch->entry = &child->entry;

    int r = streams_open(child, launch->options, launch);
    if (r == 0)
        r = start_process(self, child, launch);
    if (r < 0) {
        child_done(child);
        return r;
    }
    *out_child = child;
    return 0;
}

/* A sentence for a buffer that may be shorter. */
static void text_cut(char *out_text, size_t bytes, const char *text)
{
    int len = snprintf(out_text, bytes, "%s", text);
    if (len >= (int)bytes && bytes > 4)
        memcpy(out_text + bytes - 4, "...", 4);
}

int yk_child_start(yk_task *self, const yk_child_options *options, yk_child **out_child,
                   char *error_text, size_t error_text_bytes)
{
    assert(options && options->argv && out_child);
    struct launch launch = {
        .options = options,
        .registry = reaper_registry(options->reaper),
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
        .pidfd = -1,
    };
    int r = start(self, &launch, out_child);
    pipe_close_end(&launch.stdin_fd);
    pipe_close_end(&launch.stdout_fd);
    pipe_close_end(&launch.stderr_fd);
    if (r < 0 && error_text && error_text_bytes > 0)
        text_cut(error_text, error_text_bytes, launch.err.text);
    return r;
}

pid_t yk_child_pid(const yk_child *child)
{
    assert(child->magic == CHILD_MAGIC);
    return child->entry.pid;
}

ssize_t yk_child_read(yk_task *self, yk_child *child, yk_child_stream stream, void *bytes,
                      size_t bytes_max, int64_t deadline)
{
    assert(child->magic == CHILD_MAGIC && bytes_max > 0);
    struct stream *from = stream == YK_CHILD_STDOUT ? &child->output : &child->errors;
    if (from->fd < 0)
        return -EINVAL;
    for (;;) {
        if (from->drained) {
            int r = yk_fd_wait(self, from->wait, YK_IN, deadline);
            if (r < 0)
                return r;
            from->drained = false;
        }
        ssize_t len = read(from->fd, bytes, bytes_max);
        int code = len < 0 ? -errno : 0;
        from->drained = code == -EAGAIN || (len > 0 && (size_t)len < bytes_max);
        if (len >= 0)
            return len;
        if (code != -EAGAIN && code != -EINTR)
            return code;
    }
}

/* write(2) for a host that may be killed by SIGPIPE: holds the signal off, and takes the one that
 * came of this write.
 * Returns as write(2), or a negative errno. */
static ssize_t write_held(int fd, const void *bytes, size_t len)
{
    sigset_t pipe_only, before, pending;
    (void)sigemptyset(&pipe_only); /* these two cannot fail */
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)sigpending(&pending);
    (void)sigprocmask(SIG_BLOCK, &pipe_only, &before); /* on Linux: of this thread */
    ssize_t n = write(fd, bytes, len);
    int code = n < 0 ? -errno : 0;
    if (code == -EPIPE && !sigismember(&pending, SIGPIPE)) {
        struct timespec at_once = {0};
        (void)sigtimedwait(&pipe_only, NULL, &at_once);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return code < 0 ? code : n;
}

static ssize_t write_quietly(int fd, const void *bytes, size_t len)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) < 0 || action.sa_handler != SIG_IGN)
        return write_held(fd, bytes, len);
    ssize_t n = write(fd, bytes, len);
    return n < 0 ? -errno : n;
}

int yk_child_write(yk_task *self, yk_child *child, const void *bytes, size_t len, int64_t deadline)
{
    assert(child->magic == CHILD_MAGIC);
    const char *at = bytes;
    while (len > 0) {
        if (child->input.fd < 0)
            return -EBADF;
        ssize_t n = write_quietly(child->input.fd, at, len);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (n == -EAGAIN) {
            int r = yk_fd_wait(self, child->input.wait, YK_OUT, deadline);
            if (r < 0)
                return r;
        } else if (n != -EINTR) {
            return (int)n;
        }
    }
    return 0;
}

void yk_child_close_stdin(yk_child *child)
{
    assert(child->magic == CHILD_MAGIC);
    stream_close(&child->input);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void exit_set(yk_exit *out_exit, const siginfo_t *info)
{
    out_exit->code = info->si_code == CLD_EXITED ? info->si_status : -1;
    out_exit->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
}

/* waitid(2) of the leader. */
static int leader_waitid(const yk_child *child, siginfo_t *out_info, int flags)
{
    memset(out_info, 0, sizeof *out_info);
    int r = child->pidfd < 0 ? waitid(P_PID, (id_t)child->entry.pid, out_info, WEXITED | flags)
                             : waitid(P_PIDFD, (id_t)child->pidfd, out_info, WEXITED | flags);
    return r < 0 ? -errno : 0;
}

/* With the mutex.  Looks whether and how the leader ended, and leaves it a zombie. */
static int exit_look(yk_child *child)
{
    siginfo_t info;
    int code = leader_waitid(child, &info, WNOHANG | WNOWAIT);
    if (code < 0) {
        if (code != -ECHILD)
            return code;
        child->stolen = true;
        child->group_gone = true;
        child->exit = (yk_exit){.code = -1};
    } else if (info.si_pid == 0) {
        return 0; /* a stale readiness */
    } else {
        exit_set(&child->exit, &info);
    }
    child->ended = true;
    pidfd_close(child); /* the number is held by the zombie from now on */
    return 0;
}

/* With the mutex, shielded at the return: it is held then whatever happened. */
static int mutex_take_again(yk_task *self, yk_child *child)
{
    yk_shield_begin(self);
    int r = yk_mutex_lock(self, &child->mutex, YK_NEVER);
    yk_shield_end(self);
    return r;
}

/* Where there are no pidfds: a pause before the next look.  Returns 1, -ETIMEDOUT, -ECANCELED. */
static int poll_pause(yk_task *self, int64_t deadline)
{
    int64_t next = yk_deadline_ms(self, POLL_MS);
    int r = yk_task_sleep(self, deadline < next ? deadline : next);
    return r < 0 ? r : deadline <= next ? -ETIMEDOUT : 1;
}

/* With the mutex, which is given back meanwhile: one task waits for the descriptor, the others for
 * that one. */
static int leader_watch(yk_task *self, yk_child *child, int64_t deadline)
{
    child->watched = true;
    yk_mutex_unlock(self, &child->mutex);
    int r = child->pidfd_wait ? yk_fd_wait(self, child->pidfd_wait, YK_IN, deadline)
                              : poll_pause(self, deadline);
    int locked = mutex_take_again(self, child);
    assert(locked == 0);
    child->watched = false;
    int looked = exit_look(child);
    if (r > 0 || looked < 0)
        r = looked;
    yk_condition_broadcast(&child->changed); /* the end, or one of them must watch now */
    return r;
}

/* With the mutex. */
static int leader_wait(yk_task *self, yk_child *child, int64_t deadline)
{
    while (!child->ended) {
        int r = child->watched ? yk_condition_wait(self, &child->changed, &child->mutex, deadline)
                               : leader_watch(self, child, deadline);
        if (r < 0 && !child->ended)
            return r;
    }
    return child->stolen ? -ECHILD : 0;
}

int yk_child_wait(yk_task *self, yk_child *child, int64_t deadline, yk_exit *out_exit)
{
    assert(child->magic == CHILD_MAGIC);
    int r = yk_mutex_lock(self, &child->mutex, deadline);
    if (r < 0)
        return r;
    r = leader_wait(self, child, deadline);
    if (r == 0 && out_exit)
        *out_exit = child->exit;
    yk_mutex_unlock(self, &child->mutex);
    return r;
}

int yk_child_signal(yk_child *child, int signal)
{
    assert(child->magic == CHILD_MAGIC);
    if (child->group_gone)
        return -ESRCH;
    return kill(-child->entry.pid, signal) < 0 ? -errno : 0;
}

/* Waits until one process, which was seen alive in the group, has ended. */
static int member_wait(yk_task *self, yk_child *child, const struct census_entry *member,
                       int64_t deadline)
{
    int fd = census_open(member);
    if (fd == -ENOSYS)
        return poll_pause(self, deadline);
    if (fd < 0)
        return fd == -ESRCH ? 0 : fd;
    OWNED(yk_fd) yk_fd *wait = NULL;
    int r = yk_fd_open(child->spawner, fd, &wait);
    if (r == 0)
        r = yk_fd_wait(self, wait, YK_IN, deadline);
    yk_fd_free(MOVE(wait));
    pipe_close_end(&fd);
    return r < 0 ? r : 0;
}

/* The leader has ended: waits for the others. */
static int members_wait(yk_task *self, yk_child *child, int64_t deadline, pid_t *out_pid)
{
    for (;;) {
        struct census_entry member;
        int r = child->census ? census_share_find(self, child->census, child->entry.pid, &member)
                              : census_share_find_alone(self, child->entry.pid, &member);
        if (r < 0)
            return r;
        if (r == 0) {
            child->group_gone = true;
            return 0;
        }
        *out_pid = member.pid;
        r = member_wait(self, child, &member, deadline);
        if (r < 0)
            return r;
    }
}

int yk_child_wait_group(yk_task *self, yk_child *child, int64_t deadline, pid_t *out_pid)
{
    pid_t alive = child->entry.pid;
    int r = yk_child_wait(self, child, deadline, NULL);
    if (r == 0 && !child->group_gone)
        r = members_wait(self, child, deadline, &alive);
    if (out_pid)
        *out_pid = r == -ETIMEDOUT ? alive : 0;
    return r;
}

/* Shielded. */
static int stop(yk_task *self, yk_child *child, int signal, int64_t grace_deadline, pid_t *out_pid)
{
    (void)yk_child_signal(child, signal);
    (void)yk_child_signal(child, SIGCONT); /* who is stopped gets the signal only then */
    int r = yk_child_wait_group(self, child, grace_deadline, out_pid);
    if (r == 0)
        return 0;
    (void)yk_child_signal(child, SIGKILL);
    if (r != -ETIMEDOUT)
        return r;
    r = yk_child_wait_group(self, child, yk_deadline_ms(self, YK_CHILD_KILL_MS), out_pid);
    return r == 0 ? 1 : r;
}

int yk_child_stop(yk_task *self, yk_child *child, int signal, int64_t grace_deadline,
                  pid_t *out_pid)
{
    yk_shield_begin(self);
    int r = stop(self, child, signal ? signal : SIGTERM, grace_deadline, out_pid);
    yk_shield_end(self);
    return r;
}

/* --- after the end ---------------------------------------------------------------------------- */

/* Takes the zombie away if the leader is one by now.  Returns whether there is nothing left to
 * reap. */
static bool leader_reap(yk_child *child)
{
    siginfo_t info;
    return leader_waitid(child, &info, WNOHANG) < 0 || info.si_pid != 0;
}

/* A task of its own, which owns what is left of a child: SIGKILL was sent and its end is a matter
 * of moments. */
static int bury(yk_task *self, void *arg)
{
    yk_child *child = arg;
    yk_shield_begin(self);
    int r = yk_child_wait(self, child, yk_deadline_ms(self, YK_CHILD_KILL_MS), NULL);
    yk_shield_end(self);
    if (r == 0)
        (void)leader_reap(child);
    child_done(child);
    return 0;
}

/* Returns whether a task has taken the child over. */
static bool bury_later(yk_child *child)
{
    if (yk_current_spawner() != child->spawner)
        return false; /* nothing says that its run goes on */
    yk_task *task = NULL;
    if (yk_task_spawn(child->spawner, "child-end", bury, child, &task) < 0)
        return false;
    yk_task_detach(task);
    return true;
}

void yk_child_free(yk_child *take_child)
{
    yk_child *child = take_child;
    if (!child)
        return;
    assert(child->magic == CHILD_MAGIC);
    (void)yk_child_signal(child, SIGKILL);
    stream_close(&child->input);
    stream_close(&child->output);
    stream_close(&child->errors);

    bool reaped = child->stolen || leader_reap(child);
    registry_disown(child->registry, &child->entry);
    if (!reaped && child->registry && child->pidfd >= 0)
        reaped =
            leader_reap(child); /* it may have died in between, when the reaper left it alone */
    if (!reaped && !child->registry && bury_later(child))
        return;
    child_done(child);
}

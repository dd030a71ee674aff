/* SPDX-License-Identifier: MIT
 * child.h - one child process with piped stdio, in a process group of its own.
 *
 * Layer: core/process.  Installed as <yoke/child.h>.  Threads: by tasks of the spawner that started
 * it; one reader a stream and one writer at a time, any number of the others.  Start at
 * yk_child_start().
 *
 * Everything that the child starts belongs to its group unless it leaves it.  The leader stays a
 * zombie until the child is freed, so that the group's number cannot be used again and a signal
 * never reaches a stranger (docs/adr/0001-the-leader-stays-a-zombie.md).
 * Sources: posix_spawn(3), pidfd_open(2), waitid(2), proc(5). */
#pragma once

#include <sys/types.h>

#include <yoke/task.h>

typedef struct yk_child yk_child;
typedef struct yk_reaper yk_reaper; /* <yoke/reaper.h> */

typedef struct {
    const char *program;      /* a file, seen from `directory`; without a slash: in PATH of `env` */
    const char *const *argv;  /* NULL-terminated; argv[0] included */
    const char *const *env;   /* NULL-terminated "NAME=value"; NULL: the host's environment */
    const char *directory;    /* working directory; NULL: the host's */
    bool stdin_null;          /* stdin is /dev/null, not a pipe */
    bool stderr_to_stdout;    /* one pipe for both */
    uint64_t descriptors_max; /* soft RLIMIT_NOFILE, where the host has raised its own; 0: as it */
    yk_reaper *reaper;        /* borrowed, outlives the child; needed if there is one; or NULL */
} yk_child_options;

typedef enum { YK_CHILD_STDOUT, YK_CHILD_STDERR } yk_child_stream;

/* How a process ended: exactly one of the two is set. */
typedef struct {
    int code;   /* exit code 0..255, or -1 */
    int signal; /* signal number, or 0 */
} yk_exit;

/* Starts a program, on a thread of the offload pool.  Blocks until the program runs or could not be
 * started.
 *
 * It begins with an empty signal mask, every signal at its default, descriptors 0 to 2 and no
 * other, in the directory given, as the leader of a new process group of the host's session.  A
 * program without a slash is searched in PATH of the child's environment ("/bin:/usr/bin" if it has
 * none), where relative folders are seen from `directory`.
 *
 * error_text  at least 256 bytes, for one sentence that names the program and what is wrong where;
 *             or NULL
 * Returns 0; -ENOENT (no such program, directory or interpreter), -ENOTDIR, -EACCES, -ENOEXEC,
 * -E2BIG, -ENOMEM, -EAGAIN, -EMFILE, -ENFILE, -EINVAL and the other errors of execve(2);
 * -ECANCELED, -ETIMEDOUT.  Nothing runs unless 0.  -EINVAL also when the process ignores SIGCHLD:
 * the kernel would reap its children. */
MUST_USE int yk_child_start(yk_task *self, const yk_child_options *options, yk_child **out_child,
                            char *error_text, size_t error_text_bytes);
#define YK_CHILD_ERROR_TEXT_BYTES 256

pid_t yk_child_pid(const yk_child *child);

/* Reads what the child has written: at least one byte unless at the end.  Blocks.
 * Returns the number of bytes, 0 at the end (every holder of the pipe has closed it), -ETIMEDOUT,
 * -ECANCELED, -EINVAL (stderr goes to stdout). */
MUST_USE ssize_t yk_child_read(yk_task *self, yk_child *child, yk_child_stream stream, void *bytes,
                               size_t bytes_max, int64_t deadline);

/* Writes all of the bytes to the child's stdin.  Blocks.  Raises no SIGPIPE.
 * Returns 0, -EPIPE (nobody reads any more), -EBADF (closed), -ETIMEDOUT, -ECANCELED (part of it
 * may be written). */
MUST_USE int yk_child_write(yk_task *self, yk_child *child, const void *bytes, size_t len,
                            int64_t deadline);

/* End of file on the child's stdin.  Again is fine; while a task is inside yk_child_write() is not:
 * cancel that first. */
void yk_child_close_stdin(yk_child *child);

/* Waits until the leader has ended.  Any number of times, by any number of tasks.  Blocks.
 * Returns 0, -ETIMEDOUT, -ECANCELED, -ECHILD (other code of the process has reaped it: how it ended
 * nobody knows). */
MUST_USE int yk_child_wait(yk_task *self, yk_child *child, int64_t deadline, yk_exit *out_exit);

/* Sends a signal to the whole group.  Does not block.  Returns 0, -ESRCH (a wait found the group
 * empty), -EPERM (all of the group belongs to others by now), -EINVAL. */
int yk_child_signal(yk_child *child, int signal);

/* Waits until no process of the group is alive.  Any number of tasks.  Blocks.
 *
 * out_pid  one that is alive still, on -ETIMEDOUT; may be NULL
 * Returns 0, -ETIMEDOUT, -ECANCELED, -ECHILD; -EMFILE, -ENFILE, -ENOMEM ... (/proc could not be
 * searched). */
MUST_USE int yk_child_wait_group(yk_task *self, yk_child *child, int64_t deadline, pid_t *out_pid);

/* Ends the whole group for sure: `signal` (0: SIGTERM) and SIGCONT, until `grace_deadline`, then
 * SIGKILL, until the group is empty.  Blocks; shielded: goes through with it when self is
 * cancelled.
 *
 * out_pid  one that is alive still, on -ETIMEDOUT; may be NULL
 * Returns 0 (ended within the grace), 1 (SIGKILL was needed), -ETIMEDOUT (something survives
 * SIGKILL for YK_CHILD_KILL_MS: stuck in the kernel); another error of yk_child_wait_group()
 * (SIGKILL was sent, and whether the group is empty is not known). */
MUST_USE int yk_child_stop(yk_task *self, yk_child *child, int signal, int64_t grace_deadline,
                           pid_t *out_pid);
#define YK_CHILD_KILL_MS 5000

/* Kills what is left of the group, at once, and frees.  Does not block: a leader that cannot be
 * reaped yet is left to the reaper if one was given, else to a task of its own.  Nobody may be
 * inside a call of it.  NULL is fine. */
void yk_child_free(yk_child *take_child);
DEFINE_DROP(yk_child, yk_child)

/* SPDX-License-Identifier: MIT
 * child_case.h - what the tests of core/process share: children that a shell's line describes.
 *
 * Layer: tests/unit.  Start at child_shell(). */
#pragma once

#include "tests/support/support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <yoke/child.h>

#define CHILD_TEXT_BYTES 1024

/* Starts what the options say; fails the test if that fails.  The janitor knows it. */
__attribute__((unused)) static yk_child *child_start(yk_task *self, const yk_child_options *options)
{
    char text[YK_CHILD_ERROR_TEXT_BYTES] = "";
    yk_child *child = NULL;
    int r = yk_child_start(self, options, &child, text, sizeof text);
    ck_assert_msg(r == 0, "%s: %d %s", options->program, r, text);
    support_register_group(yk_child_pid(child), "child");
    return child;
}

/* Frees a child whose group is empty or gets killed by that. */
__attribute__((unused)) static void child_end(yk_child *take_child)
{
    support_forget_group(yk_child_pid(take_child));
    yk_child_free(take_child);
}

/* `sh -c line`, with pipes to all three. */
__attribute__((unused)) static yk_child *child_shell(yk_task *self, const char *line)
{
    const char *const argv[] = {"sh", "-c", line, NULL};
    const yk_child_options options = {.program = "/bin/sh", .argv = argv};
    return child_start(self, &options);
}

/* Starts what cannot be started.  Returns the code; the sentence in `text`. */
__attribute__((unused)) static int child_refused(yk_task *self, const yk_child_options *options,
                                                 char text[YK_CHILD_ERROR_TEXT_BYTES])
{
    yk_child *child = NULL;
    text[0] = '\0';
    int r = yk_child_start(self, options, &child, text, YK_CHILD_ERROR_TEXT_BYTES);
    ck_assert_ptr_null(child);
    ck_assert_int_lt(r, 0);
    return r;
}

/* Reads to the end of a stream, or until `bytes_max` - 1 are there; ends them with NUL. */
__attribute__((unused)) static size_t
child_read_all(yk_task *self, yk_child *child, yk_child_stream stream, char *text, size_t bytes_max)
{
    size_t len = 0;
    while (len < bytes_max - 1) {
        ssize_t n = yk_child_read(self, child, stream, text + len, bytes_max - 1 - len,
                                  support_deadline(self));
        ck_assert_int_ge(n, 0);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    return len;
}

/* Reads one line of stdout, without the newline. */
__attribute__((unused)) static void child_read_line(yk_task *self, yk_child *child, char *line,
                                                    size_t bytes_max)
{
    size_t len = 0;
    do {
        ck_assert_uint_lt(len, bytes_max - 1);
        ssize_t n =
            yk_child_read(self, child, YK_CHILD_STDOUT, line + len, 1, support_deadline(self));
        ck_assert_int_eq(n, 1);
    } while (line[len++] != '\n');
    line[len - 1] = '\0';
}

__attribute__((unused)) static pid_t child_read_pid(yk_task *self, yk_child *child)
{
    char line[64];
    child_read_line(self, child, line, sizeof line);
    pid_t pid = (pid_t)strtol(line, NULL, 10);
    ck_assert_int_gt(pid, 1);
    return pid;
}

/* One child from start to end, waited for once in vain, so that what the runtime opens with the
 * first of each is there. */
__attribute__((unused)) static void child_warm_up(yk_task *self)
{
    const char *const argv[] = {"cat", NULL};
    const yk_child_options options = {.program = "cat", .argv = argv};
    yk_child *child = child_start(self, &options);
    ck_assert_int_eq(yk_child_wait(self, child, yk_deadline_ms(self, 5), NULL), -ETIMEDOUT);
    yk_child_close_stdin(child);
    ck_assert_int_eq(yk_child_wait(self, child, support_deadline(self), NULL), 0);
    child_end(child);
}

/* Whether a program that cannot be executed looks as if it had been: valgrind makes a plain fork of
 * vfork, and posix_spawn() learns nothing of what happens in the child. */
__attribute__((unused)) static bool exec_errors_are_lost(void)
{
    const char *preloads = getenv("LD_PRELOAD");
    return preloads && strstr(preloads, "vgpreload");
}

/* Waits for the leader's end and demands how it was. */
__attribute__((unused)) static void child_expect_exit(yk_task *self, yk_child *child, int code,
                                                      int signal)
{
    yk_exit how = {0};
    ck_assert_int_eq(yk_child_wait(self, child, support_deadline(self), &how), 0);
    ck_assert_int_eq(how.code, code);
    ck_assert_int_eq(how.signal, signal);
}

/* From now on this process and its children get ENOSYS of pidfd_open(2), as under an old valgrind.
 * Returns whether that worked. */
__attribute__((unused)) static bool pidfds_forbid(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Whether a process is there, a zombie included. */
__attribute__((unused)) static bool process_exists(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* The state letter of a process in /proc, or '\0' if there is none. */
__attribute__((unused)) static char process_state(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return '\0';
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end ? name_end[2] : '\0';
}

/* Yields until a process is gone or a zombie that somebody else keeps. */
__attribute__((unused)) static void process_await_end(yk_task *self, pid_t pid)
{
    int64_t deadline = support_deadline(self);
    for (char state = process_state(pid); state != '\0' && state != 'Z';
         state = process_state(pid)) {
        ck_assert_msg(yk_now(self) < deadline, "process %d is alive still, in state %c", (int)pid,
                      state);
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
}

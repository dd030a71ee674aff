/* SPDX-License-Identifier: MIT
 * bench_child.c - starting a child, reading what it writes, learning how it ended: by core/process
 * on a runtime, or by posix_spawn() and poll().
 *
 * Usage: bench_child bare|uv|ev|threads|... capture|many|stream COUNT
 * Prints "WHAT NANOSECONDS": of one operation, the mean over COUNT of them.
 *
 *   capture  /bin/echo, its output and its exit code, one child after the other
 *   many     the same in batches of 50 at once
 *   stream   one mebibyte of a child's zeros, COUNT of them from one child
 *
 * Both sides do the same steps: a pipe each for stdout and stderr, /dev/null as stdin, a group of
 * its own, mask and dispositions reset, a pidfd, and the child reaped. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <yoke/child.h>
#include <yoke/group.h>

#include "tests/bench/side.h"

#define BATCH        50
#define STREAM_BYTES ((size_t)64 * 1024) /* read at once */
#define MIB          ((size_t)1024 * 1024)

extern char **environ;

struct work {
    const char *what;
    long count;
};

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench_child: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    demand(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock");
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const char *const echo_argv[] = {"/bin/echo", "hello", NULL};

/* The argv of a child that writes `count` mebibytes. */
static const char *const *zeros_argv(long count)
{
    static char bytes[32];
    static const char *const argv[] = {"/usr/bin/head", "-c", bytes, "/dev/zero", NULL};
    snprintf(bytes, sizeof bytes, "%zu", (size_t)count * MIB);
    return argv;
}

/* ---- bare ---- */

struct bare {
    pid_t pid;
    int pidfd;
    int fds[2]; /* stdout, stderr; -1: at its end */
    size_t len;
};

static void bare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

static void bare_start(struct bare *child, const char *const *argv)
{
    int out[2], err[2];
    demand(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "pipe");
    demand(fcntl(out[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(err[0], F_SETFL, O_NONBLOCK) == 0,
           "fcntl");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    bare_attributes(&attributes);
    errno = posix_spawn(&child->pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
                        environ);
    demand(errno == 0, "posix_spawn");
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    demand(child->pidfd >= 0, "pidfd_open");
    child->fds[0] = out[0];
    child->fds[1] = err[0];
    child->len = 0;
}

/* Reads what is there; closes a stream at its end. */
static void bare_read(struct bare *child, int stream)
{
    static char bytes[STREAM_BYTES];
    ssize_t n = read(child->fds[stream], bytes, sizeof bytes);
    if (n > 0) {
        child->len += (size_t)n;
    } else if (n == 0) {
        close(child->fds[stream]);
        child->fds[stream] = -1;
    } else {
        demand(errno == EAGAIN, "read");
    }
}

static void bare_reap(struct bare *child)
{
    siginfo_t info;
    demand(waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED) == 0, "waitid");
    demand(info.si_code == CLD_EXITED && info.si_status == 0, "exit");
    close(child->pidfd);
    child->pidfd = -1;
}

/* Starts `count` children and serves all of them until the last has ended. */
static void bare_batch(int count, const char *const *argv, size_t wanted)
{
    static struct bare children[BATCH];
    static struct pollfd polls[3 * BATCH];
    for (int i = 0; i < count; i++)
        bare_start(&children[i], argv);
    for (int left = count; left > 0;) {
        for (int i = 0; i < count; i++) {
            polls[3 * i] = (struct pollfd){.fd = children[i].fds[0], .events = POLLIN};
            polls[3 * i + 1] = (struct pollfd){.fd = children[i].fds[1], .events = POLLIN};
            polls[3 * i + 2] = (struct pollfd){.fd = children[i].pidfd, .events = POLLIN};
        }
        demand(poll(polls, (nfds_t)(3 * count), -1) > 0, "poll");
        for (int i = 0; i < count; i++) {
            struct bare *child = &children[i];
            if (polls[3 * i].revents)
                bare_read(child, 0);
            if (polls[3 * i + 1].revents)
                bare_read(child, 1);
            if (polls[3 * i + 2].revents && child->fds[0] < 0 && child->fds[1] < 0) {
                demand(child->len == wanted, "output");
                bare_reap(child);
                left--;
            }
        }
    }
}

static void bare_main(const struct work *work)
{
    if (strcmp(work->what, "stream") == 0) {
        bare_batch(1, zeros_argv(work->count), (size_t)work->count * MIB);
        return;
    }
    int batch = strcmp(work->what, "many") == 0 ? BATCH : 1;
    for (long i = 0; i < work->count; i += batch)
        bare_batch(batch, echo_argv, 6);
}

/* ---- on a runtime ---- */

static size_t read_to_end(yk_task *self, yk_child *child, yk_child_stream stream)
{
    char *bytes = malloc(STREAM_BYTES);
    demand(bytes, "memory");
    size_t len = 0;
    ssize_t n;
    while ((n = yk_child_read(self, child, stream, bytes, STREAM_BYTES, YK_NEVER)) > 0)
        len += (size_t)n;
    demand(n == 0, "read");
    free(bytes);
    return len;
}

static void one(yk_task *self, const char *const *argv, size_t wanted)
{
    const yk_child_options options = {.program = argv[0], .argv = argv, .stdin_null = true};
    char text[YK_CHILD_ERROR_TEXT_BYTES] = "";
    yk_child *child = NULL;
    demand(yk_child_start(self, &options, &child, text, sizeof text) == 0, text);
    demand(read_to_end(self, child, YK_CHILD_STDOUT) == wanted, "output");
    demand(read_to_end(self, child, YK_CHILD_STDERR) == 0, "output");
    yk_exit how;
    demand(yk_child_wait(self, child, YK_NEVER, &how) == 0 && how.code == 0, "exit");
    yk_child_free(child);
}

static int one_echo(yk_task *self, void *arg)
{
    (void)arg;
    one(self, echo_argv, 6);
    return 0;
}

static int runtime_main(yk_task *self, void *arg)
{
    const struct work *work = arg;
    if (strcmp(work->what, "stream") == 0) {
        one(self, zeros_argv(work->count), (size_t)work->count * MIB);
        return 0;
    }
    if (strcmp(work->what, "capture") == 0) {
        for (long i = 0; i < work->count; i++)
            one(self, echo_argv, 6);
        return 0;
    }
    for (long i = 0; i < work->count; i += BATCH) {
        OWNED(yk_group) yk_group *group = NULL;
        demand(yk_group_new(self, NULL, &group) == 0, "group");
        for (int j = 0; j < BATCH; j++)
            demand(yk_group_spawn(group, "one", one_echo, NULL) == 0, "spawn");
        demand(yk_group_join(self, group, YK_NEVER) == 0, "join");
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct work work = {.what = argc == 4 ? argv[2] : "", .count = argc == 4 ? atol(argv[3]) : 0};
    bool known = strcmp(work.what, "capture") == 0 || strcmp(work.what, "many") == 0 ||
                 strcmp(work.what, "stream") == 0;
    if (!known || work.count <= 0 || work.count > 1000000) {
        fputs("usage: bench_child bare|RUNTIME capture|many|stream COUNT\n", stderr);
        return 2;
    }
    bool bare = strcmp(argv[1], "bare") == 0;
    yk_spawner *spawner = bare ? NULL : side_open(argv[1]);
    int64_t before = now_ns();
    if (bare)
        bare_main(&work);
    else
        demand(yk_run(spawner, runtime_main, &work) == 0, "run");
    int64_t after = now_ns();
    if (!bare)
        side_close(spawner);
    printf("%s %.1f\n", work.what, (double)(after - before) / (double)work.count);
    return 0;
}

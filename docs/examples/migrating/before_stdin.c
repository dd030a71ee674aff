/* SPDX-License-Identifier: MIT
 * before_stdin.c - a thread that feeds a child's standard input, while main reads its output.
 * After: after_stdin.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one block of 2 KiB through
 * cat(1). */
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "docs/examples/migrating/stopwatch.h"

#define BLOCK_BYTES 2048

extern char **environ;

struct forwarder {
    int fd; /* owned: the child's standard input */
    int blocks;
    int failed;
};

/* Cannot be told to stop: if the child never reads, it blocks in write() for ever. */
static void *forward(void *arg)
{
    struct forwarder *forwarder = arg;
    char block[BLOCK_BYTES];
    memset(block, 'b', sizeof block);
    for (int i = 0; i < forwarder->blocks && !forwarder->failed; i++) {
        size_t done = 0;
        while (done < sizeof block && !forwarder->failed) {
            ssize_t r = write(forwarder->fd, block + done, sizeof block - done);
            forwarder->failed = r < 0;
            done += r < 0 ? 0 : (size_t)r;
        }
    }
    close(forwarder->fd);
    return NULL;
}

/* Starts cat(1) with a pipe at either end. */
static pid_t cat_start(int *out_stdin, int *out_stdout)
{
    static char name[] = "cat";
    char *argv[] = {name, NULL};
    int in[2], out[2];
    pid_t pid;
    int r = pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC);
    assert(r == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    r = posix_spawnp(&pid, name, &actions, NULL, argv, environ);
    assert(r == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    *out_stdin = in[1];
    *out_stdout = out[0];
    return pid;
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 200);
    struct forwarder forwarder = {.blocks = count};
    int output, status;
    pthread_t thread;
    char bytes[BLOCK_BYTES];
    (void)signal(SIGPIPE, SIG_IGN); /* of the whole process; the child inherits it, too */

    int64_t begin = stopwatch_now();
    pid_t pid = cat_start(&forwarder.fd, &output);
    int r = pthread_create(&thread, NULL, forward, &forwarder);
    assert(r == 0);
    int64_t total = 0;
    ssize_t got;
    while ((got = read(output, bytes, sizeof bytes)) > 0)
        total += got;
    close(output);
    pthread_join(thread, NULL);
    waitpid(pid, &status, 0);
    stopwatch_print(begin, count);

    assert(total == (int64_t)count * BLOCK_BYTES && !forwarder.failed);
    assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

/* SPDX-License-Identifier: MIT
 * after_stdin.c - a task that feeds a child's standard input, while another reads its output.
 * Before: before_stdin.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one block of 2 KiB through
 * cat(1). */
#include <assert.h>
#include <signal.h>
#include <string.h>

#include <yoke/child.h>
#include <yoke/default.h>
#include <yoke/group.h>

#include "docs/examples/migrating/stopwatch.h"

#define BLOCK_BYTES 2048
#define END_MS      10000

struct forwarder {
    yk_child *child; /* borrowed */
    int blocks;
};

/* Ends by itself, or when its group is cancelled, also while the child does not read. */
static int forward(yk_task *self, void *arg)
{
    const struct forwarder *forwarder = arg;
    char block[BLOCK_BYTES];
    memset(block, 'b', sizeof block);
    int r = 0;
    for (int i = 0; r == 0 && i < forwarder->blocks; i++)
        r = yk_child_write(self, forwarder->child, block, sizeof block, YK_NEVER);
    yk_child_close_stdin(forwarder->child);
    return r;
}

/* Reads until the child has closed its output.  Returns 0 or an error. */
static int read_all(yk_task *self, yk_child *child, int64_t *out_total)
{
    char bytes[BLOCK_BYTES];
    ssize_t got;
    *out_total = 0;
    while ((got = yk_child_read(self, child, YK_CHILD_STDOUT, bytes, sizeof bytes, YK_NEVER)) > 0)
        *out_total += got;
    return (int)got;
}

static int program(yk_task *self, void *arg)
{
    int count = *(int *)arg;
    const char *const argv[] = {"cat", NULL};
    const yk_child_options options = {.program = "cat", .argv = argv};
    char error_text[YK_CHILD_ERROR_TEXT_BYTES];
    int64_t begin = stopwatch_now();
    OWNED(yk_child) yk_child *child = NULL;
    int r = yk_child_start(self, &options, &child, error_text, sizeof error_text);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", error_text);
        return r;
    }
    OWNED(yk_group) yk_group *group = NULL; /* dropped before the child that its task writes to */
    r = yk_group_new(self, NULL, &group);
    struct forwarder forwarder = {child, count};
    if (r == 0)
        r = yk_group_spawn(group, "stdin forwarder", forward, &forwarder);
    int64_t total = 0;
    yk_exit end = {.code = -1};
    if (r == 0)
        r = read_all(self, child, &total);
    if (r == 0)
        r = yk_group_join(self, group, YK_NEVER);
    if (r == 0)
        r = yk_child_wait(self, child, yk_deadline_ms(self, END_MS), &end);
    if (r < 0)
        return r;
    stopwatch_print(begin, count);

    assert(total == (int64_t)count * BLOCK_BYTES && end.code == 0);
    return 0;
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 200);
    /* Not needed, but else each write pays to hold SIGPIPE off; the child gets the default back. */
    (void)signal(SIGPIPE, SIG_IGN);
    yk_spawner *spawner = yk_default_spawner();
    return spawner && yk_run(spawner, program, &count) == 0 ? 0 : 1;
}

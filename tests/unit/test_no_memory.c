/* SPDX-License-Identifier: MIT
 * test_no_memory.c - each allocation fails once: a clean error, nothing leaked, and the next try
 * works.
 *
 * Layer: tests/unit.  On every runtime: the plugins allocate through the host table, so theirs fail
 * too. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <yoke/channel.h>
#include <yoke/group.h>
#include <yoke/offload.h>
#include <yoke/signals.h>
#include <yoke/wait_fd.h>

#include "core/base/error.h"
#include "core/runtime/loader.h"
#include "core/runtime/runtime.h"

#define ALLOCATIONS_MAX 10000 /* of one step; more is a loop that does not end */

/* Runs `step` with its first allocation failing, its second, and so on, until none fails any more.
 * A step returns 0 or -ENOMEM, or -EAGAIN where a runtime says so for a thread; it leaves nothing
 * behind.  Returns how often it failed. */
static int fail_each(int (*step)(void *), void *arg)
{
    for (uint64_t n = 1; n < ALLOCATIONS_MAX; n++) {
        support_fail_nth_alloc(n);
        int r = step(arg);
        bool failed = support_fail_nth_done();
        if (!failed) {
            ck_assert_msg(r == 0, "without a failure: %s", error_name(r));
            return (int)n - 1;
        }
        ck_assert_msg(r == 0 || r == -ENOMEM || r == -EAGAIN, "allocation %d: %s", (int)n,
                      error_name(r));
    }
    ck_abort_msg("it allocates for ever");
    return 0;
}

static int return_arg(yk_task *self, void *arg)
{
    (void)self;
    return (int)(intptr_t)arg;
}

static int run_and_close(void *arg)
{
    struct error err;
    yk_spawner *spawner = NULL;
    int r = runtime_open(arg, NULL, &spawner, &err);
    if (r < 0)
        return r;
    r = yk_run(spawner, return_arg, NULL);
    int closed = runtime_close(spawner);
    return closed < 0 ? closed : r;
}

START_TEST(opening_running_and_closing_a_runtime)
{
    yk_spawner *spawner = support_spawner(support_runtime(_i));
    const yk_entry *entry = runtime_entry(spawner);
    support_close(spawner);
    int fds = support_fd_count(), threads = support_thread_count();
    int failures = fail_each(run_and_close, (void *)(uintptr_t)entry);
    ck_assert_int_ge(failures, 1);
    support_expect_counts(fds, threads);
}
END_TEST

struct step {
    yk_task *self;
    void *more;
};

/* What several tasks at once need, so that pooled memory does not hide anything. */
#define TASKS 40

static int spawn_and_join(void *arg)
{
    struct step *step = arg;
    yk_task *tasks[TASKS] = {NULL};
    int r = 0, joined = 0;
    for (int i = 0; i < TASKS && r == 0; i++)
        r = yk_task_spawn(yk_task_spawner(step->self), "child", return_arg, (void *)3, &tasks[i]);
    for (int i = 0; i < TASKS; i++)
        if (tasks[i] && yk_task_join_free(step->self, tasks[i]) == 3)
            joined++;
    return r < 0 || joined == TASKS ? r : -EIO;
}

TASK_TEST(spawning)
{
    struct step step = {.self = self};
    (void)fail_each(spawn_and_join, &step); /* a runtime may have pooled all that it needs */
    ck_assert_int_eq(spawn_and_join(&step), 0);
}

static int use_group(void *arg)
{
    struct step *step = arg;
    yk_group *group = NULL;
    int r = yk_group_new(step->self, NULL, &group);
    if (r < 0)
        return r;
    for (int i = 0; i < TASKS && r == 0; i++)
        r = yk_group_spawn(group, "child", return_arg, NULL);
    int joined = yk_group_join(step->self, group, YK_NEVER);
    yk_group_free(group);
    return r < 0 ? r : joined;
}

TASK_TEST(a_group_with_children)
{
    struct step step = {.self = self};
    ck_assert_int_ge(fail_each(use_group, &step), 1);
    ck_assert_int_eq(use_group(&step), 0);
}

static int use_channel(void *arg)
{
    struct step *step = arg;
    yk_channel *channel = NULL;
    int message = 4;
    int r = yk_channel_new(sizeof message, 3, &channel);
    if (r < 0)
        return r;
    r = yk_channel_send(step->self, channel, &message, YK_NEVER);
    if (r == 0)
        r = yk_channel_receive(step->self, channel, &message, YK_NEVER);
    yk_channel_free(channel);
    return r;
}

TASK_TEST(a_channel)
{
    struct step step = {.self = self};
    ck_assert_int_eq(fail_each(use_channel, &step), 1);
}

static int return_seven(void *arg)
{
    (void)arg;
    return 7;
}

static int use_offload(void *arg)
{
    struct step *step = arg;
    int result = 0;
    int r = yk_offload(step->self, return_seven, NULL, &result);
    return r < 0 || result == 7 ? r : -EIO;
}

TASK_TEST(an_offload)
{
    struct step step = {.self = self};
    (void)fail_each(use_offload, &step); /* the pool may be up already */
    ck_assert_int_eq(use_offload(&step), 0);
}

static int watch_fd(void *arg)
{
    struct step *step = arg;
    int *fds = step->more;
    yk_fd *own = NULL;
    int r = yk_fd_open(yk_task_spawner(step->self), fds[0], &own);
    if (r < 0)
        return r;
    r = yk_fd_wait(step->self, own, YK_IN, yk_now(step->self) + 1000);
    yk_fd_free(own);
    return r == -ETIMEDOUT ? 0 : r;
}

TASK_TEST(a_descriptor)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    struct step step = {self, fds};
    ck_assert_int_ge(fail_each(watch_fd, &step), 1);
    ck_assert_int_eq(watch_fd(&step), 0);
    ck_assert_int_eq(close(fds[0]), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}

static int watch_signals(void *arg)
{
    static const int signals[] = {10, 0};
    struct step *step = arg;
    yk_signals *own = NULL;
    int r = yk_signals_new(yk_task_spawner(step->self), signals, &own);
    yk_signals_free(own);
    return r;
}

TASK_TEST(signals)
{
    struct step step = {.self = self};
    ck_assert_int_ge(fail_each(watch_signals, &step), 1);
}

static int sleep_a_little(void *arg)
{
    struct step *step = arg;
    return yk_task_sleep(step->self, yk_now(step->self) + 1000);
}

TASK_TEST(a_sleep)
{
    struct step step = {.self = self};
    (void)fail_each(sleep_a_little, &step); /* a timer may need no memory */
}

int main(void)
{
    Suite *suite = suite_create("no_memory");
    suite_add_on_every_runtime(suite, opening_running_and_closing_a_runtime);
    suite_add_on_every_runtime(suite, spawning);
    suite_add_on_every_runtime(suite, a_group_with_children);
    suite_add_on_every_runtime(suite, a_channel);
    suite_add_on_every_runtime(suite, an_offload);
    suite_add_on_every_runtime(suite, a_descriptor);
    suite_add_on_every_runtime(suite, signals);
    suite_add_on_every_runtime(suite, a_sleep);
    return support_main(suite);
}

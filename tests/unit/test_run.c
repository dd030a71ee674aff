/* SPDX-License-Identifier: MIT
 * test_run.c - a main task, and the end of what it leaves behind: on every runtime.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <yoke/channel.h>
#include <yoke/group.h>

#include "core/runtime/host.h"
#include "core/runtime/runtime.h"

#define LEFT 100 /* more than yk_run() takes at once */

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", fn, arg, &task), 0);
    return task;
}

static int return_arg(yk_task *self, void *arg)
{
    (void)self;
    return (int)(intptr_t)arg;
}

START_TEST(the_result_of_the_main_task_is_the_result_of_the_run)
{
    static const int results[] = {0, 42, -EIO, -ECANCELED, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        void *arg = (void *)(intptr_t)results[i];
        ck_assert_int_eq(support_run_on(support_runtime(_i), return_arg, arg), results[i]);
    }
}
END_TEST

START_TEST(one_spawner_runs_many_times)
{
    yk_spawner *spawner = support_spawner(support_runtime(_i));
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(yk_run(spawner, return_arg, (void *)(intptr_t)i), i);
    support_close(spawner);
}
END_TEST

START_TEST(a_spawner_that_never_ran_can_be_closed)
{
    support_close(support_spawner(support_runtime(_i)));
}
END_TEST

/* What the tasks that main leaves behind write on; it outlives the run. */
struct board {
    yk_channel *channel; /* owned by the test; nothing ever comes */
    _Atomic int begun, canceled, other;
};

static int wait_for_cancel(yk_task *self, void *arg)
{
    struct board *board = arg;
    int message;
    board->begun++;
    int r = yk_channel_receive(self, board->channel, &message, YK_NEVER);
    if (r == -ECANCELED)
        board->canceled++;
    else
        board->other++;
    return r;
}

static void board_init(struct board *board)
{
    *board = (struct board){.begun = 0};
    ck_assert_int_eq(yk_channel_new(sizeof(int), 1, &board->channel), 0);
}

static int leave_many(yk_task *self, void *arg)
{
    for (int i = 0; i < LEFT; i++)
        yk_task_detach(spawn(self, wait_for_cancel, arg));
    return 7;
}

START_TEST(what_the_main_task_leaves_behind_is_cancelled_and_waited_for)
{
    struct board board;
    board_init(&board);
    ck_assert_int_eq(support_run_on(support_runtime(_i), leave_many, &board), 7);
    ck_assert_int_eq(board.begun, LEFT);
    ck_assert_int_eq(board.canceled, LEFT);
    ck_assert_int_eq(board.other, 0);
    yk_channel_free(board.channel);
}
END_TEST

/* Spawns another when it is cancelled, up to a depth. */
struct heir {
    struct board *board;
    int depth;
};

static int leave_an_heir(yk_task *self, void *arg)
{
    struct heir *heir = arg;
    (void)wait_for_cancel(self, heir->board);
    if (heir->depth == 0)
        return 0;
    struct heir next = {heir->board, heir->depth - 1};
    yk_task_options options = {.name = "heir", .arg_bytes = sizeof next};
    yk_task *task = NULL;
    int r = yk_task_spawn_with(yk_task_spawner(self), &options, leave_an_heir, &next, &task);
    if (r == 0)
        yk_task_detach(task);
    return r;
}

static int leave_heirs(yk_task *self, void *arg)
{
    struct heir heir = {arg, 5};
    yk_task_options options = {.name = "heir", .arg_bytes = sizeof heir};
    for (int i = 0; i < 3; i++) {
        yk_task *task = NULL;
        ck_assert_int_eq(
            yk_task_spawn_with(yk_task_spawner(self), &options, leave_an_heir, &heir, &task), 0);
        yk_task_detach(task);
    }
    return 0;
}

START_TEST(what_those_spawn_while_they_end_is_ended_too)
{
    struct board board;
    board_init(&board);
    support_run(_i, leave_heirs, &board);
    ck_assert_int_eq(board.canceled, 3 * 6);
    yk_channel_free(board.channel);
}
END_TEST

static int tidy_slowly(yk_task *self, void *arg)
{
    struct board *board = arg;
    int r = wait_for_cancel(self, board);
    yk_shield_begin(self);
    if (yk_task_sleep(self, yk_now(self) + 2000000) == 0)
        board->other++;
    yk_shield_end(self);
    return r;
}

static int leave_a_tidy_one(yk_task *self, void *arg)
{
    yk_task_detach(spawn(self, tidy_slowly, arg));
    return 0;
}

START_TEST(a_task_that_tidies_up_behind_a_shield_is_given_the_time)
{
    struct board board;
    board_init(&board);
    support_run(_i, leave_a_tidy_one, &board);
    ck_assert_int_eq(board.canceled, 1);
    ck_assert_int_eq(board.other, 1);
    yk_channel_free(board.channel);
}
END_TEST

static int own_a_group(yk_task *self, void *arg)
{
    OWNED(yk_group) yk_group *group = NULL;
    int r = yk_group_new(self, NULL, &group);
    for (int i = 0; r == 0 && i < 5; i++)
        r = yk_group_spawn(group, "child", wait_for_cancel, arg);
    return r < 0 ? r : yk_group_join(self, group, YK_NEVER);
}

static int leave_groups(yk_task *self, void *arg)
{
    for (int i = 0; i < 5; i++)
        yk_task_detach(spawn(self, own_a_group, arg));
    support_settle(self);
    return 0;
}

START_TEST(groups_that_are_left_behind_end_with_their_children)
{
    struct board board;
    board_init(&board);
    support_run(_i, leave_groups, &board);
    ck_assert_int_eq(board.canceled, 25);
    yk_channel_free(board.channel);
}
END_TEST

static int run_nested(yk_task *self, void *arg)
{
    ck_assert_int_eq(yk_run(yk_task_spawner(self), return_arg, NULL), -EDEADLK);
    ck_assert_int_eq(yk_run(arg, return_arg, NULL), -EDEADLK);
    return 0;
}

START_TEST(a_task_cannot_run_a_spawner)
{
    yk_spawner *spawner = support_spawner(support_runtime(_i));
    yk_spawner *other = support_spawner(support_runtime(_i));
    ck_assert_int_eq(yk_run(spawner, run_nested, other), 0);
    support_close(other);
    support_close(spawner);
}
END_TEST

/* The second thread that runs one spawner. */
struct second {
    yk_spawner *spawner;
    int result;
};

static void *run_on_thread(void *arg)
{
    struct second *second = arg;
    second->result = yk_run(second->spawner, return_arg, (void *)3);
    return NULL;
}

static int run_beside(yk_task *self, void *arg)
{
    struct second second = {.spawner = yk_task_spawner(self)};
    pthread_t thread;
    (void)arg;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_on_thread, &second), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return second.result;
}

START_TEST(a_second_thread_cannot_run_the_same_spawner)
{
    ck_assert_int_eq(support_run_on(support_runtime(_i), run_beside, NULL), -EBUSY);
}
END_TEST

static int keep_a_handle(yk_task *self, void *arg)
{
    yk_task **kept = arg;
    *kept = spawn(self, return_arg, (void *)5);
    return 0;
}

static int join_arg(yk_task *self, void *arg)
{
    return yk_task_join_free(self, arg);
}

START_TEST(a_spawner_with_a_handle_left_cannot_be_closed_and_goes_on)
{
    yk_spawner *spawner = support_spawner(support_runtime(_i));
    yk_task *kept = NULL;
    ck_assert_int_eq(yk_run(spawner, keep_a_handle, (void *)&kept), 0);
    ck_assert(yk_task_finished(kept));
    ck_assert_int_eq(runtime_close(spawner), -EBUSY);
    ck_assert_int_eq(yk_run(spawner, join_arg, kept), 5);
    support_close(spawner);
}
END_TEST

/* The log lines of a run whose grace is over. */
static char stuck_line[512];

static void keep_line(int32_t level, const char *line)
{
    if (level == 0)
        (void)snprintf(stuck_line, sizeof stuck_line, "%s", line);
}

static int never_end(yk_task *self, void *arg)
{
    struct board *board = arg;
    int message;
    yk_shield_begin(self);
    int r = yk_channel_receive(self, board->channel, &message, YK_NEVER);
    yk_shield_end(self);
    return r;
}

static int leave_a_stuck_one(yk_task *self, void *arg)
{
    yk_task_options options = {.name = "stuck-here"};
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn_with(yk_task_spawner(self), &options, never_end, arg, &task), 0);
    yk_task_detach(task);
    yk_task_detach(spawn(self, wait_for_cancel, arg));
    return 0;
}

START_TEST(a_task_that_does_not_end_is_named_and_the_run_fails)
{
    struct board board;
    int message = 1;
    board_init(&board);
    host_log_fn *log = host_log_set(keep_line);
    yk_spawner *spawner = support_spawner("mock"); /* its clock does not wait for the grace */
    ck_assert_int_eq(yk_run(spawner, leave_a_stuck_one, &board), -ETIMEDOUT);
    (void)host_log_set(log);
    ck_assert_msg(strstr(stuck_line, "stuck-here") != NULL, "the log says: %s", stuck_line);
    ck_assert_msg(strstr(stuck_line, "child") == NULL, "the log says: %s", stuck_line);
    ck_assert_int_eq(board.canceled, 1);
    ck_assert_int_eq(runtime_close(spawner), -EBUSY);

    ck_assert_int_eq(yk_channel_try_send(board.channel, &message), 0);
    ck_assert_int_eq(yk_run(spawner, return_arg, NULL), 0);
    support_close(spawner);
    yk_channel_free(board.channel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run");
    suite_add_on_every_runtime(suite, the_result_of_the_main_task_is_the_result_of_the_run);
    suite_add_on_every_runtime(suite, one_spawner_runs_many_times);
    suite_add_on_every_runtime(suite, a_spawner_that_never_ran_can_be_closed);
    suite_add_on_every_runtime(suite, what_the_main_task_leaves_behind_is_cancelled_and_waited_for);
    suite_add_on_every_runtime(suite, what_those_spawn_while_they_end_is_ended_too);
    suite_add_on_every_runtime(suite, a_task_that_tidies_up_behind_a_shield_is_given_the_time);
    suite_add_on_every_runtime(suite, groups_that_are_left_behind_end_with_their_children);
    suite_add_on_every_runtime(suite, a_task_cannot_run_a_spawner);
    suite_add_on_every_runtime(suite, a_second_thread_cannot_run_the_same_spawner);
    suite_add_on_every_runtime(suite, a_spawner_with_a_handle_left_cannot_be_closed_and_goes_on);
    if (support_has_runtime("mock"))
        suite_add(suite, a_task_that_does_not_end_is_named_and_the_run_fails);
    return support_main(suite);
}

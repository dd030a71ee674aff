/* SPDX-License-Identifier: MIT
 * test_condition.c - waiting for something that a mutex guards to change: on every runtime.
 *
 * Layer: tests/unit.  That no signal is lost to who gives up: test_cancel_loses_nothing.c. */
#include "tests/support/support.h"

#include <errno.h>

#include <yoke/condition.h>

#define TASKS    8
#define MESSAGES 500
#define ROOM     3

struct shared {
    yk_mutex mutex;
    yk_condition changed, room;
    int waiting, woken;    /* guarded by mutex */
    int count, sum, taken; /* guarded by mutex: a bounded queue that only counts */
    int next;              /* guarded by mutex */
};

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", fn, arg, &task), 0);
    return task;
}

static void lock(yk_task *self, struct shared *shared)
{
    ck_assert_int_eq(yk_mutex_lock(self, &shared->mutex, support_deadline(self)), 0);
}

static int wait_once(yk_task *self, void *arg)
{
    struct shared *shared = arg;
    int r = yk_mutex_lock(self, &shared->mutex, YK_NEVER);
    if (r < 0)
        return r;
    shared->waiting++;
    r = yk_condition_wait(self, &shared->changed, &shared->mutex, YK_NEVER);
    if (shared->mutex.owner != self)
        return -EIO;
    shared->woken += r == 0;
    yk_mutex_unlock(self, &shared->mutex);
    return r;
}

/* Starts tasks that wait, and returns with the mutex locked when all of them are in line. */
static void waiters_start(yk_task *self, struct shared *shared, yk_task *tasks[TASKS])
{
    for (int i = 0; i < TASKS; i++)
        tasks[i] = spawn(self, wait_once, shared);
    int64_t deadline = support_deadline(self);
    for (;;) {
        lock(self, shared);
        if (shared->waiting == TASKS)
            return;
        yk_mutex_unlock(self, &shared->mutex);
        ck_assert_int_eq(yk_task_yield(self), 0);
        ck_assert_int_lt(yk_now(self), deadline);
    }
}

TASK_TEST(a_broadcast_wakes_everybody)
{
    struct shared shared = {.waiting = 0};
    yk_task *tasks[TASKS];
    yk_condition_init(&shared.changed);
    waiters_start(self, &shared, tasks);
    yk_condition_broadcast(&shared.changed);
    yk_mutex_unlock(self, &shared.mutex);
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
    ck_assert_int_eq(shared.woken, TASKS);
}

TASK_TEST(a_signal_wakes_one)
{
    struct shared shared = {.waiting = 0};
    yk_task *tasks[TASKS];
    waiters_start(self, &shared, tasks);
    for (int i = 0; i < TASKS; i++) {
        yk_condition_signal(&shared.changed);
        ck_assert_int_eq(support_waiters(&shared.changed.waiters), TASKS - i - 1);
    }
    yk_mutex_unlock(self, &shared.mutex);
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
    ck_assert_int_eq(shared.woken, TASKS);
}

TASK_TEST(a_signal_without_a_waiter_is_forgotten)
{
    struct shared shared = {.waiting = 0};
    lock(self, &shared);
    yk_condition_signal(&shared.changed);
    yk_condition_broadcast(&shared.changed);
    ck_assert_int_eq(yk_condition_wait(self, &shared.changed, &shared.mutex, yk_now(self) + 100000),
                     -ETIMEDOUT);
    yk_mutex_unlock(self, &shared.mutex);
}

TASK_TEST(the_mutex_is_held_after_a_wait_that_timed_out)
{
    struct shared shared = {.waiting = 0};
    lock(self, &shared);
    for (int i = 0; i < 20; i++) {
        int64_t deadline = yk_now(self) + (int64_t)i * 20000;
        ck_assert_int_eq(yk_condition_wait(self, &shared.changed, &shared.mutex, deadline),
                         -ETIMEDOUT);
        ck_assert_int_ge(yk_now(self), deadline);
        ck_assert_ptr_eq(shared.mutex.owner, self);
    }
    yk_mutex_unlock(self, &shared.mutex);
}

TASK_TEST(the_mutex_is_held_after_a_wait_that_was_cancelled)
{
    struct shared shared = {.waiting = 0};
    for (int i = 0; i < 30; i++) {
        shared.waiting = 0;
        yk_task *task = spawn(self, wait_once, &shared);
        if (i % 2)
            support_settle(self);
        lock(self, &shared);
        yk_task_cancel(task);
        support_settle(self);
        ck_assert(!yk_task_finished(task) || shared.waiting == 0);
        yk_mutex_unlock(self, &shared.mutex);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
        ck_assert_ptr_null(shared.mutex.owner);
    }
}

static int fill_up(yk_task *self, void *arg)
{
    struct shared *shared = arg;
    for (int i = 0; i < MESSAGES; i++) {
        lock(self, shared);
        while (shared->count == ROOM)
            ck_assert_int_eq(
                yk_condition_wait(self, &shared->room, &shared->mutex, support_deadline(self)), 0);
        shared->count++;
        shared->sum += shared->next++;
        yk_condition_signal(&shared->changed);
        yk_mutex_unlock(self, &shared->mutex);
    }
    return 0;
}

static int drain(yk_task *self, void *arg)
{
    struct shared *shared = arg;
    for (int i = 0; i < MESSAGES; i++) {
        lock(self, shared);
        while (shared->count == 0)
            ck_assert_int_eq(
                yk_condition_wait(self, &shared->changed, &shared->mutex, support_deadline(self)),
                0);
        ck_assert_int_le(shared->count, ROOM);
        shared->count--;
        shared->taken++;
        yk_condition_signal(&shared->room);
        yk_mutex_unlock(self, &shared->mutex);
    }
    return 0;
}

static int run_three(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = spawn(self, fn, arg);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
    return 0;
}

static int run_fillers(yk_task *self, void *arg)
{
    return run_three(self, fill_up, arg);
}

static int run_drainers(yk_task *self, void *arg)
{
    return run_three(self, drain, arg);
}

TASK_TEST(a_bounded_queue_of_mutex_and_conditions_works)
{
    struct shared shared = {.waiting = 0};
    yk_task *fillers = spawn(self, run_fillers, &shared);
    ck_assert_int_eq(run_drainers(self, &shared), 0);
    ck_assert_int_eq(yk_task_join_free(self, fillers), 0);
    ck_assert_int_eq(shared.taken, 3 * MESSAGES);
    ck_assert_int_eq(shared.count, 0);
}

START_TEST(a_bounded_queue_works_between_two_runtimes)
{
    static struct shared shared;
    shared = (struct shared){.waiting = 0};
    support_run_pair(_i, run_fillers, run_drainers, &shared);
    ck_assert_int_eq(shared.taken, 3 * MESSAGES);
    ck_assert_int_eq(shared.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");
    suite_add_on_every_runtime(suite, a_broadcast_wakes_everybody);
    suite_add_on_every_runtime(suite, a_signal_wakes_one);
    suite_add_on_every_runtime(suite, a_signal_without_a_waiter_is_forgotten);
    suite_add_on_every_runtime(suite, the_mutex_is_held_after_a_wait_that_timed_out);
    suite_add_on_every_runtime(suite, the_mutex_is_held_after_a_wait_that_was_cancelled);
    suite_add_on_every_runtime(suite, a_bounded_queue_of_mutex_and_conditions_works);
    suite_add_on_every_pair(suite, a_bounded_queue_works_between_two_runtimes);
    return support_main(suite);
}

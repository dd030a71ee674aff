/* SPDX-License-Identifier: MIT
 * test_mutex.c - mutual exclusion that may be held across waits: on every runtime, and across two.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>

#include <yoke/channel.h>
#include <yoke/mutex.h>

#define TASKS  8
#define ROUNDS 300

struct shared {
    yk_mutex mutex;
    int64_t patience_ns; /* of one lock; 0: for ever */
    int count;           /* guarded by mutex */
    int inside;          /* guarded by mutex: tasks between lock and unlock */
    int order[TASKS];    /* guarded by mutex: who came when */
    _Atomic int got;     /* locks taken */
};

struct worker {
    struct shared *shared;
    int number;
};

static yk_task *spawn(yk_task *self, yk_task_fn *fn, struct shared *shared, int number)
{
    struct worker worker = {shared, number};
    yk_task_options options = {.name = "worker", .arg_bytes = sizeof worker};
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn_with(yk_task_spawner(self), &options, fn, &worker, &task), 0);
    return task;
}

/* Counts up without an atomic instruction, and waits in the middle of it. */
static int count_up(yk_task *self, void *arg)
{
    struct shared *shared = ((struct worker *)arg)->shared;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t deadline = shared->patience_ns ? yk_now(self) + shared->patience_ns : YK_NEVER;
        int r = yk_mutex_lock(self, &shared->mutex, deadline);
        if (r == -ETIMEDOUT && shared->patience_ns)
            continue;
        if (r < 0)
            return r;
        shared->inside++;
        int before = shared->count;
        if (i % 4 == 0)
            r = yk_task_yield(self);
        shared->count = before + 1;
        int others = --shared->inside;
        shared->got++;
        yk_mutex_unlock(self, &shared->mutex);
        if (r < 0 || others != 0)
            return -EIO;
    }
    return 0;
}

static int run_workers(yk_task *self, void *arg)
{
    yk_task *tasks[TASKS];
    int first_error = 0;
    for (int i = 0; i < TASKS; i++)
        tasks[i] = spawn(self, count_up, arg, i);
    for (int i = 0; i < TASKS; i++) {
        int r = yk_task_join_free(self, tasks[i]);
        first_error = first_error ? first_error : r;
    }
    return first_error;
}

TASK_TEST(one_task_is_inside_at_a_time)
{
    struct shared shared = {.count = 0};
    yk_mutex_init(&shared.mutex);
    ck_assert_int_eq(run_workers(self, &shared), 0);
    ck_assert_int_eq(shared.count, TASKS * ROUNDS);
    ck_assert_ptr_null(shared.mutex.owner);
}

TASK_TEST(impatient_tasks_leave_the_mutex_in_order)
{
    struct shared shared = {.patience_ns = 2000};
    ck_assert_int_eq(run_workers(self, &shared), 0);
    ck_assert_int_eq(shared.count, shared.got);
    ck_assert_int_eq(yk_mutex_lock(self, &shared.mutex, 0), 0);
    yk_mutex_unlock(self, &shared.mutex);
}

START_TEST(tasks_of_two_runtimes_share_a_mutex)
{
    static struct shared shared;
    shared = (struct shared){.count = 0};
    support_run_pair(_i, run_workers, run_workers, &shared);
    ck_assert_int_eq(shared.count, 2 * TASKS * ROUNDS);
}
END_TEST

TASK_TEST(locking_a_mutex_twice_is_a_deadlock_and_says_so)
{
    yk_mutex mutex = {.owner = NULL};
    ck_assert_int_eq(yk_mutex_lock(self, &mutex, support_deadline(self)), 0);
    ck_assert_ptr_eq(mutex.owner, self);
    ck_assert_int_eq(yk_mutex_lock(self, &mutex, support_deadline(self)), -EDEADLK);
    ck_assert_int_eq(yk_mutex_lock(self, &mutex, 0), -EDEADLK);
    yk_mutex_unlock(self, &mutex);
    ck_assert_ptr_null(mutex.owner);
}

TASK_TEST(a_free_mutex_can_be_had_without_waiting)
{
    yk_mutex mutex = {.owner = NULL};
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(yk_mutex_lock(self, &mutex, 0), 0);
        yk_mutex_unlock(self, &mutex);
    }
}

static int lock_late(yk_task *self, void *arg)
{
    struct shared *shared = ((struct worker *)arg)->shared;
    int64_t deadline = yk_now(self) + 200000;
    int r = yk_mutex_lock(self, &shared->mutex, deadline);
    if (r != -ETIMEDOUT || yk_now(self) < deadline)
        return -EIO;
    return yk_mutex_lock(self, &shared->mutex, 0);
}

TASK_TEST(a_held_mutex_is_not_had_by_the_deadline)
{
    struct shared shared = {.count = 0};
    ck_assert_int_eq(yk_mutex_lock(self, &shared.mutex, 0), 0);
    yk_task *task = spawn(self, lock_late, &shared, 0);
    ck_assert_int_eq(yk_task_join_free(self, task), -ETIMEDOUT);
    ck_assert_ptr_eq(shared.mutex.owner, self);
    yk_mutex_unlock(self, &shared.mutex);
}

static int lock_and_sign(yk_task *self, void *arg)
{
    struct worker *worker = arg;
    int r = yk_mutex_lock(self, &worker->shared->mutex, YK_NEVER);
    if (r < 0)
        return r;
    worker->shared->order[worker->shared->count++] = worker->number;
    yk_mutex_unlock(self, &worker->shared->mutex);
    return 0;
}

/* Waits until one more task stands in line. */
static void await_waiters(yk_task *self, yk_mutex *mutex, int count)
{
    int64_t deadline = support_deadline(self);
    while (support_waiters(&mutex->waiters) < count) {
        ck_assert_int_lt(yk_now(self), deadline);
        ck_assert_int_eq(yk_task_yield(self), 0);
    }
}

TASK_TEST(the_mutex_goes_to_the_task_that_has_waited_longest)
{
    struct shared shared = {.count = 0};
    yk_task *tasks[TASKS];
    ck_assert_int_eq(yk_mutex_lock(self, &shared.mutex, 0), 0);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = spawn(self, lock_and_sign, &shared, i);
        await_waiters(self, &shared.mutex, i + 1);
    }
    yk_mutex_unlock(self, &shared.mutex);
    /* It was handed over: who comes now is behind the whole line. */
    ck_assert_int_eq(yk_mutex_lock(self, &shared.mutex, support_deadline(self)), 0);
    ck_assert_int_eq(shared.count, TASKS);
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(shared.order[i], i);
    yk_mutex_unlock(self, &shared.mutex);
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
}

int main(void)
{
    Suite *suite = suite_create("mutex");
    suite_add_on_every_runtime(suite, one_task_is_inside_at_a_time);
    suite_add_on_every_runtime(suite, impatient_tasks_leave_the_mutex_in_order);
    suite_add_on_every_runtime(suite, locking_a_mutex_twice_is_a_deadlock_and_says_so);
    suite_add_on_every_runtime(suite, a_free_mutex_can_be_had_without_waiting);
    suite_add_on_every_runtime(suite, a_held_mutex_is_not_had_by_the_deadline);
    suite_add_on_every_runtime(suite, the_mutex_goes_to_the_task_that_has_waited_longest);
    suite_add_on_every_pair(suite, tasks_of_two_runtimes_share_a_mutex);
    return support_main(suite);
}

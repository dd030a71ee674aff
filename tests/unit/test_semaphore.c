/* SPDX-License-Identifier: MIT
 * test_semaphore.c - a number of permits: on every runtime, and across two.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <yoke/semaphore.h>

#define TASKS   8
#define PERMITS 3
#define ROUNDS  300

struct shared {
    yk_semaphore semaphore;
    _Atomic int inside, inside_peak, done;
    _Atomic int place;
};

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "worker", fn, arg, &task), 0);
    return task;
}

static void peak_note(struct shared *shared)
{
    int inside = atomic_fetch_add(&shared->inside, 1) + 1;
    int peak = shared->inside_peak;
    while (inside > peak && !atomic_compare_exchange_weak(&shared->inside_peak, &peak, inside))
        ;
}

static int work(yk_task *self, void *arg)
{
    struct shared *shared = arg;
    for (int i = 0; i < ROUNDS; i++) {
        int r = yk_semaphore_acquire(self, &shared->semaphore, YK_NEVER);
        if (r < 0)
            return r;
        peak_note(shared);
        r = i % 4 == 0 ? yk_task_yield(self) : 0;
        atomic_fetch_sub(&shared->inside, 1);
        yk_semaphore_release(&shared->semaphore);
        if (r < 0)
            return r;
        shared->done++;
    }
    return 0;
}

static int run_workers(yk_task *self, void *arg)
{
    yk_task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++)
        tasks[i] = spawn(self, work, arg);
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
    return 0;
}

TASK_TEST(no_more_tasks_are_inside_than_there_are_permits)
{
    struct shared shared = {.inside = 0};
    yk_semaphore_init(&shared.semaphore, PERMITS);
    ck_assert_int_eq(run_workers(self, &shared), 0);
    ck_assert_int_eq(shared.done, TASKS * ROUNDS);
    ck_assert_int_le(shared.inside_peak, PERMITS);
    ck_assert_uint_eq(shared.semaphore.permits, PERMITS);
}

START_TEST(tasks_of_two_runtimes_share_permits)
{
    static struct shared shared;
    shared = (struct shared){.inside = 0};
    yk_semaphore_init(&shared.semaphore, PERMITS);
    support_run_pair(_i, run_workers, run_workers, &shared);
    ck_assert_int_eq(shared.done, 2 * TASKS * ROUNDS);
    ck_assert_int_le(shared.inside_peak, PERMITS);
    ck_assert_uint_eq(shared.semaphore.permits, PERMITS);
}
END_TEST

TASK_TEST(zeroed_memory_has_no_permits)
{
    yk_semaphore semaphore = {.permits = 0};
    ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, 0), -ETIMEDOUT);
    int64_t deadline = yk_now(self) + 200000;
    ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, deadline), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(self), deadline);
    yk_semaphore_release(&semaphore);
    ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, 0), 0);
    ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, 0), -ETIMEDOUT);
}

static int acquire_and_sign(yk_task *self, void *arg)
{
    struct shared *shared = arg;
    int r = yk_semaphore_acquire(self, &shared->semaphore, YK_NEVER);
    return r < 0 ? r : atomic_fetch_add(&shared->place, 1);
}

TASK_TEST(a_permit_goes_to_the_task_that_has_waited_longest)
{
    struct shared shared = {.inside = 0};
    yk_task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++) {
        int64_t deadline = support_deadline(self);
        tasks[i] = spawn(self, acquire_and_sign, &shared);
        while (support_waiters(&shared.semaphore.waiters) <= i) {
            ck_assert_int_lt(yk_now(self), deadline);
            ck_assert_int_eq(yk_task_yield(self), 0);
        }
    }
    for (int i = 0; i < TASKS; i++) {
        yk_semaphore_release(&shared.semaphore);
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), i);
    }
    ck_assert_uint_eq(shared.semaphore.permits, 0);
}

static void *release_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        yk_semaphore_release(arg);
    return NULL;
}

TASK_TEST(any_thread_may_release)
{
    yk_semaphore semaphore = {.permits = 0};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, release_many, &semaphore), 0);
    for (int i = 0; i < 3 * ROUNDS; i++)
        ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, support_deadline(self)), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, 0), -ETIMEDOUT);
}

int main(void)
{
    Suite *suite = suite_create("semaphore");
    suite_add_on_every_runtime(suite, no_more_tasks_are_inside_than_there_are_permits);
    suite_add_on_every_runtime(suite, zeroed_memory_has_no_permits);
    suite_add_on_every_runtime(suite, a_permit_goes_to_the_task_that_has_waited_longest);
    suite_add_on_every_runtime(suite, any_thread_may_release);
    suite_add_on_every_pair(suite, tasks_of_two_runtimes_share_permits);
    return support_main(suite);
}

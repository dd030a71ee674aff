/* SPDX-License-Identifier: MIT
 * test_offload.c - work that blocks its thread, on a thread of the pool: on every runtime.
 *
 * Layer: tests/unit.  Behaviours 132 and 133 of spawner-abi.md 5.6. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <yoke/channel.h>
#include <yoke/offload.h>

#define ROUNDS 200
#define JOBS   200 /* more than any pool has threads */

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", fn, arg, &task), 0);
    return task;
}

struct job {
    pthread_t thread; /* the one that ran it */
    int number;
};

static int note_thread(void *arg)
{
    struct job *job = arg;
    job->thread = pthread_self();
    return job->number;
}

TASK_TEST(a_job_runs_on_another_thread_and_gives_its_result)
{
    for (int i = -5; i < 5; i++) {
        struct job job = {.number = i};
        int result = 1000;
        ck_assert_int_eq(yk_offload(self, note_thread, &job, &result), 0);
        ck_assert_int_eq(result, i);
        ck_assert(!pthread_equal(job.thread, pthread_self()));
    }
}

/* One end of a pipe for the jobs, which block in it, and the other for a task. */
struct gate {
    int fds[2]; /* blocking, for the jobs */
    _Atomic int begun, ended;
};

static void gate_init(struct gate *gate)
{
    *gate = (struct gate){.begun = 0};
    ck_assert_int_eq(pipe2(gate->fds, O_CLOEXEC), 0);
}

static void gate_done(struct gate *gate)
{
    ck_assert_int_eq(close(gate->fds[0]), 0);
    ck_assert_int_eq(close(gate->fds[1]), 0);
}

static void gate_open(struct gate *gate, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(write(gate->fds[1], "x", 1), 1);
}

static int pass_gate(void *arg)
{
    struct gate *gate = arg;
    char byte;
    gate->begun++;
    int r = (int)read(gate->fds[0], &byte, 1);
    gate->ended++;
    return r;
}

static int offload_gate(yk_task *self, void *arg)
{
    int result = 0;
    int r = yk_offload(self, pass_gate, arg, &result);
    return r < 0 ? r : result;
}

TASK_TEST(other_tasks_run_while_a_job_blocks)
{
    struct gate gate;
    gate_init(&gate);
    yk_task *task = spawn(self, offload_gate, &gate);
    int64_t deadline = support_deadline(self);
    while (gate.begun == 0) {
        ck_assert_int_eq(yk_task_yield(self), 0);
        ck_assert_int_lt(yk_now(self), deadline);
    }
    support_settle(self);
    ck_assert(!yk_task_finished(task));
    gate_open(&gate, 1);
    ck_assert_int_eq(yk_task_join_free(self, task), 1);
    gate_done(&gate);
}

TASK_TEST(a_saturated_pool_still_makes_progress)
{
    struct gate gate;
    yk_task *tasks[JOBS];
    gate_init(&gate);
    for (int i = 0; i < JOBS; i++)
        tasks[i] = spawn(self, offload_gate, &gate);
    support_settle(self);
    ck_assert_int_eq(gate.ended, 0);
    gate_open(&gate, JOBS);
    for (int i = 0; i < JOBS; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 1);
    ck_assert_int_eq(gate.ended, JOBS);
    gate_done(&gate);
}

static int return_at_once(void *arg)
{
    *(_Atomic int *)arg += 1;
    return 6;
}

TASK_TEST(a_result_is_not_lost_to_the_race_with_its_wake)
{
    _Atomic int runs = 0;
    for (int i = 0; i < 2000; i++) {
        int result = 0;
        if (yk_offload(self, return_at_once, &runs, &result) != 0 || result != 6)
            ck_abort_msg("round %d: result %d", i, result);
    }
    ck_assert_int_eq(runs, 2000);
}

struct race {
    _Atomic int runs;
    _Atomic int counted; /* offloads that said that the job ran */
};

static int offload_many(yk_task *self, void *arg)
{
    struct race *race = arg;
    int r = 0;
    while (r == 0) {
        int result = 0;
        r = yk_offload(self, return_at_once, &race->runs, &result);
        race->counted += r == 0 && result == 6;
    }
    return r;
}

TASK_TEST(a_cancelled_offload_has_run_its_job_or_has_not)
{
    struct race race = {.runs = 0};
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *task = spawn(self, offload_many, &race);
        for (int k = 0; k < i % 8; k++)
            ck_assert_int_eq(yk_task_yield(self), 0);
        yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
        ck_assert_int_eq(race.runs, race.counted);
    }
}

TASK_TEST(a_job_that_has_begun_is_waited_for_although_its_task_is_cancelled)
{
    struct gate gate;
    gate_init(&gate);
    yk_task *task = spawn(self, offload_gate, &gate);
    int64_t deadline = support_deadline(self);
    while (gate.begun == 0) {
        ck_assert_int_eq(yk_task_yield(self), 0);
        ck_assert_int_lt(yk_now(self), deadline);
    }
    yk_task_cancel(task);
    support_settle(self);
    ck_assert(!yk_task_finished(task));
    gate_open(&gate, 1);
    ck_assert_int_eq(yk_task_join_free(self, task), 1);
    ck_assert_int_eq(gate.ended, 1);
    gate_done(&gate);
}

static int offload_in_the_past(yk_task *self, void *arg)
{
    int result = 7;
    yk_timeout timeout;
    yk_timeout_begin(self, &timeout, 0);
    ck_assert_int_eq(yk_offload(self, return_at_once, arg, &result), -ETIMEDOUT);
    yk_timeout_end(self, &timeout);
    yk_task_cancel(self);
    ck_assert_int_eq(yk_offload(self, return_at_once, arg, &result), -ECANCELED);
    ck_assert_int_eq(result, 7);
    yk_shield_begin(self);
    ck_assert_int_eq(yk_offload(self, return_at_once, arg, &result), 0);
    yk_shield_end(self);
    return result;
}

TASK_TEST(no_job_is_begun_for_a_task_that_is_late_or_cancelled)
{
    _Atomic int runs = 0;
    yk_task *task = spawn(self, offload_in_the_past, &runs);
    ck_assert_int_eq(yk_task_join_free(self, task), 6);
    ck_assert_int_eq(runs, 1);
}

static int offload_some(yk_task *self, void *arg)
{
    for (int i = 0; i < 50; i++) {
        int result = 0;
        int r = yk_offload(self, return_at_once, arg, &result);
        if (r < 0 || result != 6)
            return -EIO;
    }
    return 0;
}

TASK_TEST(many_tasks_offload_at_once)
{
    _Atomic int runs = 0;
    yk_task *tasks[50];
    for (int i = 0; i < 50; i++)
        tasks[i] = spawn(self, offload_some, &runs);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
    ck_assert_int_eq(runs, 50 * 50);
}

int main(void)
{
    Suite *suite = suite_create("offload");
    suite_add_on_every_runtime(suite, a_job_runs_on_another_thread_and_gives_its_result);
    suite_add_on_every_runtime(suite, other_tasks_run_while_a_job_blocks);
    suite_add_on_every_runtime(suite, a_saturated_pool_still_makes_progress);
    suite_add_on_every_runtime(suite, a_result_is_not_lost_to_the_race_with_its_wake);
    suite_add_on_every_runtime(suite, a_cancelled_offload_has_run_its_job_or_has_not);
    suite_add_on_every_runtime(suite,
                               a_job_that_has_begun_is_waited_for_although_its_task_is_cancelled);
    suite_add_on_every_runtime(suite, no_job_is_begun_for_a_task_that_is_late_or_cancelled);
    suite_add_on_every_runtime(suite, many_tasks_offload_at_once);
    return support_main(suite);
}

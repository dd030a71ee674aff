/* SPDX-License-Identifier: MIT
 * test_cancel.c - a cancelled task hears of it everywhere and loses nothing: on every runtime.
 *
 * Layer: tests/unit.  The names of spawner-abi.md 5.6 that these cover are 122 to 129. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <yoke/channel.h>
#include <yoke/condition.h>
#include <yoke/offload.h>
#include <yoke/select.h>
#include <yoke/semaphore.h>
#include <yoke/wait_fd.h>

#define ROUNDS 100
#define WAYS   10

/* What the tasks of one test wait in; nothing ever comes. */
struct place {
    yk_channel *empty, *full; /* owned */
    yk_mutex held;            /* by the test's task */
    yk_mutex mutex;
    yk_condition condition;
    yk_semaphore semaphore;
    yk_task *sleeper; /* owned */
    yk_fd *fd;        /* owned; nothing to read */
    int pipe_fds[2];
    int way;              /* which of the ways to wait */
    _Atomic int calls;    /* made by the task that is cancelled */
    _Atomic int canceled; /* of them, ended by -ECANCELED */
};

static int sleep_for_ever(yk_task *self, void *arg)
{
    (void)arg;
    return yk_task_sleep(self, YK_NEVER);
}

static void place_init(yk_task *self, struct place *place)
{
    *place = (struct place){.way = 0};
    int message = 1;
    ck_assert_int_eq(yk_channel_new(sizeof(int), 1, &place->empty), 0);
    ck_assert_int_eq(yk_channel_new(sizeof(int), 1, &place->full), 0);
    ck_assert_int_eq(yk_channel_try_send(place->full, &message), 0);
    ck_assert_int_eq(yk_mutex_lock(self, &place->held, 0), 0);
    ck_assert_int_eq(
        yk_task_spawn(yk_task_spawner(self), "sleeper", sleep_for_ever, NULL, &place->sleeper), 0);
    ck_assert_int_eq(pipe2(place->pipe_fds, O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_eq(yk_fd_open(yk_task_spawner(self), place->pipe_fds[0], &place->fd), 0);
}

static void place_done(yk_task *self, struct place *place)
{
    yk_task_cancel(place->sleeper);
    ck_assert_int_eq(yk_task_join_free(self, place->sleeper), -ECANCELED);
    yk_mutex_unlock(self, &place->held);
    yk_fd_free(place->fd);
    ck_assert_int_eq(close(place->pipe_fds[0]), 0);
    ck_assert_int_eq(close(place->pipe_fds[1]), 0);
    yk_channel_free(place->empty);
    yk_channel_free(place->full);
}

static int wait_in_condition(yk_task *self, struct place *place, int64_t deadline)
{
    int r = yk_mutex_lock(self, &place->mutex, deadline);
    if (r < 0)
        return r;
    r = yk_condition_wait(self, &place->condition, &place->mutex, deadline);
    yk_mutex_unlock(self, &place->mutex);
    return r;
}

static int wait_in_select(yk_task *self, struct place *place, int64_t deadline)
{
    int message = 7;
    yk_case cases[] = {
        {.kind = YK_CASE_RECEIVE, .channel = place->empty, .item = &message},
        {.kind = YK_CASE_SEND, .channel = place->full, .item = &message},
        {.kind = YK_CASE_JOIN, .task = place->sleeper},
    };
    return yk_select(self, cases, 3, deadline);
}

/* Readiness may be stale: the read tells, and then it waits again. */
static int wait_for_byte(yk_task *self, struct place *place, int64_t deadline)
{
    char byte;
    int r;
    do
        r = yk_fd_wait(self, place->fd, YK_IN, deadline);
    while (r > 0 && read(place->pipe_fds[0], &byte, 1) < 0);
    return r;
}

static int wait_for_byte_by_select(yk_task *self, struct place *place, int64_t deadline)
{
    char byte;
    int r;
    do {
        yk_case fd_case = {.kind = YK_CASE_FD, .fd = place->fd, .events = YK_IN};
        r = yk_select(self, &fd_case, 1, deadline);
    } while (r == 0 && read(place->pipe_fds[0], &byte, 1) < 0);
    return r;
}

/* Every call that can wait, by number; none of them has anything to come. */
static int wait_somehow(yk_task *self, struct place *place, int way, int64_t deadline)
{
    int message = 7;
    switch (way) {
    case 0:
        return yk_channel_receive(self, place->empty, &message, deadline);
    case 1:
        return yk_channel_send(self, place->full, &message, deadline);
    case 2:
        return yk_mutex_lock(self, &place->held, deadline);
    case 3:
        return wait_in_condition(self, place, deadline);
    case 4:
        return yk_semaphore_acquire(self, &place->semaphore, deadline);
    case 5:
        return yk_task_join(self, place->sleeper, deadline, NULL);
    case 6:
        return wait_in_select(self, place, deadline);
    case 7:
        return wait_for_byte(self, place, deadline);
    case 8:
        return wait_for_byte_by_select(self, place, deadline);
    default:
        return yk_task_sleep(self, deadline);
    }
}

static int wait_for_ever(yk_task *self, void *arg)
{
    struct place *place = arg;
    place->calls++;
    int r = wait_somehow(self, place, place->way, YK_NEVER);
    place->canceled += r == -ECANCELED;
    return r;
}

TASK_TEST(a_task_that_is_cancelled_before_it_starts_runs_and_hears_of_it)
{
    struct place place;
    place_init(self, &place);
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *task = NULL;
        place.way = i % WAYS;
        ck_assert_int_eq(
            yk_task_spawn(yk_task_spawner(self), "child", wait_for_ever, &place, &task), 0);
        yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
    }
    ck_assert_int_eq(place.calls, ROUNDS);
    ck_assert_int_eq(place.canceled, ROUNDS);
    place_done(self, &place);
}

TASK_TEST(cancel_ends_every_kind_of_wait)
{
    struct place place;
    place_init(self, &place);
    for (int i = 0; i < WAYS * 10; i++) {
        yk_task *task = NULL;
        place.way = i % WAYS;
        ck_assert_int_eq(
            yk_task_spawn(yk_task_spawner(self), "child", wait_for_ever, &place, &task), 0);
        support_settle(self);
        yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
    }
    ck_assert_int_eq(place.canceled, WAYS * 10);
    place_done(self, &place);
}

static void *cancel_from_thread(void *arg)
{
    yk_task_cancel(arg);
    return NULL;
}

TASK_TEST(any_thread_may_cancel)
{
    struct place place;
    place_init(self, &place);
    for (int i = 0; i < WAYS * 5; i++) {
        yk_task *task = NULL;
        pthread_t thread;
        place.way = i % WAYS;
        ck_assert_int_eq(
            yk_task_spawn(yk_task_spawner(self), "child", wait_for_ever, &place, &task), 0);
        support_settle(self);
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_from_thread, task), 0);
        ck_assert_int_eq(yk_task_join(self, task, support_deadline(self), NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
    }
    place_done(self, &place);
}

static int run_nothing(void *arg)
{
    *(_Atomic int *)arg += 1;
    return 0;
}

/* Cancels itself; every call must then say so, at once and every time, even those that could be
 * done. */
static int hear_it_every_time(yk_task *self, void *arg)
{
    struct place *place = arg;
    _Atomic int runs = 0;
    int message = 3, result;
    yk_mutex free_mutex = {.owner = NULL};
    yk_semaphore permits;
    yk_semaphore_init(&permits, 5);
    yk_task_cancel(self);
    for (int i = 0; i < 3; i++) {
        for (int way = 0; way < WAYS; way++)
            ck_assert_int_eq(wait_somehow(self, place, way, YK_NEVER), -ECANCELED);
        ck_assert_int_eq(yk_task_yield(self), -ECANCELED);
        ck_assert_int_eq(yk_task_check(self), -ECANCELED);
        ck_assert_int_eq(yk_channel_receive(self, place->full, &message, YK_NEVER), -ECANCELED);
        ck_assert_int_eq(yk_channel_send(self, place->empty, &message, YK_NEVER), -ECANCELED);
        ck_assert_int_eq(yk_mutex_lock(self, &free_mutex, YK_NEVER), -ECANCELED);
        ck_assert_int_eq(yk_semaphore_acquire(self, &permits, YK_NEVER), -ECANCELED);
        ck_assert_int_eq(yk_offload(self, run_nothing, &runs, &result), -ECANCELED);
    }
    ck_assert_int_eq(runs, 0);
    return 0;
}

TASK_TEST(a_cancelled_task_hears_of_it_every_time)
{
    struct place place;
    yk_task *task = NULL;
    place_init(self, &place);
    ck_assert_int_eq(
        yk_task_spawn(yk_task_spawner(self), "child", hear_it_every_time, &place, &task), 0);
    ck_assert_int_eq(yk_task_join_free(self, task), 0);
    ck_assert_uint_eq(yk_channel_count(place.full), 1);
    ck_assert_uint_eq(yk_channel_count(place.empty), 0);
    place_done(self, &place);
}

static int tidy_up_behind_a_shield(yk_task *self, void *arg)
{
    struct place *place = arg;
    int message = 0;
    yk_task_cancel(self);
    yk_shield_begin(self);
    ck_assert_int_eq(yk_task_check(self), 0);
    ck_assert_int_eq(yk_task_yield(self), 0);
    ck_assert_int_eq(yk_channel_receive(self, place->full, &message, support_deadline(self)), 0);
    ck_assert_int_eq(message, 1);
    yk_shield_begin(self);
    ck_assert_int_eq(yk_channel_send(self, place->full, &message, support_deadline(self)), 0);
    yk_shield_end(self);
    for (int way = 0; way < WAYS - 1; way++)
        ck_assert_int_eq(wait_somehow(self, place, way, yk_now(self) + 1000), -ETIMEDOUT);
    ck_assert_int_eq(yk_task_sleep(self, yk_now(self) + 1000), 0);
    yk_shield_end(self);
    ck_assert_int_eq(yk_task_check(self), -ECANCELED);
    ck_assert_int_eq(wait_somehow(self, place, 0, YK_NEVER), -ECANCELED);
    return 0;
}

TASK_TEST(a_shield_defers_the_cancel)
{
    struct place place;
    yk_task *task = NULL;
    place_init(self, &place);
    ck_assert_int_eq(
        yk_task_spawn(yk_task_spawner(self), "child", tidy_up_behind_a_shield, &place, &task), 0);
    ck_assert_int_eq(yk_task_join_free(self, task), 0);
    place_done(self, &place);
}

static int receive_shielded(yk_task *self, void *arg)
{
    struct place *place = arg;
    int message = 0;
    yk_shield_begin(self);
    int r = yk_channel_receive(self, place->empty, &message, support_deadline(self));
    yk_shield_end(self);
    return r < 0 ? r : yk_task_check(self) == -ECANCELED ? message : -EIO;
}

TASK_TEST(a_cancel_does_not_wake_a_shielded_wait)
{
    struct place place;
    place_init(self, &place);
    for (int i = 0; i < 20; i++) {
        yk_task *task = NULL;
        int message = 5;
        ck_assert_int_eq(
            yk_task_spawn(yk_task_spawner(self), "child", receive_shielded, &place, &task), 0);
        support_settle(self);
        yk_task_cancel(task);
        support_settle(self);
        ck_assert(!yk_task_finished(task));
        ck_assert_int_eq(yk_channel_send(self, place.empty, &message, support_deadline(self)), 0);
        ck_assert_int_eq(yk_task_join_free(self, task), 5);
    }
    place_done(self, &place);
}

static int return_at_once(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return 17;
}

TASK_TEST(cancelling_an_ended_task_changes_nothing)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", return_at_once, NULL, &task), 0);
    ck_assert_int_eq(yk_task_join(self, task, support_deadline(self), NULL), 0);
    yk_task_cancel(task);
    yk_task_cancel(task);
    ck_assert_int_eq(yk_task_join_free(self, task), 17);
}

TASK_TEST(a_task_that_ignores_its_cancel_keeps_its_result)
{
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *task = NULL;
        ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", return_at_once, NULL, &task),
                         0);
        yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), 17);
    }
}

TASK_TEST(a_cancelled_joiner_leaves_the_target_alone)
{
    struct place place;
    place_init(self, &place);
    for (int i = 0; i < 20; i++) {
        yk_task *task = NULL;
        place.way = 5;
        ck_assert_int_eq(
            yk_task_spawn(yk_task_spawner(self), "joiner", wait_for_ever, &place, &task), 0);
        if (i % 2)
            support_settle(self);
        yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
        ck_assert(!yk_task_finished(place.sleeper));
    }
    place_done(self, &place);
}

int main(void)
{
    Suite *suite = suite_create("cancel");
    suite_add_on_every_runtime(suite,
                               a_task_that_is_cancelled_before_it_starts_runs_and_hears_of_it);
    suite_add_on_every_runtime(suite, cancel_ends_every_kind_of_wait);
    suite_add_on_every_runtime(suite, any_thread_may_cancel);
    suite_add_on_every_runtime(suite, a_cancelled_task_hears_of_it_every_time);
    suite_add_on_every_runtime(suite, a_shield_defers_the_cancel);
    suite_add_on_every_runtime(suite, a_cancel_does_not_wake_a_shielded_wait);
    suite_add_on_every_runtime(suite, cancelling_an_ended_task_changes_nothing);
    suite_add_on_every_runtime(suite, a_task_that_ignores_its_cancel_keeps_its_result);
    suite_add_on_every_runtime(suite, a_cancelled_joiner_leaves_the_target_alone);
    return support_main(suite);
}

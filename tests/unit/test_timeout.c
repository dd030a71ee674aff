/* SPDX-License-Identifier: MIT
 * test_timeout.c - the clock, sleeping, deadlines over several calls: on every runtime.
 *
 * Layer: tests/unit.  Behaviour 131 of spawner-abi.md 5.6. */
#include "tests/support/support.h"

#include <errno.h>

#include <yoke/channel.h>
#include <yoke/mutex.h>
#include <yoke/offload.h>
#include <yoke/select.h>
#include <yoke/semaphore.h>

#define MS     INT64_C(1000000)
#define SLEEPS 60

static yk_channel *channel_new(void)
{
    yk_channel *channel = NULL;
    ck_assert_int_eq(yk_channel_new(sizeof(int), 1, &channel), 0);
    return channel;
}

static int run_nothing(void *arg)
{
    (void)arg;
    return 1;
}

static int receive(yk_task *self, yk_channel *channel, int64_t deadline)
{
    int message;
    return yk_channel_receive(self, channel, &message, deadline);
}

TASK_TEST(the_clock_never_goes_back)
{
    int64_t before = yk_now(self);
    for (int i = 0; i < 1000; i++) {
        int64_t now = yk_now(self);
        if (now < before)
            ck_abort_msg("it went back");
        before = now;
    }
}

TASK_TEST(a_deadline_lies_ahead_and_saturates)
{
    int64_t before = yk_now(self), deadline = yk_deadline_ms(self, 1500), after = yk_now(self);
    ck_assert_int_ge(deadline, before + 1500 * MS);
    ck_assert_int_le(deadline, after + 1500 * MS);
    ck_assert_int_le(yk_deadline_ms(self, -5), yk_now(self));
    ck_assert_int_ge(yk_deadline_ms(self, -5), before);
    ck_assert_int_eq(yk_deadline_ms(self, INT64_MAX), YK_NEVER);
    ck_assert_int_eq(yk_deadline_ms(self, INT64_MAX / 1000000), YK_NEVER);
}

TASK_TEST(a_sleep_never_ends_early)
{
    for (int i = 0; i < SLEEPS; i++) {
        int64_t deadline = yk_now(self) + (int64_t)i * 48611 % (2 * MS);
        ck_assert_int_eq(yk_task_sleep(self, deadline), 0);
        ck_assert_int_ge(yk_now(self), deadline);
    }
}

TASK_TEST(a_sleep_until_the_past_is_over_at_once)
{
    ck_assert_int_eq(yk_task_sleep(self, 0), 0);
    ck_assert_int_eq(yk_task_sleep(self, yk_now(self)), 0);
}

struct sleeper {
    int64_t deadline;
    _Atomic int *early;
};

static int sleep_once(yk_task *self, void *arg)
{
    struct sleeper *sleeper = arg;
    int r = yk_task_sleep(self, sleeper->deadline);
    *sleeper->early += yk_now(self) < sleeper->deadline;
    return r;
}

TASK_TEST(many_sleepers_all_wake_and_none_early)
{
    _Atomic int early = 0;
    yk_task *tasks[200];
    yk_task_options options = {.name = "sleeper", .arg_bytes = sizeof(struct sleeper)};
    for (int i = 0; i < 200; i++) {
        struct sleeper sleeper = {yk_now(self) + (int64_t)(i % 50) * 104729 % (20 * MS), &early};
        ck_assert_int_eq(
            yk_task_spawn_with(yk_task_spawner(self), &options, sleep_once, &sleeper, &tasks[i]),
            0);
    }
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
    ck_assert_int_eq(early, 0);
}

TASK_TEST(a_deadline_of_the_past_only_looks)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    int message = 4, never;
    yk_mutex mutex = {.owner = NULL};
    yk_semaphore semaphore;
    yk_semaphore_init(&semaphore, 1);
    yk_case cases[] = {{.kind = YK_CASE_RECEIVE, .channel = channel, .item = &message}};

    ck_assert_int_eq(yk_channel_receive(self, channel, &never, 0), -ETIMEDOUT);
    ck_assert_int_eq(yk_select(self, cases, 1, 0), -ETIMEDOUT);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, 0), 0);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, 0), -ETIMEDOUT);
    ck_assert_int_eq(yk_select(self, cases, 1, 0), 0);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, 0), 0);
    ck_assert_int_eq(yk_channel_receive(self, channel, &never, 0), 0);
    ck_assert_int_eq(never, 4);
    ck_assert_int_eq(yk_mutex_lock(self, &mutex, 0), 0);
    yk_mutex_unlock(self, &mutex);
    ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, 0), 0);
    ck_assert_int_eq(yk_semaphore_acquire(self, &semaphore, 0), -ETIMEDOUT);
}

TASK_TEST(a_wait_does_not_end_before_its_deadline)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    for (int i = 0; i < SLEEPS; i++) {
        int64_t deadline = yk_now(self) + (int64_t)i * 48611 % (2 * MS);
        ck_assert_int_eq(receive(self, channel, deadline), -ETIMEDOUT);
        ck_assert_int_ge(yk_now(self), deadline);
    }
}

TASK_TEST(a_timeout_ends_every_call_that_blocks_until_its_end)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    int message = 1, result = 0;
    yk_timeout timeout;
    yk_timeout_begin(self, &timeout, yk_now(self) + MS);
    ck_assert_int_eq(yk_task_check(self), 0);
    ck_assert_int_eq(receive(self, channel, YK_NEVER), -ETIMEDOUT);
    ck_assert_int_eq(receive(self, channel, YK_NEVER), -ETIMEDOUT);
    ck_assert_int_eq(yk_task_sleep(self, YK_NEVER), -ETIMEDOUT);
    ck_assert_int_eq(yk_task_check(self), -ETIMEDOUT);
    ck_assert_int_eq(yk_offload(self, run_nothing, NULL, &result), -ETIMEDOUT);
    ck_assert_int_eq(result, 0);
    yk_timeout_end(self, &timeout);
    ck_assert_int_eq(yk_task_check(self), 0);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, support_deadline(self)), 0);
    ck_assert_int_eq(receive(self, channel, YK_NEVER), 0);
}

TASK_TEST(the_earliest_of_nested_timeouts_counts)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    yk_timeout outer, inner;
    int64_t now = yk_now(self);
    yk_timeout_begin(self, &outer, now + MS);
    yk_timeout_begin(self, &inner, YK_NEVER);
    ck_assert_int_eq(receive(self, channel, YK_NEVER), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(self), now + MS);
    yk_timeout_end(self, &inner);
    ck_assert_int_eq(yk_task_check(self), -ETIMEDOUT);
    yk_timeout_end(self, &outer);
    ck_assert_int_eq(yk_task_check(self), 0);
}

TASK_TEST(the_outer_timeout_is_back_when_the_inner_one_ends)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    yk_timeout outer, inner;
    int message = 1;
    int64_t now = yk_now(self);
    yk_timeout_begin(self, &outer, support_deadline(self));
    yk_timeout_begin(self, &inner, now + MS);
    ck_assert_int_eq(receive(self, channel, YK_NEVER), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(self), now + MS);
    yk_timeout_end(self, &inner);
    ck_assert_int_eq(yk_task_check(self), 0);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, YK_NEVER), 0);
    yk_timeout_end(self, &outer);
    ck_assert_int_eq(receive(self, channel, support_deadline(self)), 0);
}

TASK_TEST(a_calls_own_deadline_counts_under_a_later_timeout)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    yk_timeout timeout;
    yk_timeout_begin(self, &timeout, support_deadline(self));
    int64_t deadline = yk_now(self) + MS;
    ck_assert_int_eq(receive(self, channel, deadline), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(self), deadline);
    ck_assert_int_eq(yk_task_check(self), 0);
    ck_assert_int_eq(yk_task_sleep(self, yk_now(self) + 1000), 0);
    yk_timeout_end(self, &timeout);
}

TASK_TEST(a_shield_keeps_a_timeout_away)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    int message = 1;
    yk_timeout timeout;
    yk_timeout_begin(self, &timeout, 0);
    ck_assert_int_eq(receive(self, channel, YK_NEVER), -ETIMEDOUT);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, YK_NEVER), -ETIMEDOUT);
    yk_shield_begin(self);
    ck_assert_int_eq(yk_task_check(self), 0);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, YK_NEVER), 0);
    ck_assert_int_eq(receive(self, channel, YK_NEVER), 0);
    ck_assert_int_eq(receive(self, channel, yk_now(self) + 1000), -ETIMEDOUT);
    yk_shield_end(self);
    ck_assert_int_eq(yk_task_check(self), -ETIMEDOUT);
    yk_timeout_end(self, &timeout);
}

static int cancel_beats_timeout(yk_task *self, void *arg)
{
    yk_timeout timeout;
    yk_timeout_begin(self, &timeout, 0);
    yk_task_cancel(self);
    int r = receive(self, arg, YK_NEVER);
    yk_timeout_end(self, &timeout);
    ck_assert_int_eq(yk_task_check(self), -ECANCELED);
    return r;
}

TASK_TEST(a_cancelled_task_under_a_timeout_hears_of_the_cancel)
{
    OWNED(yk_channel) yk_channel *channel = channel_new();
    yk_task *task = NULL;
    ck_assert_int_eq(
        yk_task_spawn(yk_task_spawner(self), "child", cancel_beats_timeout, channel, &task), 0);
    ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
}

static int sleep_for_ever(yk_task *self, void *arg)
{
    (void)arg;
    return yk_task_sleep(self, YK_NEVER);
}

TASK_TEST(a_join_under_a_timeout_leaves_the_task_alone)
{
    yk_task *task = NULL;
    yk_timeout timeout;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", sleep_for_ever, NULL, &task), 0);
    yk_timeout_begin(self, &timeout, yk_now(self) + MS);
    ck_assert_int_eq(yk_task_join(self, task, YK_NEVER, NULL), -ETIMEDOUT);
    yk_task_cancel(task);
    ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
    yk_timeout_end(self, &timeout);
}

int main(void)
{
    Suite *suite = suite_create("timeout");
    suite_add_on_every_runtime(suite, the_clock_never_goes_back);
    suite_add_on_every_runtime(suite, a_deadline_lies_ahead_and_saturates);
    suite_add_on_every_runtime(suite, a_sleep_never_ends_early);
    suite_add_on_every_runtime(suite, a_sleep_until_the_past_is_over_at_once);
    suite_add_on_every_runtime(suite, many_sleepers_all_wake_and_none_early);
    suite_add_on_every_runtime(suite, a_deadline_of_the_past_only_looks);
    suite_add_on_every_runtime(suite, a_wait_does_not_end_before_its_deadline);
    suite_add_on_every_runtime(suite, a_timeout_ends_every_call_that_blocks_until_its_end);
    suite_add_on_every_runtime(suite, the_earliest_of_nested_timeouts_counts);
    suite_add_on_every_runtime(suite, the_outer_timeout_is_back_when_the_inner_one_ends);
    suite_add_on_every_runtime(suite, a_calls_own_deadline_counts_under_a_later_timeout);
    suite_add_on_every_runtime(suite, a_shield_keeps_a_timeout_away);
    suite_add_on_every_runtime(suite, a_cancelled_task_under_a_timeout_hears_of_the_cancel);
    suite_add_on_every_runtime(suite, a_join_under_a_timeout_leaves_the_task_alone);
    return support_main(suite);
}

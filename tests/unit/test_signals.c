/* SPDX-License-Identifier: MIT
 * test_signals.c - the process's signals, received by a task: on every runtime.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <yoke/signals.h>

static const int both[] = {SIGUSR1, SIGUSR2, 0};
static const int nonsense[] = {SIGUSR1, 4711, 0};

/* As TASK_TEST, with both signals blocked before the spawner makes its threads. */
#define SIGNAL_TEST(name)                                                                          \
    static int name##_main(yk_task *self, void *arg);                                              \
    START_TEST(name)                                                                               \
    {                                                                                              \
        ck_assert_int_eq(yk_signals_block(both), 0);                                               \
        support_run(_i, name##_main, NULL);                                                        \
    }                                                                                              \
    END_TEST                                                                                       \
    static int name##_main(yk_task *self, __attribute__((unused)) void *arg)

static yk_signals *signals_new(yk_task *self)
{
    yk_signals *signals = NULL;
    ck_assert_int_eq(yk_signals_new(yk_task_spawner(self), both, &signals), 0);
    return signals;
}

SIGNAL_TEST(a_signal_that_was_sent_before_is_received)
{
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    OWNED(yk_signals) yk_signals *signals = signals_new(self);
    ck_assert_int_eq(yk_signals_receive(self, signals, support_deadline(self)), SIGUSR1);
    ck_assert_int_eq(yk_signals_receive(self, signals, 0), -ETIMEDOUT);
    return 0;
}

static int receive_one(yk_task *self, void *arg)
{
    return yk_signals_receive(self, arg, YK_NEVER);
}

SIGNAL_TEST(a_signal_wakes_the_task_that_waits)
{
    OWNED(yk_signals) yk_signals *signals = signals_new(self);
    for (int i = 0; i < 50; i++) {
        int signal = i % 2 ? SIGUSR1 : SIGUSR2;
        yk_task *task = NULL;
        ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", receive_one, signals, &task),
                         0);
        if (i % 3)
            support_settle(self);
        ck_assert_int_eq(kill(getpid(), signal), 0);
        ck_assert_int_eq(yk_task_join_free(self, task), signal);
    }
    return 0;
}

SIGNAL_TEST(each_signal_is_received_once)
{
    OWNED(yk_signals) yk_signals *signals = signals_new(self);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(kill(getpid(), SIGUSR2), 0);
    int first = yk_signals_receive(self, signals, support_deadline(self));
    int second = yk_signals_receive(self, signals, support_deadline(self));
    ck_assert((first == SIGUSR1 && second == SIGUSR2) || (first == SIGUSR2 && second == SIGUSR1));
    ck_assert_int_eq(yk_signals_receive(self, signals, yk_now(self) + 100000), -ETIMEDOUT);
    return 0;
}

SIGNAL_TEST(a_receiver_can_be_cancelled)
{
    OWNED(yk_signals) yk_signals *signals = signals_new(self);
    for (int i = 0; i < 20; i++) {
        yk_task *task = NULL;
        ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", receive_one, signals, &task),
                         0);
        if (i % 2)
            support_settle(self);
        yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
    }
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(yk_signals_receive(self, signals, support_deadline(self)), SIGUSR1);
    return 0;
}

SIGNAL_TEST(numbers_that_are_no_signals_are_refused)
{
    yk_signals *signals = NULL;
    ck_assert_int_eq(yk_signals_new(yk_task_spawner(self), nonsense, &signals), -EINVAL);
    ck_assert_ptr_null(signals);
    ck_assert_int_eq(yk_signals_block(nonsense), -EINVAL);
    yk_signals_free(NULL);
    return 0;
}

SIGNAL_TEST(signals_can_be_received_again_after_a_free)
{
    for (int i = 0; i < 10; i++) {
        OWNED(yk_signals) yk_signals *signals = signals_new(self);
        ck_assert_int_eq(kill(getpid(), SIGUSR2), 0);
        ck_assert_int_eq(yk_signals_receive(self, signals, support_deadline(self)), SIGUSR2);
    }
    return 0;
}

int main(void)
{
    Suite *suite = suite_create("signals");
    suite_add_on_every_runtime(suite, a_signal_that_was_sent_before_is_received);
    suite_add_on_every_runtime(suite, a_signal_wakes_the_task_that_waits);
    suite_add_on_every_runtime(suite, each_signal_is_received_once);
    suite_add_on_every_runtime(suite, a_receiver_can_be_cancelled);
    suite_add_on_every_runtime(suite, numbers_that_are_no_signals_are_refused);
    suite_add_on_every_runtime(suite, signals_can_be_received_again_after_a_free);
    return support_main(suite);
}

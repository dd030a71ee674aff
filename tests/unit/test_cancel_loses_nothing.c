/* SPDX-License-Identifier: MIT
 * test_cancel_loses_nothing.c - what a cancelled or late task was about to get goes to somebody: on
 * every runtime.
 *
 * Layer: tests/unit.  The names of spawner-abi.md 5.6 that these cover are 125 to 128.  A message,
 * a permit, a lock or a signal is counted before and after: the counts must agree whichever side
 * won each race. */
#include "tests/support/support.h"

#include <errno.h>

#include <yoke/channel.h>
#include <yoke/condition.h>
#include <yoke/select.h>
#include <yoke/semaphore.h>

#define ROUNDS           300
#define WAKE_NS_MAX      80000 /* how long a thread may take from its deadline to its next step */
#define DAWDLE_TURNS_MAX 100000
#define LATE_NS_MAX      100000

enum quit { QUIT_BY_CANCEL, QUIT_BY_DEADLINE };

struct race {
    yk_channel *channel; /* owned */
    yk_channel *other;   /* owned; nothing comes */
    yk_mutex mutex;
    yk_condition condition;
    yk_semaphore semaphore;
    int64_t wait_ns; /* of the next task; 0: for ever */
    int waiting;     /* tasks that wait for the condition for ever; guarded by mutex */
    _Atomic int won; /* waits that were ended by what they waited for */
    _Atomic int sum; /* of the messages received */
};

static void race_init(struct race *race)
{
    *race = (struct race){.won = 0};
    ck_assert_int_eq(yk_channel_new(sizeof(int), 2, &race->channel), 0);
    ck_assert_int_eq(yk_channel_new(sizeof(int), 1, &race->other), 0);
}

static void race_done(struct race *race)
{
    yk_channel_free(race->channel);
    yk_channel_free(race->other);
}

/* One racer: a copy of this goes with the task. */
struct racer {
    struct race *race;
    int64_t deadline;
};

/* Starts a task that will give up at a deadline of its own, or wait until it is cancelled. */
static yk_task *spawn(yk_task *self, yk_task_fn *fn, struct race *race)
{
    struct racer racer = {race, race->wait_ns ? yk_now(self) + race->wait_ns : YK_NEVER};
    yk_task_options options = {.name = "racer", .arg_bytes = sizeof racer};
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn_with(yk_task_spawner(self), &options, fn, &racer, &task), 0);
    return task;
}

/* Holds the thread for a moment, so that a racer on another one comes just as far as its giving up.
 * Where there is only one thread, or time stands still, it does nothing worse than that. */
static void dawdle(int64_t until)
{
    for (int i = 0; i < DAWDLE_TURNS_MAX && yk_now(NULL) < until; i++)
        ;
}

/* Round i: how the racer gives up; it has most likely begun to wait, and is about to give up. */
static yk_task *round_begin(yk_task *self, yk_task_fn *fn, struct race *race, enum quit quit, int i)
{
    race->wait_ns = quit == QUIT_BY_DEADLINE ? 1 + (int64_t)i * 7919 % LATE_NS_MAX : 0;
    int64_t deadline = yk_now(NULL) + race->wait_ns;
    yk_task *task = spawn(self, fn, race);
    if (i % 4)
        support_settle(self);
    if (quit == QUIT_BY_CANCEL && i % 2) {
        yk_task_cancel(task);
        dawdle(yk_now(NULL) + (int64_t)i * 977 % WAKE_NS_MAX);
    }
    if (quit == QUIT_BY_DEADLINE)
        dawdle(deadline + (int64_t)i * 977 % WAKE_NS_MAX);
    return task;
}

/* Ends the round: cancels after the fact, if not before it.  Returns whether the racer won. */
static bool round_end(yk_task *self, yk_task *take_task, enum quit quit, int i)
{
    if (quit == QUIT_BY_CANCEL && i % 2 == 0)
        yk_task_cancel(take_task);
    int r = yk_task_join_free(self, take_task);
    ck_assert(r == 0 || r == (quit == QUIT_BY_CANCEL ? -ECANCELED : -ETIMEDOUT));
    return r == 0;
}

static int receive(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    int message = 0;
    int r = yk_channel_receive(self, racer->race->channel, &message, racer->deadline);
    if (r < 0)
        return r;
    racer->race->won++;
    racer->race->sum += message;
    return 0;
}

static int receive_by_select(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    int messages[2] = {0, 0};
    yk_case cases[] = {
        {.kind = YK_CASE_RECEIVE, .channel = racer->race->other, .item = &messages[0]},
        {.kind = YK_CASE_RECEIVE, .channel = racer->race->channel, .item = &messages[1]},
    };
    int r = yk_select(self, cases, 2, racer->deadline);
    if (r < 0)
        return r;
    racer->race->won++;
    racer->race->sum += messages[r];
    return 0;
}

/* Sends one message at the moment that the receiver gives up: it was received, or it is there
 * still. */
static void race_receivers(yk_task *self, yk_task_fn *fn, enum quit quit)
{
    struct race race;
    race_init(&race);
    int sent = 0, left = 0;
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *task = round_begin(self, fn, &race, quit, i);
        int message = i + 1;
        ck_assert_int_eq(yk_channel_try_send(race.channel, &message), 0);
        sent += message;
        bool won = round_end(self, task, quit, i);
        ck_assert_uint_eq(yk_channel_count(race.channel), won ? 0 : 1);
        if (won)
            continue;
        ck_assert_int_eq(yk_channel_try_receive(race.channel, &message), 0);
        left += message;
    }
    ck_assert_int_eq(race.sum + left, sent);
    race_done(&race);
}

TASK_TEST(a_message_is_not_lost_to_a_cancelled_receiver)
{
    race_receivers(self, receive, QUIT_BY_CANCEL);
}

TASK_TEST(a_message_is_not_lost_to_a_late_receiver)
{
    race_receivers(self, receive, QUIT_BY_DEADLINE);
}

TASK_TEST(a_message_is_not_lost_to_a_cancelled_select)
{
    race_receivers(self, receive_by_select, QUIT_BY_CANCEL);
}

TASK_TEST(a_message_is_not_lost_to_a_late_select)
{
    race_receivers(self, receive_by_select, QUIT_BY_DEADLINE);
}

static int send_one(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    int message = 1;
    int r = yk_channel_send(self, racer->race->channel, &message, racer->deadline);
    racer->race->won += r == 0;
    return r;
}

static int send_one_by_select(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    int message = 1, never;
    yk_case cases[] = {
        {.kind = YK_CASE_RECEIVE, .channel = racer->race->other, .item = &never},
        {.kind = YK_CASE_SEND, .channel = racer->race->channel, .item = &message},
    };
    int r = yk_select(self, cases, 2, racer->deadline);
    racer->race->won += r == 1;
    return r < 0 ? r : 0;
}

/* The channel is full of zeroes; one is taken at the moment that a sender of 1 gives up. */
static void race_senders(yk_task *self, yk_task_fn *fn, enum quit quit)
{
    struct race race;
    race_init(&race);
    int zero = 0, message, received = 0;
    for (int i = 0; i < ROUNDS; i++) {
        while (yk_channel_try_send(race.channel, &zero) == 0)
            ;
        yk_task *task = round_begin(self, fn, &race, quit, i);
        ck_assert_int_eq(yk_channel_receive(self, race.channel, &message, support_deadline(self)),
                         0);
        ck_assert_int_eq(message, 0);
        bool won = round_end(self, task, quit, i);
        ck_assert_uint_eq(yk_channel_count(race.channel), won ? 2 : 1);
        while (yk_channel_try_receive(race.channel, &message) == 0)
            received += message;
    }
    ck_assert_int_eq(received, race.won);
    race_done(&race);
}

TASK_TEST(a_cancelled_sender_has_sent_or_has_not)
{
    race_senders(self, send_one, QUIT_BY_CANCEL);
}

TASK_TEST(a_late_sender_has_sent_or_has_not)
{
    race_senders(self, send_one, QUIT_BY_DEADLINE);
}

TASK_TEST(a_cancelled_select_has_sent_or_has_not)
{
    race_senders(self, send_one_by_select, QUIT_BY_CANCEL);
}

TASK_TEST(a_late_select_has_sent_or_has_not)
{
    race_senders(self, send_one_by_select, QUIT_BY_DEADLINE);
}

static int acquire(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    int r = yk_semaphore_acquire(self, &racer->race->semaphore, racer->deadline);
    racer->race->won += r == 0;
    return r;
}

static void race_permits(yk_task *self, enum quit quit)
{
    struct race race;
    race_init(&race);
    int left = 0;
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *task = round_begin(self, acquire, &race, quit, i);
        yk_semaphore_release(&race.semaphore);
        bool won = round_end(self, task, quit, i);
        int r = yk_semaphore_acquire(self, &race.semaphore, 0);
        ck_assert_int_eq(r, won ? -ETIMEDOUT : 0);
        left += r == 0;
    }
    ck_assert_int_eq(race.won + left, ROUNDS);
    race_done(&race);
}

TASK_TEST(a_permit_is_not_lost_to_a_cancelled_task)
{
    race_permits(self, QUIT_BY_CANCEL);
}

TASK_TEST(a_permit_is_not_lost_to_a_late_task)
{
    race_permits(self, QUIT_BY_DEADLINE);
}

static int lock_and_unlock(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    int r = yk_mutex_lock(self, &racer->race->mutex, racer->deadline);
    if (r < 0)
        return r;
    racer->race->won++;
    yk_mutex_unlock(self, &racer->race->mutex);
    return 0;
}

/* Three stand in line; one of them gives up at the moment that the mutex is given back. */
static void race_locks(yk_task *self, enum quit quit)
{
    struct race race;
    race_init(&race);
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *tasks[3];
        ck_assert_int_eq(yk_mutex_lock(self, &race.mutex, support_deadline(self)), 0);
        for (int k = 0; k < 3; k++) {
            race.wait_ns = 0;
            tasks[k] = k == i % 3 ? round_begin(self, lock_and_unlock, &race, quit, i)
                                  : spawn(self, lock_and_unlock, &race);
        }
        support_settle(self);
        yk_mutex_unlock(self, &race.mutex);
        (void)round_end(self, tasks[i % 3], quit, i); /* either is right */
        for (int k = 0; k < 3; k++)
            if (k != i % 3)
                ck_assert_int_eq(yk_task_join_free(self, tasks[k]), 0);
        ck_assert_int_eq(yk_mutex_lock(self, &race.mutex, 0), 0);
        yk_mutex_unlock(self, &race.mutex);
    }
    ck_assert_int_ge(race.won, 2 * ROUNDS);
    race_done(&race);
}

TASK_TEST(a_lock_is_not_leaked_by_a_cancelled_task)
{
    race_locks(self, QUIT_BY_CANCEL);
}

TASK_TEST(a_lock_is_not_leaked_by_a_late_task)
{
    race_locks(self, QUIT_BY_DEADLINE);
}

/* Waits for a signal and passes on that it came. */
static int wait_for_signal(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    struct race *race = racer->race;
    int message = 1;
    int r = yk_mutex_lock(self, &race->mutex, YK_NEVER);
    if (r < 0)
        return r;
    race->waiting += racer->deadline == YK_NEVER;
    r = yk_condition_wait(self, &race->condition, &race->mutex, racer->deadline);
    ck_assert_ptr_eq(race->mutex.owner, self);
    race->waiting -= racer->deadline == YK_NEVER;
    yk_mutex_unlock(self, &race->mutex);
    return r < 0 ? r : yk_channel_try_send(race->channel, &message);
}

/* Returns with the mutex locked and that many tasks without a deadline in the condition's line. */
static void await_waiting(yk_task *self, struct race *race, int count)
{
    for (;;) {
        ck_assert_int_eq(yk_mutex_lock(self, &race->mutex, support_deadline(self)), 0);
        if (race->waiting == count)
            return;
        yk_mutex_unlock(self, &race->mutex);
        ck_assert_int_eq(yk_task_yield(self), 0);
    }
}

/* One signal for two that wait, of which the first gives up at that moment: it wakes one of them.
 */
static void race_signals(yk_task *self, enum quit quit)
{
    struct race race;
    race_init(&race);
    for (int i = 0; i < ROUNDS; i++) {
        int message;
        race.wait_ns = quit == QUIT_BY_DEADLINE ? 1 + (int64_t)i * 7919 % LATE_NS_MAX : 0;
        yk_task *quitter = spawn(self, wait_for_signal, &race);
        if (quit == QUIT_BY_CANCEL) {
            await_waiting(self, &race, 1);
            yk_mutex_unlock(self, &race.mutex);
        }
        race.wait_ns = 0;
        yk_task *patient = spawn(self, wait_for_signal, &race);
        await_waiting(self, &race, quit == QUIT_BY_CANCEL ? 2 : 1);
        if (quit == QUIT_BY_CANCEL && i % 2) {
            yk_task_cancel(quitter);
            dawdle(yk_now(NULL) + (int64_t)i * 977 % WAKE_NS_MAX);
        }
        yk_condition_signal(&race.condition);
        if (quit == QUIT_BY_CANCEL && i % 2 == 0)
            yk_task_cancel(quitter);
        yk_mutex_unlock(self, &race.mutex);
        ck_assert_int_eq(yk_channel_receive(self, race.channel, &message, support_deadline(self)),
                         0);

        yk_task_cancel(quitter);
        yk_task_cancel(patient);
        int quitter_result = yk_task_join_free(self, quitter);
        int patient_result = yk_task_join_free(self, patient);
        ck_assert_int_eq((quitter_result == 0) + (patient_result == 0), 1);
        ck_assert_uint_eq(yk_channel_count(race.channel), 0);
    }
    race_done(&race);
}

TASK_TEST(a_signal_is_not_lost_to_a_cancelled_task)
{
    race_signals(self, QUIT_BY_CANCEL);
}

TASK_TEST(a_signal_is_not_lost_to_a_late_task)
{
    race_signals(self, QUIT_BY_DEADLINE);
}

static int join_at_once(yk_task *self, void *arg)
{
    struct racer *racer = arg;
    int r = yk_channel_receive(self, racer->race->channel, &(int){0}, YK_NEVER);
    return r < 0 ? r : 23;
}

TASK_TEST(a_join_that_has_its_result_returns_it)
{
    struct race race;
    race_init(&race);
    for (int i = 0; i < ROUNDS; i++) {
        race.wait_ns = 0;
        yk_task *task = spawn(self, join_at_once, &race);
        int message = 1, result = 0;
        ck_assert_int_eq(yk_channel_try_send(race.channel, &message), 0);
        int r =
            yk_task_join(self, task, yk_now(self) + 1 + (int64_t)i * 7919 % LATE_NS_MAX, &result);
        ck_assert(r == 0 || r == -ETIMEDOUT);
        ck_assert_int_eq(result, r == 0 ? 23 : 0);
        ck_assert_int_eq(yk_task_join_free(self, task), 23);
    }
    race_done(&race);
}

int main(void)
{
    Suite *suite = suite_create("cancel_loses_nothing");
    suite_add_on_every_runtime(suite, a_message_is_not_lost_to_a_cancelled_receiver);
    suite_add_on_every_runtime(suite, a_message_is_not_lost_to_a_late_receiver);
    suite_add_on_every_runtime(suite, a_message_is_not_lost_to_a_cancelled_select);
    suite_add_on_every_runtime(suite, a_message_is_not_lost_to_a_late_select);
    suite_add_on_every_runtime(suite, a_cancelled_sender_has_sent_or_has_not);
    suite_add_on_every_runtime(suite, a_late_sender_has_sent_or_has_not);
    suite_add_on_every_runtime(suite, a_cancelled_select_has_sent_or_has_not);
    suite_add_on_every_runtime(suite, a_late_select_has_sent_or_has_not);
    suite_add_on_every_runtime(suite, a_permit_is_not_lost_to_a_cancelled_task);
    suite_add_on_every_runtime(suite, a_permit_is_not_lost_to_a_late_task);
    suite_add_on_every_runtime(suite, a_lock_is_not_leaked_by_a_cancelled_task);
    suite_add_on_every_runtime(suite, a_lock_is_not_leaked_by_a_late_task);
    suite_add_on_every_runtime(suite, a_signal_is_not_lost_to_a_cancelled_task);
    suite_add_on_every_runtime(suite, a_signal_is_not_lost_to_a_late_task);
    suite_add_on_every_runtime(suite, a_join_that_has_its_result_returns_it);
    return support_main(suite);
}

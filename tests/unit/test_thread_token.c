/* SPDX-License-Identifier: MIT
 * test_thread_token.c - park and unpark on threads. */
#include <pthread.h>

#include "tests/unit/threads_case.h"

static int32_t takes_one_token_of_many(yk_task *self, void *arg)
{
    (void)arg;
    ck_assert_int_eq(self->ops->park(self, 0), -ETIMEDOUT);
    ck_assert_int_eq(self->ops->park(self, -5), -ETIMEDOUT);
    ck_assert_int_eq(self->ops->park(self, INT64_MIN), -ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        self->ops->unpark(self);
    ck_assert_int_eq(self->ops->park(self, 0), 0);
    ck_assert_int_eq(self->ops->park(self, yk_now(NULL) - 1), -ETIMEDOUT);
    self->ops->unpark(self);
    ck_assert_int_eq(self->ops->park(self, INT64_MAX - 1), 0);
    return 0;
}

START_TEST(any_number_of_unparks_give_one_token)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, takes_one_token_of_many, NULL);
    support_close(spawner);
}
END_TEST

static int32_t parks_for_short_times(yk_task *self, void *arg)
{
    unsigned int seed = 7;
    (void)arg;
    for (int i = 0; i < 500; i++) {
        int64_t deadline = yk_now(NULL) + rand_r(&seed) % 300000;
        ck_assert_int_eq(self->ops->park(self, deadline), -ETIMEDOUT);
        ck_assert_int_ge(yk_now(NULL), deadline);
    }
    return 0;
}

START_TEST(park_is_never_early)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, parks_for_short_times, NULL);
    support_close(spawner);
}
END_TEST

#define ROUNDS 5000

/* Two tasks that hand a plain number to and fro: what was written before unpark is seen after the
 * park, and nothing else orders them. */
struct game {
    yk_task *players[2];
    long ball;
};

static void plays(yk_task *self, struct game *game, int own)
{
    for (int i = 0; i < ROUNDS / support_scale(); i++) {
        ck_assert_int_eq(self->ops->park(self, support_deadline(NULL)), 0);
        ck_assert_int_eq(game->ball++, 2 * i + own);
        self->ops->unpark(game->players[!own]);
    }
}

static int32_t second_player(yk_task *self, void *arg)
{
    plays(self, arg, 1);
    return 0;
}

static int32_t first_player(yk_task *self, void *arg)
{
    struct game *game = arg;
    game->players[0] = self;
    game->players[1] = threads_spawn(self->spawner, second_player, game);
    self->ops->unpark(self);
    plays(self, game, 0);
    ck_assert_int_eq(self->ops->park(self, support_deadline(NULL)), 0);
    threads_unref(game->players[1]);
    return 0;
}

START_TEST(no_wake_up_is_lost_between_two_tasks)
{
    struct game game = {.ball = 0};
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, first_player, &game);
    ck_assert_int_eq(game.ball, 2 * (ROUNDS / support_scale()));
    support_close(spawner);
}
END_TEST

#define STORM_THREADS 4

struct storm {
    yk_task *target;
    atomic_uint given;
    atomic_bool over;
};

static void *unparks(void *arg)
{
    struct storm *storm = arg;
    while (!atomic_load(&storm->over)) {
        atomic_fetch_add(&storm->given, 1);
        storm->target->ops->unpark(storm->target);
    }
    return NULL;
}

/* Parks with deadlines that come at the same time as tokens: a token that was given is taken, now
 * or next time. */
static int32_t weathers_the_storm(yk_task *self, void *arg)
{
    struct storm *storm = arg;
    pthread_t threads[STORM_THREADS];
    storm->target = self;
    for (int i = 0; i < STORM_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, unparks, storm), 0);
    for (int i = 0; i < ROUNDS / support_scale(); i++)
        (void)self->ops->park(self, yk_now(NULL) + i % 2000);
    atomic_store(&storm->over, true);
    for (int i = 0; i < STORM_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    (void)self->ops->park(self, 0);
    ck_assert_int_eq(self->ops->park(self, 0), -ETIMEDOUT);
    self->ops->unpark(self);
    ck_assert_int_eq(self->ops->park(self, 0), 0);
    return 0;
}

START_TEST(a_storm_of_unparks_leaves_one_token_at_the_most)
{
    struct storm storm = {.given = 0};
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, weathers_the_storm, &storm);
    ck_assert_uint_gt(atomic_load(&storm.given), 0);
    support_close(spawner);
}
END_TEST

/* One token a round, at nearly the moment of the deadline. */
struct photo_finish {
    yk_task *runner;
    _Atomic int64_t deadline; /* of the round; 0: none */
    atomic_int given;
    atomic_bool over;
};

static void *gives_at_the_deadline(void *arg)
{
    struct photo_finish *finish = arg;
    unsigned int seed = 11;
    while (!atomic_load(&finish->over)) {
        int64_t deadline = atomic_exchange(&finish->deadline, 0);
        if (deadline == 0) {
            (void)sched_yield();
            continue;
        }
        int64_t moment = deadline + rand_r(&seed) % 120000 - 20000;
        while (yk_now(NULL) < moment)
            (void)sched_yield();
        finish->runner->ops->unpark(finish->runner);
        atomic_fetch_add(&finish->given, 1);
    }
    return NULL;
}

static int32_t takes_at_the_deadline(yk_task *self, void *arg)
{
    struct photo_finish *finish = arg;
    int late = 0;
    finish->runner = self;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, gives_at_the_deadline, finish), 0);
    for (int i = 0; i < 500 / support_scale(); i++) {
        int64_t deadline = yk_now(NULL) + 50000;
        atomic_store(&finish->deadline, deadline);
        int r = self->ops->park(self, deadline);
        AWAIT(atomic_load(&finish->given) == i + 1);
        ck_assert_int_eq(self->ops->park(self, 0), r == 0 ? -ETIMEDOUT : 0);
        late += r != 0;
    }
    ck_assert_int_gt(late, 0);
    atomic_store(&finish->over, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return 0;
}

START_TEST(a_token_at_the_moment_of_the_deadline_is_taken_then_or_next)
{
    struct photo_finish finish = {.deadline = 0};
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, takes_at_the_deadline, &finish);
    support_close(spawner);
}
END_TEST

static int32_t counts_wakes(yk_task *self, void *arg)
{
    yk_stats stats = {.size = sizeof stats};
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        self->ops->unpark(self);
        ck_assert_int_eq(self->ops->park(self, YK_NEVER), 0);
    }
    self->ops->stats(self->spawner, &stats);
    ck_assert_uint_eq(stats.wakes_sent, 0);
    return 0;
}

START_TEST(an_unpark_before_the_park_needs_no_system_call)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, counts_wakes, NULL);
    support_close(spawner);
}
END_TEST

START_TEST(an_unpark_of_an_ended_task_is_harmless)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    yk_task *task = threads_spawn(spawner, threads_nothing, NULL);
    threads_await_live(spawner, 0);
    spawner->ops->unpark(task);
    spawner->ops->ref(task);
    threads_unref(task);
    spawner->ops->unpark(task);
    threads_unref(task);
    support_close(spawner);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thread_token");
    suite_add(suite, any_number_of_unparks_give_one_token);
    suite_add(suite, park_is_never_early);
    suite_add(suite, no_wake_up_is_lost_between_two_tasks);
    suite_add(suite, a_storm_of_unparks_leaves_one_token_at_the_most);
    suite_add(suite, a_token_at_the_moment_of_the_deadline_is_taken_then_or_next);
    suite_add(suite, an_unpark_before_the_park_needs_no_system_call);
    suite_add(suite, an_unpark_of_an_ended_task_is_harmless);
    return threads_main(suite);
}

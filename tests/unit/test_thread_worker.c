/* SPDX-License-Identifier: MIT
 * test_thread_worker.c - the threads that run tasks, and the cache of those that wait for one. */
#include <pthread.h>
#include <sys/syscall.h>

#include "tests/unit/threads_case.h"

#define TASKS 8

struct told {
    _Atomic long thread;
};

static int32_t tells_its_thread(yk_task *self, void *arg)
{
    (void)self;
    atomic_store(&((struct told *)arg)->thread, syscall(SYS_gettid));
    return 0;
}

static uint64_t threads_of(yk_spawner *spawner)
{
    yk_stats stats = {.size = sizeof stats};
    spawner->ops->stats(spawner, &stats);
    return stats.stacks_mapped;
}

START_TEST(a_thread_is_used_again)
{
    static const yk_option forever = {"idle_ms", "3600000"};
    yk_spawner *spawner = threads_open(&forever, 1);
    for (int i = 0; i < 1000; i++) {
        threads_unref(threads_spawn(spawner, threads_nothing, NULL));
        threads_await_live(spawner, 0);
    }
    /* Whoever is late on its way back to the cache makes one more necessary. */
    ck_assert_uint_le(threads_of(spawner), 4);
    support_close(spawner);
}
END_TEST

static int32_t parks_and_ends(yk_task *self, void *arg)
{
    (void)arg;
    return self->ops->park(self, YK_NEVER);
}

/* Starts TASKS tasks at the same time, and ends them. */
static void run_together(yk_spawner *spawner)
{
    yk_task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++)
        tasks[i] = threads_spawn(spawner, parks_and_ends, NULL);
    ck_assert_uint_ge(threads_of(spawner), TASKS);
    for (int i = 0; i < TASKS; i++) {
        spawner->ops->unpark(tasks[i]);
        threads_unref(tasks[i]);
    }
    threads_await_live(spawner, 0);
}

START_TEST(threads_that_wait_are_bounded_by_cache_max)
{
    static const yk_option options[] = {{"cache_max", "2"}, {"idle_ms", "3600000"}};
    int threads = threads_count();
    yk_spawner *spawner = threads_open(options, 2);
    run_together(spawner);
    support_expect_counts(support_fd_count(), threads + 2);
    ck_assert_uint_eq(threads_of(spawner), 2);
    support_close(spawner);
    support_expect_counts(support_fd_count(), threads);
}
END_TEST

START_TEST(a_thread_that_waits_in_vain_ends)
{
    static const yk_option options = {"idle_ms", "1"};
    int threads = threads_count();
    yk_spawner *spawner = threads_open(&options, 1);
    run_together(spawner);
    support_expect_counts(support_fd_count(), threads);
    ck_assert_uint_eq(threads_of(spawner), 0);
    run_together(spawner);
    support_close(spawner);
    support_expect_counts(support_fd_count(), threads);
}
END_TEST

START_TEST(idle_ms_0_keeps_no_thread)
{
    static const yk_option options = {"idle_ms", "0"};
    int threads = threads_count();
    yk_spawner *spawner = threads_open(&options, 1);
    run_together(spawner);
    support_expect_counts(support_fd_count(), threads);
    support_close(spawner);
}
END_TEST

/* The time-out of a thread and an order for it, again and again at the same moment: no order may be
 * lost. */
START_TEST(an_order_at_the_moment_of_the_time_out_is_run)
{
    static const yk_option options = {"idle_ms", "1"};
    yk_spawner *spawner = threads_open(&options, 1);
    for (int i = 0; i < 300; i++) {
        struct told told = {.thread = 0};
        threads_unref(threads_spawn(spawner, tells_its_thread, &told));
        AWAIT(atomic_load(&told.thread) != 0);
        int64_t until = yk_now(NULL) + 950000 + i % 100 * 1000;
        while (yk_now(NULL) < until)
            ;
    }
    threads_await_live(spawner, 0);
    support_close(spawner);
}
END_TEST

START_TEST(a_larger_stack_gets_a_thread_of_its_own_that_is_not_kept)
{
    static const yk_option forever = {"idle_ms", "3600000"};
    int threads = threads_count();
    yk_spawner *spawner = threads_open(&forever, 1);
    yk_spawn_options large = {.size = sizeof large, .stack_bytes = 1024 * 1024};
    ck_assert_int_eq(spawner->ops->spawn(spawner, &large, threads_nothing, NULL, NULL), 0);
    support_expect_counts(support_fd_count(), threads);
    yk_spawn_options small = {.size = sizeof small, .stack_bytes = 4096};
    ck_assert_int_eq(spawner->ops->spawn(spawner, &small, threads_nothing, NULL, NULL), 0);
    support_expect_counts(support_fd_count(), threads + 1);
    support_close(spawner);
}
END_TEST

#define STORM_THREADS 4
#define STORM_SPAWNS  500

struct storm {
    yk_spawner *spawner;
    _Atomic int ran;
};

static int32_t counts(yk_task *self, void *arg)
{
    (void)self;
    atomic_fetch_add(&((struct storm *)arg)->ran, 1);
    return 0;
}

static void *spawns(void *arg)
{
    struct storm *storm = arg;
    for (int i = 0; i < STORM_SPAWNS; i++)
        while (storm->spawner->ops->spawn(storm->spawner, NULL, counts, storm, NULL) == -EAGAIN)
            ; /* at the limit of tasks */
    return NULL;
}

START_TEST(spawns_from_foreign_threads_each_run_once)
{
    static const yk_option options[] = {{"cache_max", "4"}, {"idle_ms", "1"}};
    yk_config config = {
        .size = sizeof config, .tasks_max = 50, .options = options, .options_count = 2};
    struct storm storm = {.spawner = support_spawner_with("threads", &config)};
    pthread_t threads[STORM_THREADS];
    for (int i = 0; i < STORM_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, spawns, &storm), 0);
    for (int i = 0; i < STORM_THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    threads_await_live(storm.spawner, 0);
    ck_assert_int_eq(atomic_load(&storm.ran), STORM_THREADS * STORM_SPAWNS);
    support_close(storm.spawner);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thread_worker");
    suite_add(suite, a_thread_is_used_again);
    suite_add(suite, threads_that_wait_are_bounded_by_cache_max);
    suite_add(suite, a_thread_that_waits_in_vain_ends);
    suite_add(suite, idle_ms_0_keeps_no_thread);
    suite_add(suite, an_order_at_the_moment_of_the_time_out_is_run);
    suite_add(suite, a_larger_stack_gets_a_thread_of_its_own_that_is_not_kept);
    suite_add(suite, spawns_from_foreign_threads_each_run_once);
    return threads_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_lock.c - the lock of one word, under real threads.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/lock.h"

#define THREADS 4
#define ROUNDS  20000

struct shared {
    struct lock lock;
    uint64_t count; /* guarded by lock */
    int rounds;
    _Atomic int started;
    _Atomic pid_t thread_ids[THREADS];
};

static void *count_up(void *arg)
{
    struct shared *shared = arg;
    int number = atomic_fetch_add(&shared->started, 1);
    atomic_store(&shared->thread_ids[number], (pid_t)syscall(SYS_gettid));
    for (int i = 0; i < shared->rounds; i++) {
        lock_take(&shared->lock);
        shared->count++;
        lock_give(&shared->lock);
    }
    return NULL;
}

static void threads_start(struct shared *shared, pthread_t threads[THREADS])
{
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, shared), 0);
}

static void threads_join(pthread_t threads[THREADS])
{
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(zeroed_memory_is_a_free_lock)
{
    struct shared shared = {.count = 0};
    lock_take(&shared.lock);
    lock_give(&shared.lock);
    ck_assert_uint_eq(shared.lock.word, 0);
}
END_TEST

START_TEST(a_lock_lets_one_thread_in_at_a_time)
{
    struct shared shared = {.rounds = ROUNDS};
    pthread_t threads[THREADS];
    lock_init(&shared.lock);
    threads_start(&shared, threads);
    threads_join(threads);
    ck_assert_uint_eq(shared.count, (uint64_t)THREADS * ROUNDS);
    ck_assert_uint_eq(shared.lock.word, 0);
}
END_TEST

/* The state letter of a thread of ours, from /proc. */
static char thread_state(pid_t thread_id)
{
    char path[64], text[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread_id);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    ck_assert_int_eq(fclose(file), 0);
    text[len] = '\0';
    const char *after_name = strrchr(text, ')');
    ck_assert_ptr_nonnull(after_name);
    return after_name[2];
}

START_TEST(threads_that_sleep_for_a_lock_get_it)
{
    struct shared shared = {.rounds = 1};
    pthread_t threads[THREADS];
    lock_take(&shared.lock);
    threads_start(&shared, threads);
    int64_t deadline = support_deadline(NULL);
    for (int i = 0; i < THREADS; i++) {
        while (atomic_load(&shared.thread_ids[i]) == 0 ||
               thread_state(atomic_load(&shared.thread_ids[i])) != 'S') {
            ck_assert_int_lt(yk_now(NULL), deadline);
            (void)sched_yield();
        }
    }
    lock_give(&shared.lock);
    threads_join(threads);
    ck_assert_uint_eq(shared.count, THREADS);
    ck_assert_uint_eq(shared.lock.word, 0);
}
END_TEST

struct change {
    _Atomic uint32_t word;
    int before; /* written before the word changes */
};

static void *change_word(void *arg)
{
    struct change *change = arg;
    change->before = 1;
    atomic_store_explicit(&change->word, 8, memory_order_release);
    return NULL;
}

START_TEST(awaiting_a_change_returns_after_it_and_sees_what_came_before)
{
    for (int i = 0; i < 50; i++) {
        struct change change = {.word = 7};
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, change_word, &change), 0);
        lock_await_change(&change.word, 7);
        ck_assert_int_eq(change.before, 1);
        ck_assert_uint_eq(change.word, 8);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
}
END_TEST

START_TEST(awaiting_a_change_that_has_come_returns_at_once)
{
    _Atomic uint32_t word = 8;
    lock_await_change(&word, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lock");
    suite_add(suite, zeroed_memory_is_a_free_lock);
    suite_add(suite, a_lock_lets_one_thread_in_at_a_time);
    suite_add(suite, threads_that_sleep_for_a_lock_get_it);
    suite_add(suite, awaiting_a_change_returns_after_it_and_sees_what_came_before);
    suite_add(suite, awaiting_a_change_that_has_come_returns_at_once);
    return support_main(suite);
}

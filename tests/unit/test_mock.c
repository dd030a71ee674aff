/* SPDX-License-Identifier: MIT
 * test_mock.c - the runtime mock: its clock, its order, its verdict of a deadlock. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <yoke/channel.h>
#include <yoke/group.h>
#include <yoke/offload.h>
#include <yoke/wait_fd.h>

#include "core/runtime/host.h"
#include "core/runtime/runtime.h"
#include "tests/support/support.h"

#define SECOND   INT64_C(1000000000)
#define HOUR     (3600 * SECOND)
#define CHILDREN 8

static yk_spawner *open_mock(const char *key, const char *value)
{
    yk_option option = {key, value};
    yk_config config = {.size = sizeof config, .options = &option, .options_count = key ? 1U : 0U};
    return support_spawner_with("mock", &config);
}

/* ---- time ---- */

struct sleeper {
    int64_t ns;
    char name;
    char **end_of_order;
};

static int sleeps(yk_task *self, void *arg)
{
    const struct sleeper *sleeper = arg;
    int r = yk_task_sleep(self, yk_now(self) + sleeper->ns);
    *(*sleeper->end_of_order)++ = sleeper->name;
    return r;
}

static int sleeps_for_hours(yk_task *self, void *arg)
{
    char order[8] = "", *end = order;
    struct sleeper sleepers[] = {
        {3 * HOUR, 'c', &end}, {HOUR, 'a', &end}, {4 * HOUR, 'd', &end}, {2 * HOUR, 'b', &end}};
    int64_t start = yk_now(self);
    yk_group *group = NULL;
    (void)arg;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(yk_group_spawn(group, "sleeper", sleeps, &sleepers[i]), 0);
    ck_assert_int_eq(yk_group_join(self, group, YK_NEVER), 0);
    yk_group_free(group);
    ck_assert_str_eq(order, "abcd");
    ck_assert_int_eq(yk_now(self) - start, 4 * HOUR); /* to the nanosecond */
    return 0;
}

START_TEST(time_jumps_to_the_next_deadline_and_nowhere_else)
{
    int64_t start = yk_now(NULL);
    ck_assert_int_eq(support_run_on("mock", sleeps_for_hours, NULL), 0);
    ck_assert_int_lt(yk_now(NULL) - start, 10 * SECOND);
}
END_TEST

static int yields_until(yk_task *self, void *arg)
{
    int64_t deadline = *(int64_t *)arg;
    while (yk_now(self) < deadline)
        ck_assert_int_eq(yk_task_yield(self), 0);
    return 0;
}

static int two_yield(yk_task *self, void *arg)
{
    int64_t deadline = yk_now(self) + SECOND / 100;
    yk_task *other = NULL;
    (void)arg;
    ck_assert_int_eq(yk_task_spawn(self->spawner, "yielder", yields_until, &deadline, &other), 0);
    (void)yields_until(self, &deadline);
    return yk_task_join_free(self, other);
}

START_TEST(time_goes_on_while_tasks_yield_for_ever)
{
    ck_assert_int_eq(support_run_on("mock", two_yield, NULL), 0);
}
END_TEST

/* So that others are ahead, as often as not. */
static void dawdle(void)
{
    for (int i = 0; i < 1000; i++)
        (void)sched_yield();
}

static int takes_its_time(void *arg)
{
    dawdle();
    (void)arg;
    return 7;
}

static int offloads_beside_a_sleeper(yk_task *self, void *arg)
{
    char order[2] = "", *end = order;
    struct sleeper sleeper = {SECOND, 's', &end};
    yk_task *task = NULL;
    int result = 0;
    int64_t start = yk_now(self);
    (void)arg;
    ck_assert_int_eq(yk_task_spawn(self->spawner, "sleeper", sleeps, &sleeper, &task), 0);
    ck_assert_int_eq(yk_offload(self, takes_its_time, NULL, &result), 0);
    ck_assert_int_eq(result, 7);
    ck_assert_int_eq(yk_now(self), start);
    ck_assert_ptr_eq(end, order); /* it sleeps still */
    return yk_task_join_free(self, task);
}

START_TEST(time_stands_still_while_a_job_is_on_the_pool)
{
    ck_assert_int_eq(support_run_on("mock", offloads_beside_a_sleeper, NULL), 0);
}
END_TEST

/* ---- descriptors ---- */

static void *writes_a_moment_later(void *arg)
{
    dawdle();
    ck_assert_int_eq(write(*(int *)arg, "x", 1), 1);
    return NULL;
}

static int waits_for_the_outside(yk_task *self, void *arg)
{
    int ends[2];
    pthread_t thread;
    (void)arg;
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    yk_fd *fd = NULL;
    ck_assert_int_eq(yk_fd_open(self->spawner, ends[0], &fd), 0);
    int64_t start = yk_now(self);
    ck_assert_int_eq(yk_fd_wait(self, fd, YK_IN, start + SECOND / 1000), -ETIMEDOUT);
    ck_assert_int_eq(yk_now(self) - start, SECOND / 1000);
    ck_assert_int_eq(pthread_create(&thread, NULL, writes_a_moment_later, &ends[1]), 0);
    ck_assert_int_eq(yk_fd_wait(self, fd, YK_IN, start + HOUR), YK_IN);
    ck_assert_int_lt(yk_now(self), start + HOUR);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    yk_fd_free(fd);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

START_TEST(a_descriptor_is_waited_for_before_time_jumps)
{
    yk_spawner *spawner = open_mock("io_grace_ms", "10000");
    ck_assert_int_eq(yk_run(spawner, waits_for_the_outside, NULL), 0);
    support_close(spawner);
}
END_TEST

/* ---- order ---- */

struct order {
    char text[4 * CHILDREN + 1];
    int len;
};

struct child {
    struct order *order;
    char name;
};

static int tells_its_name(yk_task *self, void *arg)
{
    const struct child *child = arg;
    for (int i = 0; i < 4; i++) {
        child->order->text[child->order->len++] = child->name;
        ck_assert_int_eq(yk_task_yield(self), 0);
    }
    return 0;
}

static int runs_children(yk_task *self, void *arg)
{
    struct child children[CHILDREN];
    yk_group *group = NULL;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = (struct child){.order = arg, .name = (char)('a' + i)};
        ck_assert_int_eq(yk_group_spawn(group, "child", tells_its_name, &children[i]), 0);
    }
    ck_assert_int_eq(yk_group_join(self, group, YK_NEVER), 0);
    yk_group_free(group);
    return 0;
}

static struct order order_of(int seed)
{
    struct order order = {.len = 0};
    char text[16];
    (void)snprintf(text, sizeof text, "%d", seed);
    yk_spawner *spawner = open_mock("seed", text);
    ck_assert_int_eq(yk_run(spawner, runs_children, &order), 0);
    support_close(spawner);
    ck_assert_int_eq(order.len, 4 * CHILDREN);
    return order;
}

START_TEST(a_seed_is_an_order)
{
    int different = 0;
    struct order first = order_of(1);
    for (int seed = 1; seed <= 20; seed++) {
        struct order one = order_of(seed), again = order_of(seed);
        ck_assert_str_eq(one.text, again.text);
        different += strcmp(one.text, first.text) != 0;
        /* Who yields runs after all that are ready: each name once in each round. */
        for (int i = 0; i < 4 * CHILDREN; i++)
            ck_assert_ptr_eq(
                memchr(one.text + i / CHILDREN * CHILDREN, one.text[i], (size_t)(i % CHILDREN + 1)),
                one.text + i);
    }
    ck_assert_int_ge(different, 18);
}
END_TEST

/* ---- deadlock ---- */

static char logged[4096];

static void keep_line(int32_t level, const char *line)
{
    size_t len = strlen(logged);
    (void)snprintf(logged + len, sizeof logged - len, "%d %s\n", level, line);
}

static int32_t parks_for_ever(yk_task *self, void *arg)
{
    (void)arg;
    return self->ops->park(self, YK_NEVER);
}

static int32_t parks_beside_another(yk_task *self, void *arg)
{
    yk_spawn_options options = {.size = sizeof options, .name = "philosopher"};
    ck_assert_int_eq(self->ops->spawn(self->spawner, &options, parks_for_ever, NULL, NULL), 0);
    return parks_for_ever(self, arg);
}

static void wake(yk_task *task, void *arg)
{
    (void)arg;
    task->ops->unpark(task);
}

static int32_t ends(yk_task *self, void *arg)
{
    (void)arg;
    self->ops->yield(self); /* after those who were woken */
    return 0;
}

START_TEST(a_deadlock_is_told_and_its_tasks_are_named)
{
    yk_spawner *spawner = open_mock("patience_ms", "1");
    host_log_fn *before = host_log_set(keep_line);
    int32_t result = 77;
    ck_assert_int_eq(spawner->ops->block_on(spawner, NULL, parks_beside_another, NULL, &result),
                     -EDEADLK);
    host_log_set(before);
    ck_assert_int_eq(result, 77);
    ck_assert_ptr_nonnull(strstr(logged, "0 mock: deadlock: nothing can wake any of 2 tasks"));
    ck_assert_ptr_nonnull(strstr(logged, "'philosopher'"));
    ck_assert_ptr_nonnull(strstr(logged, "the main task"));
    ck_assert_int_eq(spawner->ops->destroy(spawner), -EBUSY);
    /* The tasks are not lost: somebody may wake them after all. */
    spawner->ops->walk(spawner, wake, NULL);
    ck_assert_int_eq(spawner->ops->block_on(spawner, NULL, ends, NULL, &result), 0);
    ck_assert_int_eq(result, 0);
    support_close(spawner);
}
END_TEST

struct foreigner {
    pthread_t thread;
    yk_task *target;
};

static void *wakes_a_moment_later(void *arg)
{
    struct foreigner *foreigner = arg;
    dawdle();
    foreigner->target->ops->unpark(foreigner->target);
    return NULL;
}

static int32_t is_woken_by_a_foreigner(yk_task *self, void *arg)
{
    struct foreigner *foreigner = arg;
    foreigner->target = self;
    ck_assert_int_eq(pthread_create(&foreigner->thread, NULL, wakes_a_moment_later, foreigner), 0);
    return self->ops->park(self, YK_NEVER);
}

START_TEST(a_foreign_thread_has_some_time_to_prevent_a_deadlock)
{
    struct foreigner foreigner = {.target = NULL};
    yk_spawner *spawner = open_mock("patience_ms", "10000");
    int32_t result = -1;
    ck_assert_int_eq(
        spawner->ops->block_on(spawner, NULL, is_woken_by_a_foreigner, &foreigner, &result), 0);
    ck_assert_int_eq(pthread_join(foreigner.thread, NULL), 0);
    ck_assert_int_eq(result, 0);
    support_close(spawner);
}
END_TEST

START_TEST(a_key_that_is_unknown_or_has_a_bad_value_is_named)
{
    static const yk_option bad[] = {
        {"colour", "red"}, {"seed", "-1"}, {"seed", ""}, {"io_grace_ms", "x"}};
    yk_spawner *good = open_mock(NULL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        yk_config config = {.size = sizeof config, .options = &bad[i], .options_count = 1};
        struct error err = {.text = ""};
        yk_spawner *spawner = NULL;
        ck_assert_int_eq(runtime_open(runtime_entry(good), &config, &spawner, &err), -EINVAL);
        ck_assert_ptr_null(spawner);
        ck_assert_ptr_nonnull(strstr(err.text, bad[i].key));
    }
    support_close(good);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock");
    suite_add(suite, time_jumps_to_the_next_deadline_and_nowhere_else);
    suite_add(suite, time_goes_on_while_tasks_yield_for_ever);
    suite_add(suite, time_stands_still_while_a_job_is_on_the_pool);
    suite_add(suite, a_descriptor_is_waited_for_before_time_jumps);
    suite_add(suite, a_seed_is_an_order);
    suite_add(suite, a_deadlock_is_told_and_its_tasks_are_named);
    suite_add(suite, a_foreign_thread_has_some_time_to_prevent_a_deadlock);
    suite_add(suite, a_key_that_is_unknown_or_has_a_bad_value_is_named);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_task.c - spawn, join, handles, names, arguments: on every runtime.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <yoke/channel.h>
#include <yoke/offload.h>

#define MANY_MAX  1000
#define MANY_SLOW 300 /* under tools that know fewer threads */

static int return_arg(yk_task *self, void *arg)
{
    (void)self;
    return (int)(intptr_t)arg;
}

/* Waits for one message and returns it, or the error. */
static int receive_one(yk_task *self, void *arg)
{
    int message;
    int r = yk_channel_receive(self, arg, &message, YK_NEVER);
    return r < 0 ? r : message;
}

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", fn, arg, &task), 0);
    ck_assert_ptr_nonnull(task);
    return task;
}

static yk_channel *channel_new(size_t capacity)
{
    yk_channel *channel = NULL;
    ck_assert_int_eq(yk_channel_new(sizeof(int), capacity, &channel), 0);
    return channel;
}

TASK_TEST(join_gives_what_the_task_returned)
{
    static const int results[] = {0,      1,          4711,       INT32_MAX, -1,
                                  -EPIPE, -ECANCELED, -ETIMEDOUT, INT32_MIN};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        yk_task *task = spawn(self, return_arg, (void *)(intptr_t)results[i]);
        int result = 12345;
        ck_assert_int_eq(yk_task_join(self, task, support_deadline(self), &result), 0);
        ck_assert_int_eq(result, results[i]);
        ck_assert_int_eq(yk_task_join_free(self, task), results[i]);
    }
}

TASK_TEST(join_needs_no_place_for_the_result)
{
    yk_task *task = spawn(self, return_arg, (void *)7);
    ck_assert_int_eq(yk_task_join(self, task, support_deadline(self), NULL), 0);
    yk_task_free(task);
}

struct joiner {
    yk_task *target;
    _Atomic int right; /* joiners that saw the result */
};

static int join_target(yk_task *self, void *arg)
{
    struct joiner *joiner = arg;
    int result = 0;
    int r = yk_task_join(self, joiner->target, support_deadline(self), &result);
    joiner->right += r == 0 && result == 99;
    return r;
}

TASK_TEST(every_joiner_gets_the_result)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    struct joiner joiner = {.target = spawn(self, receive_one, channel)};
    yk_task *joiners[20];
    for (int i = 0; i < 20; i++)
        joiners[i] = spawn(self, join_target, &joiner);
    support_settle(self);
    int message = 99;
    ck_assert_int_eq(yk_channel_send(self, channel, &message, support_deadline(self)), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(yk_task_join_free(self, joiners[i]), 0);
    ck_assert_int_eq(joiner.right, 20);
    ck_assert_int_eq(yk_task_join_free(self, joiner.target), 99);
}

TASK_TEST(a_join_with_a_past_deadline_only_looks)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    yk_task *task = spawn(self, receive_one, channel);
    int result = 5, message = 3;
    ck_assert_int_eq(yk_task_join(self, task, 0, &result), -ETIMEDOUT);
    ck_assert_int_eq(result, 5);
    ck_assert(!yk_task_finished(task));
    ck_assert_int_eq(yk_channel_send(self, channel, &message, support_deadline(self)), 0);
    ck_assert_int_eq(yk_task_join(self, task, support_deadline(self), NULL), 0);
    ck_assert(yk_task_finished(task));
    ck_assert_int_eq(yk_task_join(self, task, 0, &result), 0);
    ck_assert_int_eq(result, 3);
    yk_task_free(task);
}

TASK_TEST(a_join_that_timed_out_can_be_tried_again)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    yk_task *task = spawn(self, receive_one, channel);
    int message = 3;
    for (int i = 0; i < 20; i++) {
        int64_t deadline = yk_now(self) + (int64_t)i * 48611;
        ck_assert_int_eq(yk_task_join(self, task, deadline, NULL), -ETIMEDOUT);
        ck_assert_int_ge(yk_now(self), deadline);
    }
    ck_assert_int_eq(yk_channel_send(self, channel, &message, support_deadline(self)), 0);
    ck_assert_int_eq(yk_task_join_free(self, task), 3);
}

TASK_TEST(a_task_cannot_join_itself)
{
    int result = 5;
    ck_assert_int_eq(yk_task_join(self, self, support_deadline(self), &result), -EDEADLK);
    ck_assert_int_eq(result, 5);
}

/* Channels that outlive the run: a detached task may touch them until it ends. */
struct relay {
    yk_channel *in, *out; /* owned by the test */
};

static int relay(yk_task *self, void *arg)
{
    struct relay *relay = arg;
    int message;
    int r = yk_channel_receive(self, relay->in, &message, YK_NEVER);
    message++;
    return r < 0 ? r : yk_channel_send(self, relay->out, &message, support_deadline(self));
}

static int detach_and_talk(yk_task *self, void *arg)
{
    struct relay *channels = arg;
    yk_task_detach(spawn(self, relay, channels));
    int message = 42, answer = 0;
    ck_assert_int_eq(yk_channel_send(self, channels->in, &message, support_deadline(self)), 0);
    ck_assert_int_eq(yk_channel_receive(self, channels->out, &answer, support_deadline(self)), 0);
    ck_assert_int_eq(answer, 43);
    return 0;
}

START_TEST(a_detached_task_goes_on)
{
    struct relay channels = {channel_new(1), channel_new(1)};
    support_run(_i, detach_and_talk, &channels);
    yk_channel_free(channels.in);
    yk_channel_free(channels.out);
}
END_TEST

static int report_receive(yk_task *self, void *arg)
{
    struct relay *channels = arg;
    int message, r = yk_channel_receive(self, channels->in, &message, YK_NEVER);
    return yk_channel_try_send(channels->out, &r);
}

static int free_and_listen(yk_task *self, void *arg)
{
    struct relay *channels = arg;
    int answer = 0;
    for (int i = 0; i < 50; i++) {
        yk_task *task = spawn(self, report_receive, channels);
        if (i % 2)
            support_settle(self);
        yk_task_free(task);
        ck_assert_int_eq(yk_channel_receive(self, channels->out, &answer, support_deadline(self)),
                         0);
        ck_assert_int_eq(answer, -ECANCELED);
    }
    return 0;
}

START_TEST(freeing_a_handle_cancels_the_task)
{
    struct relay channels = {channel_new(1), channel_new(1)};
    support_run(_i, free_and_listen, &channels);
    yk_channel_free(channels.in);
    yk_channel_free(channels.out);
}
END_TEST

TASK_TEST(freeing_the_handle_of_an_ended_task_is_harmless)
{
    yk_task *task = spawn(self, return_arg, NULL);
    ck_assert_int_eq(yk_task_join(self, task, support_deadline(self), NULL), 0);
    yk_task_cancel(task);
    yk_task_free(task);
    yk_task_free(NULL);
}

TASK_TEST(a_scope_can_own_a_task)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    yk_task *second = NULL;
    {
        OWNED(yk_task) yk_task *task = spawn(self, receive_one, channel);
        second = yk_task_ref(task);
    }
    ck_assert_int_eq(yk_task_join_free(self, second), -ECANCELED);
}

TASK_TEST(a_second_reference_outlives_the_first)
{
    yk_task *task = spawn(self, return_arg, (void *)5);
    yk_task *second = yk_task_ref(task);
    ck_assert_ptr_eq(second, task);
    ck_assert_int_eq(yk_task_join_free(self, task), 5);
    int result = 0;
    ck_assert_int_eq(yk_task_join(self, second, support_deadline(self), &result), 0);
    ck_assert_int_eq(result, 5);
    ck_assert(yk_task_finished(second));
    yk_task_detach(second);
}

static int check_name(yk_task *self, void *arg)
{
    return strcmp(yk_task_name(self), arg);
}

TASK_TEST(a_task_has_the_name_that_it_was_given)
{
    static char expected[] = "a name", nameless[] = "task";
    yk_task_options options = {.name = "a name"};
    yk_task *task = NULL;
    ck_assert_int_eq(
        yk_task_spawn_with(yk_task_spawner(self), &options, check_name, expected, &task), 0);
    ck_assert_str_eq(yk_task_name(task), "a name");
    ck_assert_int_eq(yk_task_join_free(self, task), 0);
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), NULL, check_name, nameless, &task), 0);
    ck_assert_int_eq(yk_task_join_free(self, task), 0);
}

struct big_arg {
    char bytes[YK_ARG_BYTES_MAX];
};

static int check_copy(yk_task *self, void *arg)
{
    int r = yk_task_yield(self);
    if (r < 0)
        return r;
    if ((uintptr_t)arg % 16 != 0)
        return -EFAULT;
    for (int i = 1; i < YK_ARG_BYTES_MAX; i++)
        if (((struct big_arg *)arg)->bytes[i] != i)
            return -EIO;
    return ((struct big_arg *)arg)->bytes[0];
}

TASK_TEST(a_copied_argument_survives_its_original)
{
    yk_task_options options = {.arg_bytes = sizeof(struct big_arg)};
    yk_task *tasks[100];
    for (int i = 0; i < 100; i++) {
        struct big_arg arg;
        for (int k = 0; k < YK_ARG_BYTES_MAX; k++)
            arg.bytes[k] = (char)k;
        arg.bytes[0] = (char)i;
        ck_assert_int_eq(
            yk_task_spawn_with(yk_task_spawner(self), &options, check_copy, &arg, &tasks[i]), 0);
        memset(&arg, 0xff, sizeof arg);
    }
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), i);
}

TASK_TEST(an_argument_that_is_too_big_to_copy_is_refused)
{
    char bytes[YK_ARG_BYTES_MAX + 1] = "";
    yk_task_options options = {.arg_bytes = sizeof bytes};
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn_with(yk_task_spawner(self), &options, check_copy, bytes, &task),
                     -EINVAL);
    ck_assert_ptr_null(task);
}

static int use_stack(yk_task *self, void *arg)
{
    (void)self;
    char *bytes = __builtin_alloca((size_t)(uintptr_t)arg);
    memset(bytes, 1, (size_t)(uintptr_t)arg);
    __asm__ volatile("" : : "r"(bytes) : "memory");
    return 0;
}

TASK_TEST(a_task_gets_the_stack_that_it_asks_for)
{
    yk_task_options options = {.stack_bytes = 4 * 1024 * 1024};
    yk_task *task = NULL;
    void *bytes = (void *)(uintptr_t)(3 * 1024 * 1024);
    ck_assert_int_eq(yk_task_spawn_with(yk_task_spawner(self), &options, use_stack, bytes, &task),
                     0);
    ck_assert_int_eq(yk_task_join_free(self, task), 0);
}

TASK_TEST(many_tasks_live_at_once)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(MANY_MAX);
    static yk_task *tasks[MANY_MAX];
    int many = support_scale() > 1 ? MANY_SLOW : MANY_MAX;
    for (int i = 0; i < many; i++)
        tasks[i] = spawn(self, receive_one, channel);
    for (int i = 0; i < many; i++)
        ck_assert_int_eq(yk_channel_send(self, channel, &i, support_deadline(self)), 0);
    int64_t sum = 0;
    for (int i = 0; i < many; i++)
        sum += yk_task_join_free(self, tasks[i]);
    ck_assert_int_eq(sum, (int64_t)many * (many - 1) / 2);
}

TASK_TEST(many_tasks_live_one_after_the_other)
{
    for (int i = 0; i < MANY_MAX; i++)
        if (yk_task_join_free(self, spawn(self, return_arg, (void *)(intptr_t)i)) != i)
            ck_abort_msg("task %d", i);
}

static int chain(yk_task *self, void *arg)
{
    intptr_t depth = (intptr_t)arg;
    if (depth == 0)
        return 0;
    yk_task *task = NULL;
    int r = yk_task_spawn(yk_task_spawner(self), "link", chain, (void *)(depth - 1), &task);
    return r < 0 ? r : yk_task_join_free(self, task) + 1;
}

TASK_TEST(a_task_may_spawn_a_task_that_spawns_a_task)
{
    ck_assert_int_eq(chain(self, (void *)200), 200);
}

static int check_self(yk_task *self, void *arg)
{
    for (int i = 0; i < 20; i++) {
        if (yk_self() != self || yk_current_spawner() != arg || yk_task_spawner(self) != arg)
            return -EFAULT;
        if (yk_task_yield(self) < 0)
            return -ECANCELED;
    }
    return 0;
}

static int check_no_self(void *arg)
{
    (void)arg;
    return yk_self() != NULL || yk_current_spawner() != NULL;
}

TASK_TEST(the_running_task_and_its_spawner_can_be_asked_for)
{
    yk_task *tasks[10];
    for (int i = 0; i < 10; i++)
        tasks[i] = spawn(self, check_self, yk_task_spawner(self));
    ck_assert_int_eq(check_self(self, yk_task_spawner(self)), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
}

TASK_TEST(an_offloaded_job_is_no_task)
{
    int result = 5;
    ck_assert_int_eq(yk_offload(self, check_no_self, NULL, &result), 0);
    ck_assert_int_eq(result, 0);
    ck_assert_ptr_eq(yk_self(), self);
}

static void *thread_check_no_self(void *arg)
{
    return check_no_self(arg) ? arg : NULL;
}

START_TEST(off_a_task_there_is_no_self)
{
    yk_spawner *spawner = support_spawner(support_runtime(_i));
    pthread_t thread;
    void *bad;
    ck_assert_int_eq(check_no_self(NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_check_no_self, spawner), 0);
    ck_assert_int_eq(pthread_join(thread, &bad), 0);
    ck_assert_ptr_null(bad);
    ck_assert_int_eq(yk_run(spawner, return_arg, (void *)3), 3);
    ck_assert_int_eq(check_no_self(NULL), 0);
    support_close(spawner);
}
END_TEST

#define FOREIGN_THREADS 4
#define FOREIGN_SPAWNS  100

struct foreign {
    yk_spawner *spawner;
    yk_channel *channel; /* owned by the test */
};

static int send_one(yk_task *self, void *arg)
{
    int message = 1;
    return yk_channel_send(self, arg, &message, support_deadline(self));
}

static void *spawn_foreign(void *arg)
{
    struct foreign *foreign = arg;
    for (int i = 0; i < FOREIGN_SPAWNS; i++) {
        yk_task *task = NULL;
        if (yk_task_spawn(foreign->spawner, "foreign", send_one, foreign->channel, &task) < 0)
            return arg;
        yk_task_detach(task);
    }
    return NULL;
}

static int receive_foreign(yk_task *self, void *arg)
{
    struct foreign *foreign = arg;
    int message;
    pthread_t threads[FOREIGN_THREADS];
    for (int i = 0; i < FOREIGN_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, spawn_foreign, foreign), 0);
    for (int i = 0; i < FOREIGN_THREADS * FOREIGN_SPAWNS; i++)
        ck_assert_int_eq(
            yk_channel_receive(self, foreign->channel, &message, support_deadline(self)), 0);
    for (int i = 0; i < FOREIGN_THREADS; i++) {
        void *bad;
        ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
        ck_assert_ptr_null(bad);
    }
    return 0;
}

START_TEST(any_thread_may_spawn)
{
    struct foreign foreign = {support_spawner(support_runtime(_i)), channel_new(3)};
    ck_assert_int_eq(yk_run(foreign.spawner, receive_foreign, &foreign), 0);
    support_close(foreign.spawner);
    yk_channel_free(foreign.channel);
}
END_TEST

static int join_arg(yk_task *self, void *arg)
{
    return yk_task_join_free(self, arg);
}

START_TEST(a_task_may_be_spawned_before_the_run)
{
    yk_spawner *spawner = support_spawner(support_runtime(_i));
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(spawner, "early", return_arg, (void *)8, &task), 0);
    ck_assert_int_eq(yk_run(spawner, join_arg, task), 8);
    support_close(spawner);
}
END_TEST

struct crossing {
    yk_channel *handles; /* carries yk_task * */
    yk_channel *gate;
};

static int offer_tasks(yk_task *self, void *arg)
{
    struct crossing *crossing = arg;
    yk_task *tasks[50];
    for (int i = 0; i < 50; i++) {
        tasks[i] =
            spawn(self, i % 2 ? receive_one : return_arg, i % 2 ? (void *)crossing->gate : NULL);
        yk_task *second = yk_task_ref(tasks[i]);
        ck_assert_int_eq(yk_channel_send(self, crossing->handles, &second, support_deadline(self)),
                         0);
    }
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), i % 2 ? -ECANCELED : 0);
    yk_channel_close(crossing->handles);
    return 0;
}

static int join_strangers(yk_task *self, void *arg)
{
    struct crossing *crossing = arg;
    yk_task *task;
    int i = 0, r;
    for (; (r = yk_channel_receive(self, crossing->handles, &task, support_deadline(self))) == 0;
         i++) {
        if (i % 2)
            yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), i % 2 ? -ECANCELED : 0);
    }
    ck_assert_int_eq(r, -EPIPE);
    ck_assert_int_eq(i, 50);
    return 0;
}

START_TEST(tasks_of_another_spawner_can_be_joined_and_cancelled)
{
    struct crossing crossing = {.gate = channel_new(1)};
    ck_assert_int_eq(yk_channel_new(sizeof(yk_task *), 4, &crossing.handles), 0);
    support_run_pair(_i, offer_tasks, join_strangers, &crossing);
    yk_channel_free(crossing.handles);
    yk_channel_free(crossing.gate);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("task");
    suite_add_on_every_runtime(suite, join_gives_what_the_task_returned);
    suite_add_on_every_runtime(suite, join_needs_no_place_for_the_result);
    suite_add_on_every_runtime(suite, every_joiner_gets_the_result);
    suite_add_on_every_runtime(suite, a_join_with_a_past_deadline_only_looks);
    suite_add_on_every_runtime(suite, a_join_that_timed_out_can_be_tried_again);
    suite_add_on_every_runtime(suite, a_task_cannot_join_itself);
    suite_add_on_every_runtime(suite, a_detached_task_goes_on);
    suite_add_on_every_runtime(suite, freeing_a_handle_cancels_the_task);
    suite_add_on_every_runtime(suite, freeing_the_handle_of_an_ended_task_is_harmless);
    suite_add_on_every_runtime(suite, a_scope_can_own_a_task);
    suite_add_on_every_runtime(suite, a_second_reference_outlives_the_first);
    suite_add_on_every_runtime(suite, a_task_has_the_name_that_it_was_given);
    suite_add_on_every_runtime(suite, a_copied_argument_survives_its_original);
    suite_add_on_every_runtime(suite, an_argument_that_is_too_big_to_copy_is_refused);
    suite_add_on_every_runtime(suite, a_task_gets_the_stack_that_it_asks_for);
    suite_add_on_every_runtime(suite, many_tasks_live_at_once);
    suite_add_on_every_runtime(suite, many_tasks_live_one_after_the_other);
    suite_add_on_every_runtime(suite, a_task_may_spawn_a_task_that_spawns_a_task);
    suite_add_on_every_runtime(suite, the_running_task_and_its_spawner_can_be_asked_for);
    suite_add_on_every_runtime(suite, an_offloaded_job_is_no_task);
    suite_add_on_every_runtime(suite, off_a_task_there_is_no_self);
    suite_add_on_every_runtime(suite, any_thread_may_spawn);
    suite_add_on_every_runtime(suite, a_task_may_be_spawned_before_the_run);
    suite_add_on_every_pair(suite, tasks_of_another_spawner_can_be_joined_and_cancelled);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_thread_spawner.c - the life of the runtime of threads, its tasks' memory and its limits. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/threads_case.h"

static int32_t returns_its_number(yk_task *self, void *arg)
{
    (void)self;
    return *(int *)arg;
}

START_TEST(block_on_gives_the_main_tasks_result)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    int number = 42;
    int32_t result = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            spawner->ops->block_on(spawner, NULL, returns_its_number, &number, &result), 0);
        ck_assert_int_eq(result, number++);
    }
    ck_assert_int_eq(spawner->ops->block_on(spawner, NULL, returns_its_number, &number, NULL), 0);
    support_close(spawner);
}
END_TEST

static int32_t asks_for_more_than_a_task_may(yk_task *self, void *arg)
{
    yk_spawner *other = arg;
    yk_spawner *own = self->spawner;
    ck_assert_int_eq(own->ops->block_on(own, NULL, threads_nothing, NULL, NULL), -EDEADLK);
    ck_assert_int_eq(other->ops->block_on(other, NULL, threads_nothing, NULL, NULL), -EDEADLK);
    ck_assert_int_eq(own->ops->destroy(own), -EDEADLK);
    return 0;
}

START_TEST(block_on_and_destroy_on_a_task_are_edeadlk)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    yk_spawner *other = threads_open(NULL, 0);
    threads_run(spawner, asks_for_more_than_a_task_may, other);
    support_close(other);
    support_close(spawner);
}
END_TEST

/* A job, so that the second block_on comes from a thread that is on no task. */
struct second {
    yk_job job;
    yk_spawner *spawner;
    yk_task *waiter;
    int32_t found;
};

static void enters_too(yk_job *job)
{
    struct second *second = (struct second *)(void *)job;
    yk_spawner *spawner = second->spawner;
    second->found = spawner->ops->block_on(spawner, NULL, threads_nothing, NULL, NULL);
    spawner->ops->unpark(second->waiter);
}

static int32_t has_a_second_thread_enter(yk_task *self, void *arg)
{
    struct second *second = arg;
    second->waiter = self;
    ck_assert_int_eq(self->ops->offload(self->spawner, &second->job), 0);
    return self->ops->park(self, YK_NEVER);
}

START_TEST(block_on_from_a_second_thread_is_ebusy)
{
    struct second second = {.job = {.run = enters_too}, .spawner = threads_open(NULL, 0)};
    threads_run(second.spawner, has_a_second_thread_enter, &second);
    ck_assert_int_eq(second.found, -EBUSY);
    support_close(second.spawner);
}
END_TEST

static int32_t opens_and_waits(yk_task *self, void *arg)
{
    int ends[2];
    yk_io *io = NULL;
    uint32_t ready = 0;
    (void)arg;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(self->ops->io_open(self->spawner, ends[0], 0, &io), 0);
    ck_assert_int_eq(self->ops->io_wait(self, io, YK_IN, yk_now(NULL) + 1000, &ready), -ETIMEDOUT);
    self->ops->io_close(io);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

static int32_t uses_everything(yk_task *self, void *arg)
{
    struct second job = {.job = {.run = enters_too}, .spawner = self->spawner};
    (void)opens_and_waits(self, arg);
    (void)has_a_second_thread_enter(self, &job);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(self->ops->spawn(self->spawner, NULL, opens_and_waits, NULL, NULL), 0);
    return 0;
}

START_TEST(destroy_leaves_no_thread_and_no_descriptor)
{
    int fds = support_fd_count(), threads = threads_count();
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, uses_everything, NULL);
    threads_await_live(spawner, 0);
    support_close(spawner);
    support_expect_counts(fds, threads);
}
END_TEST

START_TEST(destroy_with_a_live_task_is_ebusy_and_does_nothing)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    yk_task *task = threads_spawn(spawner, threads_park, NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(spawner->ops->destroy(spawner), -EBUSY);
    yk_task *another = threads_spawn(spawner, threads_nothing, NULL);
    threads_await_live(spawner, 1);
    threads_unref(another);
    spawner->ops->unpark(task);
    threads_await_live(spawner, 0);
    ck_assert_int_eq(spawner->ops->destroy(spawner), -EBUSY); /* the handle is left */
    threads_unref(task);
    support_close(spawner);
}
END_TEST

START_TEST(destroy_with_an_open_handle_of_a_descriptor_is_ebusy)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    yk_io *io = NULL;
    ck_assert_int_eq(spawner->ops->io_open(spawner, STDIN_FILENO, 0, &io), 0);
    ck_assert_int_eq(spawner->ops->destroy(spawner), -EBUSY);
    spawner->ops->io_close(io);
    support_close(spawner);
}
END_TEST

static int32_t tells_and_dawdles(yk_task *self, void *arg)
{
    (void)self;
    atomic_store((atomic_bool *)arg, true);
    for (int64_t until = yk_now(NULL) + 5000000; yk_now(NULL) < until;)
        ;
    return 0;
}

/* What a joiner is told comes before the end of the task that tells it. */
START_TEST(destroy_waits_for_a_task_that_is_on_its_way_out)
{
    atomic_bool told = false;
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_unref(threads_spawn(spawner, tells_and_dawdles, &told));
    AWAIT(atomic_load(&told));
    support_close(spawner);
}
END_TEST

static int32_t checks_its_copies(yk_task *self, void *arg)
{
    const char *extra = yk_task_extra(self);
    ck_assert_uint_eq((uintptr_t)arg % 16, 0);
    for (int i = 0; i < YK_ARG_BYTES_MAX; i++)
        ck_assert_int_eq(((const char *)arg)[i], (char)i);
    for (int i = 0; i < HOST_EXTRA_BYTES; i++)
        ck_assert_int_eq(extra[i], (char)(i + 1));
    ck_assert_ptr_eq(host_current_task(), self);
    ck_assert_str_eq(self->name, "copies");
    ck_assert_uint_eq(self->id, 1);
    return self->ops->park(self, YK_NEVER);
}

START_TEST(a_task_has_copies_of_its_argument_and_of_the_hosts_bytes)
{
    char arg[YK_ARG_BYTES_MAX], extra[HOST_EXTRA_BYTES];
    for (int i = 0; i < YK_ARG_BYTES_MAX; i++)
        arg[i] = (char)i;
    for (int i = 0; i < HOST_EXTRA_BYTES; i++)
        extra[i] = (char)(i + 1);
    yk_spawn_options options = {
        .size = sizeof options, .name = "copies", .extra = extra, .arg_bytes = sizeof arg};
    yk_spawner *spawner = threads_open(NULL, 0);
    yk_task *task = NULL;
    ck_assert_int_eq(spawner->ops->spawn(spawner, &options, checks_its_copies, arg, &task), 0);
    memset(arg, 0, sizeof arg);
    memset(extra, 0, sizeof extra);
    spawner->ops->unpark(task);
    threads_await_live(spawner, 0);
    threads_unref(task);
    support_close(spawner);
}
END_TEST

START_TEST(options_out_of_range_are_einval)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    yk_task *task = NULL;
    yk_spawn_options bad[] = {
        {.size = sizeof *bad, .flags = 1},
        {.size = sizeof *bad, .arg_bytes = YK_ARG_BYTES_MAX + 1},
        {.size = sizeof *bad, .stack_bytes = UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(spawner->ops->spawn(spawner, &bad[i], threads_nothing, NULL, &task),
                         -EINVAL);
    ck_assert_ptr_null(task);
    support_close(spawner);
}
END_TEST

START_TEST(a_key_that_is_unknown_or_has_a_bad_value_is_named)
{
    static const struct {
        yk_option option;
        const char *named;
    } bad[] = {{{"colour", "red"}, "colour"},
               {{"idle_ms", "soon"}, "soon"},
               {{"idle_ms", "-1"}, "-1"},
               {{"cache_max", "99999999999"}, "99999999999"},
               {{"cache_max", ""}, "cache_max"}};
    yk_spawner *good = threads_open(NULL, 0);
    const yk_entry *entry = host_spawner_of(good)->entry;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        yk_config config = {.size = sizeof config, .options = &bad[i].option, .options_count = 1};
        yk_error error = {.size = sizeof error};
        yk_spawner *spawner = NULL;
        const yk_ops *ops = NULL;
        ck_assert_int_eq(entry->create(host_table(), &config, &spawner, &ops, &error), -EINVAL);
        ck_assert_ptr_null(spawner);
        ck_assert_int_eq(error.code, -EINVAL);
        ck_assert_ptr_nonnull(strstr(error.text, bad[i].named));
    }
    support_close(good);
}
END_TEST

START_TEST(more_tasks_than_tasks_max_are_eagain)
{
    yk_config config = {.size = sizeof config, .tasks_max = 2};
    yk_spawner *spawner = support_spawner_with("threads", &config);
    yk_task *tasks[2] = {threads_spawn(spawner, threads_park, NULL),
                         threads_spawn(spawner, threads_park, NULL)};
    yk_task *third = NULL;
    ck_assert_int_eq(spawner->ops->spawn(spawner, NULL, threads_nothing, NULL, &third), -EAGAIN);
    ck_assert_int_eq(spawner->ops->block_on(spawner, NULL, threads_nothing, NULL, NULL), -EAGAIN);
    ck_assert_ptr_null(third);
    spawner->ops->unpark(tasks[0]);
    threads_await_live(spawner, 1);
    threads_unref(threads_spawn(spawner, threads_nothing, NULL));
    spawner->ops->unpark(tasks[1]);
    threads_await_live(spawner, 0);
    for (int i = 0; i < 2; i++)
        threads_unref(tasks[i]);
    support_close(spawner);
}
END_TEST

START_TEST(more_stacks_than_stack_memory_max_are_enomem)
{
    yk_config config = {.size = sizeof config, .stack_memory_max = 1000 * 1024};
    yk_spawner *spawner = support_spawner_with("threads", &config);
    yk_task *tasks[3] = {NULL};
    for (int i = 0; i < 3; i++)
        tasks[i] = threads_spawn(spawner, threads_park, NULL);
    ck_assert_int_eq(spawner->ops->spawn(spawner, NULL, threads_nothing, NULL, NULL), -ENOMEM);
    for (int i = 0; i < 3; i++) {
        spawner->ops->unpark(tasks[i]);
        threads_unref(tasks[i]);
    }
    threads_await_live(spawner, 0);
    /* Three threads wait for work now; a larger stack takes the place of theirs. */
    yk_spawn_options large = {.size = sizeof large, .stack_bytes = 512 * 1024};
    AWAIT(spawner->ops->spawn(spawner, &large, threads_nothing, NULL, NULL) == 0);
    threads_await_live(spawner, 0);
    support_close(spawner);
}
END_TEST

/* No address space for another stack: what the C library says comes back, and later all is well
 * again. */
START_TEST(a_thread_that_cannot_be_made_is_an_error)
{
#if defined(THREADS_SANITIZED)
    return; /* sanitizers need the address space themselves */
#endif
    yk_spawner *spawner = threads_open(NULL, 0);
    struct rlimit before, small = {.rlim_cur = 0};
    yk_task *task = NULL;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    small.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &small), 0);
    int r = spawner->ops->spawn(spawner, NULL, threads_nothing, NULL, &task);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    ck_assert_msg(r == -EAGAIN || r == -ENOMEM, "%d", r);
    ck_assert_ptr_null(task);
    threads_await_live(spawner, 0);
    threads_unref(threads_spawn(spawner, threads_nothing, NULL));
    threads_await_live(spawner, 0);
    support_close(spawner);
}
END_TEST

START_TEST(create_and_spawn_fail_well_at_every_allocation)
{
    yk_spawner *good = threads_open(NULL, 0);
    const yk_entry *entry = host_spawner_of(good)->entry;
    int fds = support_fd_count();
    uint64_t n = 1;
    for (;; n++) {
        yk_config config = {.size = sizeof config, .extra_bytes = HOST_EXTRA_BYTES};
        yk_spawner *spawner = NULL;
        const yk_ops *ops = NULL;
        yk_error error = {.size = sizeof error};
        support_fail_nth_alloc(n);
        int r = entry->create(host_table(), &config, &spawner, &ops, &error);
        bool failed = support_fail_nth_done();
        ck_assert_int_eq(r, failed ? -ENOMEM : 0);
        if (r == 0)
            ck_assert_int_eq(ops->destroy(spawner), 0);
        if (!failed)
            break;
    }
    ck_assert_uint_gt(n, 2);
    for (n = 1;; n++) {
        support_fail_nth_alloc(n);
        yk_io *io = NULL;
        int r = good->ops->io_open(good, STDIN_FILENO, 0, &io);
        int s = r == 0 ? good->ops->spawn(good, NULL, threads_nothing, NULL, NULL) : 0;
        bool failed = support_fail_nth_done();
        if (r == 0)
            good->ops->io_close(io);
        threads_await_live(good, 0);
        ck_assert_int_eq(r < 0 ? r : s, failed ? -ENOMEM : 0);
        if (!failed)
            break;
    }
    ck_assert_uint_gt(n, 3);
    ck_assert_int_eq(support_fd_count(), fds);
    support_close(good);
}
END_TEST

static int32_t looks_at_its_signals(yk_task *self, void *arg)
{
    sigset_t blocked;
    (void)self;
    (void)arg;
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &blocked), 0);
    for (int signal = 1; signal < 32; signal++) {
        bool fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
                     signal == SIGILL || signal == SIGTRAP || signal == SIGSYS || signal == SIGABRT;
        if (signal != SIGKILL && signal != SIGSTOP)
            ck_assert_int_eq(sigismember(&blocked, signal), !fault);
    }
    return 0;
}

START_TEST(the_threads_block_every_signal_but_those_of_a_fault)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_unref(threads_spawn(spawner, looks_at_its_signals, NULL));
    threads_await_live(spawner, 0);
    support_close(spawner);
}
END_TEST

static int32_t finds_its_stack(yk_task *self, void *arg)
{
    yk_spawner *spawner = self->spawner;
    const yk_stacks_v1 *stacks = spawner->ops->extension(spawner, "yoke.stacks/1");
    const char *name = NULL;
    uint64_t bytes = 0;
    int local = 0;
    (void)arg;
    ck_assert_int_eq(stacks->find(spawner, &local, &name, &bytes), 0);
    ck_assert_str_eq(name, self->name);
    ck_assert_uint_ge(bytes, 64 * 1024);
    ck_assert_int_eq(stacks->find(spawner, self, &name, &bytes), -1);
    const char *at = (const char *)&local;
    while (stacks->find(spawner, at, &name, &bytes) == 0)
        at -= 1024;
    ck_assert_int_eq(stacks->find(spawner, at, &name, &bytes), 1);
    ck_assert_int_ge((const char *)&local - at, 64 * 1024 - 1024);
    return 0;
}

START_TEST(a_task_finds_its_stack_and_its_guard)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    ck_assert_ptr_null(spawner->ops->extension(spawner, "yoke.stacks/1 "));
    yk_spawn_options options = {.size = sizeof options, .name = "deep", .stack_bytes = 1};
    ck_assert_int_eq(spawner->ops->spawn(spawner, &options, finds_its_stack, NULL, NULL), 0);
    options.stack_bytes = 1024 * 1024;
    ck_assert_int_eq(spawner->ops->spawn(spawner, &options, finds_its_stack, NULL, NULL), 0);
    threads_await_live(spawner, 0);
    support_close(spawner);
}
END_TEST

static void count_and_unpark(yk_task *task, void *arg)
{
    ++*(int *)arg;
    task->ops->unpark(task);
}

START_TEST(walk_visits_each_live_task)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(spawner->ops->spawn(spawner, NULL, threads_park, NULL, NULL), 0);
    int count = 0;
    spawner->ops->walk(spawner, count_and_unpark, &count);
    ck_assert_int_eq(count, 20);
    threads_await_live(spawner, 0);
    spawner->ops->walk(spawner, count_and_unpark, &count);
    ck_assert_int_eq(count, 20);
    support_close(spawner);
}
END_TEST

static int32_t forks(yk_task *self, void *arg)
{
    yk_spawner *spawner = self->spawner;
    (void)arg;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        yk_io *io = NULL;
        spawner->ops->after_fork_child(spawner);
        bool inert =
            spawner->ops->spawn(spawner, NULL, threads_nothing, NULL, NULL) == -EOWNERDEAD &&
            self->ops->park(self, YK_NEVER) == -EOWNERDEAD &&
            spawner->ops->io_open(spawner, STDIN_FILENO, 0, &io) == -EOWNERDEAD;
        spawner->ops->unpark(self);
        _exit(inert ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    return 0;
}

START_TEST(in_a_forked_child_the_verbs_say_eownerdead)
{
    yk_spawner *spawner = threads_open(NULL, 0);
    threads_run(spawner, forks, NULL);
    support_close(spawner);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thread_spawner");
    suite_add(suite, block_on_gives_the_main_tasks_result);
    suite_add(suite, block_on_and_destroy_on_a_task_are_edeadlk);
    suite_add(suite, block_on_from_a_second_thread_is_ebusy);
    suite_add(suite, destroy_leaves_no_thread_and_no_descriptor);
    suite_add(suite, destroy_with_a_live_task_is_ebusy_and_does_nothing);
    suite_add(suite, destroy_with_an_open_handle_of_a_descriptor_is_ebusy);
    suite_add(suite, destroy_waits_for_a_task_that_is_on_its_way_out);
    suite_add(suite, a_task_has_copies_of_its_argument_and_of_the_hosts_bytes);
    suite_add(suite, options_out_of_range_are_einval);
    suite_add(suite, a_key_that_is_unknown_or_has_a_bad_value_is_named);
    suite_add(suite, more_tasks_than_tasks_max_are_eagain);
    suite_add(suite, more_stacks_than_stack_memory_max_are_enomem);
    suite_add(suite, a_thread_that_cannot_be_made_is_an_error);
    suite_add(suite, create_and_spawn_fail_well_at_every_allocation);
    suite_add(suite, the_threads_block_every_signal_but_those_of_a_fault);
    suite_add(suite, a_task_finds_its_stack_and_its_guard);
    suite_add(suite, walk_visits_each_live_task);
    suite_add(suite, in_a_forked_child_the_verbs_say_eownerdead);
    return threads_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_failing.c - the runtime failing around each runtime, and what core makes of failures. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yoke/channel.h>
#include <yoke/group.h>
#include <yoke/offload.h>
#include <yoke/wait_fd.h>

#include "core/runtime/runtime.h"
#include "plugins/failing/failing.h"
#include "tests/support/support.h"

#define OPTIONS_MAX 5

/* Opens failing around runtime `i`; the options are pairs, NULL ends them. */
static yk_spawner *open_around(int i, const char *const *pairs)
{
    yk_option options[OPTIONS_MAX] = {{"inner", support_runtime(i)}};
    uint32_t count = 1;
    for (; pairs[0]; pairs += 2)
        options[count++] = (yk_option){pairs[0], pairs[1]};
    yk_config config = {.size = sizeof config, .options = options, .options_count = count};
    return support_spawner_with("failing", &config);
}

static const failing_v1 *failing_of(yk_spawner *spawner)
{
    const failing_v1 *failing = spawner->ops->extension(spawner, FAILING_EXTENSION);
    ck_assert_ptr_nonnull(failing);
    ck_assert_ptr_null(spawner->ops->extension(spawner, "yoke.failing/2"));
    return failing;
}

static int nothing(yk_task *self, void *arg)
{
    (void)self, (void)arg;
    return 0;
}

static int spawn_one(yk_task *self, int code)
{
    yk_task *task = NULL;
    int r = yk_task_spawn(self->spawner, "nothing", nothing, NULL, &task);
    ck_assert_int_eq(r == 0, task != NULL);
    if (r == 0)
        return yk_task_join_free(self, task);
    ck_assert_int_eq(r, code);
    return r;
}

static int third_of_five(yk_task *self, void *arg)
{
    const failing_v1 *failing = failing_of(self->spawner);
    for (int i = 1; i <= 5; i++)
        ck_assert_int_eq(spawn_one(self, -ENOMEM), i == 3 ? -ENOMEM : 0);
    ck_assert_uint_eq(failing->calls(), 5);
    ck_assert_uint_eq(failing->failures(), 1);
    failing->aim(2);
    for (int i = 1; i <= 3; i++)
        ck_assert_int_eq(spawn_one(self, -ENOMEM), i == 2 ? -ENOMEM : 0);
    failing->aim(0);
    ck_assert_int_eq(spawn_one(self, 0), 0);
    ck_assert_uint_eq(failing->calls(), 1);
    (void)arg;
    return 0;
}

START_TEST(the_nth_spawn_fails_and_no_other)
{
    const char *const pairs[] = {"fail", "spawn", "nth", "3", NULL};
    yk_spawner *spawner = open_around(_i, pairs);
    ck_assert_int_eq(yk_run(spawner, third_of_five, NULL), 0);
    support_close(spawner);
}
END_TEST

static int from_the_second_on(yk_task *self, void *arg)
{
    (void)arg;
    for (int i = 1; i <= 4; i++)
        ck_assert_int_eq(spawn_one(self, -EAGAIN), i >= 2 ? -EAGAIN : 0);
    return 0;
}

START_TEST(with_repeat_all_later_ones_fail_too_with_the_code_that_is_set)
{
    const char *const pairs[] = {"nth", "2", "repeat", "yes", "code", "EAGAIN", NULL};
    yk_spawner *spawner = open_around(_i, pairs);
    ck_assert_int_eq(yk_run(spawner, from_the_second_on, NULL), 0);
    support_close(spawner);
}
END_TEST

START_TEST(options_that_are_wrong_are_refused)
{
    static const char *const bad[][2] = {{"fail", "park"}, {"nth", "-1"},   {"nth", "x"},
                                         {"repeat", "1"},  {"code", "EIO"}, {"colour", "red"}};
    const char *const none[] = {NULL};
    yk_spawner *good = open_around(_i, none);
    const yk_entry *entry = runtime_entry(good);
    yk_spawner *spawner = NULL;
    struct error err = {.text = ""};
    yk_option second = {"inner", support_runtime(_i)};
    yk_config config = {.size = sizeof config, .options = &second, .options_count = 1};
    ck_assert_int_eq(runtime_open(entry, &config, &spawner, &err), -EAGAIN); /* one at a time */
    support_close(good);
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        yk_option options[] = {{"inner", support_runtime(_i)}, {bad[n][0], bad[n][1]}};
        config.options = options;
        config.options_count = 2;
        ck_assert_int_eq(runtime_open(entry, &config, &spawner, &err), -EINVAL);
        ck_assert_ptr_null(spawner);
        ck_assert_ptr_nonnull(strstr(err.text, bad[n][0]));
    }
    yk_option unknown = {"inner", "failing"};
    config = (yk_config){.size = sizeof config, .options = &unknown, .options_count = 1};
    ck_assert_int_eq(runtime_open(entry, &config, &spawner, &err), -EINVAL);
}
END_TEST

/* ---- a small program, which meets every failure there is ---- */

static int echo(yk_task *self, void *arg)
{
    int item = 0;
    int r = yk_channel_receive(self, arg, &item, YK_NEVER);
    return r < 0 ? r : 0;
}

static int double_it(void *arg)
{
    return *(int *)arg * 2;
}

static int wait_for_a_pipe(yk_task *self, const int ends[2])
{
    OWNED(yk_fd) yk_fd *fd = NULL;
    int r = yk_fd_open(self->spawner, ends[0], &fd);
    if (r < 0)
        return r;
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    r = yk_fd_wait(self, fd, YK_IN, support_deadline(self));
    return r < 0 ? r : 0;
}

static int use_all(yk_task *self, yk_group *group, yk_channel *channel, const int ends[2])
{
    int number = 21, doubled = 0, r = 0;
    for (int i = 0; i < 3 && r == 0; i++)
        r = yk_group_spawn(group, "echo", echo, channel);
    for (int i = 0; i < 3 && r == 0; i++)
        r = yk_channel_send(self, channel, &i, support_deadline(self));
    if (r == 0)
        r = yk_group_join(self, group, support_deadline(self));
    if (r == 0)
        r = yk_offload(self, double_it, &number, &doubled);
    ck_assert(r < 0 || doubled == 42);
    return r < 0 ? r : wait_for_a_pipe(self, ends);
}

static int small_program(yk_task *self, void *arg)
{
    int ends[2];
    (void)arg;
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    yk_channel *channel = NULL;
    yk_group *group = NULL;
    int r = yk_channel_new(sizeof(int), 1, &channel);
    if (r == 0)
        r = yk_group_new(self, NULL, &group);
    if (r == 0)
        r = use_all(self, group, channel, ends);
    yk_group_free(group);
    yk_channel_free(channel);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return r;
}

/* Runs the program with the first, the second ... call failing, until none is left to fail. */
static void survive(int i, const char *kind)
{
    const char *const pairs[] = {"fail", kind, NULL};
    yk_spawner *spawner = open_around(i, pairs);
    const failing_v1 *failing = failing_of(spawner);
    ck_assert_int_eq(yk_run(spawner, small_program, NULL), 0); /* what it keeps, it has now */
    int fds = support_fd_count();
    uint64_t nth = 1;
    for (;; nth++) {
        failing->aim(nth);
        int r = yk_run(spawner, small_program, NULL);
        bool failed = failing->failures() > 0;
        failing->aim(0);
        /* What is allocated only now and then may be taken from what is kept. */
        ck_assert(r == 0 || (failed && r == -ENOMEM));
        ck_assert(r < 0 || strcmp(kind, "alloc") == 0 || !failed);
        ck_assert_int_eq(support_fd_count(), fds);
        if (!failed)
            break;
    }
    ck_assert_uint_gt(nth, 1);
    support_close(spawner);
}

START_TEST(a_program_survives_every_spawn_that_fails)
{
    survive(_i, "spawn");
}
END_TEST

START_TEST(a_program_survives_every_io_open_that_fails)
{
    survive(_i, "io_open");
}
END_TEST

START_TEST(a_program_survives_every_offload_that_fails)
{
    survive(_i, "offload");
}
END_TEST

START_TEST(a_program_survives_every_allocation_of_the_runtime_that_fails)
{
    survive(_i, "alloc");
}
END_TEST

/* From an empty process on: what create() allocates fails, too. */
START_TEST(create_fails_well_at_every_allocation)
{
    const char *const none[] = {NULL};
    yk_spawner *good = open_around(_i, none);
    const yk_entry *entry = runtime_entry(good);
    support_close(good);
    int fds = support_fd_count();
    int r = -ENOMEM;
    int nth = 0;
    while (r < 0) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", ++nth);
        yk_option options[] = {{"inner", support_runtime(_i)}, {"fail", "alloc"}, {"nth", text}};
        yk_config config = {.size = sizeof config, .options = options, .options_count = 3};
        yk_spawner *spawner = NULL;
        r = runtime_open(entry, &config, &spawner, NULL);
        ck_assert(r == 0 || r == -ENOMEM);
        if (r == 0)
            support_close(spawner);
        ck_assert_int_eq(support_fd_count(), fds);
    }
    ck_assert_int_gt(nth, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failing");
    suite_add_on_every_runtime(suite, the_nth_spawn_fails_and_no_other);
    suite_add_on_every_runtime(suite,
                               with_repeat_all_later_ones_fail_too_with_the_code_that_is_set);
    suite_add_on_every_runtime(suite, options_that_are_wrong_are_refused);
    suite_add_on_every_runtime(suite, a_program_survives_every_spawn_that_fails);
    suite_add_on_every_runtime(suite, a_program_survives_every_io_open_that_fails);
    suite_add_on_every_runtime(suite, a_program_survives_every_offload_that_fails);
    suite_add_on_every_runtime(suite,
                               a_program_survives_every_allocation_of_the_runtime_that_fails);
    suite_add_on_every_runtime(suite, create_fails_well_at_every_allocation);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_watchdog.c - a task that holds its loop is named, by each runtime that has loops. */
#include <stdatomic.h>
#include <string.h>

#include "core/runtime/host.h"
#include "tests/support/support.h"

#define HOLD_SECONDS_MAX 20

static _Atomic bool named;

static void on_log(int32_t level, const char *line)
{
    (void)level;
    if (strstr(line, "task 'the holder' has held loop 0 for "))
        atomic_store(&named, true);
}

/* Holds its thread until it is named. */
static int hold(yk_task *self, void *arg)
{
    (void)arg;
    int64_t until = yk_deadline_ms(self, HOLD_SECONDS_MAX * 1000);
    while (!atomic_load(&named) && yk_now(self) < until)
        ;
    return atomic_load(&named);
}

static int spawn_holder(yk_task *self, void *arg)
{
    (void)arg;
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(self->spawner, "the holder", hold, NULL, &task), 0);
    return yk_task_join_free(self, task);
}

static yk_spawner *open_with(const char *runtime, const yk_option *option)
{
    const yk_config config = {.options = option, .options_count = 1};
    return support_spawner_with(runtime, &config);
}

START_TEST(a_task_that_holds_its_loop_is_named)
{
    const yk_option option = {"watchdog_ms", "20"};
    if (strcmp(support_runtime(_i), "threads") == 0)
        return; /* no loop to hold */
    (void)host_log_set(on_log);
    yk_spawner *spawner = open_with(support_runtime(_i), &option);
    ck_assert_int_eq(yk_run(spawner, spawn_holder, NULL), 1);
    support_close(spawner);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("watchdog");
    suite_add_on_every_runtime(suite, a_task_that_holds_its_loop_is_named);
    return support_main(suite);
}

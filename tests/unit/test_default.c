/* SPDX-License-Identifier: MIT
 * test_default.c - the spawner of those who were given none.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yoke/default.h>

#include "core/runtime/host.h"
#include "core/runtime/runtime.h"
#include "tests/unit/plugin_case.h"

static char logged[1024]; /* each test has a process of its own */

static void keep_line(int32_t level, const char *line)
{
    (void)snprintf(logged, sizeof logged, "%d %s", (int)level, line);
}

static void use_planted(void)
{
    char path[PLANTED_PATH_BYTES];
    planted_path(path);
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", "/nonexistent", 1), 0);
    ck_assert_int_eq(setenv("YOKE_RUNTIME", path, 1), 0);
}

START_TEST(there_is_one_and_it_is_what_is_configured)
{
    use_planted();
    yk_spawner *spawner = yk_default_spawner();
    ck_assert_ptr_nonnull(spawner);
    ck_assert_str_eq(runtime_entry(spawner)->id, "planted");
    ck_assert_ptr_eq(yk_default_spawner(), spawner);
}
END_TEST

static void *call(void *arg)
{
    (void)arg;
    return yk_default_spawner();
}

/* create() does not return before it was called twice. */
START_TEST(two_first_calls_at_once_get_the_same_and_the_other_is_gone)
{
    use_planted();
    char path[] = "/tmp/yoke-test-default.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "[runtime planted]\nplant = pair\n"), 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(setenv("YOKE_RUNTIMES", path, 1), 0);
    pthread_t threads[2];
    void *spawners[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call, NULL), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], &spawners[i]), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_ptr_nonnull(spawners[0]);
    ck_assert_ptr_eq(spawners[0], spawners[1]);
    yk_spawner *spawner = yk_default_spawner();
    ck_assert_ptr_eq(spawners[0], spawner);
    const atomic_int *alive = spawner->ops->extension(spawner, "planted.alive/1");
    ck_assert_int_eq(atomic_load(alive), 1);
}
END_TEST

START_TEST(what_is_wrong_is_logged_and_the_next_call_tries_again)
{
    use_planted();
    (void)host_log_set(keep_line);
    ck_assert_int_eq(setenv("YOKE_RUNTIME", "U V", 1), 0);
    ck_assert_ptr_null(yk_default_spawner());
    ck_assert_str_eq(logged,
                     "0 no default spawner: YOKE_RUNTIME: 'U V' is not allowed; allowed is a "
                     "name made of a-z, 0-9, _ and -, or the absolute path of a plugin");
    use_planted();
    ck_assert_ptr_nonnull(yk_default_spawner());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("default");
    suite_add(suite, there_is_one_and_it_is_what_is_configured);
    suite_add(suite, two_first_calls_at_once_get_the_same_and_the_other_is_gone);
    suite_add(suite, what_is_wrong_is_logged_and_the_next_call_tries_again);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * planted_leaks.c - tests that end badly and leave a child behind, for test_janitor.sh to look at.
 *
 * Layer: tests/support, a program of its own; not a test by itself.  CK_RUN_CASE names the one to
 * run.  Each writes the child's pid to the file PLANTED_PIDS. */
#include "tests/support/support.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANG_SECONDS 0.3 /* until Check kills the test that hangs */

/* Starts `sleep 1000` in a group of its own, or in a session of its own. */
static pid_t child_start(short flags)
{
    char *argv[] = {(char[]){"sleep"}, (char[]){"1000"}, NULL};
    posix_spawnattr_t attributes;
    pid_t pid = 0;
    ck_assert_int_eq(posix_spawnattr_init(&attributes), 0);
    ck_assert_int_eq(posix_spawnattr_setflags(&attributes, flags), 0);
    ck_assert_int_eq(posix_spawnp(&pid, "sleep", NULL, &attributes, argv, environ), 0);
    ck_assert_int_eq(posix_spawnattr_destroy(&attributes), 0);

    FILE *pids = fopen(getenv("PLANTED_PIDS"), "ae");
    ck_assert_ptr_nonnull(pids);
    ck_assert_int_gt(fprintf(pids, "%d\n", (int)pid), 0);
    ck_assert_int_eq(fclose(pids), 0);
    return pid;
}

static pid_t registered_start(void)
{
    pid_t pid = child_start(POSIX_SPAWN_SETPGROUP);
    support_register_group(pid, "planted");
    return pid;
}

START_TEST(an_assertion_fails)
{
    pid_t pid = registered_start();
    ck_assert_int_eq(pid, 0);
}
END_TEST

START_TEST(it_hangs)
{
    (void)registered_start();
    for (;;)
        (void)pause();
}
END_TEST

START_TEST(it_is_killed)
{
    (void)registered_start();
    (void)kill(getpid(), SIGKILL);
}
END_TEST

START_TEST(the_whole_program_is_killed)
{
    (void)registered_start();
    (void)kill(getppid(), SIGKILL); /* Check's own process */
    for (;;)
        (void)pause();
}
END_TEST

START_TEST(it_passes_and_leaves_a_group)
{
    (void)registered_start();
}
END_TEST

START_TEST(it_passes_and_leaves_a_daemon)
{
    support_register_daemon(child_start(POSIX_SPAWN_SETSID), "planted");
}
END_TEST

START_TEST(it_passes_and_leaves_an_orphan_that_nobody_registered)
{
    (void)child_start(POSIX_SPAWN_SETSID);
}
END_TEST

START_TEST(it_passes_and_leaves_a_container)
{
    support_register_container("planted-container");
}
END_TEST

START_TEST(it_tidies_up)
{
    pid_t pid = registered_start();
    ck_assert_int_eq(kill(-pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    support_forget_group(pid);
}
END_TEST

START_TEST(it_forgets_what_lives)
{
    pid_t pid = registered_start();
    support_forget_group(pid);
}
END_TEST

static TCase *plant(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("planted_leaks");
    (void)plant(suite, "assertion", an_assertion_fails);
    tcase_set_timeout(plant(suite, "hang", it_hangs), HANG_SECONDS);
    (void)plant(suite, "kill", it_is_killed);
    (void)plant(suite, "kill_program", the_whole_program_is_killed);
    (void)plant(suite, "group", it_passes_and_leaves_a_group);
    (void)plant(suite, "daemon", it_passes_and_leaves_a_daemon);
    (void)plant(suite, "orphan", it_passes_and_leaves_an_orphan_that_nobody_registered);
    (void)plant(suite, "container", it_passes_and_leaves_a_container);
    (void)plant(suite, "tidy", it_tidies_up);
    (void)plant(suite, "forgotten", it_forgets_what_lives);
    return support_main(suite);
}

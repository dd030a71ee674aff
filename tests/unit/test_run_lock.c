/* SPDX-License-Identifier: MIT
 * test_run_lock.c - one run at a time of what a path names. */
#include "core/base/run_lock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

static char folder[] = "/tmp/yoke-test-run-XXXXXX";
static char run_folder[sizeof folder + 4];

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(run_folder, sizeof run_folder, "%s/run", folder);
}

static void remove_folder(void)
{
    ck_assert_int_eq(rmdir(run_folder), 0); /* the lock file is gone */
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(a_second_run_is_refused_and_told_the_holder)
{
    make_folder();
    struct error err = {0};
    pid_t holder = 0;
    {
        OWNED(run_lock) struct run_lock *lock = NULL;
        ck_assert_int_eq(run_lock_take("/a/services.yaml", folder, &lock, &holder, &err), 0);
        OWNED(run_lock) struct run_lock *second = NULL;
        ck_assert_int_eq(run_lock_take("/a/services.yaml", folder, &second, &holder, &err),
                         -EWOULDBLOCK);
        ck_assert_int_eq(holder, getpid());
        ck_assert_str_eq(err.text, "/a/services.yaml is in use");
        OWNED(run_lock) struct run_lock *other = NULL;
        ck_assert_int_eq(run_lock_take("/b/services.yaml", folder, &other, &holder, &err), 0);
    }
    OWNED(run_lock) struct run_lock *again = NULL;
    ck_assert_int_eq(run_lock_take("/a/services.yaml", folder, &again, NULL, &err), 0);
    run_lock_free(MOVE(again));
    remove_folder();
}
END_TEST

START_TEST(the_lock_ends_with_its_holder)
{
    make_folder();
    struct error err = {0};
    int told[2];
    ck_assert_int_eq(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        struct run_lock *lock = NULL;
        char taken = (char)(run_lock_take("/a", folder, &lock, NULL, NULL) == 0);
        (void)!write(told[1], &taken, 1);
        for (;;)
            (void)pause();
    }
    char taken = 0;
    ck_assert_int_eq(read(told[0], &taken, 1), 1);
    ck_assert_int_eq(taken, 1);
    struct run_lock *lock = NULL;
    pid_t holder = 0;
    ck_assert_int_eq(run_lock_take("/a", folder, &lock, &holder, &err), -EWOULDBLOCK);
    ck_assert_int_eq(holder, child);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(run_lock_take("/a", folder, &lock, &holder, &err), 0);
    run_lock_free(lock);
    (void)close(told[0]);
    (void)close(told[1]);
    remove_folder();
}
END_TEST

START_TEST(a_folder_that_others_may_write_is_refused)
{
    make_folder();
    struct error err = {0};
    struct run_lock *lock = NULL;
    ck_assert_int_eq(mkdir(run_folder, 0700), 0);
    ck_assert_int_eq(chmod(run_folder, 0777), 0);
    ck_assert_int_eq(run_lock_take("/a", folder, &lock, NULL, &err), -EPERM);
    ck_assert_ptr_nonnull(strstr(err.text, "writable by nobody else"));
    ck_assert_int_eq(rmdir(run_folder), 0);
    ck_assert_int_eq(symlink("/tmp", run_folder), 0);
    ck_assert_int_eq(run_lock_take("/a", folder, &lock, NULL, &err), -ENOTDIR);
    ck_assert_int_eq(unlink(run_folder), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_lock");
    suite_add(suite, a_second_run_is_refused_and_told_the_holder);
    suite_add(suite, the_lock_ends_with_its_holder);
    suite_add(suite, a_folder_that_others_may_write_is_refused);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_registry.c - which dead children may be reaped.
 *
 * Layer: tests/unit. */
#include "core/process/registry.h"

#include "tests/support/support.h"

#include <sys/wait.h>
#include <unistd.h>

/* A child that is dead and not reaped. */
static pid_t dead_child(void)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    return pid;
}

static bool is_there(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

START_TEST(what_nobody_owns_is_reaped)
{
    static struct registry registry;
    registry_init(&registry);
    pid_t pid = dead_child();
    registry_reap(&registry, pid, true);
    ck_assert(!is_there(pid));
    ck_assert_uint_eq(registry_reaped(&registry), 1);
    registry_reap(&registry, pid, true); /* gone already */
    ck_assert_uint_eq(registry_reaped(&registry), 1);
    ck_assert(!registry_take_skipped(&registry));
}
END_TEST

START_TEST(what_may_be_new_is_left_while_children_are_made)
{
    static struct registry registry;
    registry_init(&registry);
    registry_start_begin(&registry);
    pid_t new_child = dead_child();
    pid_t orphan = dead_child();
    registry_reap(&registry, new_child, true);
    ck_assert(is_there(new_child));
    ck_assert(registry_take_skipped(&registry));
    ck_assert(!registry_take_skipped(&registry));
    registry_reap(&registry, orphan, false); /* cannot be the one that is being made */
    ck_assert(!is_there(orphan));

    struct registry_entry entry = {.pid = new_child};
    registry_start_end(&registry, &entry);
    registry_reap(&registry, new_child, true);
    ck_assert(is_there(new_child)); /* is owned now */
    ck_assert(!registry_take_skipped(&registry));
    registry_disown(&registry, &entry);
    registry_reap(&registry, new_child, true);
    ck_assert(!is_there(new_child));
}
END_TEST

START_TEST(child_that_was_not_made_is_not_entered)
{
    static struct registry registry;
    registry_init(&registry);
    struct registry_entry entry = {.pid = 0};
    registry_start_begin(&registry);
    registry_start_end(&registry, &entry);
    pid_t orphan = dead_child();
    registry_reap(&registry, orphan, true);
    ck_assert(!is_there(orphan));
    list_init(&entry.link);
    registry_disown(&registry, &entry); /* does nothing */
}
END_TEST

START_TEST(numbers_of_one_bucket_are_told_apart)
{
    static struct registry registry;
    registry_init(&registry);
    pid_t pid = dead_child();
    struct registry_entry owned[3] = {
        {.pid = pid + REGISTRY_BUCKETS}, {.pid = pid}, {.pid = pid + 2 * REGISTRY_BUCKETS}};
    for (int i = 0; i < 3; i++) {
        registry_start_begin(&registry);
        registry_start_end(&registry, &owned[i]);
    }
    registry_reap(&registry, pid, true);
    ck_assert(is_there(pid));
    registry_disown(&registry, &owned[1]);
    registry_reap(&registry, pid, true);
    ck_assert(!is_there(pid));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry");
    suite_add(suite, what_nobody_owns_is_reaped);
    suite_add(suite, what_may_be_new_is_left_while_children_are_made);
    suite_add(suite, child_that_was_not_made_is_not_entered);
    suite_add(suite, numbers_of_one_bucket_are_told_apart);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_reaper.c - the orphans of children are reaped, and nothing that is owned: on every runtime.
 *
 * Layer: tests/unit. */
#include "tests/unit/child_case.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <yoke/group.h>
#include <yoke/reaper.h>
#include <yoke/signals.h>

static const int sigchld[] = {SIGCHLD, 0};

/* As TASK_TEST, with SIGCHLD blocked before the spawner makes its threads. */
#define REAPER_TEST(name)                                                                          \
    static void name##_body(yk_task *self);                                                        \
    static int name##_main(yk_task *self, void *arg)                                               \
    {                                                                                              \
        (void)arg;                                                                                 \
        name##_body(self);                                                                         \
        return 0;                                                                                  \
    }                                                                                              \
    START_TEST(name)                                                                               \
    {                                                                                              \
        ck_assert_int_eq(yk_signals_block(sigchld), 0);                                            \
        support_run(_i, name##_main, NULL);                                                        \
    }                                                                                              \
    END_TEST                                                                                       \
    static void name##_body(yk_task *self)

static yk_reaper *reaper_new(yk_task *self)
{
    yk_reaper *reaper = NULL;
    ck_assert_int_eq(yk_reaper_new(yk_task_spawner(self), &reaper), 0);
    return reaper;
}

static yk_child *shell(yk_task *self, yk_reaper *reaper, const char *line)
{
    const char *const argv[] = {"sh", "-c", line, NULL};
    const yk_child_options options = {.program = "sh", .argv = argv, .reaper = reaper};
    return child_start(self, &options);
}

static void await_gone(yk_task *self, pid_t pid)
{
    int64_t deadline = support_deadline(self);
    while (process_exists(pid)) {
        ck_assert_msg(yk_now(self) < deadline, "process %d is there still, in state %c", (int)pid,
                      process_state(pid));
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
}

REAPER_TEST(orphans_are_reaped)
{
    yk_reaper *reaper = reaper_new(self);
    yk_child *child = shell(self, reaper, "sleep 1000 & echo $!; sleep 1000 & echo $!; exit 0");
    pid_t first = child_read_pid(self, child);
    pid_t second = child_read_pid(self, child);
    child_expect_exit(self, child, 0, 0);
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), NULL), 0);
    await_gone(self, first);
    await_gone(self, second);
    ck_assert_uint_eq(yk_reaper_count(reaper), 2);
    child_end(child);
    yk_reaper_free(reaper);
}

REAPER_TEST(orphan_that_leads_a_group_of_its_own_is_reaped)
{
    yk_reaper *reaper = reaper_new(self);
    yk_child *child = shell(self, reaper, "setsid sleep 0.01 & echo $!; exit 0");
    pid_t orphan = child_read_pid(self, child);
    await_gone(self, orphan);
    child_end(child);
    yk_reaper_free(reaper);
}

REAPER_TEST(leaders_are_left_to_their_owners)
{
    yk_reaper *reaper = reaper_new(self);
    yk_child *kept = shell(self, reaper, "exit 42");
    yk_child *other = shell(self, reaper, "sleep 0.01 & echo $!; exit 0");
    pid_t orphan = child_read_pid(self, other);
    await_gone(self, orphan); /* so the reaper has been through, `kept` being dead as well */
    child_expect_exit(self, kept, 42, 0);
    ck_assert_int_eq(process_state(yk_child_pid(kept)), 'Z');
    ck_assert_int_eq(process_state(yk_child_pid(other)), 'Z');
    child_end(kept);
    child_end(other);
    yk_reaper_free(reaper);
}

REAPER_TEST(freed_child_is_reaped)
{
    yk_reaper *reaper = reaper_new(self);
    for (int i = 0; i < 5; i++) {
        yk_child *child = shell(self, reaper, "trap '' TERM; read x");
        pid_t pid = yk_child_pid(child);
        child_end(child);
        await_gone(self, pid);
    }
    yk_reaper_free(reaper);
}

#define CHILDREN 100

static int one_of_many(yk_task *self, void *arg)
{
    yk_reaper *reaper = arg;
    yk_child *child = shell(self, reaper, "sleep 0.01 & (sleep 0.02 &) ; exit 42");
    child_expect_exit(self, child, 42, 0); /* never -ECHILD: stolen */
    ck_assert_int_eq(yk_child_wait_group(self, child, support_deadline(self), NULL), 0);
    child_end(child);
    return 0;
}

REAPER_TEST(nothing_is_stolen_while_many_are_started)
{
    yk_reaper *reaper = reaper_new(self);
    yk_group *group = NULL;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(yk_group_spawn(group, "one", one_of_many, reaper), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    yk_group_free(group);
    int64_t deadline = support_deadline(self);
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        ck_assert_int_lt(yk_now(self), deadline);
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
    ck_assert_uint_ge(yk_reaper_count(reaper), CHILDREN); /* the shell may have reaped one of two */
    yk_reaper_free(reaper);
}

REAPER_TEST(process_is_what_it_was_after_it)
{
    int subreaper = -1;
    ck_assert(signal(SIGCHLD, SIG_IGN) != SIG_ERR); /* as a careless parent leaves it */
    yk_reaper *reaper = reaper_new(self);
    ck_assert_int_eq(prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0), 0);
    ck_assert_int_eq(subreaper, 1);
    yk_child *child = shell(self, reaper, "exit 4");
    child_expect_exit(self, child, 4, 0);
    child_end(child);
    yk_reaper_free(reaper);
    ck_assert_int_eq(prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0), 0);
    ck_assert_int_eq(subreaper, 0);
}

int main(void)
{
    Suite *suite = suite_create("reaper");
    suite_add_on_every_runtime(suite, orphans_are_reaped);
    suite_add_on_every_runtime(suite, orphan_that_leads_a_group_of_its_own_is_reaped);
    suite_add_on_every_runtime(suite, leaders_are_left_to_their_owners);
    suite_add_on_every_runtime(suite, freed_child_is_reaped);
    suite_add_on_every_runtime(suite, nothing_is_stolen_while_many_are_started);
    suite_add_on_every_runtime(suite, process_is_what_it_was_after_it);
    return support_main(suite);
}

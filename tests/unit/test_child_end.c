/* SPDX-License-Identifier: MIT
 * test_child_end.c - how a child ends, and all that it has started: on every runtime.
 *
 * Layer: tests/unit. */
#include "tests/unit/child_case.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <yoke/group.h>

TASK_TEST(exit_codes_are_told)
{
    static const int codes[] = {0, 1, 2, 77, 127, 128, 137, 255};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char line[32];
        snprintf(line, sizeof line, "exit %d", codes[i]);
        yk_child *child = child_shell(self, line);
        child_expect_exit(self, child, codes[i], 0);
        child_expect_exit(self, child, codes[i], 0); /* again */
        child_end(child);
    }
}

TASK_TEST(signals_are_told)
{
    static const int signals[] = {SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGPIPE, SIGUSR1};
    const struct rlimit no_core = {0};
    ck_assert_int_eq(setrlimit(RLIMIT_CORE, &no_core), 0);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        char line[32];
        snprintf(line, sizeof line, "kill -%d $$; read x", signals[i]);
        yk_child *child = child_shell(self, line);
        child_expect_exit(self, child, -1, signals[i]);
        child_end(child);
    }
}

TASK_TEST(wait_ends_by_its_deadline_and_goes_on)
{
    yk_child *child = child_shell(self, "read line; exit 5");
    ck_assert_int_eq(yk_child_wait(self, child, 0, NULL), -ETIMEDOUT);
    int64_t deadline = yk_deadline_ms(self, 20);
    ck_assert_int_eq(yk_child_wait(self, child, deadline, NULL), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(self), deadline);
    yk_child_close_stdin(child);
    child_expect_exit(self, child, 5, 0);
    child_end(child);
}

static int wait_five(yk_task *self, void *arg)
{
    yk_exit how = {0};
    int r = yk_child_wait(self, arg, support_deadline(self), &how);
    return r < 0 ? r : how.code;
}

TASK_TEST(several_tasks_wait_and_one_is_cancelled)
{
    for (int cancelled = 0; cancelled < 4; cancelled++) {
        yk_child *child = child_shell(self, "read line; exit 5");
        yk_task *tasks[4];
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(
                yk_task_spawn(yk_task_spawner(self), "wait", wait_five, child, &tasks[i]), 0);
            support_settle(self);
        }
        yk_task_cancel(tasks[cancelled]);
        support_settle(self);
        yk_child_close_stdin(child);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(yk_task_join_free(self, tasks[i]), i == cancelled ? -ECANCELED : 5);
        child_end(child);
    }
}

static bool has_pidfds(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

TASK_TEST(leader_is_a_zombie_until_the_child_is_freed)
{
    child_warm_up(self);
    yk_child *child = child_shell(self, "true");
    pid_t pid = yk_child_pid(child);
    int fd_count = support_fd_count();
    child_expect_exit(self, child, 0, 0);
    ck_assert_int_eq(process_state(pid), 'Z');
    if (has_pidfds())
        ck_assert_int_lt(support_fd_count(), fd_count);   /* it is not needed any more */
    ck_assert_int_eq(yk_child_signal(child, SIGTERM), 0); /* reaches nobody, no stranger either */
    child_end(child);
    ck_assert(!process_exists(pid));
}

TASK_TEST(wait_returns_while_a_grandchild_holds_the_pipe)
{
    yk_child *child = child_shell(self, "sleep 1000 & echo $!; exit 3");
    pid_t grandchild = child_read_pid(self, child);
    child_expect_exit(self, child, 3, 0);
    char byte;
    ck_assert_int_eq(
        yk_child_read(self, child, YK_CHILD_STDOUT, &byte, 1, yk_deadline_ms(self, 10)),
        -ETIMEDOUT);
    pid_t alive = 0;
    ck_assert_int_eq(yk_child_wait_group(self, child, yk_deadline_ms(self, 10), &alive),
                     -ETIMEDOUT);
    ck_assert_int_eq(alive, grandchild);
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), NULL), 0);
    ck_assert_int_eq(yk_child_read(self, child, YK_CHILD_STDOUT, &byte, 1, support_deadline(self)),
                     0);
    ck_assert(process_state(grandchild) == '\0' || process_state(grandchild) == 'Z');
    child_end(child);
}

TASK_TEST(stop_within_the_grace_is_0)
{
    yk_child *child = child_shell(self, "trap 'exit 7' TERM; echo ready; while :; do read x; done");
    char line[64];
    child_read_line(self, child, line, sizeof line);
    pid_t pid = -1;
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), &pid), 0);
    ck_assert_int_eq(pid, 0);
    child_expect_exit(self, child, 7, 0);
    ck_assert_int_eq(yk_child_signal(child, SIGTERM), -ESRCH); /* the group is known to be empty */
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), NULL), 0); /* again */
    child_end(child);
}

TASK_TEST(stop_takes_another_signal)
{
    yk_child *child = child_shell(self, "trap '' TERM; trap 'exit 9' INT; echo ready;"
                                        "while :; do read x; done");
    char line[64];
    child_read_line(self, child, line, sizeof line);
    ck_assert_int_eq(yk_child_stop(self, child, SIGINT, support_deadline(self), NULL), 0);
    child_expect_exit(self, child, 9, 0);
    child_end(child);
}

TASK_TEST(stop_kills_who_ignores_the_signal)
{
    yk_child *child = child_shell(self, "trap '' TERM; echo ready; exec sleep 1000");
    char line[64];
    child_read_line(self, child, line, sizeof line);
    int64_t grace = yk_deadline_ms(self, 20);
    ck_assert_int_eq(yk_child_stop(self, child, 0, grace, NULL), 1);
    ck_assert_int_ge(yk_now(self), grace);
    child_expect_exit(self, child, -1, SIGKILL);
    child_end(child);
}

TASK_TEST(stop_ends_who_is_stopped)
{
    yk_child *child = child_shell(self, "echo $$; kill -STOP $$; read x");
    pid_t pid = child_read_pid(self, child);
    int64_t deadline = support_deadline(self);
    while (process_state(pid) != 'T') {
        ck_assert_int_lt(yk_now(self), deadline);
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), NULL), 0);
    child_expect_exit(self, child, -1, SIGTERM);
    child_end(child);
}

/* Ten grandchildren, of which five ignore SIGTERM, and the leader ends first. */
TASK_TEST(stop_ends_the_group_whose_leader_ended_first)
{
    yk_child *child =
        child_shell(self, "for i in 1 2 3 4 5; do sleep 1000 & echo $!; done; trap '' TERM;"
                          "for i in 1 2 3 4 5; do sleep 1000 & echo $!; done; exit 0");
    pid_t pids[10];
    for (int i = 0; i < 10; i++)
        pids[i] = child_read_pid(self, child);
    child_expect_exit(self, child, 0, 0);
    for (int i = 0; i < 10; i++)
        ck_assert(process_exists(pids[i]));
    ck_assert_int_eq(yk_child_stop(self, child, 0, yk_deadline_ms(self, 20), NULL), 1);
    for (int i = 0; i < 10; i++)
        ck_assert_msg(process_state(pids[i]) == '\0' || process_state(pids[i]) == 'Z',
                      "process %d is alive", (int)pids[i]);
    child_end(child);
}

TASK_TEST(group_is_empty_though_somebody_has_left_it)
{
    yk_child *child = child_shell(self, "setsid sleep 1000 & echo $!; exit 0");
    pid_t other = child_read_pid(self, child);
    support_register_daemon(other, "left");
    int64_t deadline = support_deadline(self);
    while (getsid(other) != other) {
        ck_assert_int_lt(yk_now(self), deadline);
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), NULL), 0);
    child_end(child);
    ck_assert(process_state(other) == 'S' || process_state(other) == 'R');
    ck_assert_int_eq(kill(other, SIGKILL), 0);
    process_await_end(self, other);
    support_forget_daemon(other);
}

static int stop_with_grace(yk_task *self, void *arg)
{
    return yk_child_stop(self, arg, 0, yk_deadline_ms(self, 20), NULL);
}

TASK_TEST(stop_goes_through_with_it_when_cancelled)
{
    yk_child *child = child_shell(self, "trap '' TERM; echo ready; exec sleep 1000");
    char line[64];
    child_read_line(self, child, line, sizeof line);
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "stop", stop_with_grace, child, &task),
                     0);
    yk_task_cancel(task);
    ck_assert_int_eq(yk_task_join_free(self, task), 1);
    child_expect_exit(self, child, -1, SIGKILL);
    child_end(child);
}

TASK_TEST(signal_reaches_the_whole_group)
{
    yk_child *child = child_shell(
        self,
        "trap 'echo one' USR1; sh -c 'trap \"echo two\" USR1; echo ready; sleep 1000 & wait' & "
        "echo ready; read x; wait");
    char line[64];
    child_read_line(self, child, line, sizeof line);
    child_read_line(self, child, line, sizeof line);
    ck_assert_int_eq(yk_child_signal(child, SIGUSR1), 0);
    char first[64], second[64];
    child_read_line(self, child, first, sizeof first);
    child_read_line(self, child, second, sizeof second);
    ck_assert_str_ne(first, second);
    ck_assert_int_eq(yk_child_signal(child, 999), -EINVAL);
    child_end(child);
}

TASK_TEST(free_kills_the_group_and_leaves_no_zombie)
{
    yk_child *child = child_shell(self, "trap '' TERM; sleep 1000 & echo $!; echo $$; wait");
    pid_t grandchild = child_read_pid(self, child);
    pid_t leader = child_read_pid(self, child);
    ck_assert_int_eq(leader, yk_child_pid(child));
    child_end(child);
    process_await_end(self, grandchild);
    int64_t deadline = support_deadline(self);
    while (process_exists(leader)) { /* a task of its own reaps it */
        ck_assert_int_lt(yk_now(self), deadline);
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
}

TASK_TEST(child_that_others_reaped_is_echild_and_never_signalled)
{
    yk_child *child = child_shell(self, "exit 3");
    ck_assert_int_eq(waitpid(yk_child_pid(child), NULL, 0), yk_child_pid(child));
    ck_assert_int_eq(yk_child_wait(self, child, support_deadline(self), NULL), -ECHILD);
    ck_assert_int_eq(yk_child_signal(child, SIGTERM), -ESRCH);
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), NULL), -ECHILD);
    child_end(child);
}

TASK_TEST(process_that_ignores_sigchld_is_refused)
{
    ck_assert(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    const char *const argv[] = {"true", NULL};
    const yk_child_options options = {.program = "true", .argv = argv};
    char text[YK_CHILD_ERROR_TEXT_BYTES];
    ck_assert_int_eq(child_refused(self, &options, text), -EINVAL);
    ck_assert_ptr_nonnull(strstr(text, "SIGCHLD"));
}

/* Before the spawner makes its threads: the filter is inherited, not shared. */
static int without_pidfds(yk_task *self, void *arg)
{
    (void)arg;
    yk_child *child = child_shell(self, "read line; exit 5");
    ck_assert_int_eq(yk_child_wait(self, child, 0, NULL), -ETIMEDOUT);
    int64_t deadline = yk_deadline_ms(self, 5);
    ck_assert_int_eq(yk_child_wait(self, child, deadline, NULL), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(self), deadline);
    yk_child_close_stdin(child);
    child_expect_exit(self, child, 5, 0);
    child_end(child);

    child = child_shell(self, "trap '' TERM; sleep 1000 & echo $!; exit 0");
    pid_t grandchild = child_read_pid(self, child);
    ck_assert_int_eq(yk_child_stop(self, child, 0, yk_deadline_ms(self, 20), NULL), 1);
    ck_assert(process_state(grandchild) == '\0' || process_state(grandchild) == 'Z');
    child_end(child);

    child = child_shell(self, "exec sleep 1000");
    pid_t pid = yk_child_pid(child);
    child_end(child);
    deadline = support_deadline(self);
    while (process_exists(pid)) { /* a task of its own reaps it */
        ck_assert_int_lt(yk_now(self), deadline);
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
    return 0;
}

START_TEST(ends_are_told_where_there_are_no_pidfds)
{
    if (!pidfds_forbid())
        return; /* no seccomp in this kernel */
    support_run(_i, without_pidfds, NULL);
}
END_TEST

#define CHILDREN 50

static int stop_one(yk_task *self, void *arg)
{
    (void)arg;
    yk_child *child = child_shell(self, "sleep 1000 & sleep 1000 & echo $!; wait");
    pid_t grandchild = child_read_pid(self, child);
    ck_assert_int_eq(yk_child_stop(self, child, 0, support_deadline(self), NULL), 0);
    ck_assert(process_state(grandchild) == '\0' || process_state(grandchild) == 'Z');
    child_end(child);
    return 0;
}

TASK_TEST(many_groups_are_stopped_at_once)
{
    OWNED(yk_group) yk_group *group = NULL;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(yk_group_spawn(group, "stop", stop_one, NULL), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
}

int main(void)
{
    Suite *suite = suite_create("child_end");
    suite_add_on_every_runtime(suite, exit_codes_are_told);
    suite_add_on_every_runtime(suite, signals_are_told);
    suite_add_on_every_runtime(suite, wait_ends_by_its_deadline_and_goes_on);
    suite_add_on_every_runtime(suite, several_tasks_wait_and_one_is_cancelled);
    suite_add_on_every_runtime(suite, leader_is_a_zombie_until_the_child_is_freed);
    suite_add_on_every_runtime(suite, wait_returns_while_a_grandchild_holds_the_pipe);
    suite_add_on_every_runtime(suite, stop_within_the_grace_is_0);
    suite_add_on_every_runtime(suite, stop_takes_another_signal);
    suite_add_on_every_runtime(suite, stop_kills_who_ignores_the_signal);
    suite_add_on_every_runtime(suite, stop_ends_who_is_stopped);
    suite_add_on_every_runtime(suite, stop_ends_the_group_whose_leader_ended_first);
    suite_add_on_every_runtime(suite, group_is_empty_though_somebody_has_left_it);
    suite_add_on_every_runtime(suite, stop_goes_through_with_it_when_cancelled);
    suite_add_on_every_runtime(suite, signal_reaches_the_whole_group);
    suite_add_on_every_runtime(suite, free_kills_the_group_and_leaves_no_zombie);
    suite_add_on_every_runtime(suite, child_that_others_reaped_is_echild_and_never_signalled);
    suite_add_on_every_runtime(suite, process_that_ignores_sigchld_is_refused);
    suite_add_on_every_runtime(suite, ends_are_told_where_there_are_no_pidfds);
    suite_add_on_every_runtime(suite, many_groups_are_stopped_at_once);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_census.c - what /proc says of processes.
 *
 * Layer: tests/unit. */
#include "core/process/census.h"

#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REST " -1 4194304 1 2 3 4 5 6 7 8 20 0 "

START_TEST(stat_is_read_whatever_the_name)
{
    static const char *const names[] = {"sleep", "a b", ")", "x) R 1 1", "((", "", "\n"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "4711 (%s) S 12 34 56 0" REST "1 0 987654 1 2\n", names[i]);
        struct census_entry entry = {0};
        ck_assert_int_eq(census_parse(text, &entry), 0);
        ck_assert_int_eq(entry.pid, 4711);
        ck_assert_int_eq(entry.parent, 12);
        ck_assert_int_eq(entry.group, 34);
        ck_assert_uint_eq(entry.start, 987654);
        ck_assert(entry.alive);
    }
}
END_TEST

START_TEST(zombie_is_alive_only_while_it_has_threads)
{
    struct census_entry entry;
    ck_assert_int_eq(census_parse("7 (a) Z 1 7 7 0" REST "1 0 5", &entry), 0);
    ck_assert(!entry.alive);
    ck_assert_int_eq(census_parse("7 (a) X 1 7 7 0" REST "0 0 5", &entry), 0);
    ck_assert(!entry.alive);
    ck_assert_int_eq(census_parse("7 (a) Z 1 7 7 0" REST "3 0 5", &entry), 0);
    ck_assert(entry.alive);
}
END_TEST

START_TEST(what_is_no_stat_is_eproto)
{
    static const char *const texts[] = {
        "", "7", "7 (a", "7 (a)", "7 (a) ", "7 (a) S", "7 (a) S 1 7 7 0 0 -1", "x (a) S 1 7 7 0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct census_entry entry;
        ck_assert_int_eq(census_parse(texts[i], &entry), -EPROTO);
    }
}
END_TEST

START_TEST(census_finds_the_living_of_a_group)
{
    pid_t leader = fork();
    ck_assert_int_ge(leader, 0);
    if (leader == 0) {
        (void)setpgid(0, 0);
        pause();
        _exit(0);
    }
    (void)setpgid(leader, leader);
    pid_t member = fork();
    ck_assert_int_ge(member, 0);
    if (member == 0) {
        (void)setpgid(0, leader);
        pause();
        _exit(0);
    }
    (void)setpgid(member, leader);
    ck_assert_int_eq(kill(leader, SIGKILL), 0);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)leader, &info, WEXITED | WNOWAIT), 0);

    OWNED(census) struct census *census = NULL;
    ck_assert_int_eq(census_take(&census), 0);
    const struct census_entry *found = census_find_alive(census, leader);
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->pid, member);
    ck_assert_int_eq(found->parent, getpid());

    int fd = census_open(found);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    struct census_entry other = *found;
    other.start++;
    ck_assert_int_eq(census_open(&other), -ESRCH); /* another one with the same number */

    ck_assert_int_eq(kill(-leader, SIGKILL), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)member, &info, WEXITED), 0);
    ck_assert_int_eq(census_open(found), -ESRCH);
    ck_assert_int_eq(census_look(member, &other), -ESRCH);
    struct census *later = NULL;
    ck_assert_int_eq(census_take(&later), 0);
    ck_assert_ptr_null(census_find_alive(later, leader)); /* a zombie is left, and counts not */
    census_free(later);
    ck_assert_int_eq(waitid(P_PID, (id_t)leader, &info, WEXITED), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("census");
    suite_add(suite, stat_is_read_whatever_the_name);
    suite_add(suite, zombie_is_alive_only_while_it_has_threads);
    suite_add(suite, what_is_no_stat_is_eproto);
    suite_add(suite, census_finds_the_living_of_a_group);
    return support_main(suite);
}

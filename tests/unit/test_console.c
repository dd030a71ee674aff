/* SPDX-License-Identifier: MIT
 * test_console.c - lines on a descriptor that is slow, stopped, full or gone: on every runtime.
 *
 * Layer: tests/unit.  The two tests of a stalled reader take CONSOLE_STALL_MS by their nature. */
#include "core/process/console.h"

#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <yoke/group.h>
#include <yoke/wait_fd.h>

#define LINE_BYTES ((size_t)61001) /* so that lines lie around the buffer's end */

/* A console on one end of something, whose other end the test reads. */
struct rig {
    struct console *console;
    int ours; /* the console's */
    int theirs;
    yk_fd *wait;
};

static void rig_on(yk_task *self, struct rig *rig, int ours, int theirs)
{
    *rig = (struct rig){.ours = ours, .theirs = theirs};
    ck_assert_int_eq(fcntl(theirs, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(yk_fd_open(yk_task_spawner(self), theirs, &rig->wait), 0);
    ck_assert_int_eq(console_new(yk_task_spawner(self), ours, &rig->console), 0);
}

static void rig_open(yk_task *self, struct rig *rig)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    rig_on(self, rig, fds[1], fds[0]);
}

static void reader_close(struct rig *rig)
{
    yk_fd_free(rig->wait);
    rig->wait = NULL;
    close(rig->theirs);
    rig->theirs = -1;
}

static void rig_close(yk_task *self, struct rig *rig)
{
    int flags = fcntl(rig->ours, F_GETFL);
    ck_assert_int_eq(flags & O_NONBLOCK, 0);    /* what the shell shares is as it was */
    (void)console_close(self, rig->console, 0); /* the tests flush where they mean to */
    close(rig->ours);
    if (rig->theirs >= 0)
        reader_close(rig);
}

/* Reads `bytes_max` bytes, or fewer at the end.  Returns the count. */
static size_t rig_read(yk_task *self, struct rig *rig, char *bytes, size_t bytes_max)
{
    size_t len = 0;
    while (len < bytes_max) {
        ssize_t n = read(rig->theirs, bytes + len, bytes_max - len);
        if (n == 0)
            break;
        if (n > 0)
            len += (size_t)n;
        else
            ck_assert_int_gt(yk_fd_wait(self, rig->wait, YK_IN, support_deadline(self)), 0);
    }
    return len;
}

static void say(yk_task *self, struct rig *rig, const char *line)
{
    ck_assert_int_eq(console_write(self, rig->console, line, strlen(line)), 0);
}

static void expect_text(yk_task *self, struct rig *rig, const char *wanted)
{
    char text[256];
    size_t len = strlen(wanted);
    ck_assert_uint_lt(len, sizeof text);
    ck_assert_uint_eq(rig_read(self, rig, text, len), len);
    text[len] = '\0';
    ck_assert_str_eq(text, wanted);
}

TASK_TEST(lines_come_out_in_order)
{
    struct rig rig;
    rig_open(self, &rig);
    say(self, &rig, "one\n");
    say(self, &rig, "two\nthree\n");
    say(self, &rig, "");
    expect_text(self, &rig, "one\ntwo\nthree\n");
    ck_assert_int_eq(console_flush(self, rig.console, support_deadline(self)), 0);
    say(self, &rig, "four\n");
    expect_text(self, &rig, "four\n");
    ck_assert_uint_eq(console_lines_dropped(rig.console), 0);
    rig_close(self, &rig);
}

TASK_TEST(file_gets_all_after_a_flush_and_keeps_its_offset)
{
    char path[] = "/tmp/yoke-test-console-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(write(fd, "before\n", 7), 7);
    struct console *console = NULL;
    ck_assert_int_eq(console_new(yk_task_spawner(self), fd, &console), 0);
    ck_assert_int_eq(console_write(self, console, "line\n", 5), 0);
    ck_assert_int_eq(console_flush(self, console, support_deadline(self)), 0);
    char text[32] = "";
    ck_assert_int_eq(pread(fd, text, sizeof text - 1, 0), 12);
    ck_assert_str_eq(text, "before\nline\n");
    ck_assert_int_eq(console_write(self, console, "last\n", 5), 0);
    ck_assert_int_eq(console_close(self, console, support_deadline(self)), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 17);
    close(fd);
}

TASK_TEST(socket_and_terminal_take_lines)
{
    int fds[2];
    struct rig rig;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    rig_on(self, &rig, fds[1], fds[0]);
    say(self, &rig, "socket\n");
    expect_text(self, &rig, "socket\n");
    rig_close(self, &rig);

    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(terminal, 0);
    ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int fd = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    rig_on(self, &rig, fd, terminal);
    say(self, &rig, "terminal\n");
    expect_text(self, &rig, "terminal\r\n");

    ck_assert_int_eq(tcflow(fd, TCOOFF), 0); /* Ctrl-S */
    say(self, &rig, "stopped\n");
    ck_assert_int_eq(console_flush(self, rig.console, yk_deadline_ms(self, 50)), -ETIMEDOUT);
    ck_assert_int_eq(tcflow(fd, TCOON), 0); /* Ctrl-Q */
    expect_text(self, &rig, "stopped\r\n");
    rig_close(self, &rig);
}

#define PRODUCERS      20
#define PRODUCER_LINES 50

static int produce(yk_task *self, void *arg)
{
    struct rig *rig = *(struct rig **)arg;
    int number = *(int *)(void *)((char *)arg + sizeof rig);
    char line[2000];
    for (int i = 0; i < PRODUCER_LINES; i++) {
        memset(line, 'a' + number, sizeof line);
        line[sizeof line - 1] = '\n';
        int r = console_write(self, rig->console, line, sizeof line);
        if (r < 0)
            return r;
    }
    return 0;
}

TASK_TEST(lines_of_many_tasks_stay_whole)
{
    struct rig rig;
    rig_open(self, &rig);
    yk_group *group = NULL;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        struct {
            struct rig *rig;
            int number;
        } arg = {&rig, i};
        const yk_task_options options = {.name = "produce", .arg_bytes = sizeof arg};
        ck_assert_int_eq(yk_group_spawn_with(group, &options, produce, &arg), 0);
    }
    static char line[2000];
    int counts[PRODUCERS] = {0};
    for (int i = 0; i < PRODUCERS * PRODUCER_LINES; i++) {
        ck_assert_uint_eq(rig_read(self, &rig, line, sizeof line), sizeof line);
        ck_assert_int_eq(memcmp(line, line + 1, sizeof line - 2), 0); /* all the same */
        ck_assert_int_eq(line[sizeof line - 1], '\n');
        counts[line[0] - 'a']++;
    }
    for (int i = 0; i < PRODUCERS; i++)
        ck_assert_int_eq(counts[i], PRODUCER_LINES);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    yk_group_free(group);
    rig_close(self, &rig);
}

static void flood_line(size_t number, char line[LINE_BYTES])
{
    for (size_t i = 0; i < LINE_BYTES - 1; i++)
        line[i] = (char)('a' + (i / 26 + i + number) % 26);
    line[LINE_BYTES - 1] = '\n';
}

/* Writes three buffers full, numbered; each line is LINE_BYTES long. */
static int flood(yk_task *self, void *arg)
{
    struct rig *rig = arg;
    char *line = malloc(LINE_BYTES);
    ck_assert_ptr_nonnull(line);
    int r = 0;
    for (size_t i = 0; r == 0 && i < 3 * CONSOLE_BUFFER_BYTES / LINE_BYTES; i++) {
        flood_line(i, line);
        r = console_write(self, rig->console, line, LINE_BYTES);
    }
    free(line);
    return r;
}

static void expect_flood_line(yk_task *self, struct rig *rig, size_t number)
{
    static char line[LINE_BYTES], wanted[LINE_BYTES];
    ck_assert_uint_eq(rig_read(self, rig, line, LINE_BYTES), LINE_BYTES);
    flood_line(number, wanted);
    ck_assert_msg(memcmp(line, wanted, LINE_BYTES) == 0, "line %zu is another", number);
}

TASK_TEST(producer_waits_for_a_reader_that_moves)
{
    struct rig rig;
    rig_open(self, &rig);
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "flood", flood, &rig, &task), 0);
    for (size_t i = 0; i < 3 * CONSOLE_BUFFER_BYTES / LINE_BYTES; i++)
        expect_flood_line(self, &rig, i);
    ck_assert_int_eq(yk_task_join_free(self, task), 0);
    ck_assert_uint_eq(console_lines_dropped(rig.console), 0);
    rig_close(self, &rig);
}

TASK_TEST(lines_are_counted_while_the_reader_is_stalled)
{
    struct rig rig;
    rig_open(self, &rig);
    int64_t before = yk_now(self);
    ck_assert_int_eq(flood(self, &rig), 0); /* nobody reads: ends all the same */
    ck_assert_int_ge(yk_now(self) - before, (int64_t)CONSOLE_STALL_MS * 1000000);
    uint64_t dropped = console_lines_dropped(rig.console);
    ck_assert_uint_ge(dropped, 2 * CONSOLE_BUFFER_BYTES / LINE_BYTES - 1);
    ck_assert_int_eq(console_flush(self, rig.console, yk_deadline_ms(self, 10)), -ETIMEDOUT);

    size_t kept = 3 * CONSOLE_BUFFER_BYTES / LINE_BYTES - dropped;
    for (size_t i = 0; i < kept; i++)
        expect_flood_line(self, &rig, i);
    char marker[128];
    snprintf(marker, sizeof marker,
             "yoke | %llu lines were not shown: the terminal did not take them\n",
             (unsigned long long)dropped);
    expect_text(self, &rig, marker);
    say(self, &rig, "after\n");
    expect_text(self, &rig, "after\n");
    ck_assert_int_eq(console_flush(self, rig.console, support_deadline(self)), 0);
    ck_assert_uint_eq(console_lines_dropped(rig.console), dropped);
    rig_close(self, &rig);
}

TASK_TEST(full_disk_is_no_error_and_counts_as_stalled)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    struct rig rig = {.ours = fd, .theirs = -1};
    ck_assert_int_eq(console_new(yk_task_spawner(self), fd, &rig.console), 0);
    int64_t before = yk_now(self);
    ck_assert_int_eq(flood(self, &rig), 0);
    ck_assert_int_ge(yk_now(self) - before, (int64_t)CONSOLE_STALL_MS * 1000000);
    ck_assert_uint_gt(console_lines_dropped(rig.console), 0);
    ck_assert_int_eq(console_flush(self, rig.console, yk_deadline_ms(self, 10)), -ENOSPC);
    rig_close(self, &rig);
}

TASK_TEST(reader_that_has_gone_is_epipe_for_ever)
{
    struct rig rig;
    rig_open(self, &rig);
    say(self, &rig, "one\n");
    expect_text(self, &rig, "one\n");
    reader_close(&rig);
    int r = console_write(self, rig.console, "two\n", 4);
    ck_assert(r == 0 || r == -EPIPE);
    ck_assert_int_eq(console_flush(self, rig.console, support_deadline(self)), -EPIPE);
    ck_assert_int_eq(console_write(self, rig.console, "three\n", 6), -EPIPE);
    ck_assert_int_eq(console_flush(self, rig.console, support_deadline(self)), -EPIPE);
    rig_close(self, &rig);
}

TASK_TEST(reader_that_goes_while_the_buffer_is_full_is_epipe)
{
    struct rig rig;
    rig_open(self, &rig);
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "flood", flood, &rig, &task), 0);
    expect_flood_line(self, &rig, 0);
    reader_close(&rig);
    ck_assert_int_eq(yk_task_join_free(self, task), -EPIPE);
    rig_close(self, &rig);
}

static int say_last(yk_task *self, void *arg)
{
    static char last[LINE_BYTES];
    flood_line(1000000, last);
    const struct rig *rig = arg;
    return console_write(self, rig->console, last, LINE_BYTES);
}

/* How much was taken by then is chance; it is the first lines, and each of them is whole. */
TASK_TEST(cancelled_producer_leaves_whole_lines)
{
    static char line[LINE_BYTES], wanted[LINE_BYTES], last[LINE_BYTES];
    flood_line(1000000, last);
    struct rig rig;
    rig_open(self, &rig);
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "flood", flood, &rig, &task), 0);
    expect_flood_line(self, &rig, 0);
    yk_task_cancel(task);
    int r = yk_task_join_free(self, task);
    ck_assert_msg(r == -ECANCELED || r == 0, "%d", r);

    yk_task *writer = NULL; /* the buffer may be full */
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "last", say_last, &rig, &writer), 0);
    for (size_t i = 1; memcmp(line, last, LINE_BYTES) != 0; i++) {
        ck_assert_uint_eq(rig_read(self, &rig, line, LINE_BYTES), LINE_BYTES);
        flood_line(i, wanted);
        ck_assert(memcmp(line, wanted, LINE_BYTES) == 0 || memcmp(line, last, LINE_BYTES) == 0);
    }
    ck_assert_int_eq(yk_task_join_free(self, writer), 0);
    rig_close(self, &rig);
}

/* A full buffer in front of a pipe that nobody reads, and the console freed. */
static int leave_full(yk_task *self, void *arg)
{
    struct console *console = NULL;
    ck_assert_int_eq(console_new(yk_task_spawner(self), *(int *)arg, &console), 0);
    char *big = calloc(1, CONSOLE_BUFFER_BYTES + 1);
    ck_assert_ptr_nonnull(big);
    ck_assert_int_eq(console_write(self, console, big, CONSOLE_BUFFER_BYTES + 1), -EMSGSIZE);
    ck_assert_int_eq(console_write(self, console, big, CONSOLE_BUFFER_BYTES), 0);
    free(big);
    support_settle(self);
    console_free(console);
    return 0;
}

START_TEST(free_does_not_wait_for_the_reader)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    support_run(_i, leave_full, &fds[1]);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

TASK_TEST(descriptor_that_cannot_be_written_is_ebadf)
{
    struct console *console = NULL;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(console_new(yk_task_spawner(self), fd, &console), -EBADF);
    close(fd);
    ck_assert_int_eq(console_new(yk_task_spawner(self), fd, &console), -EBADF);
}

START_TEST(closed_standard_descriptors_are_held_and_useless)
{
    pid_t pid = fork(); /* Check's own stdout stays as it is */
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int bad = 0;
        close(0);
        close(1);
        close(2);
        bad |= console_hold_standard_fds() != 0;
        int fd = open("/dev/null", O_WRONLY);
        bad |= (fd < 3) << 1;
        bad |= (write(1, "x", 1) >= 0 || errno != EBADF) << 2;
        bad |= (write(2, "x", 1) >= 0 || errno != EBADF) << 3;
        char byte;
        bad |= (read(0, &byte, 1) >= 0 || errno != EBADF) << 4;
        close(0);
        bad |= (console_hold_standard_fds() != 0) << 5; /* only the one that is missing */
        _exit(bad);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console");
    suite_add_on_every_runtime(suite, lines_come_out_in_order);
    suite_add_on_every_runtime(suite, file_gets_all_after_a_flush_and_keeps_its_offset);
    suite_add_on_every_runtime(suite, socket_and_terminal_take_lines);
    suite_add_on_every_runtime(suite, lines_of_many_tasks_stay_whole);
    suite_add_on_every_runtime(suite, producer_waits_for_a_reader_that_moves);
    suite_add_on_every_runtime(suite, lines_are_counted_while_the_reader_is_stalled);
    suite_add_on_every_runtime(suite, full_disk_is_no_error_and_counts_as_stalled);
    suite_add_on_every_runtime(suite, reader_that_has_gone_is_epipe_for_ever);
    suite_add_on_every_runtime(suite, reader_that_goes_while_the_buffer_is_full_is_epipe);
    suite_add_on_every_runtime(suite, cancelled_producer_leaves_whole_lines);
    suite_add_on_every_runtime(suite, free_does_not_wait_for_the_reader);
    suite_add_on_every_runtime(suite, descriptor_that_cannot_be_written_is_ebadf);
    suite_add(suite, closed_standard_descriptors_are_held_and_useless);
    return support_main(suite);
}

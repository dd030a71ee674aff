/* SPDX-License-Identifier: MIT
 * test_wait_fd.c - waiting until a descriptor is ready: on every runtime.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <yoke/wait_fd.h>

#define ROUNDS 50

/* A pipe or a pair of sockets, both ends registered. */
struct wires {
    int fds[2];      /* to read from, to write to */
    yk_fd *in, *out; /* owned */
};

static yk_fd *fd_open(yk_task *self, int fd)
{
    yk_fd *own = NULL;
    ck_assert_int_eq(yk_fd_open(yk_task_spawner(self), fd, &own), 0);
    ck_assert_ptr_nonnull(own);
    return own;
}

static void wires_open(yk_task *self, struct wires *wires)
{
    ck_assert_int_eq(pipe2(wires->fds, O_NONBLOCK | O_CLOEXEC), 0);
    wires->in = fd_open(self, wires->fds[0]);
    wires->out = fd_open(self, wires->fds[1]);
}

static void sockets_open(yk_task *self, struct wires *wires)
{
    int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    ck_assert_int_eq(socketpair(AF_UNIX, kind, 0, wires->fds), 0);
    wires->in = fd_open(self, wires->fds[0]);
    wires->out = fd_open(self, wires->fds[1]);
}

static void wires_close(struct wires *wires)
{
    yk_fd_free(wires->in);
    yk_fd_free(wires->out);
    for (int i = 0; i < 2; i++)
        if (wires->fds[i] >= 0)
            ck_assert_int_eq(close(wires->fds[i]), 0);
}

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", fn, arg, &task), 0);
    return task;
}

/* Waits and reads until it has a byte: readiness may be stale.  Returns the byte or an error. */
static int read_byte(yk_task *self, void *arg)
{
    struct wires *wires = arg;
    for (;;) {
        unsigned char byte;
        int r = yk_fd_wait(self, wires->in, YK_IN, YK_NEVER);
        if (r == -EBUSY && yk_task_yield(self) == 0)
            continue; /* another thread has a look just now */
        if (r < 0)
            return r;
        ssize_t n = read(wires->fds[0], &byte, 1);
        if (n == 1)
            return byte;
        if (n == 0)
            return -EPIPE;
    }
}

static void write_byte(struct wires *wires, int byte)
{
    unsigned char bytes[1] = {(unsigned char)byte};
    ck_assert_int_eq(write(wires->fds[1], bytes, 1), 1);
}

static size_t fill(int fd)
{
    static char bytes[65536];
    size_t sum = 0;
    for (ssize_t n; (n = write(fd, bytes, sizeof bytes)) > 0;)
        sum += (size_t)n;
    return sum;
}

TASK_TEST(what_is_ready_already_is_ready_at_once)
{
    struct wires wires;
    wires_open(self, &wires);
    ck_assert_int_eq(yk_fd_wait(self, wires.out, YK_OUT, support_deadline(self)) & (int)YK_OUT,
                     YK_OUT);
    write_byte(&wires, 'x');
    ck_assert_int_eq(yk_fd_wait(self, wires.in, YK_IN, support_deadline(self)) & (int)YK_IN, YK_IN);
    ck_assert_int_eq(yk_fd_wait(self, wires.in, YK_IN, 0) & (int)YK_IN, YK_IN);
    ck_assert_int_eq(read_byte(self, &wires), 'x');
    wires_close(&wires);
}

TASK_TEST(a_task_is_woken_when_its_descriptor_becomes_ready)
{
    struct wires wires;
    wires_open(self, &wires);
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *task = spawn(self, read_byte, &wires);
        if (i % 3)
            support_settle(self);
        write_byte(&wires, i);
        ck_assert_int_eq(yk_task_join_free(self, task), i);
    }
    wires_close(&wires);
}

static int write_when_possible(yk_task *self, void *arg)
{
    struct wires *wires = arg;
    for (;;) {
        int r = yk_fd_wait(self, wires->out, YK_OUT, YK_NEVER);
        if (r < 0)
            return r;
        if (write(wires->fds[1], "y", 1) == 1)
            return 0;
    }
}

TASK_TEST(a_task_is_woken_when_there_is_room_to_write)
{
    struct wires wires;
    static char bytes[1 << 20];
    wires_open(self, &wires);
    for (int i = 0; i < 10; i++) {
        (void)fill(wires.fds[1]);
        yk_task *task = spawn(self, write_when_possible, &wires);
        if (i % 2)
            support_settle(self);
        ck_assert(!yk_task_finished(task));
        ck_assert_int_gt(read(wires.fds[0], bytes, sizeof bytes), 0);
        ck_assert_int_eq(yk_task_join_free(self, task), 0);
    }
    wires_close(&wires);
}

/* Waits on the reading end of a pair of sockets for both directions at once, from two tasks. */
static int wait_to_write_on_reading_end(yk_task *self, void *arg)
{
    struct wires *wires = arg;
    struct wires swapped = {{wires->fds[1], wires->fds[0]}, wires->out, wires->in};
    return write_when_possible(self, &swapped);
}

TASK_TEST(two_tasks_wait_for_the_two_directions_of_one_descriptor)
{
    struct wires wires;
    static char bytes[1 << 20];
    sockets_open(self, &wires);
    for (int i = 0; i < 10; i++) {
        (void)fill(wires.fds[0]);
        yk_task *reader = spawn(self, read_byte, &wires);
        yk_task *writer = spawn(self, wait_to_write_on_reading_end, &wires);
        support_settle(self);
        ck_assert(!yk_task_finished(reader));
        ck_assert(!yk_task_finished(writer));
        write_byte(&wires, i);
        ck_assert_int_eq(yk_task_join_free(self, reader), i);
        ck_assert(!yk_task_finished(writer));
        while (read(wires.fds[1], bytes, sizeof bytes) > 0)
            ;
        ck_assert_int_eq(yk_task_join_free(self, writer), 0);
        while (read(wires.fds[1], bytes, sizeof bytes) > 0)
            ;
    }
    wires_close(&wires);
}

TASK_TEST(a_second_waiter_in_one_direction_is_refused)
{
    struct wires wires;
    wires_open(self, &wires);
    yk_task *task = spawn(self, read_byte, &wires);
    int64_t deadline = support_deadline(self);
    int r = -ETIMEDOUT;
    while (r == -ETIMEDOUT && yk_now(self) < deadline) {
        support_settle(self);
        r = yk_fd_wait(self, wires.in, YK_IN, 0);
    }
    ck_assert_int_eq(r, -EBUSY);
    write_byte(&wires, 9);
    ck_assert_int_eq(yk_task_join_free(self, task), 9);
    wires_close(&wires);
}

TASK_TEST(a_wait_ends_at_its_deadline_and_not_before)
{
    struct wires wires;
    wires_open(self, &wires);
    for (int i = 0; i < 20; i++) {
        int64_t deadline = yk_now(self) + (int64_t)i * 48611;
        ck_assert_int_eq(yk_fd_wait(self, wires.in, YK_IN, deadline), -ETIMEDOUT);
        ck_assert_int_ge(yk_now(self), deadline);
    }
    ck_assert_int_eq(yk_fd_wait(self, wires.in, YK_IN, 0), -ETIMEDOUT);
    wires_close(&wires);
}

TASK_TEST(a_wait_can_be_cancelled_and_leaves_nothing_behind)
{
    struct wires wires;
    wires_open(self, &wires);
    for (int i = 0; i < ROUNDS; i++) {
        yk_task *task = spawn(self, read_byte, &wires);
        if (i % 3)
            support_settle(self);
        yk_task_cancel(task);
        ck_assert_int_eq(yk_task_join_free(self, task), -ECANCELED);
    }
    write_byte(&wires, 4);
    ck_assert_int_eq(read_byte(self, &wires), 4);
    wires_close(&wires);
}

TASK_TEST(the_end_of_the_writer_wakes_the_reader)
{
    for (int i = 0; i < 20; i++) {
        struct wires wires;
        (i % 2 ? sockets_open : wires_open)(self, &wires);
        yk_task *task = spawn(self, read_byte, &wires);
        if (i % 3)
            support_settle(self);
        yk_fd_free(MOVE(wires.out));
        ck_assert_int_eq(close(wires.fds[1]), 0);
        wires.fds[1] = -1;
        ck_assert_int_eq(yk_task_join_free(self, task), -EPIPE);
        wires_close(&wires);
    }
}

/* The system call tells what happened, the wait does not. */
static int write_until_it_fails(yk_task *self, void *arg)
{
    struct wires *wires = arg;
    for (;;) {
        int r = yk_fd_wait(self, wires->out, YK_OUT, YK_NEVER);
        if (r < 0)
            return r;
        if (write(wires->fds[1], "y", 1) < 0 && errno != EAGAIN)
            return -errno;
    }
}

TASK_TEST(the_end_of_the_reader_wakes_the_writer_as_writable)
{
    for (int i = 0; i < 20; i++) {
        struct wires wires;
        wires_open(self, &wires);
        (void)fill(wires.fds[1]);
        yk_task *task = spawn(self, write_until_it_fails, &wires);
        if (i % 2)
            support_settle(self);
        yk_fd_free(MOVE(wires.in));
        ck_assert_int_eq(close(wires.fds[0]), 0);
        wires.fds[0] = -1;
        ck_assert_int_eq(yk_task_join_free(self, task), -EPIPE);
        wires_close(&wires);
    }
}

TASK_TEST(a_descriptor_is_registered_once)
{
    struct wires wires;
    yk_fd *again = NULL;
    wires_open(self, &wires);
    ck_assert_int_eq(yk_fd_open(yk_task_spawner(self), wires.fds[0], &again), -EBUSY);
    ck_assert_ptr_null(again);
    yk_fd_free(wires.in);
    wires.in = fd_open(self, wires.fds[0]);
    write_byte(&wires, 1);
    ck_assert_int_eq(read_byte(self, &wires), 1);
    wires_close(&wires);
    yk_fd_free(NULL);
}

TASK_TEST(a_number_that_is_no_descriptor_is_refused)
{
    yk_fd *own = NULL;
    ck_assert_int_eq(yk_fd_open(yk_task_spawner(self), -1, &own), -EBADF);
    ck_assert_int_eq(yk_fd_open(yk_task_spawner(self), 1000000, &own), -EBADF);
    ck_assert_ptr_null(own);
}

/* A task that waits in a descriptor that is freed under it, by its test's task. */
struct freed {
    struct wires wires;
    _Atomic int begun;
};

static int wait_in_vain(yk_task *self, void *arg)
{
    struct freed *freed = arg;
    freed->begun++;
    return yk_fd_wait(self, freed->wires.in, YK_IN, YK_NEVER);
}

/* Returns once the task has the descriptor's reading direction. */
static void await_reader(yk_task *self, struct freed *freed)
{
    int64_t deadline = support_deadline(self);
    int r = -ETIMEDOUT;
    while (r == -ETIMEDOUT) {
        ck_assert_int_lt(yk_now(self), deadline);
        support_settle(self);
        r = freed->begun ? yk_fd_wait(self, freed->wires.in, YK_IN, 0) : -ETIMEDOUT;
    }
    ck_assert_int_eq(r, -EBUSY);
}

TASK_TEST(freeing_a_descriptor_ends_the_wait_in_it)
{
    for (int i = 0; i < 20; i++) {
        struct freed freed = {.begun = 0};
        wires_open(self, &freed.wires);
        yk_task *task = spawn(self, wait_in_vain, &freed);
        await_reader(self, &freed);
        yk_fd_free(MOVE(freed.wires.in));
        ck_assert_int_eq(yk_task_join_free(self, task), -EBADF);
        wires_close(&freed.wires);
    }
}

TASK_TEST(a_number_that_is_used_again_gets_fresh_state)
{
    int number = -1;
    for (int i = 0; i < 20; i++) {
        struct wires wires;
        wires_open(self, &wires);
        ck_assert(number < 0 || wires.fds[0] == number);
        number = wires.fds[0];
        ck_assert_int_eq(yk_fd_wait(self, wires.in, YK_IN, 0), -ETIMEDOUT);
        write_byte(&wires, i);
        ck_assert_int_gt(yk_fd_wait(self, wires.in, YK_IN, support_deadline(self)), 0);
        if (i % 2)
            ck_assert_int_eq(read_byte(self, &wires), i);
        wires_close(&wires);
    }
}

TASK_TEST(a_regular_file_is_always_ready)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fcntl(fileno(file), F_SETFL, O_NONBLOCK), 0);
    yk_fd *own = fd_open(self, fileno(file));
    for (int i = 0; i < 5; i++) {
        ck_assert_int_gt(yk_fd_wait(self, own, YK_IN, support_deadline(self)), 0);
        ck_assert_int_gt(yk_fd_wait(self, own, YK_OUT, 0), 0);
    }
    yk_fd_free(own);
    ck_assert_int_eq(fclose(file), 0);
}

TASK_TEST(an_eventfd_can_be_waited_for)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    yk_fd *own = fd_open(self, fd);
    ck_assert_int_eq(yk_fd_wait(self, own, YK_IN, 0), -ETIMEDOUT);
    ck_assert_int_eq(eventfd_write(fd, 1), 0);
    ck_assert_int_gt(yk_fd_wait(self, own, YK_IN, support_deadline(self)), 0);
    yk_fd_free(own);
    ck_assert_int_eq(close(fd), 0);
}

static int write_all(yk_task *self, void *arg)
{
    struct wires *wires = arg;
    static const char bytes[3000];
    for (size_t sent = 0; sent < (size_t)100 * sizeof bytes;) {
        int r = yk_fd_wait(self, wires->out, YK_OUT, support_deadline(self));
        if (r < 0)
            return r;
        ssize_t n = write(wires->fds[1], bytes, sizeof bytes);
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int read_all(yk_task *self, void *arg)
{
    struct wires *wires = arg;
    char bytes[2000];
    for (size_t got = 0; got < (size_t)100 * 3000;) {
        int r = yk_fd_wait(self, wires->in, YK_IN, support_deadline(self));
        if (r < 0)
            return r;
        ssize_t n = read(wires->fds[0], bytes, sizeof bytes);
        got += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

TASK_TEST(many_pairs_of_tasks_push_bytes_through_many_pipes)
{
    struct wires wires[20];
    yk_task *tasks[40];
    for (int i = 0; i < 20; i++) {
        (i % 2 ? sockets_open : wires_open)(self, &wires[i]);
        tasks[2 * i] = spawn(self, read_all, &wires[i]);
        tasks[2 * i + 1] = spawn(self, write_all, &wires[i]);
    }
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), 0);
    for (int i = 0; i < 20; i++)
        wires_close(&wires[i]);
}

int main(void)
{
    Suite *suite = suite_create("wait_fd");
    (void)signal(SIGPIPE, SIG_IGN); /* the tests look at EPIPE */
    suite_add_on_every_runtime(suite, what_is_ready_already_is_ready_at_once);
    suite_add_on_every_runtime(suite, a_task_is_woken_when_its_descriptor_becomes_ready);
    suite_add_on_every_runtime(suite, a_task_is_woken_when_there_is_room_to_write);
    suite_add_on_every_runtime(suite, two_tasks_wait_for_the_two_directions_of_one_descriptor);
    suite_add_on_every_runtime(suite, a_second_waiter_in_one_direction_is_refused);
    suite_add_on_every_runtime(suite, a_wait_ends_at_its_deadline_and_not_before);
    suite_add_on_every_runtime(suite, a_wait_can_be_cancelled_and_leaves_nothing_behind);
    suite_add_on_every_runtime(suite, the_end_of_the_writer_wakes_the_reader);
    suite_add_on_every_runtime(suite, the_end_of_the_reader_wakes_the_writer_as_writable);
    suite_add_on_every_runtime(suite, a_descriptor_is_registered_once);
    suite_add_on_every_runtime(suite, a_number_that_is_no_descriptor_is_refused);
    suite_add_on_every_runtime(suite, freeing_a_descriptor_ends_the_wait_in_it);
    suite_add_on_every_runtime(suite, a_number_that_is_used_again_gets_fresh_state);
    suite_add_on_every_runtime(suite, a_regular_file_is_always_ready);
    suite_add_on_every_runtime(suite, an_eventfd_can_be_waited_for);
    suite_add_on_every_runtime(suite, many_pairs_of_tasks_push_bytes_through_many_pipes);
    return support_main(suite);
}

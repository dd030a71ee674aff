/* SPDX-License-Identifier: MIT
 * test_thread_io.c - waiting for descriptors on threads. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/unit/threads_case.h"

#define MOMENT 2000000 /* ns: how long a wait that is to end by its deadline takes */

/* A socket pair, one end of which is registered. */
struct wire {
    yk_spawner *spawner;
    int near, far;
    yk_io *io;
    yk_task *main;
    atomic_int found[2];
};

static void wire_open(struct wire *wire, yk_spawner *spawner)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    *wire = (struct wire){.spawner = spawner, .near = ends[0], .far = ends[1]};
    ck_assert_int_eq(spawner->ops->io_open(spawner, wire->near, 0, &wire->io), 0);
}

static void wire_close(struct wire *wire)
{
    if (wire->io)
        wire->spawner->ops->io_close(wire->io);
    (void)close(wire->near);
    (void)close(wire->far);
}

/* Waits; the readiness, or the error. */
static int wait_for(yk_task *self, struct wire *wire, uint32_t events, int64_t deadline)
{
    uint32_t ready = 0;
    int r = self->ops->io_wait(self, wire->io, events, deadline, &ready);
    ck_assert_int_eq(r == 0, ready != 0);
    return r == 0 ? (int)ready : r;
}

static void write_byte(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void read_byte(int fd)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

static int32_t looks_and_waits(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    ck_assert_int_eq(wait_for(self, wire, YK_IN, 0), -ETIMEDOUT);
    ck_assert_int_eq(wait_for(self, wire, YK_OUT, 0), YK_OUT);
    ck_assert_int_eq(wait_for(self, wire, YK_IN | YK_OUT, YK_NEVER), YK_OUT);
    int64_t deadline = yk_now(NULL) + MOMENT;
    ck_assert_int_eq(wait_for(self, wire, YK_IN, deadline), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(NULL), deadline);
    write_byte(wire->far);
    ck_assert_int_eq(wait_for(self, wire, YK_IN, 0), YK_IN);
    ck_assert_int_eq(wait_for(self, wire, YK_IN, YK_NEVER), YK_IN);
    ck_assert_int_eq(wait_for(self, wire, 0, YK_NEVER), -EINVAL);
    ck_assert_int_eq(wait_for(self, wire, YK_IN | YK_HUP, YK_NEVER), -EINVAL);
    return 0;
}

static int32_t readiness_beats_a_token(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    self->ops->unpark(self);
    ck_assert_int_eq(wait_for(self, wire, YK_OUT, YK_NEVER), YK_OUT);
    ck_assert_int_eq(wait_for(self, wire, YK_IN, YK_NEVER), -EINTR); /* the token is still there */
    ck_assert_int_eq(wait_for(self, wire, YK_IN, 0), -ETIMEDOUT);    /* and now it is not */
    self->ops->unpark(self);
    ck_assert_int_eq(wait_for(self, wire, YK_IN, 0), -EINTR);
    return 0;
}

static int32_t hang_up_is_all_that_was_asked_for(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    ck_assert_int_eq(shutdown(wire->far, SHUT_RDWR), 0);
    int ready = wait_for(self, wire, YK_IN | YK_PRI, YK_NEVER);
    ck_assert_int_eq(ready, YK_IN | YK_PRI | YK_HUP);
    return 0;
}

/* Runs `entry` as the main task with a fresh wire. */
static void run_with_wire(yk_entry_fn *entry)
{
    int fds = support_fd_count();
    struct wire wire;
    yk_spawner *spawner = threads_open(NULL, 0);
    wire_open(&wire, spawner);
    threads_run(spawner, entry, &wire);
    wire_close(&wire);
    threads_await_live(spawner, 0);
    support_close(spawner);
    ck_assert_int_eq(support_fd_count(), fds);
}

START_TEST(a_wait_tells_readiness_or_the_deadline)
{
    run_with_wire(looks_and_waits);
}
END_TEST

START_TEST(readiness_comes_before_a_token_and_a_token_before_the_deadline)
{
    run_with_wire(readiness_beats_a_token);
}
END_TEST

START_TEST(a_hang_up_counts_as_all_that_was_asked_for)
{
    run_with_wire(hang_up_is_all_that_was_asked_for);
}
END_TEST

/* As wait_for(), for as long as the main task's attempt to wait stands in the way. */
static int wait_alone(yk_task *self, struct wire *wire, uint32_t events)
{
    int r;
    do
        r = wait_for(self, wire, events, YK_NEVER);
    while (r == -EBUSY);
    return r;
}

static int32_t waits_to_read(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    atomic_store(&wire->found[0], wait_alone(self, wire, YK_IN));
    return 0;
}

static int32_t waits_to_write(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    atomic_store(&wire->found[1], wait_alone(self, wire, YK_OUT));
    return 0;
}

static void fill(int fd)
{
    char bytes[1024] = {0};
    while (write(fd, bytes, sizeof bytes) > 0)
        ;
    ck_assert_int_eq(errno, EAGAIN);
}

/* Starts a waiter in each direction and returns when both wait. */
static void start_waiters(yk_task *self, struct wire *wire, yk_task *waiters[2])
{
    fill(wire->near);
    waiters[0] = threads_spawn(wire->spawner, waits_to_read, wire);
    waiters[1] = threads_spawn(wire->spawner, waits_to_write, wire);
    AWAIT(wait_for(self, wire, YK_IN, 0) == -EBUSY);
    AWAIT(wait_for(self, wire, YK_OUT, 0) == -EBUSY);
    ck_assert_int_eq(wait_for(self, wire, YK_PRI, YK_NEVER), -EBUSY);
    ck_assert_int_eq(wait_for(self, wire, YK_IN | YK_OUT, YK_NEVER), -EBUSY);
}

static void end_waiters(struct wire *wire, yk_task *waiters[2])
{
    AWAIT(atomic_load(&wire->found[0]) && atomic_load(&wire->found[1]));
    threads_unref(waiters[0]);
    threads_unref(waiters[1]);
}

static int32_t two_directions(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    yk_task *waiters[2];
    char bytes[1024];
    start_waiters(self, wire, waiters);
    write_byte(wire->far);
    AWAIT(atomic_load(&wire->found[0]));
    ck_assert_int_eq(atomic_load(&wire->found[1]), 0);
    while (read(wire->far, bytes, sizeof bytes) > 0)
        ;
    end_waiters(wire, waiters);
    ck_assert_int_eq(wire->found[0], YK_IN);
    ck_assert_int_eq(wire->found[1], YK_OUT);
    return 0;
}

START_TEST(one_task_waits_in_each_direction)
{
    run_with_wire(two_directions);
}
END_TEST

static int32_t closes_while_two_wait(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    yk_task *waiters[2];
    start_waiters(self, wire, waiters);
    write_byte(wire->far); /* ready and closed at once: closed counts, or it was ready before */
    self->ops->io_close(wire->io);
    end_waiters(wire, waiters);
    wire->io = NULL;
    ck_assert(wire->found[0] == -EBADF || wire->found[0] == YK_IN);
    ck_assert_int_eq(wire->found[1], -EBADF);
    return 0;
}

START_TEST(a_close_ends_the_waits_with_ebadf)
{
    run_with_wire(closes_while_two_wait);
}
END_TEST

static int32_t interrupts(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    yk_task *waiters[2];
    start_waiters(self, wire, waiters);
    self->ops->unpark(waiters[1]);
    AWAIT(atomic_load(&wire->found[1]));
    self->ops->unpark(waiters[0]);
    end_waiters(wire, waiters);
    ck_assert_int_eq(wire->found[0], -EINTR);
    ck_assert_int_eq(wire->found[1], -EINTR);
    return 0;
}

START_TEST(unpark_interrupts_a_wait)
{
    run_with_wire(interrupts);
}
END_TEST

START_TEST(a_descriptor_has_one_handle_and_its_number_can_be_used_again)
{
    yk_spawner *spawner = threads_open(NULL, 0), *other = threads_open(NULL, 0);
    yk_io *io = NULL, *second = NULL, *elsewhere = NULL;
    for (int i = 0; i < 3; i++) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        ck_assert_int_eq(spawner->ops->io_open(spawner, fd, 0, &io), 0);
        ck_assert_int_eq(spawner->ops->io_open(spawner, fd, 0, &second), -EBUSY);
        ck_assert_int_eq(spawner->ops->io_open(spawner, fd, 1, &second), -EINVAL);
        ck_assert_int_eq(other->ops->io_open(other, fd, 0, &elsewhere), 0);
        ck_assert_ptr_null(second);
        other->ops->io_close(elsewhere);
        spawner->ops->io_close(io);
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_eq(spawner->ops->io_open(spawner, fd, 0, &io), -EBADF);
    }
    ck_assert_int_eq(spawner->ops->io_open(spawner, -1, 0, &io), -EBADF);
    int high = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 700); /* beyond the table's first size */
    ck_assert_int_ge(high, 700);
    ck_assert_int_eq(spawner->ops->io_open(spawner, high, 0, &io), 0);
    spawner->ops->io_close(io);
    (void)close(high);
    support_close(other);
    support_close(spawner);
}
END_TEST

static int32_t finds_files_ready(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    int before = wire->near;
    yk_io *io = wire->io;
    wire->near = open("/proc/self/exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ck_assert_int_eq(self->ops->io_open(self->spawner, wire->near, 0, &wire->io), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(wait_for(self, wire, YK_IN, YK_NEVER), YK_IN);
    (void)close(wire->near); /* too early: an error, not a crash */
    ck_assert_int_eq(wait_for(self, wire, YK_IN, YK_NEVER), -EBADF);
    self->ops->io_close(wire->io);
    wire->near = before;
    wire->io = io;
    return 0;
}

START_TEST(a_regular_file_is_always_ready)
{
    run_with_wire(finds_files_ready);
}
END_TEST

#define ROUNDS 2000

static int64_t cpu_time_ns(void)
{
    struct timespec used;
    ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static int32_t unparks_at_random(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    unsigned int seed = 3;
    while (!atomic_load(&wire->found[0])) {
        self->ops->unpark(wire->main);
        int64_t until = yk_now(NULL) + rand_r(&seed) % 20000;
        while (yk_now(NULL) < until)
            ;
    }
    atomic_store(&wire->found[1], 1);
    return 0;
}

/* Readiness, deadline and token at nearly the same moment.  A wake-up that was written late, or
 * read by nobody, would end later waits without cause, or hold the thread for ever. */
static int32_t waits_at_random(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    unsigned int seed = 5;
    int counts[3] = {0};
    wire->main = self;
    yk_task *other = threads_spawn(self->spawner, unparks_at_random, wire);
    for (int i = 0; i < ROUNDS / support_scale(); i++) {
        bool readable = rand_r(&seed) % 4 == 0;
        if (readable)
            write_byte(wire->far);
        int64_t deadline = yk_now(NULL) + 1 + rand_r(&seed) % 40000;
        int r = wait_for(self, wire, YK_IN, deadline);
        ck_assert(r == YK_IN || r == -EINTR || (r == -ETIMEDOUT && yk_now(NULL) >= deadline));
        ck_assert_int_eq(readable, r == YK_IN);
        counts[r == YK_IN ? 0 : r == -EINTR ? 1 : 2]++;
        if (readable)
            read_byte(wire->near);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_gt(counts[i], 0);
    atomic_store(&wire->found[0], 1);
    AWAIT(atomic_load(&wire->found[1]));
    (void)self->ops->park(self, 0);
    int64_t used = cpu_time_ns();
    ck_assert_int_eq(wait_for(self, wire, YK_IN, yk_now(NULL) + 20 * MOMENT), -ETIMEDOUT);
    ck_assert_int_lt(cpu_time_ns() - used, MOMENT / 2); /* it slept */
    threads_unref(other);
    return 0;
}

START_TEST(tokens_at_the_end_of_a_wait_are_neither_lost_nor_late)
{
    run_with_wire(waits_at_random);
}
END_TEST

struct close_race {
    yk_job job;
    struct wire *wire;
};

static void closes(yk_job *job)
{
    struct close_race *race = (struct close_race *)(void *)job;
    struct wire *wire = race->wire;
    wire->spawner->ops->io_close(wire->io);
    wire->io = NULL;
    atomic_store(&wire->found[1], 1);
}

static int32_t a_foreign_thread_closes(yk_task *self, void *arg)
{
    struct wire *wire = arg;
    for (int i = 0; i < 300 / support_scale(); i++) {
        struct close_race race = {.job = {.run = closes}, .wire = wire};
        atomic_store(&wire->found[0], 0);
        atomic_store(&wire->found[1], 0);
        yk_task *waiter = threads_spawn(self->spawner, waits_to_read, wire);
        AWAIT(wait_for(self, wire, YK_IN, 0) == -EBUSY);
        ck_assert_int_eq(self->ops->offload(self->spawner, &race.job), 0);
        AWAIT(atomic_load(&wire->found[0]) && atomic_load(&wire->found[1]));
        ck_assert_int_eq(wire->found[0], -EBADF);
        threads_unref(waiter);
        /* The waiter has left, or this would find its descriptor in the table. */
        ck_assert_int_eq(self->ops->io_open(self->spawner, wire->near, 0, &wire->io), 0);
    }
    return 0;
}

/* A thread that is on no task blocks until the waiters have left. */
START_TEST(a_foreign_thread_can_close)
{
    run_with_wire(a_foreign_thread_closes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thread_io");
    suite_add(suite, a_wait_tells_readiness_or_the_deadline);
    suite_add(suite, readiness_comes_before_a_token_and_a_token_before_the_deadline);
    suite_add(suite, a_hang_up_counts_as_all_that_was_asked_for);
    suite_add(suite, one_task_waits_in_each_direction);
    suite_add(suite, a_close_ends_the_waits_with_ebadf);
    suite_add(suite, unpark_interrupts_a_wait);
    suite_add(suite, a_descriptor_has_one_handle_and_its_number_can_be_used_again);
    suite_add(suite, a_regular_file_is_always_ready);
    suite_add(suite, tokens_at_the_end_of_a_wait_are_neither_lost_nor_late);
    suite_add(suite, a_foreign_thread_can_close);
    return threads_main(suite);
}

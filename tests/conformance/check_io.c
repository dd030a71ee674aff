/* SPDX-License-Identifier: MIT
 * check_io.c - behaviours of io_open and io_wait: readiness, tokens and deadlines on one
 * descriptor.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, I1, I2.
 *
 * Readiness may be stale (I2), so these use wait_ready(), which asks poll(2) as well. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define TRIES   40
#define LOST_MS 2000
#define CHANGES_MAX_PERCENT                                                                        \
    20 /* registrations per hundred waits on descriptors that stay the same */

static void ready_before_wait(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *in = open_io(self->spawner, wire.fd[0]);
    yk_io *out = open_io(self->spawner, wire.fd[1]);
    put_byte(wire.fd[1]);
    for (int i = 0; i < 3; i++) { /* level, not edge: it stays ready */
        must_be_ready(self, in, wire.fd[0], YK_IN, "a pipe that has a byte");
        must_be_ready(self, out, wire.fd[1], YK_OUT, "a pipe that has room");
    }
    io_close(self->spawner, in);
    io_close(self->spawner, out);
    wire_close(&wire);
}

struct reader {
    struct gate gate;
    struct wire wire;
    uint32_t events;
    _Atomic int waiting;
    int bytes;
};

static int32_t reader_entry(yk_task *self, void *arg)
{
    struct reader *reader = arg;
    int fd = reader->wire.fd[0];
    yk_io *io = open_io(self->spawner, fd);
    for (int i = 0; i < reader->bytes; i++) {
        atomic_store(&reader->waiting, 1);
        must_be_ready(self, io, fd, YK_IN, "a byte that comes later");
        int r = take_byte(fd);
        EXPECT(r == 1, "I2: after io_wait read gave %d, expected 1", r);
    }
    io_close(self->spawner, io);
    gate_pass(&reader->gate);
    return 0;
}

static void ready_after_wait(yk_task *self, struct bed *bed)
{
    struct reader reader = {.wire = wire_pipe(), .bytes = bed_count(bed, 50, 50)};
    gate_init(&reader.gate, self, 1);
    bed_spawn(self->spawner, reader_entry, &reader);
    for (int i = 0; i < reader.bytes; i++) {
        while (!atomic_exchange(&reader.waiting, 0)) {
            yield(self);
            (void)park(self, in_us(self->spawner, 100));
        }
        (void)park(self, in_us(self->spawner, 200)); /* it is asleep by now, mostly */
        put_byte(reader.wire.fd[1]);
    }
    gate_wait(self, &reader.gate, "a task that reads bytes that come later");
    wire_close(&reader.wire);
}

/* Two tasks on one handle, one in each direction. */
struct both {
    struct gate gate;
    yk_io *io;
    int fd;
    _Atomic int in_waits;
    _Atomic int in_ended;
    _Atomic int out_waits;
};

static int32_t in_entry(yk_task *self, void *arg)
{
    struct both *both = arg;
    atomic_store(&both->in_waits, 1);
    must_be_ready(self, both->io, both->fd, YK_IN, "input, beside a task that waits for output");
    gate_pass(&both->gate);
    return 0;
}

static int32_t out_entry(yk_task *self, void *arg)
{
    struct both *both = arg;
    atomic_store(&both->out_waits, 1);
    must_be_ready(self, both->io, both->fd, YK_OUT, "output, beside a task that waits for input");
    gate_pass(&both->gate);
    return 0;
}

static void drain(int fd)
{
    char room[4096];
    while (read(fd, room, sizeof room) > 0)
        continue;
}

static void in_and_out_waiters(yk_task *self, struct bed *bed)
{
    (void)bed;
    for (int out_first = 0; out_first < 2; out_first++) {
        struct wire wire = wire_socket();
        struct both both = {.fd = wire.fd[0], .io = open_io(self->spawner, wire.fd[0])};
        put_until_full(wire.fd[0]);
        gate_init(&both.gate, self, 2);
        bed_spawn(self->spawner, in_entry, &both);
        bed_spawn(self->spawner, out_entry, &both);
        while (!atomic_load(&both.in_waits) || !atomic_load(&both.out_waits))
            (void)park(self, in_us(self->spawner, 100));
        (void)park(self, in_ms(self->spawner, 2));
        EXPECT_EQUAL("I2: tasks that still wait while nothing is ready",
                     atomic_load(&both.gate.left), 2);
        if (out_first)
            drain(wire.fd[1]);
        put_byte(wire.fd[1]);
        (void)park(self, in_ms(self->spawner, 2));
        drain(wire.fd[1]);
        gate_wait(self, &both.gate, "a task in each direction of one handle");
        io_close(self->spawner, both.io);
        wire_close(&wire);
    }
}

static int32_t first_entry(yk_task *self, void *arg)
{
    struct both *both = arg;
    int32_t r = first_wait(self, both->io, YK_IN, YK_NEVER, &both->in_ended);
    EXPECT(r == 0, "I2: the first waiter for input got %s, expected 0", code_name(r));
    gate_pass(&both->gate);
    return 0;
}

static void second_in_waiter_ebusy(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_socket();
    struct both both = {.fd = wire.fd[0], .io = open_io(self->spawner, wire.fd[0])};
    gate_init(&both.gate, self, 1);
    bed_spawn(self->spawner, first_entry, &both);
    await_waiter(self, both.io, YK_IN, &both.in_ended);
    must_be_ready(self, both.io, both.fd, YK_OUT,
                  "output is another direction, that nobody waits for");
    put_byte(wire.fd[1]);
    gate_wait(self, &both.gate, "the first waiter for input");
    must_be_ready(self, both.io, both.fd, YK_IN, "input, for the next who waits");
    io_close(self->spawner, both.io);
    wire_close(&wire);
}

static void bad_arguments_refused(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = NULL;
    int32_t r = io_open(self->spawner, 1 << 20, &io);
    EXPECT(r == -EBADF && !io,
           "I1: io_open of a number that is no descriptor gave %s, expected -EBADF", code_name(r));
    r = self->ops->io_open(self->spawner, wire.fd[0], 1U << 31, &io);
    EXPECT(r == -EINVAL && !io, "I1: io_open with an unknown flag gave %s, expected -EINVAL",
           code_name(r));
    io = open_io(self->spawner, wire.fd[0]);
    yk_io *second = NULL;
    r = io_open(self->spawner, wire.fd[0], &second);
    EXPECT(r == -EBUSY && !second,
           "I1: a second handle for one descriptor gave %s, expected -EBUSY", code_name(r));
    static const uint32_t bad[] = {0, YK_ERR, YK_HUP, YK_IN | YK_ERR, 1U << 31};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t ready = 0;
        r = io_wait(self, io, bad[i], ONLY_LOOK, &ready);
        EXPECT(r == -EINVAL, "I2: io_wait for events 0x%" PRIx32 " gave %s, expected -EINVAL",
               bad[i], code_name(r));
    }
    io_close(self->spawner, io);
    io = open_io(self->spawner, wire.fd[0]); /* after io_close there is none */
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void deadline_past_does_one_check(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    static const int64_t past[] = {0, 1, -1, INT64_MIN};
    for (int i = 0; i < TRIES; i++) {
        int32_t r = wait_ready(self, io, wire.fd[0], YK_IN, past[i % 4]);
        EXPECT(r == -ETIMEDOUT, "I2: one look at a silent pipe gave %s, expected -ETIMEDOUT",
               code_name(r));
        put_byte(wire.fd[1]);
        r = wait_ready(self, io, wire.fd[0], YK_IN, past[i % 4]);
        EXPECT(r == 0,
               "I2: one look at a pipe that has a byte gave %s, expected 0 (readiness comes before "
               "the deadline)",
               code_name(r));
        EXPECT_EQUAL("bytes in the pipe", take_byte(wire.fd[0]), 1);
    }
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void readiness_beats_token(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    put_byte(wire.fd[1]);
    for (int i = 0; i < TRIES; i++) {
        uint32_t ready = 0;
        unpark(self);
        int32_t r = io_wait(self, io, YK_IN, i % 2 ? YK_NEVER : ONLY_LOOK, &ready);
        EXPECT(r == 0, "I2: ready, and a token: io_wait gave %s, expected 0", code_name(r));
        EXPECT_CODE(park(self, ONLY_LOOK), 0); /* the token is still there */
    }
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void token_beats_deadline(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    for (int i = 0; i < TRIES; i++) {
        unpark(self);
        int32_t r = wait_ready(self, io, wire.fd[0], YK_IN, i % 2 ? ONLY_LOOK : YK_NEVER);
        EXPECT(r == -EINTR, "I2: a token, and nothing ready: io_wait gave %s, expected -EINTR",
               code_name(r));
    }
    io_close(self->spawner, io);
    wire_close(&wire);
}

struct interrupted {
    struct gate gate;
    struct wire wire;
    _Atomic int waiting;
};

static int32_t interrupted_entry(yk_task *self, void *arg)
{
    struct interrupted *one = arg;
    yk_io *io = open_io(self->spawner, one->wire.fd[0]);
    for (int i = 0; i < TRIES; i++) {
        atomic_fetch_add(&one->waiting, 1);
        int64_t deadline = in_ms(self->spawner, (int64_t)(LOST_MS * bed_patience()));
        int32_t r = wait_ready(self, io, one->wire.fd[0], YK_IN, deadline);
        EXPECT(r == -EINTR, "I2 W2: unpark of a task in io_wait: it got %s, expected -EINTR",
               code_name(r));
    }
    io_close(self->spawner, io);
    gate_pass(&one->gate);
    return 0;
}

static void unpark_interrupts_io_wait(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct interrupted one = {.wire = wire_pipe()};
    gate_init(&one.gate, self, 1);
    yk_task *task = bed_spawn_held(self->spawner, interrupted_entry, &one);
    for (int i = 1; i <= TRIES; i++) {
        while (atomic_load(&one.waiting) < i)
            (void)park(self, in_us(self->spawner, 50));
        if (i % 2)
            (void)park(self, in_us(self->spawner, 300)); /* asleep, or just going to */
        unpark(task);
    }
    gate_wait(self, &one.gate, "a task whose io_wait is interrupted");
    unref(task);
    wire_close(&one.wire);
}

struct io_waker {
    yk_task *task;
    _Atomic int requests;
    _Atomic int answers;
    _Atomic int stop;
    struct chance chance;
};

static void *io_waker_thread(void *arg)
{
    struct io_waker *waker = arg;
    while (!atomic_load(&waker->stop)) {
        int request = atomic_load(&waker->requests);
        if (request == atomic_load(&waker->answers)) {
            (void)sched_yield();
            continue;
        }
        for (volatile uint32_t spin = chance_below(&waker->chance, 3000); spin > 0; spin--)
            continue;
        atomic_store(&waker->answers, request);
        unpark(waker->task);
    }
    return NULL;
}

static void foreign_unpark_interrupts_io_wait(yk_task *self, struct bed *bed)
{
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    struct io_waker waker = {.task = self, .chance = bed_chance(bed, 5)};
    pthread_t thread = foreign_start(io_waker_thread, &waker);
    int64_t end = in_ms(self->spawner, 700);
    for (int i = 1; i <= bed_count(bed, 5000, 5000) && now_ns(self->spawner) < end; i++) {
        atomic_store(&waker.requests, i);
        int64_t deadline = in_ms(self->spawner, (int64_t)(LOST_MS * bed_patience()));
        int32_t r = wait_ready(self, io, wire.fd[0], YK_IN, deadline);
        EXPECT(r == -EINTR,
               "W2 I2: wake-up %d of a foreign thread: io_wait gave %s, expected -EINTR", i,
               code_name(r));
    }
    atomic_store(&waker.stop, 1);
    foreign_join(thread);
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void token_left_over_wakes_once(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    for (int i = 0; i < TRIES; i++) {
        unpark(self);
        unpark(self);
        int32_t r = wait_ready(self, io, wire.fd[0], YK_IN, in_ms(self->spawner, 100));
        EXPECT(r == -EINTR, "I2: with a token left over io_wait gave %s, expected -EINTR",
               code_name(r));
        r = wait_ready(self, io, wire.fd[0], YK_IN, in_us(self->spawner, 300));
        EXPECT(r == -ETIMEDOUT,
               "I2: the token was taken, yet the next io_wait gave %s, expected -ETIMEDOUT",
               code_name(r));
    }
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void flags_of_fd_unchanged(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wires[] = {wire_pipe(), wire_socket(), wire_tcp()};
    for (size_t i = 0; i < 6; i++) {
        int fd = wires[i / 2].fd[i % 2];
        int status_flags = fcntl(fd, F_GETFL);
        int fd_flags = fcntl(fd, F_GETFD);
        yk_io *io = open_io(self->spawner, fd);
        EXPECT_EQUAL("I1: F_GETFL after io_open", fcntl(fd, F_GETFL), status_flags);
        (void)io_wait(self, io, i == 1 ? YK_OUT : YK_IN, in_us(self->spawner, 200), &(uint32_t){0});
        EXPECT_EQUAL("I1: F_GETFL after io_wait", fcntl(fd, F_GETFL), status_flags);
        io_close(self->spawner, io);
        EXPECT_EQUAL("I1: F_GETFL after io_close", fcntl(fd, F_GETFL), status_flags);
        EXPECT_EQUAL("I1: F_GETFD after io_close", fcntl(fd, F_GETFD), fd_flags);
    }
    for (size_t i = 0; i < 3; i++)
        wire_close(&wires[i]);
}

static int32_t answer_entry(yk_task *self, void *arg)
{
    struct reader *reader = arg;
    int fd = reader->wire.fd[0];
    yk_io *io = open_io(self->spawner, fd);
    for (int i = 0; i < reader->bytes; i++) {
        must_be_ready(self, io, fd, YK_IN, "the next byte of a ping-pong");
        EXPECT_EQUAL("bytes read", take_byte(fd), 1);
        put_byte(fd);
    }
    io_close(self->spawner, io);
    gate_pass(&reader->gate);
    return 0;
}

static void no_watch_change_per_wait(yk_task *self, struct bed *bed)
{
    struct reader reader = {.wire = wire_socket(), .bytes = bed_count(bed, 2000, 1000)};
    gate_init(&reader.gate, self, 1);
    bed_spawn(self->spawner, answer_entry, &reader);
    int fd = reader.wire.fd[1];
    yk_io *io = open_io(self->spawner, fd);
    uint64_t before = stats(self->spawner).watches_changed;
    for (int i = 0; i < reader.bytes; i++) {
        put_byte(fd);
        must_be_ready(self, io, fd, YK_IN, "the answer of a ping-pong");
        EXPECT_EQUAL("bytes read", take_byte(fd), 1);
    }
    uint64_t changes = stats(self->spawner).watches_changed - before;
    gate_wait(self, &reader.gate, "the other side of a ping-pong");
    io_close(self->spawner, io);
    wire_close(&reader.wire);
    if (changes > (uint64_t)(2 * reader.bytes) * CHANGES_MAX_PERCENT / 100 + 10)
        verdict_warn("M2: %d waits changed registrations %" PRIu64
                     " times; a registration should stay",
                     2 * reader.bytes, changes);
}

static void many_fds(yk_task *self, struct bed *bed)
{
    struct rlimit fds = {0};
    (void)getrlimit(RLIMIT_NOFILE, &fds);
    fds.rlim_cur = fds.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &fds);
    int count = bed_count(bed, 2000, 200);
    if ((rlim_t)count * 2 + 100 > fds.rlim_cur)
        count = (int)(fds.rlim_cur - 100) / 2;
    struct reader *readers = calloc((size_t)count, sizeof *readers);
    for (int i = 0; i < count; i++) {
        readers[i].wire = wire_pipe();
        readers[i].bytes = 2;
        gate_init(&readers[i].gate, self, 1);
        bed_spawn(self->spawner, reader_entry, &readers[i]);
    }
    for (int byte = 0; byte < 2; byte++)
        for (int i = count - 1; i >= 0; i--)
            put_byte(readers[i].wire.fd[1]);
    for (int i = 0; i < count; i++)
        gate_wait(self, &readers[i].gate, "thousands of tasks that read");
    for (int i = 0; i < count; i++)
        wire_close(&readers[i].wire);
    free(readers);
}

static const struct behaviour behaviours[] = {
    {"ready_before_wait", "I2: what is ready now counts, each time", .on_task = ready_before_wait},
    {"ready_after_wait", "I2: what becomes ready ends the wait", .on_task = ready_after_wait},
    {"IN_and_OUT_waiters_on_one_fd", "I2: one waiter in each direction of a handle",
     .on_task = in_and_out_waiters},
    {"second_IN_waiter_EBUSY", "I2: a second one in the same direction is refused",
     .on_task = second_in_waiter_ebusy},
    {"bad_arguments_refused", "I1 I2: no descriptor, flags, a second handle, no events",
     .on_task = bad_arguments_refused},
    {"deadline_past_does_one_check",
     "I2: a deadline of the past means one look; readiness beats it",
     .on_task = deadline_past_does_one_check},
    {"readiness_beats_token", "I2: ready and a token: 0, and the token stays",
     .on_task = readiness_beats_token},
    {"token_beats_deadline", "I2: a token and a deadline: -EINTR", .on_task = token_beats_deadline},
    {"unpark_interrupts_io_wait_EINTR", "I2 W2: unpark wakes io_wait, too",
     .on_task = unpark_interrupts_io_wait},
    {"foreign_unpark_interrupts_io_wait",
     "I2 W2: from a foreign thread, at any moment; none is lost", .not_with = YK_CAP_VIRTUAL_TIME,
     .on_task = foreign_unpark_interrupts_io_wait},
    {"token_left_over_wakes_next_wait_once", "I2: -EINTR takes the token",
     .on_task = token_left_over_wakes_once},
    {"flags_of_fd_unchanged", "I1: the descriptor's flags are never changed",
     .on_task = flags_of_fd_unchanged},
    {"no_watch_change_per_wait", "M2: waiting again does not register again (else a warning)",
     .on_task = no_watch_change_per_wait},
    {"many_fds", "I1 I2: thousands of descriptors at once", .on_task = many_fds},
};

THEME(io, behaviours);

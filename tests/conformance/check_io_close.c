/* SPDX-License-Identifier: MIT
 * check_io_close.c - behaviours of io_close, and of descriptors that nobody waits for any more.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, I2, I3. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define TOLD_MS  1500 /* a waiter that has not been told by then is not told */
#define QUIET_MS 200

struct waiter {
    struct gate gate;
    yk_io *io;
    uint32_t events;
    _Atomic int *told; /* how many waiters got -EBADF */
    _Atomic int ended;
};

static int32_t waiter_entry(yk_task *self, void *arg)
{
    struct waiter *waiter = arg;
    int64_t deadline = in_ms(self->spawner, (int64_t)(TOLD_MS * bed_patience()));
    int32_t r = first_wait(self, waiter->io, waiter->events, deadline, &waiter->ended);
    EXPECT(r == -EBADF || r == 0,
           "I3: io_close ran while a task waited: it got %s, expected -EBADF", code_name(r));
    atomic_fetch_add(waiter->told,
                     r == -EBADF); /* 0: stale readiness came first, which I2 allows now and then */
    gate_pass(&waiter->gate);
    return 0;
}

static void expect_told(int told, int waits)
{
    EXPECT(told * 2 > waits,
           "I3: of %d tasks that waited when io_close ran %d got -EBADF, the others 0", waits,
           told);
}

static void closed_by_another_task(yk_task *self, struct bed *bed)
{
    _Atomic int told = 0;
    int rounds = bed_count(bed, 20, 20);
    for (int i = 0; i < rounds; i++) {
        struct wire wire = wire_socket();
        put_until_full(wire.fd[0]);
        yk_io *io = open_io(self->spawner, wire.fd[0]);
        struct waiter in = {.io = io, .events = YK_IN, .told = &told};
        struct waiter out = {.io = io, .events = YK_OUT, .told = &told};
        gate_init(&in.gate, self, 1);
        gate_init(&out.gate, self, 1);
        bed_spawn(self->spawner, waiter_entry, &in);
        bed_spawn(self->spawner, waiter_entry, &out);
        await_waiter(self, io, YK_IN, &in.ended);
        await_waiter(self, io, YK_OUT, &out.ended);
        io_close(self->spawner, io);
        wire_close(&wire);
        gate_wait(self, &in.gate, "a reader whose descriptor was closed by another task");
        gate_wait(self, &out.gate, "a writer whose descriptor was closed by another task");
    }
    expect_told(atomic_load(&told), 2 * rounds);
}

struct closing {
    yk_spawner *spawner;
    yk_io *io;
    const struct wire *wire;
    struct gate *gate;
};

static void *close_it(void *arg)
{
    const struct closing *closing = arg;
    io_close(closing->spawner, closing->io);
    wire_close(closing->wire);
    gate_pass(closing->gate);
    return NULL;
}

static void closed_by_foreign_thread(yk_task *self, struct bed *bed)
{
    _Atomic int told = 0;
    int rounds = bed_count(bed, 20, 20);
    for (int i = 0; i < rounds; i++) {
        struct wire wire = wire_pipe();
        struct waiter waiter = {
            .io = open_io(self->spawner, wire.fd[0]), .events = YK_IN, .told = &told};
        gate_init(&waiter.gate, self, 2);
        bed_spawn(self->spawner, waiter_entry, &waiter);
        await_waiter(self, waiter.io, YK_IN, &waiter.ended);
        struct closing closing = {
            .spawner = self->spawner, .io = waiter.io, .wire = &wire, .gate = &waiter.gate};
        pthread_t thread = foreign_start(close_it, &closing);
        gate_wait(self, &waiter.gate, "a task whose descriptor was closed by a foreign thread");
        foreign_join(thread);
    }
    expect_told(atomic_load(&told), rounds);
}

/* Nobody waits, but the runtime may still watch, and its loops are asleep. */
static void unwaited_closed_by_foreign_thread(yk_task *self, struct bed *bed)
{
    for (int i = 0; i < bed_count(bed, 20, 20); i++) {
        struct wire wire = wire_pipe();
        yk_io *io = open_io(self->spawner, wire.fd[0]);
        if (i % 2)
            (void)io_wait(self, io, YK_IN, in_us(self->spawner, 100), &(uint32_t){0});
        struct gate gate;
        gate_init(&gate, self, 1);
        struct closing closing = {.spawner = self->spawner, .io = io, .wire = &wire, .gate = &gate};
        pthread_t thread = foreign_start(close_it, &closing);
        gate_wait(self, &gate, "io_close by a foreign thread to return");
        foreign_join(thread);
    }
}

static void reused_number_is_fresh(yk_task *self, struct bed *bed)
{
    int last_fd = -1;
    int reused = 0;
    for (int i = 0; i < bed_count(bed, 200, 200); i++) {
        struct wire wire = i % 2 ? wire_pipe() : wire_socket();
        int fd = wire.fd[0];
        reused += fd == last_fd;
        yk_io *io = open_io(self->spawner, fd);
        int32_t r = wait_ready(self, io, fd, YK_IN, i % 3 ? ONLY_LOOK : in_us(self->spawner, 100));
        EXPECT(r == -ETIMEDOUT,
               "I3: descriptor %d, used again and silent: io_wait gave %s, expected -ETIMEDOUT", fd,
               code_name(r));
        put_byte(wire.fd[1]);
        must_be_ready(self, io, fd, YK_IN, "a descriptor whose number was used before");
        if (i % 5 == 0)
            (void)io_wait(self, io, YK_IN, in_us(self->spawner, 100), &(uint32_t){0});
        io_close(self->spawner, io); /* sometimes while there is something to read */
        wire_close(&wire);
        last_fd = fd;
    }
    EXPECT(reused > 0, "the kit did not get the same descriptor twice");
}

/* This task, the only one that is not waiting, parks for a while: nothing may run. */
static void expect_quiet(yk_task *self, const char *what)
{
    (void)park(self, in_ms(self->spawner, 5));
    struct quiet quiet = quiet_begin();
    uint64_t polls = stats(self->spawner).polls;
    int64_t end = in_ms(self->spawner, QUIET_MS);
    while (park(self, end) != -ETIMEDOUT)
        continue;
    polls = stats(self->spawner).polls - polls;
    quiet_end(&quiet, what);
    EXPECT(polls < QUIET_MS / 2, "M2: %s: loops turned %" PRIu64 " times in %d ms", what, polls,
           QUIET_MS);
}

static void last_waiter_gone(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire in = wire_pipe();
    struct wire out = wire_socket();
    yk_io *in_io = open_io(self->spawner, in.fd[0]);
    yk_io *out_io = open_io(self->spawner, out.fd[0]);
    put_until_full(out.fd[0]);
    (void)wait_ready(self, in_io, in.fd[0], YK_IN, in_us(self->spawner, 200));
    (void)wait_ready(self, out_io, out.fd[0], YK_IN | YK_OUT, in_us(self->spawner, 200));
    put_byte(in.fd[1]); /* now both are ready, and nobody waits */
    end_close(out.fd[1]);
    expect_quiet(self, "I2: descriptors that are ready, which nobody waits for");
    must_be_ready(self, in_io, in.fd[0], YK_IN, "and it is not forgotten");
    io_close(self->spawner, in_io);
    io_close(self->spawner, out_io);
    wire_close(&in);
    end_close(out.fd[0]);
}

static void dup_then_close_original(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    (void)wait_ready(self, io, wire.fd[0], YK_IN, in_us(self->spawner, 200));
    int copy = fcntl(wire.fd[0], F_DUPFD_CLOEXEC, 0);
    EXPECT(copy >= 0, "the kit cannot copy a descriptor");
    io_close(self->spawner, io);
    end_close(wire.fd[0]);
    put_byte(
        wire.fd
            [1]); /* the open file lives on in the copy: a registration left in epoll would fire for
                     ever */
    expect_quiet(self, "I3: a closed descriptor whose copy is ready");
    io = open_io(self->spawner, copy);
    must_be_ready(self, io, copy, YK_IN, "the copy of a descriptor that was closed");
    io_close(self->spawner, io);
    end_close(copy);
    end_close(wire.fd[1]);
}

struct race {
    struct gate gate;
    yk_io *io;
    _Atomic int ended;
};

static int32_t race_entry(yk_task *self, void *arg)
{
    struct race *race = arg;
    int32_t r = first_wait(self, race->io, YK_IN, YK_NEVER, &race->ended);
    EXPECT(r == 0 || r == -EBADF, "I2: io_wait while a byte comes and io_close runs gave %s",
           code_name(r));
    gate_pass(&race->gate);
    return 0;
}

static void *put_thread(void *arg)
{
    put_byte(*(const int *)arg);
    return NULL;
}

/* Readiness and io_close at the same moment: one of the two answers, and nothing is touched
 * afterwards. */
static void close_races_readiness(yk_task *self, struct bed *bed)
{
    for (int i = 0; i < bed_count(bed, 100, 100); i++) {
        struct wire wire = wire_pipe();
        struct race race = {.io = open_io(self->spawner, wire.fd[0])};
        gate_init(&race.gate, self, 1);
        bed_spawn(self->spawner, race_entry, &race);
        await_waiter(self, race.io, YK_IN, &race.ended);
        pthread_t thread = foreign_start(put_thread, &wire.fd[1]);
        if (i % 3)
            yield(self);
        io_close(self->spawner, race.io);
        gate_wait(self, &race.gate, "a task whose descriptor gets ready and closed at once");
        foreign_join(thread);
        wire_close(&wire);
    }
}

static const struct behaviour behaviours[] = {
    {"io_close_while_waited_EBADF", "I3: by another task: waiters of both directions get -EBADF",
     .on_task = closed_by_another_task},
    {"io_close_by_foreign_thread_EBADF", "I3: by a thread that is no task",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = closed_by_foreign_thread},
    {"io_close_unwaited_by_foreign_thread", "I3: it returns though the loops are asleep",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = unwaited_closed_by_foreign_thread},
    {"close_then_reuse_fd_number_gets_fresh_state", "I3: the number may be used again at once",
     .on_task = reused_number_is_fresh},
    {"cancelled_last_waiter_leaves_poll_set", "I2: ready, but nobody waits: no turn of a loop",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = last_waiter_gone},
    {"dup_then_close_original_no_spin",
     "I3: the kernel knows nothing of it, though a copy lives on", .not_with = YK_CAP_VIRTUAL_TIME,
     .on_task = dup_then_close_original},
    {"io_close_races_readiness", "I2 I3: both at once: one of the two answers",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = close_races_readiness},
};

THEME(io_close, behaviours);

/* SPDX-License-Identifier: MIT
 * check_loops.c - behaviours of runtimes with loops: one, and several.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, YK_CAP_LOOPS, YK_CAP_WORKERS, YK_PLACE_*,
 * I3. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define WORKERS 2U

static void workers_without_cap_refused(struct bed *bed)
{
    bed_close(bed_create(bed));
    yk_config config = bed_config(bed);
    config.workers = 2;
    yk_error error = {.size = sizeof error};
    yk_spawner *spawner = NULL;
    int32_t r = bed_create_with(bed, &config, &spawner, &error);
    EXPECT(r == -EINVAL || r == -ENOSYS, "caps do not claim WORKERS, but workers = 2 gave %s",
           code_name(r));
    EXPECT(error.text[0], "C1: workers = 2 was refused without a sentence");
}

static void on_workers(struct bed *bed, bed_body *body)
{
    yk_config config = bed_config(bed);
    config.workers = WORKERS;
    bed_run(bed, &config, body);
}

/* Two tasks that meet without waiting: only if both loops run at the same instant. */
struct meeting_of_loops {
    _Atomic int here;
    struct gate gate;
};

static int32_t meet_entry(yk_task *self, void *arg)
{
    struct meeting_of_loops *meeting = arg;
    int64_t deadline = in_ms(self->spawner, (int64_t)(GATE_MS_MAX / 2 * bed_patience()));
    atomic_fetch_add(&meeting->here, 1);
    while (atomic_load(&meeting->here) < 2) {
        (void)sched_yield();
        EXPECT(now_ns(self->spawner) < deadline,
               "caps claim WORKERS, but a task that spins on one loop holds up the other loop");
    }
    gate_pass(&meeting->gate);
    return 0;
}

static void meet_on_two_loops(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct meeting_of_loops meeting = {.here = 0};
    gate_init(&meeting.gate, self, 2);
    for (uint32_t loop = 0; loop < WORKERS; loop++) {
        yk_spawn_options options = {.size = sizeof options, .placement = YK_PLACE_LOOP(loop)};
        EXPECT_CODE(spawn(self->spawner, &options, meet_entry, &meeting, NULL), 0);
    }
    gate_wait(self, &meeting.gate, "two tasks on two loops");
}

static void n_loops_use_n_cpus(struct bed *bed)
{
    on_workers(bed, meet_on_two_loops);
}

struct placed {
    struct gate *gate;
    uint32_t loop; /* where it must be; UINT32_MAX: anywhere */
    _Atomic pid_t *tids;
};

static int32_t placed_entry(yk_task *self, void *arg)
{
    const struct placed *placed = arg;
    EXPECT(placed->loop == UINT32_MAX || self->loop == placed->loop,
           "a task placed on loop %" PRIu32 " runs on loop %" PRIu32, placed->loop, self->loop);
    EXPECT(self->loop < WORKERS, "a task's loop is %" PRIu32 " of %u", self->loop, WORKERS);
    pid_t none = 0;
    if (!atomic_compare_exchange_strong(&placed->tids[self->loop], &none, gettid()))
        EXPECT(none == gettid(), "two tasks of loop %" PRIu32 " run on two threads", self->loop);
    gate_pass(placed->gate);
    return 0;
}

static void place_tasks(yk_task *self, struct bed *bed)
{
    (void)bed;
    static _Atomic pid_t tids[WORKERS];
    struct gate gate;
    gate_init(&gate, self, 30);
    EXPECT_EQUAL("M2: loops", stats(self->spawner).loops, WORKERS);
    for (uint32_t i = 0; i < 30; i++) {
        struct placed placed = {.gate = &gate, .tids = tids};
        placed.loop = i % 3 == 2 ? self->loop : i % WORKERS;
        yk_spawn_options options = {.size = sizeof options, .arg_bytes = sizeof placed};
        options.placement = i % 3 == 2 ? YK_PLACE_INHERIT : YK_PLACE_LOOP(placed.loop);
        EXPECT_CODE(spawn(self->spawner, &options, placed_entry, &placed, NULL), 0);
    }
    gate_wait(self, &gate, "tasks that are placed on loops");
    EXPECT(atomic_load(&tids[0]) != atomic_load(&tids[1]), "two loops run on one thread");
}

static void placement_is_honoured(struct bed *bed)
{
    on_workers(bed, place_tasks);
}

static int32_t staying_entry(yk_task *self, void *arg)
{
    struct gate *gates = arg;
    atomic_fetch_sub(&gates[self->loop].left, 1);
    unpark(gates[0].waiter);
    while (atomic_load(&gates[WORKERS].left) > 0)
        (void)park(self, in_ms(self->spawner, 1));
    return 0;
}

static void spread_tasks(yk_task *self, struct bed *bed)
{
    (void)bed;
    static struct gate gates[WORKERS + 1]; /* one a loop counts down from 0, the last is the end */
    for (uint32_t i = 0; i <= WORKERS; i++)
        gate_init(&gates[i], self, i == WORKERS);
    yk_spawn_options options = {.size = sizeof options, .placement = YK_PLACE_ANY};
    for (int i = 0; i < 20; i++)
        EXPECT_CODE(spawn(self->spawner, &options, staying_entry, gates, NULL), 0);
    while (atomic_load(&gates[0].left) + atomic_load(&gates[1].left) > -20)
        (void)park(self, in_ms(self->spawner, 1));
    int most = -atomic_load(&gates[0].left);
    most = most > 10 ? most : 20 - most;
    atomic_store(&gates[WORKERS].left, 0);
    EXPECT(most <= 12, "YK_PLACE_ANY: of 20 tasks %d are on one loop of two", most);
}

static void any_takes_the_emptiest_loop(struct bed *bed)
{
    on_workers(bed, spread_tasks);
}

/* A task on the other loop, which waits on a handle that was opened here, and is woken from
 * here. */
struct across {
    struct gate gate;
    struct wire wire;
    yk_io *io;
    int rounds;
    _Atomic int ended;
};

static int32_t across_entry(yk_task *self, void *arg)
{
    struct across *across = arg;
    for (int i = 0; i < across->rounds; i++) {
        must_be_ready(self, across->io, across->wire.fd[0], YK_IN,
                      "a byte from a task of another loop");
        EXPECT_EQUAL("bytes read", take_byte(across->wire.fd[0]), 1);
        put_byte(across->wire.fd[0]);
    }
    int32_t r = first_wait(self, across->io, YK_IN, YK_NEVER, &across->ended);
    EXPECT(r == -EBADF || r == 0,
           "I3: io_close by a task of another loop: the waiter got %s, expected -EBADF",
           code_name(r));
    gate_pass(&across->gate);
    return 0;
}

static void wait_across(yk_task *self, struct bed *bed)
{
    for (uint32_t loop = 0; loop < WORKERS; loop++) {
        struct across across = {.wire = wire_socket(), .rounds = bed_count(bed, 300, 300)};
        across.io = open_io(self->spawner, across.wire.fd[0]);
        yk_io *own = open_io(self->spawner, across.wire.fd[1]);
        (void)wait_ready(self, across.io, across.wire.fd[0], YK_IN,
                         in_us(self->spawner, 100)); /* the handle is this loop's */
        gate_init(&across.gate, self, 1);
        yk_spawn_options options = {.size = sizeof options, .placement = YK_PLACE_LOOP(loop)};
        EXPECT_CODE(spawn(self->spawner, &options, across_entry, &across, NULL), 0);
        for (int i = 0; i < across.rounds; i++) {
            put_byte(across.wire.fd[1]);
            must_be_ready(self, own, across.wire.fd[1], YK_IN,
                          "the answer of a task of another loop");
            EXPECT_EQUAL("bytes read", take_byte(across.wire.fd[1]), 1);
        }
        await_waiter(self, across.io, YK_IN, &across.ended);
        io_close(self->spawner, across.io);
        io_close(self->spawner, own);
        wire_close(&across.wire);
        gate_wait(self, &across.gate, "a waiter of another loop to be told");
    }
}

static void cross_loop_wait_and_close(struct bed *bed)
{
    on_workers(bed, wait_across);
}

/* Tasks of two loops that close handles of each other's loop at the same time: nobody may wait for
 * ever. */
struct closer {
    struct gate *gate;
    struct closer *other;
    yk_io *_Atomic io;  /* of this one's loop, for the other to close */
    _Atomic int closed; /* how many the other has closed */
    int rounds;
};

static int32_t closer_entry(yk_task *self, void *arg)
{
    struct closer *closer = arg;
    for (int i = 0; i < closer->rounds; i++) {
        struct wire wire = wire_pipe();
        yk_io *io = open_io(self->spawner, wire.fd[0]);
        (void)wait_ready(self, io, wire.fd[0], YK_IN, in_us(self->spawner, 50));
        atomic_store(&closer->io, io);
        yk_io *theirs;
        while (!(theirs = atomic_exchange(&closer->other->io, NULL)))
            (void)park(self, in_us(self->spawner, 20));
        io_close(self->spawner, theirs);
        atomic_fetch_add(&closer->other->closed, 1);
        while (atomic_load(&closer->closed) <= i)
            (void)park(self, in_us(self->spawner, 20));
        wire_close(&wire);
    }
    gate_pass(closer->gate);
    return 0;
}

static void close_each_others(yk_task *self, struct bed *bed)
{
    struct gate gate;
    struct closer a = {.gate = &gate, .rounds = bed_count(bed, 50, 50)};
    struct closer b = {.gate = &gate, .rounds = a.rounds, .other = &a};
    a.other = &b;
    gate_init(&gate, self, 2);
    yk_spawn_options options = {.size = sizeof options, .placement = YK_PLACE_LOOP(0)};
    EXPECT_CODE(spawn(self->spawner, &options, closer_entry, &a, NULL), 0);
    options.placement = YK_PLACE_LOOP(1);
    EXPECT_CODE(spawn(self->spawner, &options, closer_entry, &b, NULL), 0);
    gate_wait_ms(self, &gate, 2 * GATE_MS_MAX,
                 "tasks of two loops that close each other's handles");
}

static void loops_close_each_others_handles(struct bed *bed)
{
    on_workers(bed, close_each_others);
}

static const struct behaviour behaviours[] = {
    {"workers_without_cap_refused",
     "YK_CAP_WORKERS: where it is not claimed, workers = 2 is refused with a sentence",
     .needs = YK_CAP_LOOPS, .not_with = YK_CAP_WORKERS, .run = workers_without_cap_refused},
    {"n_loops_use_n_cpus", "YK_CAP_WORKERS: tasks of two loops run at the same instant",
     .needs = YK_CAP_WORKERS, .run = n_loops_use_n_cpus},
    {"placement_is_honoured", "YK_PLACE_LOOP, YK_PLACE_INHERIT; a loop is a thread",
     .needs = YK_CAP_WORKERS, .run = placement_is_honoured},
    {"any_takes_the_emptiest_loop", "YK_PLACE_ANY: the loop with the fewest tasks",
     .needs = YK_CAP_WORKERS, .run = any_takes_the_emptiest_loop},
    {"cross_loop_wait_and_close", "I2 I3: a handle works from every loop", .needs = YK_CAP_WORKERS,
     .run = cross_loop_wait_and_close},
    {"loops_close_each_others_handles",
     "I3: two loops that close each other's handles at once do not deadlock",
     .needs = YK_CAP_WORKERS, .run = loops_close_each_others_handles},
};

THEME(loops, behaviours);

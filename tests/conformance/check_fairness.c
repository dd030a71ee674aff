/* SPDX-License-Identifier: MIT
 * check_fairness.c - behaviours of many tasks that want to run: nobody is left out.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, T7, YK_CAP_PARALLEL, YK_CAP_BLOCKING_OK. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define SWITCHES_MAX 61 /* T7 */
#define SWITCHES_SLACK                                                                             \
    4 /* times as many before the behaviour fails: who counts where is the runtime's matter */
#define STARVED_MS 1500 /* who has not run by then is starved */
#define TOLD_MS                                                                                    \
    500 /* a ready descriptor that is told later than this is starved, however tasks are
           scheduled */
#define YIELDERS 10

struct round {
    struct gate gate;
    _Atomic int stop;
    _Atomic int64_t turns[YIELDERS];
    _Atomic int number;
};

static int32_t turn_entry(yk_task *self, void *arg)
{
    struct round *round = arg;
    int number = atomic_fetch_add(&round->number, 1);
    while (!atomic_load(&round->stop)) {
        atomic_fetch_add(&round->turns[number], 1);
        yield(self);
    }
    gate_pass(&round->gate);
    return 0;
}

static void yield_round_robin(yk_task *self, struct bed *bed)
{
    static struct round round;
    gate_init(&round.gate, self, YIELDERS);
    for (int i = 0; i < YIELDERS; i++)
        bed_spawn(self->spawner, turn_entry, &round);
    for (int i = 0; i < bed_count(bed, 1000, 50); i++)
        yield(self);
    for (int64_t end = in_ms(self->spawner, 50); now_ns(self->spawner) < end;)
        (void)park(self, end);
    atomic_store(&round.stop, 1);
    gate_wait(self, &round.gate, "tasks that yield to each other");
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (int i = 0; i < YIELDERS; i++) {
        int64_t turns = atomic_load(&round.turns[i]);
        least = turns < least ? turns : least;
        most = turns > most ? turns : most;
    }
    EXPECT(least > 0, "T7: of %d tasks that yield to each other one never ran", YIELDERS);
    EXPECT(bed_has(bed, YK_CAP_PARALLEL) || most <= 4 * least + 100,
           "T7: of %d tasks that yield to each other one ran %" PRId64 " times, another %" PRId64,
           YIELDERS, least, most);
}

/* T7 in its plain words, where only one task runs at a time. */
static int32_t once_entry(yk_task *self, void *arg)
{
    (void)self;
    gate_pass(arg);
    return 0;
}

static void yield_lets_ready_tasks_run(yk_task *self, struct bed *bed)
{
    (void)bed;
    for (int i = 0; i < 100; i++) {
        struct gate gate;
        gate_init(&gate, self, 3);
        for (int j = 0; j < 3; j++)
            bed_spawn(self->spawner, once_entry, &gate);
        yield(self);
        EXPECT_EQUAL("T7: ready tasks that had not run when yield returned",
                     atomic_load(&gate.left), 0);
        (void)park(self, ONLY_LOOK);
    }
}

/* Somebody who never waits, and somebody who must run all the same. */
struct hog {
    struct gate gate;
    struct gate *served;
    _Atomic int stop;
    _Atomic int64_t switches;
};

static int32_t hog_entry(yk_task *self, void *arg)
{
    struct hog *hog = arg;
    while (!atomic_load(&hog->stop)) {
        atomic_fetch_add(&hog->switches, 1);
        yield(self);
    }
    gate_pass(&hog->gate);
    return 0;
}

static void hog_start(yk_task *self, struct hog *hog, int count)
{
    *hog = (struct hog){.stop = 0};
    gate_init(&hog->gate, self, count);
    for (int i = 0; i < count; i++)
        bed_spawn(self->spawner, hog_entry, hog);
}

static void hog_stop(yk_task *self, struct hog *hog)
{
    atomic_store(&hog->stop, 1);
    gate_wait(self, &hog->gate, "tasks that only yield");
}

/* Waits for a byte that is there; returns how many switches the others made before that was
 * told. */
static int64_t switches_until_told(yk_task *self, struct hog *hog, yk_io *io,
                                   const struct wire *wire)
{
    int64_t start = now_ns(self->spawner);
    int64_t before = atomic_load(&hog->switches);
    put_byte(wire->fd[1]);
    int32_t r = wait_ready(self, io, wire->fd[0], YK_IN,
                           start + (int64_t)(TOLD_MS * bed_patience()) * 1000000);
    int64_t switches = atomic_load(&hog->switches) - before;
    int64_t took_ms = (now_ns(self->spawner) - start) / 1000000;
    EXPECT(r == 0 && took_ms < TOLD_MS * bed_patience(),
           "T7: while another task yields for ever, a ready descriptor was not told: io_wait gave "
           "%s after %" PRId64 " ms and %" PRId64 " switches",
           code_name(r), took_ms, switches);
    EXPECT_EQUAL("bytes read", take_byte(wire->fd[0]), 1);
    return switches;
}

static void ready_loop_polls_io(yk_task *self, struct bed *bed)
{
    static struct hog hog;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    hog_start(self, &hog, 1);
    int64_t most = 0;
    for (int i = 0; i < bed_count(bed, 200, 50); i++) {
        int64_t switches = switches_until_told(self, &hog, io, &wire);
        most = switches > most ? switches : most;
        (void)wait_ready(self, io, wire.fd[0], YK_IN, in_us(self->spawner, 100)); /* it is silent */
    }
    hog_stop(self, &hog);
    io_close(self->spawner, io);
    wire_close(&wire);
    EXPECT(bed_has(bed, YK_CAP_PARALLEL) || most <= SWITCHES_MAX * SWITCHES_SLACK,
           "T7: a ready descriptor was told after %" PRId64 " switches, expected within %d", most,
           SWITCHES_MAX);
}

struct late_writer {
    int fd;
    struct gate *gate;
};

static int32_t late_writer_entry(yk_task *self, void *arg)
{
    const struct late_writer *writer = arg;
    while (park(self, in_ms(self->spawner, 3)) == 0)
        continue;
    put_byte(writer->fd);
    gate_pass(writer->gate);
    return 0;
}

/* The reader waits already when the byte comes, from a task whose deadline must be looked at,
 * too. */
static void yielding_starves_no_waiter(yk_task *self, struct bed *bed)
{
    static struct hog hog;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    hog_start(self, &hog, 3);
    for (int i = 0; i < bed_count(bed, 20, 20); i++) {
        struct gate gate;
        gate_init(&gate, self, 1);
        struct late_writer writer = {.fd = wire.fd[1], .gate = &gate};
        bed_spawn(self->spawner, late_writer_entry, &writer);
        int64_t deadline = in_ms(self->spawner, (int64_t)(STARVED_MS * bed_patience()));
        int32_t r = wait_ready(self, io, wire.fd[0], YK_IN, deadline);
        while (r == -EINTR)
            r = wait_ready(self, io, wire.fd[0], YK_IN, deadline);
        EXPECT(r == 0,
               "T7: while others yield for ever, a deadline or a descriptor is not looked at: "
               "io_wait gave %s",
               code_name(r));
        EXPECT_EQUAL("bytes read", take_byte(wire.fd[0]), 1);
        gate_wait(self, &gate, "a task with a deadline, while others yield");
    }
    hog_stop(self, &hog);
    io_close(self->spawner, io);
    wire_close(&wire);
}

struct pair_player {
    yk_task *_Atomic task;
    struct pair_player *other;
    _Atomic int *stop;
    struct gate *gate;
};

static int32_t pair_entry(yk_task *self, void *arg)
{
    struct pair_player *player = arg;
    atomic_store(&player->task, self);
    while (!atomic_load(player->stop)) {
        yk_task *other = atomic_load(&player->other->task);
        if (other)
            unpark(other);
        (void)park(self, in_ms(self->spawner, 1));
    }
    gate_pass(player->gate);
    return 0;
}

static void pingpong_pair_does_not_starve_third(yk_task *self, struct bed *bed)
{
    _Atomic int stop = 0;
    struct gate gate;
    struct pair_player a = {.stop = &stop, .gate = &gate};
    struct pair_player b = {.stop = &stop, .gate = &gate, .other = &a};
    a.other = &b;
    gate_init(&gate, self, 2);
    yk_task *handle_a = bed_spawn_held(self->spawner, pair_entry, &a);
    yk_task *handle_b = bed_spawn_held(self->spawner, pair_entry, &b);
    int64_t start = now_ns(self->spawner);
    for (int i = 0; i < bed_count(bed, 2000, 50); i++)
        yield(self);
    for (int i = 0; i < 20; i++)
        while (park(self, in_ms(self->spawner, 1)) == 0)
            continue;
    int64_t took_ms = (now_ns(self->spawner) - start) / 1000000;
    atomic_store(&stop, 1);
    unpark(handle_a);
    unpark(handle_b);
    gate_wait(self, &gate, "two tasks that wake each other");
    bed_await_alone(self);
    unref(handle_a);
    unref(handle_b);
    EXPECT(took_ms < 4 * STARVED_MS * bed_patience(),
           "T7: beside two tasks that wake each other, a third took %" PRId64
           " ms for its yields and 20 ms of waiting",
           took_ms);
}

static int32_t storm_entry(yk_task *self, void *arg)
{
    struct hog *hog = arg;
    if (atomic_load(&hog->stop)) {
        gate_pass(&hog->gate);
        return 0;
    }
    yk_spawn_options options = {.size = sizeof options};
    EXPECT_CODE(spawn(self->spawner, &options, storm_entry, hog, NULL), 0);
    return 0;
}

static void spawn_storm_does_not_starve_parked(yk_task *self, struct bed *bed)
{
    static struct hog hog;
    hog = (struct hog){.stop = 0};
    gate_init(&hog.gate, self, 2);
    bed_spawn(self->spawner, storm_entry, &hog);
    bed_spawn(self->spawner, storm_entry, &hog);
    int64_t start = now_ns(self->spawner);
    for (int i = 0; i < bed_count(bed, 30, 30); i++)
        while (park(self, in_ms(self->spawner, 1)) == 0)
            continue;
    int64_t took_ms = (now_ns(self->spawner) - start) / 1000000;
    atomic_store(&hog.stop, 1);
    gate_wait(self, &hog.gate, "tasks that spawn tasks for ever");
    EXPECT(took_ms < STARVED_MS * bed_patience(),
           "T7: beside tasks that spawn for ever, 30 deadlines of 1 ms took %" PRId64 " ms",
           took_ms);
}

static int32_t hot_entry(yk_task *self, void *arg)
{
    struct hog *hog = arg;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    put_byte(wire.fd[1]);
    while (!atomic_load(&hog->stop)) {
        int32_t r = io_wait(self, io, YK_IN, YK_NEVER, &(uint32_t){0});
        EXPECT(r == 0, "I2: io_wait on a descriptor that is always ready gave %s", code_name(r));
    }
    io_close(self->spawner, io);
    wire_close(&wire);
    gate_pass(&hog->gate);
    return 0;
}

/* A wait that never has to wait counts as a switch, too. */
static void hot_fd_starves_nobody(yk_task *self, struct bed *bed)
{
    static struct hog hog;
    hog = (struct hog){.stop = 0};
    gate_init(&hog.gate, self, 1);
    bed_spawn(self->spawner, hot_entry, &hog);
    int64_t start = now_ns(self->spawner);
    for (int i = 0; i < bed_count(bed, 20, 20); i++) {
        yield(self);
        while (park(self, in_ms(self->spawner, 1)) == 0)
            continue;
    }
    int64_t took_ms = (now_ns(self->spawner) - start) / 1000000;
    atomic_store(&hog.stop, 1);
    gate_wait(self, &hog.gate, "a task with a descriptor that is always ready");
    EXPECT(took_ms < STARVED_MS * bed_patience(),
           "T7: beside a descriptor that is always ready, 20 deadlines of 1 ms took %" PRId64 " ms",
           took_ms);
}

static int32_t token_entry(yk_task *self, void *arg)
{
    struct hog *hog = arg;
    while (!atomic_load(&hog->stop)) {
        unpark(self);
        EXPECT_CODE(park(self, YK_NEVER), 0);
    }
    gate_pass(&hog->gate);
    return 0;
}

static void token_loop_starves_nobody(yk_task *self, struct bed *bed)
{
    static struct hog hog;
    hog = (struct hog){.stop = 0};
    gate_init(&hog.gate, self, 1);
    bed_spawn(self->spawner, token_entry, &hog);
    for (int i = 0; i < bed_count(bed, 20, 20); i++)
        while (park(self, in_ms(self->spawner, 1)) == 0)
            continue;
    atomic_store(&hog.stop, 1);
    gate_wait(self, &hog.gate, "a task that parks with a token each time");
}

/* Two tasks that meet without waiting: only if both run at the same instant. */
struct meeting {
    _Atomic int here;
    struct gate gate;
};

static int32_t meeting_entry(yk_task *self, void *arg)
{
    struct meeting *meeting = arg;
    int64_t deadline = in_ms(self->spawner, (int64_t)(STARVED_MS * bed_patience()));
    atomic_fetch_add(&meeting->here, 1);
    while (atomic_load(&meeting->here) < 2) {
        (void)sched_yield();
        EXPECT(now_ns(self->spawner) < deadline,
               "caps claim PARALLEL, but a task that spins keeps another from running");
    }
    gate_pass(&meeting->gate);
    return 0;
}

static void meet(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct meeting meeting = {.here = 0};
    gate_init(&meeting.gate, self, 2);
    for (uint32_t i = 0; i < 2; i++) {
        yk_spawn_options options = {.size = sizeof options, .placement = YK_PLACE_ANY};
        EXPECT_CODE(spawn(self->spawner, &options, meeting_entry, &meeting, NULL), 0);
    }
    gate_wait(self, &meeting.gate, "two tasks at the same instant");
}

static void tasks_run_in_parallel(struct bed *bed)
{
    yk_config config = bed_config(bed);
    config.workers = 2;
    bed_run(bed, &config, meet);
}

static int32_t blocking_entry(yk_task *self, void *arg)
{
    struct late_writer *reader = arg;
    if (self->ops->blocking)
        self->ops->blocking(self, 1);
    EXPECT_EQUAL("bytes that a blocking read gave", take_byte(reader->fd), 1);
    if (self->ops->blocking)
        self->ops->blocking(self, 0);
    gate_pass(reader->gate);
    return 0;
}

static void blocking_task_holds_up_no_other(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct gate gate;
    struct wire wire = wire_pipe();
    EXPECT(fcntl(wire.fd[0], F_SETFL, 0) == 0, "the kit cannot make a pipe block");
    gate_init(&gate, self, 1);
    struct late_writer reader = {.fd = wire.fd[0], .gate = &gate};
    verdict_step("a task blocks its thread, which BLOCKING_OK says is harmless");
    bed_spawn(self->spawner, blocking_entry, &reader);
    for (int i = 0; i < 5; i++)
        while (park(self, in_ms(self->spawner, 1)) == 0)
            continue;
    put_byte(wire.fd[1]);
    gate_wait(self, &gate, "a task that blocks its thread");
    wire_close(&wire);
}

static void blocking_may_be_told(yk_task *self, struct bed *bed)
{
    (void)bed;
    if (!self->ops->blocking)
        verdict_skip("blocking is optional, and absent");
    for (int i = 0; i < 3; i++) {
        self->ops->blocking(self, 1);
        pause_ms(1);
        self->ops->blocking(self, 0);
        (void)park(self, in_us(self->spawner, 100));
    }
}

static const struct behaviour behaviours[] = {
    {"yield_round_robin", "T7: of tasks that yield to each other none is left out",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = yield_round_robin},
    {"yield_lets_ready_tasks_run", "T7: tasks that are ready run before yield returns",
     .not_with = YK_CAP_PARALLEL, .on_task = yield_lets_ready_tasks_run},
    {"ready_loop_polls_io", "T7: descriptors are looked at within 61 switches",
     .on_task = ready_loop_polls_io},
    {"yielding_starves_no_waiter", "T7: nor are deadlines or readers forgotten while others yield",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = yielding_starves_no_waiter},
    {"pingpong_pair_does_not_starve_third", "T7: two tasks that wake each other hold up no third",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = pingpong_pair_does_not_starve_third},
    {"spawn_storm_does_not_starve_parked", "T7: nor do tasks that spawn tasks",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = spawn_storm_does_not_starve_parked},
    {"hot_fd_does_not_starve_timer_or_task", "T7: nor does a descriptor that is always ready",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = hot_fd_starves_nobody},
    {"token_loop_starves_nobody", "T7: nor does a task whose token is always there",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = token_loop_starves_nobody},
    {"tasks_run_in_parallel", "YK_CAP_PARALLEL YK_CAP_BLOCKING_OK: two tasks at the same instant",
     .needs = YK_CAP_PARALLEL | YK_CAP_BLOCKING_OK, .run = tasks_run_in_parallel},
    {"blocking_task_holds_up_no_other",
     "YK_CAP_BLOCKING_OK: a blocked thread holds up no other task", .needs = YK_CAP_BLOCKING_OK,
     .on_task = blocking_task_holds_up_no_other},
    {"blocking_may_be_told", "M4: begin and end of a blocking stretch",
     .on_task = blocking_may_be_told},
};

THEME(fairness, behaviours);

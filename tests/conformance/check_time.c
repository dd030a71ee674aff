/* SPDX-License-Identifier: MIT
 * check_time.c - behaviours of deadlines: never early, also after work, stops and signals.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, W1, I2, YK_NEVER. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/clock_trouble.h"
#include "tests/conformance/wires.h"

#define STALL_US    1500
#define LATE_MS_MAX 200 /* of a machine that is not busy; later is a warning */

/* Parks until the deadline has come, whatever happens meanwhile; demands that no -ETIMEDOUT is
 * early. */
static void park_until(yk_task *self, int64_t deadline)
{
    int32_t r;
    do {
        r = park(self, deadline);
        EXPECT(r == 0 || r == -ETIMEDOUT, "W1: park gave %s", code_name(r));
    } while (r != -ETIMEDOUT);
    int64_t early = deadline - now_ns(self->spawner);
    EXPECT(early <= 0, "W1: park gave -ETIMEDOUT %" PRId64 " ns before its deadline", early);
}

static void park_deadline_past_returns_at_once(yk_task *self, struct bed *bed)
{
    (void)bed;
    static const int64_t past[] = {0, 1, -1, INT64_MIN, INT64_MIN + 1};
    int timed_out = 0;
    int64_t start = now_ns(self->spawner);
    for (int i = 0; i < 100; i++)
        for (size_t j = 0; j < sizeof past / sizeof *past; j++) {
            int32_t r = park(self, j == 2 ? now_ns(self->spawner) : past[j]);
            EXPECT(r == 0 || r == -ETIMEDOUT, "W1: park with a deadline of the past gave %s",
                   code_name(r));
            timed_out += r == -ETIMEDOUT;
        }
    EXPECT(timed_out > 0, "W1: park with a deadline of the past never gave -ETIMEDOUT");
    int64_t took_ms = (now_ns(self->spawner) - start) / 1000000;
    EXPECT(took_ms < 1000 * bed_patience(),
           "W1: 500 looks with a deadline of the past took %" PRId64 " ms", took_ms);
}

static void park_past_deadline_with_token(yk_task *self, struct bed *bed)
{
    (void)bed;
    static const int64_t past[] = {0, 1, -1, INT64_MIN};
    for (size_t i = 0; i < 100; i++) {
        unpark(self);
        EXPECT_CODE(park(self, past[i % 4]), 0);
    }
}

struct timers {
    struct gate gate;
    struct bed *bed;
    _Atomic int number;
    _Atomic int64_t late_ns_max;
    int rounds;
    uint32_t us_max;
};

static void note_late(struct timers *timers, int64_t late_ns)
{
    int64_t max = atomic_load(&timers->late_ns_max);
    while (late_ns > max && !atomic_compare_exchange_weak(&timers->late_ns_max, &max, late_ns))
        continue;
}

static int32_t timers_entry(yk_task *self, void *arg)
{
    struct timers *timers = arg;
    struct chance chance = bed_chance(timers->bed, (uint64_t)atomic_fetch_add(&timers->number, 1));
    for (int i = 0; i < timers->rounds; i++) {
        int64_t deadline = in_us(self->spawner, chance_below(&chance, timers->us_max));
        park_until(self, deadline);
        note_late(timers, now_ns(self->spawner) - deadline);
    }
    gate_pass(&timers->gate);
    return 0;
}

static void run_timers(yk_task *self, struct timers *timers, int tasks)
{
    gate_init(&timers->gate, self, tasks);
    for (int i = 0; i < tasks; i++)
        bed_spawn(self->spawner, timers_entry, timers);
    gate_wait(self, &timers->gate, "deadlines of many tasks");
    int64_t late_ms = atomic_load(&timers->late_ns_max) / 1000000;
    if (late_ms > LATE_MS_MAX * bed_patience())
        verdict_warn("W1: a deadline was %" PRId64 " ms late", late_ms);
}

static void park_never_early(yk_task *self, struct bed *bed)
{
    struct timers timers = {.bed = bed, .rounds = 10, .us_max = 30000};
    run_timers(self, &timers, bed_count(bed, 1000, 100));
}

static void many_deadlines_all_fire(yk_task *self, struct bed *bed)
{
    struct timers timers = {.bed = bed, .rounds = 1, .us_max = 200000};
    run_timers(self, &timers, bed_count(bed, 10000, 500));
}

struct same {
    struct gate gate;
    int64_t deadline;
};

static int32_t same_entry(yk_task *self, void *arg)
{
    struct same *same = arg;
    park_until(self, same->deadline);
    gate_pass(&same->gate);
    return 0;
}

static void same_deadline_all_fire(yk_task *self, struct bed *bed)
{
    int count = bed_count(bed, 2000, 200);
    struct same same = {.deadline = in_ms(self->spawner, 100)};
    gate_init(&same.gate, self, count);
    for (int i = 0; i < count; i++)
        bed_spawn(self->spawner, same_entry, &same);
    gate_wait(self, &same.gate, "tasks with one deadline in common");
}

static int32_t far_entry(yk_task *self, void *arg)
{
    static const int64_t far[] = {YK_NEVER, YK_NEVER - 1, INT64_MAX / 2, INT64_C(1) << 61};
    struct same *same = arg;
    do {
        int32_t r = park(self, far[self->id % 4]);
        EXPECT(r == 0, "W1: a park with a deadline centuries ahead gave %s", code_name(r));
    } while (now_ns(self->spawner) < same->deadline);
    gate_pass(&same->gate);
    return 0;
}

#define FAR_COUNT 8

static void park_deadline_never_and_overflow(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct same same = {.deadline = in_ms(self->spawner, 60)};
    yk_task *tasks[FAR_COUNT];
    gate_init(&same.gate, self, FAR_COUNT);
    for (int i = 0; i < FAR_COUNT; i++)
        tasks[i] = bed_spawn_held(self->spawner, far_entry, &same);
    park_until(self, same.deadline);
    for (int i = 0; i < FAR_COUNT; i++)
        unpark(tasks[i]);
    gate_wait(self, &same.gate, "tasks that park for ever, and were unparked");
    for (int i = 0; i < FAR_COUNT; i++)
        unref(tasks[i]);
}

static void be_busy_us(int64_t us)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + us * 1000;
    do
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    while ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec < end);
}

/* A loop library's own idea of the time is old when a task has worked before it waits. */
static void timer_after_busy_task_not_early(yk_task *self, struct bed *bed)
{
    struct chance chance = bed_chance(bed, 3);
    for (int i = 0; i < bed_count(bed, 60, 60); i++) {
        be_busy_us(chance_below(&chance, 3000));
        int64_t deadline = in_us(self->spawner, 1000 + chance_below(&chance, 5000));
        park_until(self, deadline);
    }
    be_busy_us(100000);
    park_until(self, in_ms(self->spawner, 20));
}

static void io_deadline_never_early(yk_task *self, struct bed *bed)
{
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    struct chance chance = bed_chance(bed, 4);
    for (int i = 0; i < bed_count(bed, 40, 40); i++) {
        be_busy_us(chance_below(&chance, 1000));
        int64_t deadline = in_us(self->spawner, chance_below(&chance, 10000));
        int32_t r = wait_ready(self, io, wire.fd[0], YK_IN, deadline);
        int64_t early = deadline - now_ns(self->spawner);
        EXPECT(r == -ETIMEDOUT, "I2: io_wait on a silent pipe gave %s, expected -ETIMEDOUT",
               code_name(r));
        EXPECT(early <= 0, "I2: io_wait gave -ETIMEDOUT %" PRId64 " ns before its deadline", early);
    }
    io_close(self->spawner, io);
    wire_close(&wire);
}

/* Somebody sets the time of day, forward and back, while deadlines are ahead. */
static void wall_clock_jump_no_effect(yk_task *self, struct bed *bed)
{
    (void)bed;
    static const int64_t jumps_s[] = {3600, -7200, 3600};
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    time_t before = time(NULL);
    clock_trouble_jump(7200);
    EXPECT(time(NULL) - before >= 7200, "the kit cannot move the time of day here");
    clock_trouble_jump(-7200);
    int64_t start = now_ns(self->spawner);
    for (int i = 0; i < 3; i++) {
        struct timers timers = {.bed = bed, .rounds = 1, .us_max = 30000};
        gate_init(&timers.gate, self, 20);
        for (int j = 0; j < 20; j++)
            bed_spawn(self->spawner, timers_entry, &timers);
        yield(self);
        clock_trouble_jump(jumps_s[i]);
        park_until(self, in_ms(self->spawner, 5));
        int32_t r = wait_ready(self, io, wire.fd[0], YK_IN, in_ms(self->spawner, 5));
        EXPECT(r == -ETIMEDOUT || r == -EINTR, "I2: io_wait over a jump of the time of day gave %s",
               code_name(r));
        gate_wait(self, &timers.gate, "deadlines that a jump of the time of day must not move");
        bed_await_alone(self);
    }
    int64_t took_ms = (now_ns(self->spawner) - start) / 1000000;
    EXPECT(took_ms < 1000 * bed_patience(),
           "YK_NEVER: 100 ms of deadlines took %" PRId64 " ms when the time of day jumped",
           took_ms);
    io_close(self->spawner, io);
    wire_close(&wire);
}

/* A deadline that passes between the runtime's look at the clock and its going to sleep must not be
 * slept through. */
static void deadline_passes_on_the_way_to_sleep(yk_task *self, struct bed *bed)
{
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    for (uint32_t each_nth = 1; each_nth <= 7; each_nth++)
        for (int i = 0; i < bed_count(bed, 10, 10); i++) {
            verdict_step("%d us pass at each %" PRIu32
                         "th look at the clock, and a deadline with them: if "
                         "nothing returns, it was slept through",
                         STALL_US, each_nth);
            clock_trouble_stall(each_nth, STALL_US);
            int32_t r = park(self, in_us(self->spawner, 2 * STALL_US - i * 100));
            EXPECT(r == 0 || r == -ETIMEDOUT, "W1: park gave %s", code_name(r));
            r = wait_ready(self, io, wire.fd[0], YK_IN,
                           in_us(self->spawner, 2 * STALL_US - i * 100));
            clock_trouble_stall(0, 0);
            EXPECT(r == -ETIMEDOUT, "I2: io_wait on a silent pipe gave %s, expected -ETIMEDOUT",
                   code_name(r));
        }
    io_close(self->spawner, io);
    wire_close(&wire);
}

static int32_t stopping_child(void)
{
    pid_t parent = getppid();
    (void)kill(parent, SIGSTOP);
    pause_ms(200);
    (void)kill(parent, SIGCONT);
    return 0;
}

/* The process stands still for a while; what came due meanwhile comes then, once. */
static void stopped_process_deadlines_fire_once(yk_task *self, struct bed *bed)
{
    (void)bed;
    int64_t deadline = in_ms(self->spawner, 100);
    pid_t pid = fork();
    EXPECT(pid >= 0, "the kit cannot fork");
    if (pid == 0)
        _exit(stopping_child());
    park_until(self, deadline);
    int timed_out = 0;
    for (int i = 0; i < 20; i++)
        timed_out += park(self, in_us(self->spawner, 500)) == -ETIMEDOUT;
    EXPECT(timed_out > 0, "W1: after a stop of the process park never waits again");
    EXPECT(waitpid(pid, NULL, 0) == pid, "the kit cannot wait for its child");
}

static void on_alarm(int number)
{
    (void)number;
}

static void set_alarms(int64_t us)
{
    struct sigaction action = {.sa_handler = on_alarm,
                               .sa_flags = SA_ONSTACK}; /* without SA_RESTART */
    (void)sigaction(SIGALRM, &action, NULL);
    struct itimerval every = {.it_interval.tv_usec = us, .it_value.tv_usec = us};
    EXPECT(setitimer(ITIMER_REAL, &every, NULL) == 0, "the kit cannot set an interval timer");
}

static int32_t echo_entry(yk_task *self, void *arg)
{
    const struct wire *wire = arg;
    yk_io *io = open_io(self->spawner, wire->fd[1]);
    for (;;) {
        must_be_ready(self, io, wire->fd[1], YK_IN, "the next byte, while signals interrupt");
        if (take_byte(wire->fd[1]) == 0)
            break;
        put_byte(wire->fd[1]);
    }
    io_close(self->spawner, io);
    end_close(wire->fd[1]);
    return 0;
}

static void eintr_storm_no_spurious_error(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_socket();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    bed_spawn(self->spawner, echo_entry, &wire);
    set_alarms(500);
    int64_t end = in_ms(self->spawner, 300);
    while (now_ns(self->spawner) < end) {
        put_byte(wire.fd[0]);
        must_be_ready(self, io, wire.fd[0], YK_IN, "the echo, while signals interrupt");
        EXPECT_EQUAL("bytes of the echo", take_byte(wire.fd[0]), 1);
        park_until(self, in_us(self->spawner, 700));
    }
    set_alarms(0);
    io_close(self->spawner, io);
    end_close(wire.fd[0]);
    bed_await_alone(self);
}

static const struct behaviour behaviours[] = {
    {"park_deadline_past_returns_at_once", "W1: a deadline of the past only looks",
     .on_task = park_deadline_past_returns_at_once},
    {"park_past_deadline_with_token_returns_0", "W1: and takes a token that is there",
     .on_task = park_past_deadline_with_token},
    {"park_never_early", "W1: thousands of random deadlines, none early",
     .on_task = park_never_early},
    {"many_deadlines_all_fire", "W1: thousands at once, all come",
     .on_task = many_deadlines_all_fire},
    {"same_deadline_all_fire", "W1: tasks with one deadline in common",
     .on_task = same_deadline_all_fire},
    {"park_deadline_never_and_overflow", "W1 YK_NEVER: centuries ahead is not now",
     .on_task = park_deadline_never_and_overflow},
    {"timer_after_busy_task_not_early", "W1: nor when the task worked before it waits",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = timer_after_busy_task_not_early},
    {"io_deadline_never_early", "I2: -ETIMEDOUT of io_wait is never early",
     .on_task = io_deadline_never_early},
    {"wall_clock_jump_no_effect",
     "W1 I2: deadlines are of CLOCK_MONOTONIC: the time of day may jump by hours",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = wall_clock_jump_no_effect},
    {"deadline_passes_on_the_way_to_sleep",
     "W1 I2: time that passes at any look at the clock loses no deadline",
     .not_with = YK_CAP_VIRTUAL_TIME, .timeout_ms = 5000,
     .on_task = deadline_passes_on_the_way_to_sleep},
    {"SIGSTOP_SIGCONT_deadlines_fire_once",
     "W1: a stop of the process is not an error, nor a flood", .not_with = YK_CAP_VIRTUAL_TIME,
     .on_task = stopped_process_deadlines_fire_once},
    {"EINTR_storm_no_spurious_error",
     "W1 I2: signals every 0.5 ms interrupt nothing that a task sees",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = eintr_storm_no_spurious_error},
};

THEME(time, behaviours);

/* SPDX-License-Identifier: MIT
 * check_task.c - behaviours of a task's memory: its head, the host's bytes, handles, and the thread
 * it stays on.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, T1, T4, T6, H4, struct yk_task. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define IDS_MAX 300

struct heads {
    struct gate gate;
    yk_spawner *spawner;
    const char *name;
    _Atomic uint64_t ids[IDS_MAX];
    _Atomic int ids_count;
};

static int32_t head_entry(yk_task *self, void *arg)
{
    struct heads *heads = arg;
    EXPECT_EQUAL("T4: the magic of a running task", self->magic, YK_TASK_MAGIC);
    EXPECT(self->spawner == heads->spawner, "T4: task->spawner is not the spawner");
    EXPECT(self->ops == heads->spawner->ops, "T4: task->ops is not spawner->ops");
    EXPECT(self->name, "T4: the name of a task is NULL");
    EXPECT(!heads->name || strcmp(self->name, heads->name) == 0,
           "T4: the task's name is '%s', expected '%s'", self->name, heads->name);
    EXPECT((uintptr_t)self % 8 == 0, "T4: a task lies at %p, not aligned to 8", (void *)self);
    int at = atomic_fetch_add(&heads->ids_count, 1);
    atomic_store(&heads->ids[at], self->id);
    gate_pass(&heads->gate);
    return 0;
}

static void head_is_filled(yk_task *self, struct bed *bed)
{
    static struct heads heads;
    int count = bed_count(bed, IDS_MAX, 100);
    heads.spawner = self->spawner;
    gate_init(&heads.gate, self, count);
    EXPECT_EQUAL("T4: the magic of the main task", self->magic, YK_TASK_MAGIC);
    EXPECT(self->spawner->ops == self->ops && self->name,
           "T4: the main task's head is not filled in");
    for (int i = 0; i < count; i++)
        bed_spawn(self->spawner, head_entry, &heads);
    gate_wait(self, &heads.gate, "tasks that look at their heads");
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            EXPECT(heads.ids[i] != heads.ids[j] && heads.ids[i] != self->id,
                   "T4: two tasks have the id %" PRIu64, heads.ids[i]);
}

static void name_is_told(yk_task *self, struct bed *bed)
{
    (void)bed;
    static struct heads heads;
    static const char *const names[] = {"reader of one", "task", ""};
    heads.spawner = self->spawner;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gate_init(&heads.gate, self, 1);
        heads.name = names[i];
        yk_spawn_options options = {.size = sizeof options, .name = names[i]};
        if (strcmp(names[i], "task") == 0)
            options.name = NULL; /* what NULL stands for */
        EXPECT_CODE(spawn(self->spawner, &options, head_entry, &heads, NULL), 0);
        gate_wait(self, &heads.gate, "a task with a name");
    }
}

struct extras {
    struct gate gate;
    uint32_t bytes;
    bool zeroes;
};

static unsigned char extra_byte(uint32_t i)
{
    return (unsigned char)(i * 7 + 3);
}

static int32_t extra_entry(yk_task *self, void *arg)
{
    struct extras *extras = arg;
    unsigned char *extra = yk_task_extra(self);
    for (uint32_t i = 0; i < extras->bytes; i++)
        EXPECT(extra[i] == (extras->zeroes ? 0 : extra_byte(i)),
               "T4: byte %" PRIu32 " of the host's bytes is 0x%02x, expected 0x%02x", i, extra[i],
               extras->zeroes ? 0 : extra_byte(i));
    memset(extra, 0x99, extras->bytes); /* the host's own, the runtime does not mind */
    yield(self);
    (void)park(self, in_us(self->spawner, 50));
    for (uint32_t i = 0; i < extras->bytes; i++)
        EXPECT(extra[i] == 0x99, "T4: the runtime has written byte %" PRIu32 " of the host's bytes",
               i);
    gate_pass(&extras->gate);
    return 0;
}

static void spawn_extras(yk_task *self, struct bed *bed, bool zeroes)
{
    static struct extras extras;
    unsigned char room[BED_EXTRA_BYTES];
    int count = bed_count(bed, 50, 20);
    extras.bytes = bed_config(bed).extra_bytes;
    extras.zeroes = zeroes;
    for (uint32_t i = 0; i < extras.bytes; i++)
        room[i] = extra_byte(i);
    gate_init(&extras.gate, self, count);
    yk_spawn_options options = {.size = sizeof options, .extra = zeroes ? NULL : room};
    for (int i = 0; i < count; i++)
        EXPECT_CODE(spawn(self->spawner, &options, extra_entry, &extras, NULL), 0);
    memset(room, 0xee, sizeof room); /* it was copied */
    gate_wait(self, &extras.gate, "tasks that look at the host's bytes");
    bed_await_alone(self);
}

static void task_extra_zeroed(yk_task *self, struct bed *bed)
{
    for (int round = 0; round < 3; round++) /* also in memory that was used before */
        spawn_extras(self, bed, true);
}

static void task_extra_copied(yk_task *self, struct bed *bed)
{
    spawn_extras(self, bed, true);
    spawn_extras(self, bed, false);
    spawn_extras(self, bed, true);
}

static int32_t nothing_entry(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

static void expect_alive(const yk_task *task, uint64_t id, const char *when)
{
    EXPECT(task->magic == YK_TASK_MAGIC,
           "T6: %s, a task that is referenced has the magic 0x%08" PRIx32
           ": its memory was given back",
           when, task->magic);
    EXPECT(task->id == id,
           "T6: %s, a task that is referenced has the id %" PRIu64 ", it was %" PRIu64
           ": its memory is another task's",
           when, task->id, id);
}

static void task_ends_while_handle_held(yk_task *self, struct bed *bed)
{
    yk_task *task = bed_spawn_held(self->spawner, nothing_entry, NULL);
    uint64_t id = task->id;
    bed_await_alone(self);
    expect_alive(task, id, "after its end");
    for (int i = 0; i < bed_count(bed, 300, 100); i++) {
        bed_spawn(self->spawner, nothing_entry, NULL);
        if (i % 50 == 0)
            bed_await_alone(self);
    }
    bed_await_alone(self);
    expect_alive(task, id, "after other tasks came and went");
    unpark(task);
    unpark(task);
    unref(task);
}

static void last_unref_counts(yk_task *self, struct bed *bed)
{
    yk_task *task = bed_spawn_held(self->spawner, nothing_entry, NULL);
    uint64_t id = task->id;
    ref(task);
    ref(task);
    unref(task);
    bed_await_alone(self);
    expect_alive(task, id, "with 2 of 3 references left and ended");
    unref(task);
    for (int i = 0; i < bed_count(bed, 100, 50); i++)
        bed_spawn(self->spawner, nothing_entry, NULL);
    bed_await_alone(self);
    expect_alive(task, id, "with 1 of 3 references left");
    unpark(task);
    unref(task);
}

static int32_t own_reference_entry(yk_task *self, void *arg)
{
    struct gate *gate = arg;
    uint64_t id = self->id;
    ref(self);
    unref(self);
    yield(self);
    expect_alive(self, id, "while it runs and nobody holds it");
    gate_pass(gate);
    return 0;
}

static void running_task_needs_no_handle(yk_task *self, struct bed *bed)
{
    struct gate gate;
    int count = bed_count(bed, 100, 50);
    gate_init(&gate, self, count);
    for (int i = 0; i < count; i++)
        unref(bed_spawn_held(self->spawner, own_reference_entry, &gate));
    gate_wait(self, &gate, "tasks whose handles were given back at once");
}

static void *unref_thread(void *arg)
{
    unref(arg);
    return NULL;
}

static void handle_given_back_by_foreign_thread(yk_task *self, struct bed *bed)
{
    for (int i = 0; i < bed_count(bed, 50, 50); i++) {
        yk_task *task = bed_spawn_held(self->spawner, nothing_entry, NULL);
        if (i % 2)
            bed_await_alone(self);
        foreign_join(foreign_start(unref_thread, task));
    }
}

struct stay {
    struct gate gate;
    struct wire wire;
    int rounds;
};

/* What code may keep across a wait because a task stays on its thread. */
static int32_t stay_entry(yk_task *self, void *arg)
{
    struct stay *stay = arg;
    pthread_t thread = pthread_self();
    pid_t tid = gettid();
    const int *errno_address = &errno;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[1]);
    for (int i = 0; i < stay->rounds; i++) {
        if (i % 3 == 0)
            yield(self);
        else if (i % 3 == 1)
            (void)park(self, in_us(self->spawner, 50));
        else
            must_be_ready(self, io, wire.fd[1], YK_OUT, "an empty pipe");
        EXPECT(pthread_equal(pthread_self(), thread) && gettid() == tid,
               "T1: the task has moved from thread %d to %d", (int)tid, (int)gettid());
        EXPECT(&errno == errno_address, "T1: the address of errno has changed");
    }
    io_close(self->spawner, io);
    wire_close(&wire);
    gate_pass(&stay->gate);
    return 0;
}

static void thread_constant_for_life(yk_task *self, struct bed *bed)
{
    struct stay stay = {.rounds = bed_count(bed, 30, 30)};
    int count = bed_count(bed, 40, 20);
    gate_init(&stay.gate, self, count);
    for (int i = 0; i < count; i++)
        bed_spawn(self->spawner, stay_entry, &stay);
    gate_wait(self, &stay.gate, "tasks that look at their thread");
}

static int32_t current_entry(yk_task *self, void *arg)
{
    struct stay *stay = arg;
    for (int i = 0; i < stay->rounds; i++) {
        EXPECT(lent_thread_known(), "H4: a task runs on a thread that has not called thread_start");
        EXPECT(lent_current_task() == self, "H4: while a task runs, *current is %s",
               lent_current_task() ? "another task" : "NULL");
        if (i % 2)
            yield(self);
        else
            (void)park(self, in_us(self->spawner, 20));
    }
    gate_pass(&stay->gate);
    return 0;
}

static void current_task_is_known(yk_task *self, struct bed *bed)
{
    struct stay stay = {.rounds = bed_count(bed, 50, 20)};
    int count = bed_count(bed, 20, 20);
    gate_init(&stay.gate, self, count + 1);
    for (int i = 0; i < count; i++)
        bed_spawn(self->spawner, current_entry, &stay);
    (void)current_entry(self, &stay);
    gate_wait(self, &stay.gate, "tasks that ask who they are");
}

static void current_is_null_off_task(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    EXPECT(!lent_current_task(), "H4: after create the caller's thread has a current task");
    bed_block_on(bed, spawner, current_task_is_known);
    EXPECT(!lent_thread_known() || !lent_current_task(),
           "H4: after block_on the caller's thread still has a current task");
    bed_close(spawner);
    EXPECT(!lent_thread_known(), "H4: after destroy the caller's thread is still started");
}

static const struct behaviour behaviours[] = {
    {"head_is_filled", "T4: magic, ops, spawner, name and a new id, before the entry runs",
     .on_task = head_is_filled},
    {"name_is_told", "T4: the name of the options; \"task\" for NULL", .on_task = name_is_told},
    {"task_extra_zeroed",
     "T4: without options->extra the host's bytes are zero, in used memory, too",
     .on_task = task_extra_zeroed},
    {"task_extra_copied",
     "T4: options->extra is copied before the entry runs; then they are the host's",
     .on_task = task_extra_copied},
    {"task_ends_while_handle_held", "T6: a referenced task's memory stays after its end",
     .on_task = task_ends_while_handle_held},
    {"last_unref_counts", "T6: it stays until as many unref as ref", .on_task = last_unref_counts},
    {"running_task_needs_no_handle", "T6: a handle given back at once does not end the task",
     .on_task = running_task_needs_no_handle},
    {"handle_given_back_by_foreign_thread", "T6: unref is [any]",
     .on_task = handle_given_back_by_foreign_thread},
    {"thread_constant_for_life",
     "T1: gettid, pthread_self and &errno stay the same across every wait",
     .on_task = thread_constant_for_life},
    {"current_task_is_known", "H4: *current is the running task, after each switch",
     .on_task = current_task_is_known},
    {"current_is_null_off_task", "H4: *current is NULL after block_on",
     .run = current_is_null_off_task},
};

THEME(task, behaviours);

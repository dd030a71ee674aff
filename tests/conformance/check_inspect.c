/* SPDX-License-Identifier: MIT
 * check_inspect.c - behaviours of walk and stats.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, M1, M2. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

#define WALKED_MAX 64
#define PARKED     20

struct parked {
    struct gate gate;
    _Atomic int released;
};

static int32_t parked_entry(yk_task *self, void *arg)
{
    struct parked *parked = arg;
    while (!atomic_load(&parked->released))
        (void)park(self, YK_NEVER);
    gate_pass(&parked->gate);
    return 0;
}

struct walked {
    yk_task *tasks[WALKED_MAX];
    int count;
    int main_count;
    yk_task *main;
};

static void visit_note(yk_task *task, void *arg)
{
    struct walked *walked = arg;
    EXPECT_EQUAL("M1: the magic of a visited task", task->magic, YK_TASK_MAGIC);
    EXPECT(walked->count < WALKED_MAX, "M1: walk visits more tasks than there are");
    walked->tasks[walked->count++] = task;
    walked->main_count += task == walked->main;
}

static void visit_unpark(yk_task *task, void *arg)
{
    (void)arg;
    ref(task);
    unpark(task);
    unref(task);
}

static void expect_all_visited(const struct walked *walked, int tasks)
{
    EXPECT_EQUAL("M1: tasks that walk visited", walked->count, tasks);
    EXPECT_EQUAL("M1: visits of the main task", walked->main_count, 1);
    for (int i = 0; i < walked->count; i++)
        for (int j = 0; j < i; j++)
            EXPECT(walked->tasks[i] != walked->tasks[j], "M1: walk visited one task twice");
}

static void parked_start(yk_task *self, struct parked *parked)
{
    gate_init(&parked->gate, self, PARKED);
    for (int i = 0; i < PARKED; i++)
        bed_spawn(self->spawner, parked_entry, parked);
}

static void walk_visits_each_live_task_once(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct walked walked = {.main = self};
    walk(self->spawner, visit_note, &walked);
    expect_all_visited(&walked, 1);

    struct parked parked = {.released = 0};
    parked_start(self, &parked);
    walked = (struct walked){.main = self};
    walk(self->spawner, visit_note, &walked);
    expect_all_visited(&walked, PARKED + 1);

    atomic_store(&parked.released, 1);
    walk(self->spawner, visit_unpark, NULL); /* which wakes everybody */
    gate_wait(self, &parked.gate, "tasks that a walk has unparked");
    bed_await_alone(self);
    walked = (struct walked){.main = self};
    walk(self->spawner, visit_note, &walked);
    expect_all_visited(&walked, 1);
}

struct foreign_walk {
    yk_spawner *spawner;
    struct walked walked;
    struct gate gate;
};

static void *walk_thread(void *arg)
{
    struct foreign_walk *one = arg;
    for (int i = 0; i < 50; i++) {
        one->walked.count = 0;
        one->walked.main_count = 0;
        walk(one->spawner, visit_note, &one->walked);
    }
    gate_pass(&one->gate);
    return NULL;
}

static int32_t brief_entry(yk_task *self, void *arg)
{
    (void)arg;
    yield(self);
    return 0;
}

static void walk_from_foreign_thread(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct parked parked = {.released = 0};
    parked_start(self, &parked);
    struct foreign_walk one = {.spawner = self->spawner, .walked.main = self};
    gate_init(&one.gate, self, 1);
    pthread_t thread = foreign_start(walk_thread, &one);
    gate_wait(self, &one.gate, "50 walks of a foreign thread");
    foreign_join(thread);
    expect_all_visited(&one.walked, PARKED + 1);
    atomic_store(&parked.released, 1);
    walk(self->spawner, visit_unpark, NULL);
    gate_wait(self, &parked.gate, "tasks that a walk has unparked");
}

/* Tasks come and go while a foreign thread looks at them. */
static void walk_while_tasks_end(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct foreign_walk one = {.spawner = self->spawner, .walked.main = self};
    gate_init(&one.gate, self, 1);
    pthread_t thread = foreign_start(walk_thread, &one);
    while (atomic_load(&one.gate.left) > 0) {
        for (int i = 0; i < WALKED_MAX / 4; i++)
            bed_spawn(self->spawner, brief_entry, NULL);
        bed_await_alone(self);
    }
    gate_wait(self, &one.gate, "walks while tasks end");
    foreign_join(thread);
}

static void stats_count_tasks(yk_task *self, struct bed *bed)
{
    yk_stats before = stats(self->spawner);
    EXPECT_EQUAL("M2: tasks_live with the main task alone", before.tasks_live, 1);
    EXPECT(before.loops > 0 || !bed_has(bed, YK_CAP_LOOPS),
           "M2: caps claim LOOPS, but stats say there are none");
    struct parked parked = {.released = 0};
    parked_start(self, &parked);
    yk_stats meanwhile = stats(self->spawner);
    EXPECT_EQUAL("M2: tasks_live with 20 more", meanwhile.tasks_live, PARKED + 1);
    atomic_store(&parked.released, 1);
    walk(self->spawner, visit_unpark, NULL);
    gate_wait(self, &parked.gate, "tasks that a walk has unparked");
    bed_await_alone(self);
    yk_stats after = stats(self->spawner);
    EXPECT_EQUAL("M2: tasks_live when they have ended", after.tasks_live, 1);
    EXPECT_EQUAL("M2: tasks_spawned beside the main task",
                 after.tasks_spawned - before.tasks_spawned, PARKED);
    EXPECT(after.tasks_peak >= PARKED + 1, "M2: tasks_peak is %" PRIu64 ", there were %d",
           after.tasks_peak, PARKED + 1);
}

static const struct behaviour behaviours[] = {
    {"walk_visits_each_live_task_once", "M1: main included; visit may ref, unref and unpark",
     .on_task = walk_visits_each_live_task_once},
    {"walk_from_foreign_thread", "M1: walk is [any]", .not_with = YK_CAP_VIRTUAL_TIME,
     .on_task = walk_from_foreign_thread},
    {"walk_while_tasks_end", "M1: a task cannot end during its visit",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = walk_while_tasks_end},
    {"stats_count_tasks", "M2: live, peak, spawned, and the loops that caps claim",
     .on_task = stats_count_tasks},
};

THEME(inspect, behaviours);

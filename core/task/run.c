/* SPDX-License-Identifier: MIT
 * run.c - a main task, and the end of all that it leaves behind.
 *
 * Layer: core/task.  Threads: yk_run() by a thread that is not on a task.  Contract: task.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <yoke/task.h>

#include "core/runtime/host.h"
#include "core/task/task_state.h"
#include "core/task/runtime_verbs.h"

#define LEFT_BATCH        32
#define STUCK_NAMES_BYTES 256

/* Here, not in task.c, where the compiler would see through it. */
const union task_image task_image_blank = {.state = {.deadline = YK_NEVER}};

struct run {
    yk_task_fn *fn;
    void *arg;
};

/* Tasks found alive, each with a reference. */
struct left {
    const yk_task *self;
    yk_task *tasks[LEFT_BATCH];
    int count;
};

static void collect(yk_task *task, void *arg)
{
    struct left *left = arg;
    if (task == left->self || left->count == LEFT_BATCH)
        return;
    verb_ref(task);
    left->tasks[left->count++] = task;
}

static void add_name(char *names, const char *name)
{
    size_t len = strlen(names);
    if (len + strlen(", ") + strlen(name) < STUCK_NAMES_BYTES) /* else it goes unnamed */
        (void)snprintf(names + len, STUCK_NAMES_BYTES - len, "%s%s", len > 0 ? ", " : "", name);
}

/* Cancels and joins one batch of what is left.  Returns how many there were; names those that did
 * not end in time. */
static int end_batch(yk_task *self, int64_t deadline, char *stuck)
{
    struct left left = {.self = self};
    self->ops->walk(self->spawner, collect, &left);
    for (int i = 0; i < left.count; i++)
        yk_task_cancel(left.tasks[i]);
    for (int i = 0; i < left.count; i++) {
        if (yk_task_join(self, left.tasks[i], deadline, NULL) == -ETIMEDOUT)
            add_name(stuck, left.tasks[i]->name);
        verb_unref(left.tasks[i]);
    }
    return left.count;
}

/* Ends every other task of the spawner.  Returns 0 or -ETIMEDOUT. */
static int end_others(yk_task *self)
{
    char stuck[STUCK_NAMES_BYTES] = "";
    int64_t deadline = yk_deadline_ms(self, YK_RUN_GRACE_MS);
    while (end_batch(self, deadline, stuck) > 0) {
        if (stuck[0]) {
            host_log(0, "tasks did not end within %d s of the main task's end: %s",
                     YK_RUN_GRACE_MS / 1000, stuck);
            return -ETIMEDOUT;
        }
        verb_yield(self); /* who has been joined may still be on its last steps */
    }
    return 0;
}

static int run_main(yk_task *self, void *arg)
{
    struct run *run = arg;
    int result = run->fn(self, run->arg);
    yk_shield_begin(self);
    int r = end_others(self);
    yk_shield_end(self);
    return r < 0 ? r : result;
}

int yk_run(yk_spawner *spawner, yk_task_fn *fn, void *arg)
{
    if (host_current_task())
        return -EDEADLK;
    struct run run = {fn, arg};
    union task_image image = task_image_blank;
    image.state.fn = run_main;
    yk_spawn_options options = {.size = sizeof options, .name = "main", .extra = &image};
    int32_t result = 0;
    int r = spawner->ops->block_on(spawner, &options, task_main, &run, &result);
    return r < 0 ? r : result;
}

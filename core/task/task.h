/* SPDX-License-Identifier: MIT
 * task.h - straight-line functions that run beside each other on an injected spawner.
 *
 * Layer: core/task, over the spawner ABI alone.  Installed as <yoke/task.h>.  Start at yk_run(),
 * yk_task_spawn().
 *
 * A task is a function with a stack of its own; it waits by calling something that blocks.  A
 * function that may block takes the running task first, `yk_task *self`, and a deadline; one
 * without `self` cannot block.
 *
 * Deadlines are absolute, in nanoseconds of yk_now(); YK_NEVER waits for ever; 0 only looks.
 * Functions return 0 or a count, or a negative errno; -ETIMEDOUT and -ECANCELED come from
 * everything that blocks. errno means nothing after a call that blocks.
 *
 * Cancellation is a request and an error return: each call that may block returns -ECANCELED, at
 * once and every time, from the moment its task is cancelled, unless a shield is up.  A call whose
 * work is done returns its result: nothing that was received is lost.  A task that must tidy up by
 * blocking calls raises a shield around that.
 *
 * Ownership: `yk_task *` from yk_task_spawn() is a handle that its holder gives back by one of
 * yk_task_join_free(), yk_task_free() or yk_task_detach().  Groups (group.h) own their children and
 * need no handles. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yoke/own.h>
#include <yoke/spawner.h>

/* A task's body.  Its result is what join gives: 0 or a count, or a negative errno. */
typedef int yk_task_fn(yk_task *self, void *arg);

typedef struct {
    const char *name;     /* must outlive the task; NULL: "task" */
    uint32_t stack_bytes; /* 0: the spawner's default */
    uint32_t placement;   /* YK_PLACE_*; 0: the loop of the spawning task */
    uint32_t arg_bytes;   /* 1..YK_ARG_BYTES_MAX: the task gets a copy of that many bytes at arg; 0:
                             arg itself */
} yk_task_options;

/* Runs `fn` as the main task of `spawner` and blocks the calling thread until it has returned and
 * every other task has ended: those that are left then are cancelled, and given YK_RUN_GRACE_MS to
 * end.  Not on a task.
 *
 * Returns the main task's result; -EDEADLK (called on a task), -EBUSY, -ENOMEM; -EDEADLOCK never.
 * Tasks that do not end within the grace are named on the log, and the result is -ETIMEDOUT. */
MUST_USE int yk_run(yk_spawner *spawner, yk_task_fn *fn, void *arg);
#define YK_RUN_GRACE_MS 10000

/* Starts a task.  Any thread.  Does not block.  `name` must outlive the task (a literal does).
 *
 * out_task  a handle, owned by the caller; written only on success
 * Returns 0, -ENOMEM, -EAGAIN (a limit of the spawner or of the system). */
MUST_USE int yk_task_spawn(yk_spawner *spawner, const char *name, yk_task_fn *fn, void *arg,
                           yk_task **out_task);

/* As yk_task_spawn(), with options. */
MUST_USE int yk_task_spawn_with(yk_spawner *spawner, const yk_task_options *options, yk_task_fn *fn,
                                void *arg, yk_task **out_task);

/* Waits until `task` has ended.  Any number of tasks may join one, also on other spawners.  Blocks.
 *
 * out_result  what the task returned; may be NULL; written only on success
 * Returns 0, -ETIMEDOUT, -ECANCELED (self was), -EDEADLK (task is self). */
MUST_USE int yk_task_join(yk_task *self, yk_task *task, int64_t deadline, int *out_result);

/* Joins without a deadline, shielded, and gives the handle back.  Blocks.  Returns the task's
 * result. */
int yk_task_join_free(yk_task *self, yk_task *take_task);

/* Asks a task to end: its blocking calls return -ECANCELED from now on.  Any thread; does not
 * block; an ended task does not mind.  This is abort: it does not wait; join does. */
void yk_task_cancel(yk_task *task);

/* Whether the task has ended, so that a join would not wait.  Any thread. */
bool yk_task_finished(const yk_task *task);

/* Gives a handle back and lets the task go on; it then ends with the main task at the latest.  Any
 * thread. */
void yk_task_detach(yk_task *take_task);

/* Gives a handle back and cancels the task if it has not ended; does not wait for it.  NULL is
 * fine.  Any thread. */
void yk_task_free(yk_task *take_task);
DEFINE_DROP(yk_task, yk_task)

/* Another reference to a task, for a second holder; given back by yk_task_detach().  Any thread. */
yk_task *yk_task_ref(yk_task *task);

/* Lets the other tasks that are ready run.  Returns 0, -ECANCELED or -ETIMEDOUT. */
int yk_task_yield(yk_task *self);

/* Waits until the deadline.  Returns 0 when it has come, or -ECANCELED.  Blocks. */
MUST_USE int yk_task_sleep(yk_task *self, int64_t deadline);

/* For long computations: 0, or -ECANCELED / -ETIMEDOUT if a blocking call would return that now. */
MUST_USE int yk_task_check(yk_task *self);

/* Between begin and end the task's calls do not return -ECANCELED nor end by yk_timeout; nests. */
void yk_shield_begin(yk_task *self);
void yk_shield_end(yk_task *self);

/* A deadline over everything that a task calls from begin to end: nested ones count by the
 * earliest.  In place, on the stack of the task.  Blocking calls return -ETIMEDOUT from the moment
 * on. */
typedef struct {
    int64_t outer; /* the deadline around this one */
} yk_timeout;
void yk_timeout_begin(yk_task *self, yk_timeout *timeout, int64_t deadline);
void yk_timeout_end(yk_task *self, const yk_timeout *timeout);

/* The time in nanoseconds: CLOCK_MONOTONIC, or the virtual clock of the task's runtime.  NULL:
 * CLOCK_MONOTONIC. */
int64_t yk_now(const yk_task *self);

/* The deadline that lies `ms` milliseconds ahead; negative counts as 0; saturates at YK_NEVER. */
int64_t yk_deadline_ms(const yk_task *self, int64_t ms);

/* The running task and its spawner, for callbacks of foreign libraries that were given neither;
 * NULL off a task. */
yk_task *yk_self(void);
yk_spawner *yk_current_spawner(void);

static inline yk_spawner *yk_task_spawner(const yk_task *self)
{
    return self->spawner;
}

static inline const char *yk_task_name(const yk_task *self)
{
    return self->name;
}

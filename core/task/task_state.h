/* SPDX-License-Identifier: MIT
 * task_state.h - what core keeps of a task, inside the task's own block.
 *
 * Layer: core/task.  Threads: as each member says. */
#pragma once

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <yoke/task.h>
#include <yoke/wait.h>

#include "core/base/list.h"
#include "core/runtime/host.h"

#define TASK_CANCELED 1U
#define TASK_JOINED   2U /* somebody stands, or stood, in `joiners` */

/* What `joiner` holds: nothing, the wait of the first who joins, or that the task has ended. */
#define JOINER_NONE  ((struct wait *)NULL)
#define JOINER_ENDED ((struct wait *)1)

struct wait;

struct task_state {
    _Atomic uint32_t flags;        /* TASK_*; any thread */
    int32_t result;                /* written before JOINER_ENDED */
    _Atomic(struct wait *) joiner; /* who takes a wait out by an exchange ends that wait */
    yk_task_fn *fn;
    yk_wait_queue joiners;           /* the others who join; locked by its own lock */
    int64_t deadline;                /* of the innermost yk_timeout; own task */
    uint32_t shields;                /* own task */
    uint32_t select_turn;            /* own task: which case a select looks at first */
    struct yk_group *group;          /* borrowed; NULL: in none */
    struct list in_group;            /* guarded by the group's lock */
    _Atomic(const char *) waits_for; /* for people: what its wait is about; NULL: it runs */
};
_Static_assert(sizeof(struct task_state) <= HOST_EXTRA_BYTES,
               "a task must have room for core's state");

/* What a task is spawned with (yk_spawn_options.extra). */
union task_image {
    struct task_state state;
    char bytes[HOST_EXTRA_BYTES];
};

/* The image of a task that has neither function nor group yet.  Copied from memory, that is, in a
 * few wide moves: left to itself the compiler fills it by a string instruction, whose stores the
 * runtime's copy would have to wait for. */
extern const union task_image task_image_blank;

static inline struct task_state *task_state(const yk_task *task)
{
#if defined(YOKE_DEBUG)
    assert(task->magic == YK_TASK_MAGIC);
#endif
    return (struct task_state *)((uintptr_t)task + YK_TASK_HEAD_BYTES);
}

/* Whether the task's blocking calls are to return -ECANCELED now. */
static inline bool task_is_canceled(const yk_task *self)
{
    const struct task_state *state = task_state(self);
    return (atomic_load_explicit(&state->flags, memory_order_relaxed) & TASK_CANCELED) &&
           state->shields == 0;
}

/* What each call that may block returns before it does anything: -ECANCELED, -ETIMEDOUT (a
 * yk_timeout around it is over), or 0. */
static inline int task_refusal(const yk_task *self)
{
    const struct task_state *state = task_state(self);
    if (task_is_canceled(self))
        return -ECANCELED;
    return state->deadline != YK_NEVER && state->shields == 0 && state->deadline <= yk_now(self)
               ? -ETIMEDOUT
               : 0;
}

/* The earlier of `deadline` and the task's innermost timeout. */
static inline int64_t task_deadline(const yk_task *self, int64_t deadline)
{
    const struct task_state *state = task_state(self);
    return state->shields == 0 && state->deadline < deadline ? state->deadline : deadline;
}

/* Says what the task is about to wait for, or NULL. */
static inline void task_waits_for(yk_task *self, const char *what)
{
    atomic_store_explicit(&task_state(self)->waits_for, what, memory_order_relaxed);
}

/* The body of each task that core starts, for the group's own spawn. */
int32_t task_main(yk_task *self, void *arg);

/* Starts a task, in `group` if it is not NULL. */
int task_start(yk_spawner *spawner, const yk_task_options *options, struct yk_group *group,
               yk_task_fn *fn, void *arg, yk_task **out_task);

/* A child's first and last words to its group. */
void group_child_begins(struct yk_group *group, yk_task *self);
void group_child_ends(struct yk_group *group, yk_task *self, int result);

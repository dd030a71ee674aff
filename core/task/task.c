/* SPDX-License-Identifier: MIT
 * task.c - see task.h. */
#include "core/task/task.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "core/base/lock.h"
#include "core/task/task_state.h"
#include "core/task/runtime_verbs.h"
#include "core/task/waiting.h"

#define MS_NS     INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)

/* ---- beginning and end ---- */

/* Marks the task as ended and wakes who waits for that. */
static void tell_joiners(struct task_state *state)
{
    struct wait *first = atomic_exchange(&state->joiner, JOINER_ENDED);
    if (first) { /* the exchange was the claim */
        atomic_store_explicit(&first->state, WAIT_CLAIMED, memory_order_relaxed);
        wait_fire(first);
    }
    if (atomic_load(&state->flags) & TASK_JOINED)
        wait_queue_fire_all(&state->joiners, 0);
}

int32_t task_main(yk_task *self, void *arg)
{
    struct task_state *state = task_state(self);
    struct yk_group *group = state->group;
    if (group)
        group_child_begins(group, self);
    int result = state->fn(self, arg);
    assert(state->shields == 0 && state->deadline == YK_NEVER); /* each begin has its end */
    state->result = result;
    tell_joiners(state);
    if (group)
        group_child_ends(group, self, result); /* the group may be gone now */
    return result;
}

int task_start(yk_spawner *spawner, const yk_task_options *options, struct yk_group *group,
               yk_task_fn *fn, void *arg, yk_task **out_task)
{
    union task_image image = task_image_blank;
    image.state.fn = fn;
    image.state.group = group;
    yk_spawn_options spawn_options = {
        .size = sizeof spawn_options,
        .stack_bytes = options->stack_bytes,
        .placement = options->placement,
        .name = options->name,
        .extra = &image,
        .arg_bytes = options->arg_bytes,
    };
    return verb_spawn(spawner, &spawn_options, task_main, arg, out_task);
}

int yk_task_spawn_with(yk_spawner *spawner, const yk_task_options *options, yk_task_fn *fn,
                       void *arg, yk_task **out_task)
{
    assert(spawner && options && fn && out_task);
    return task_start(spawner, options, NULL, fn, arg, out_task);
}

int yk_task_spawn(yk_spawner *spawner, const char *name, yk_task_fn *fn, void *arg,
                  yk_task **out_task)
{
    assert(spawner && fn && out_task);
    const yk_task_options options = {.name = name};
    return task_start(spawner, &options, NULL, fn, arg, out_task);
}

/* ---- handles ---- */

bool yk_task_finished(const yk_task *task)
{
    return atomic_load(&task_state(task)->joiner) == JOINER_ENDED;
}

/* Stands in line behind the first joiner. */
static int join_in_line(yk_task *self, yk_task *task, int64_t deadline)
{
    struct task_state *state = task_state(task);
    lock_take(wait_queue_lock(&state->joiners));
    /* Either the task sees this at its end, or we see that it has ended. */
    atomic_fetch_or(&state->flags, TASK_JOINED);
    if (yk_task_finished(task)) {
        lock_give(wait_queue_lock(&state->joiners));
        return 0;
    }
    return wait_queue_park_unlock(self, &state->joiners, deadline);
}

static int join_wait(yk_task *self, yk_task *task, int64_t deadline)
{
    struct task_state *state = task_state(task);
    struct wait wait;
    wait_init(&wait, self);
    struct wait *expected = JOINER_NONE;
    if (!atomic_compare_exchange_strong(&state->joiner, &expected, &wait))
        return expected == JOINER_ENDED ? 0 : join_in_line(self, task, deadline);
    int r = wait_for_claim(self, &wait, deadline);
    if (r == 0)
        return 0;
    expected = &wait;
    if (atomic_compare_exchange_strong(&state->joiner, &expected, JOINER_NONE))
        return r;
    lock_await_change(&wait.state, WAIT_WAITING); /* the task is ending just now */
    lock_await_change(&wait.state, WAIT_CLAIMED);
    return 0;
}

int yk_task_join(yk_task *self, yk_task *task, int64_t deadline, int *out_result)
{
    if (task == self)
        return -EDEADLK;
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    if (!yk_task_finished(task)) {
        task_waits_for(self, "the end of a task");
        int r = join_wait(self, task, deadline);
        task_waits_for(self, NULL);
        if (r < 0)
            return r;
    }
    if (out_result)
        *out_result = task_state(task)->result;
    return 0;
}

int yk_task_join_free(yk_task *self, yk_task *take_task)
{
    int r = 0;
    int result = 0;
    if (yk_task_finished(take_task)) {
        result = task_state(take_task)->result;
    } else {
        yk_shield_begin(self);
        r = yk_task_join(self, take_task, YK_NEVER, &result);
        yk_shield_end(self);
    }
    yk_task_detach(take_task);
    return r < 0 ? r : result;
}

void yk_task_cancel(yk_task *task)
{
    uint32_t before =
        atomic_fetch_or_explicit(&task_state(task)->flags, TASK_CANCELED, memory_order_acq_rel);
    if (!(before & TASK_CANCELED))
        verb_unpark(task);
}

void yk_task_detach(yk_task *take_task)
{
    verb_unref(take_task);
}

void yk_task_free(yk_task *take_task)
{
    if (!take_task)
        return;
    if (!yk_task_finished(take_task))
        yk_task_cancel(take_task);
    verb_unref(take_task);
}

yk_task *yk_task_ref(yk_task *task)
{
    verb_ref(task);
    return task;
}

/* ---- the running task ---- */

int yk_task_yield(yk_task *self)
{
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    verb_yield(self);
    return 0;
}

int yk_task_sleep(yk_task *self, int64_t deadline)
{
    struct wait wait;
    wait_init(&wait, self); /* nobody can claim it */
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    task_waits_for(self, "a time");
    int r = wait_for_claim(self, &wait, deadline);
    task_waits_for(self, NULL);
    return r == -ETIMEDOUT && task_deadline(self, deadline) == deadline ? 0 : r;
}

int yk_task_check(yk_task *self)
{
    return task_refusal(self);
}

void yk_shield_begin(yk_task *self)
{
    task_state(self)->shields++;
}

void yk_shield_end(yk_task *self)
{
    assert(task_state(self)->shields > 0);
    task_state(self)->shields--;
}

void yk_timeout_begin(yk_task *self, yk_timeout *timeout, int64_t deadline)
{
    struct task_state *state = task_state(self);
    timeout->outer = state->deadline;
    if (deadline < state->deadline)
        state->deadline = deadline;
}

void yk_timeout_end(yk_task *self, const yk_timeout *timeout)
{
    task_state(self)->deadline = timeout->outer;
}

/* ---- time and place ---- */

int64_t yk_now(const yk_task *self)
{
    const struct host_spawner *host = self ? host_spawner_of(self->spawner) : NULL;
    if (host && host->clock)
        return host->clock->now(self->spawner);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

int64_t yk_deadline_ms(const yk_task *self, int64_t ms)
{
    int64_t now = yk_now(self);
    if (ms <= 0)
        return now;
    return ms >= (YK_NEVER - now) / MS_NS ? YK_NEVER : now + ms * MS_NS;
}

yk_task *yk_self(void)
{
    return host_current_task();
}

yk_spawner *yk_current_spawner(void)
{
    yk_task *self = host_current_task();
    return self ? self->spawner : NULL;
}

/* SPDX-License-Identifier: MIT
 * thread_task.c - see thread_task.h. */
#include "plugins/threads/thread_task.h"

#include <errno.h>
#include <string.h>

#include "plugins/threads/thread_futex.h"
#include "plugins/threads/thread_spawner.h"
#include "plugins/threads/thread_worker.h"

static const yk_spawn_options defaults = {.size = sizeof defaults};

static void fill(struct task *task, struct spawner *spawner, const yk_spawn_options *options,
                 yk_entry_fn *entry, void *arg)
{
    token_init(&task->token);
    atomic_init(&task->refs, 1);
    task->worker = NULL;
    task->stack_bytes = options->stack_bytes;
    task->entry = entry;
    task->arg = arg;
    if (options->arg_bytes > 0)
        task->arg = memcpy(task->arg_copy, arg, options->arg_bytes);
    task->head = (yk_task){
        .magic = YK_TASK_MAGIC,
        .ops = spawner->head.ops,
        .spawner = &spawner->head,
        .name = options->name ? options->name : "task",
    };
    if (options->extra)
        memcpy(yk_task_extra(&task->head), options->extra, spawner->extra_bytes);
    else
        memset(yk_task_extra(&task->head), 0, spawner->extra_bytes);
}

int task_new(struct spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
             void *arg, struct task **out_task)
{
    yk_spawn_options known = defaults;
    if (!options) {
        options = &defaults;
    } else if (options->size < sizeof known) {
        memcpy(&known, options, options->size);
        options = &known;
    }
    if (!entry || options->flags != 0 || options->arg_bytes > YK_ARG_BYTES_MAX ||
        options->stack_bytes > WORKER_STACK_BYTES_MAX)
        return -EINVAL;
    struct task *task = spawner->host->alloc(sizeof *task + spawner->extra_bytes);
    if (!task)
        return -ENOMEM;
    atomic_fetch_add_explicit(&spawner->roster.blocks, 1, memory_order_relaxed);
    fill(task, spawner, options, entry, arg);
    *out_task = task;
    return 0;
}

void task_ref(struct task *task)
{
    atomic_fetch_add_explicit(&task->refs, 1, memory_order_relaxed);
}

/* Takes a reference away; says whether it was the last.  The spawner may be gone once the last
 * block is, so what comes after needs nothing of it. */
static bool release(struct task *task, struct roster *roster)
{
    if (atomic_fetch_sub_explicit(&task->refs, 1, memory_order_acq_rel) > 1)
        return false;
    task->head.magic = 0;
    atomic_fetch_sub_explicit(&roster->blocks, 1, memory_order_release);
    return true;
}

void task_unref(struct task *task)
{
    struct spawner *spawner = spawner_of(task->head.spawner);
    const yk_host *host = spawner->host;
    if (release(task, &spawner->roster))
        host->free(task);
}

/* Gives the task's own reference back under the lock: who sees that no task lives sees the
 * references that are left. */
static bool leave_roster(struct roster *roster, struct task *task)
{
    pthread_mutex_lock(&roster->mutex);
    if (task->prev)
        task->prev->next = task->next;
    else
        roster->first = task->next;
    if (task->next)
        task->next->prev = task->prev;
    roster->live--;
    roster_release(roster);
    bool last = release(task, roster);
    if (roster->ended_waiters > 0)
        pthread_cond_broadcast(&roster->ended);
    pthread_mutex_unlock(&roster->mutex);
    return last;
}

int32_t task_run(struct task *task, struct worker *worker)
{
    struct spawner *spawner = spawner_of(task->head.spawner);
    const yk_host *host = spawner->host;
    task->worker = worker;
    worker->current = &task->head;
    int32_t result = task->entry(&task->head, task->arg);
    worker->current = NULL;
    if (leave_roster(&spawner->roster, task))
        host->free(task);
    return result;
}

void task_unpark(struct task *task)
{
    if (token_give(&task->token))
        token_wake_io(task->worker->wake_fd);
}

void roster_init(struct roster *roster, uint64_t tasks_max)
{
    memset(roster, 0, sizeof *roster);
    roster->tasks_max = tasks_max;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&roster->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&roster->mutex, NULL);
}

void roster_done(struct roster *roster)
{
    pthread_cond_destroy(&roster->ended);
    pthread_mutex_destroy(&roster->mutex);
}

int roster_reserve(struct roster *roster)
{
    uint64_t before = atomic_fetch_add_explicit(&roster->places, 1, memory_order_relaxed);
    if (roster->tasks_max == 0 || before < roster->tasks_max)
        return 0;
    roster_release(roster);
    return -EAGAIN;
}

void roster_release(struct roster *roster)
{
    atomic_fetch_sub_explicit(&roster->places, 1, memory_order_relaxed);
}

void roster_add(struct roster *roster, struct task *task)
{
    pthread_mutex_lock(&roster->mutex);
    task->head.id = ++roster->spawned;
    task->prev = NULL;
    task->next = roster->first;
    if (roster->first)
        roster->first->prev = task;
    roster->first = task;
    if (++roster->live > roster->peak)
        roster->peak = roster->live;
    pthread_mutex_unlock(&roster->mutex);
}

void roster_walk(struct roster *roster, void (*visit)(yk_task *task, void *arg), void *arg)
{
    pthread_mutex_lock(&roster->mutex);
    for (struct task *task = roster->first; task; task = task->next)
        visit(&task->head, arg);
    pthread_mutex_unlock(&roster->mutex);
}

static bool someone_sleeps(struct roster *roster)
{
    for (struct task *task = roster->first; task; task = task->next)
        if (token_asleep(&task->token))
            return true;
    return false;
}

/* With the lock held. */
static bool is_empty(struct roster *roster)
{
    return roster->live == 0 && atomic_load_explicit(&roster->blocks, memory_order_acquire) == 0;
}

bool roster_settles_empty(struct roster *roster)
{
    int64_t now = clock_now();
    int64_t deadline = now + ROSTER_ENDING_MS * NS_PER_MS;
    pthread_mutex_lock(&roster->mutex);
    roster->ended_waiters++;
    for (; now < deadline && !is_empty(roster) && !someone_sleeps(roster); now = clock_now()) {
        struct timespec until = clock_timespec(now + NS_PER_MS); /* a last unref tells nobody */
        (void)pthread_cond_timedwait(&roster->ended, &roster->mutex, &until);
    }
    roster->ended_waiters--;
    bool empty = is_empty(roster);
    pthread_mutex_unlock(&roster->mutex);
    return empty;
}

/* SPDX-License-Identifier: MIT
 * thread_task.c - see thread_task.h. */
#include "plugins/threads/thread_task.h"

#include <errno.h>
#include <string.h>

#include "plugins/threads/thread_spawner.h"
#include "plugins/threads/thread_worker.h"

static const yk_spawn_options defaults = {.size = sizeof defaults};

static void fill(struct task *task, struct spawner *spawner, const yk_spawn_options *options,
                 yk_entry_fn *entry, void *arg)
{
    token_init(&task->token);
    atomic_init(&task->refs, 1);
    task->stack_bytes = options->stack_bytes;
    task->worker = NULL;
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
        options->stack_bytes > TASK_STACK_BYTES_MAX)
        return -EINVAL;
    struct task *task = spawner->host->alloc(sizeof *task + spawner->extra_bytes);
    if (!task)
        return -ENOMEM;
    fill(task, spawner, options, entry, arg);
    *out_task = task;
    return 0;
}

void task_free(struct task *task)
{
    const yk_host *host = task->head.spawner->host;
    task->head.magic = 0;
    host->free(task);
}

void task_ref(struct task *task)
{
    atomic_fetch_add_explicit(&task->refs, 1, memory_order_relaxed);
}

bool task_release(struct task *task)
{
    return atomic_fetch_sub_explicit(&task->refs, 1, memory_order_acq_rel) == 1;
}

int32_t task_run(struct task *task, struct worker *worker)
{
    task->worker = worker;
    worker->current = &task->head;
    int32_t result = task->entry(&task->head, task->arg);
    worker->current = NULL;
    return result;
}

void task_unpark(struct task *task)
{
    if (token_give(&task->token))
        token_wake_io(task->worker->wake_fd);
}

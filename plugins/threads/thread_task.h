/* SPDX-License-Identifier: MIT
 * thread_task.h - a task: its memory, who holds it, and its token.
 *
 * Layer: plugins/threads.  Threads: any.
 *
 * A task's memory stays until it has ended and the last reference is given back.  It is born with
 * one reference, which is the running task's own. */
#pragma once

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

#include <yoke/spawner.h>

#include "plugins/threads/thread_token.h"

#define TASK_STACK_BYTES_MAX ((uint32_t)1024 * 1024 * 1024)

struct spawner;
struct worker;

struct task {
    struct token token;
    _Atomic uint32_t refs;
    uint32_t stack_bytes;     /* asked for; 0: the default */
    struct worker *worker;    /* borrowed: that runs it; set before it can wait */
    struct task *next, *prev; /* in the crew, guarded by its lock */
    yk_entry_fn *entry;
    void *arg;
    alignas(16) unsigned char arg_copy[YK_ARG_BYTES_MAX];
    alignas(16) yk_task head; /* what the host sees; its bytes follow */
};
static_assert(sizeof(struct task) == offsetof(struct task, head) + YK_TASK_HEAD_BYTES,
              "the host's bytes follow the head");

/* The head is all that the host knows; the rest lies in front of it. */
static inline struct task *task_of(yk_task *head)
{
    assert(head && head->magic == YK_TASK_MAGIC);
    return (struct task *)(void *)((char *)head - offsetof(struct task, head));
}

/* Makes a task that nobody knows of yet.
 *
 * options  NULL: the defaults
 * Returns 0, -ENOMEM or -EINVAL (an option out of range). */
int task_new(struct spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
             void *arg, struct task **out_task);

/* Frees a task, referenced or not. */
void task_free(struct task *task);

void task_ref(struct task *task);

/* Takes a reference away.  Returns whether it was the last: then the caller frees the task. */
bool task_release(struct task *task);

/* Runs the entry function on the calling thread.  Blocks until it returns.  Returns its result. */
int32_t task_run(struct task *task, struct worker *worker);

/* The task may end, and its spawner may be destroyed, as soon as it has the token. */
void task_unpark(struct task *task);

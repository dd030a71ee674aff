/* SPDX-License-Identifier: MIT
 * thread_task.h - a task's memory, and the roster of those that live.
 *
 * Layer: plugins/threads.  Threads: any.
 *
 * A task's memory stays until it has ended and the last reference is given back.  Whoever ends
 * leaves the roster under the lock that roster_walk() holds, so that a task cannot end while it is
 * visited. */
#pragma once

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>

#include <yoke/spawner.h>

#include "plugins/threads/thread_token.h"

struct spawner;
struct worker;

struct task {
    struct token token;
    _Atomic uint32_t refs;
    struct worker *worker; /* borrowed: that runs it; set before it can wait */
    uint32_t stack_bytes;  /* asked for; 0: the default */
    yk_entry_fn *entry;
    void *arg;
    struct task *next, *prev; /* in the roster, guarded by its lock */
    alignas(16) unsigned char arg_copy[YK_ARG_BYTES_MAX];
    alignas(16) yk_task head; /* what the host sees; its bytes follow */
};
static_assert(sizeof(struct task) == offsetof(struct task, head) + YK_TASK_HEAD_BYTES,
              "the host's bytes follow the head");

/* The live tasks of a spawner, and how much of their memory there is. */
struct roster {
    uint64_t tasks_max;      /* 0: no limit */
    _Atomic uint64_t blocks; /* tasks whose memory is there: alive, or referenced */
    _Atomic uint64_t places; /* taken: tasks alive or about to be */
    pthread_mutex_t mutex;   /* guards what follows */
    pthread_cond_t ended;    /* signalled at the end of a task while somebody waits */
    uint32_t ended_waiters;
    struct task *first;
    uint64_t live, peak, spawned;
};

/* The head is all that the host knows; the rest lies in front of it. */
static inline struct task *task_of(yk_task *head)
{
    assert(head && head->magic == YK_TASK_MAGIC);
    return (struct task *)(void *)((char *)head - offsetof(struct task, head));
}

/* Makes a task that is not on the roster yet, with `refs` references.
 *
 * options  NULL: the defaults
 * Returns 0, -ENOMEM or -EINVAL (an option out of range). */
int task_new(struct spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
             void *arg, struct task **out_task);

void task_ref(struct task *task);
void task_unref(struct task *task);

/* Runs the entry function on the calling thread, then leaves the roster and gives back the task's
 * own reference. Blocks until the entry returns.  Returns its result. */
int32_t task_run(struct task *task, struct worker *worker);

/* The task may end, and its spawner may be destroyed, as soon as it has the token. */
void task_unpark(struct task *task);

void roster_init(struct roster *roster, uint64_t tasks_max);
void roster_done(struct roster *roster);

/* Takes a place for a task to come.  Returns 0 or -EAGAIN (tasks_max). */
int roster_reserve(struct roster *roster);

/* Gives back a place that was not used. */
void roster_release(struct roster *roster);

/* Puts a task that has a place on the roster; it gets its number. */
void roster_add(struct roster *roster, struct task *task);

void roster_walk(struct roster *roster, void (*visit)(yk_task *task, void *arg), void *arg);

/* Whether nothing is left: no task, no reference.  A task that has told its joiner may still be on
 * its way out, and who has woken a task may still hold it: so this waits for tasks that run and for
 * references, ROSTER_ENDING_MS at the longest; not for tasks that sleep. */
bool roster_settles_empty(struct roster *roster);
#define ROSTER_ENDING_MS 100

/* SPDX-License-Identifier: MIT
 * thread_crew.h - the tasks of a spawner that live, and its threads, those included that wait for a
 * task: under one lock, so that a spawn takes it once and the end of a task once.
 *
 * Layer: plugins/threads.  Threads: any, unless said.  Start at crew_enlist().
 *
 * Who ends leaves the list under the lock that crew_walk() holds, so that a task cannot end while
 * it is visited.  A thread waits for its next task idle_ms at the longest.  One that leaves joins
 * the one that left before it; the last one is joined by crew_stop(). */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <yoke/spawner.h>

#include "plugins/threads/thread_lock.h"

#define CREW_STACK_BYTES_DEFAULT ((uint32_t)256 * 1024)
#define CREW_STACK_BYTES_MIN     ((uint32_t)64 * 1024)

struct task;
struct worker;

struct crew {
    const yk_host *host; /* borrowed */
    uint64_t tasks_max;  /* 0: no limit */
    uint32_t idle_max;
    int64_t idle_ns;
    size_t stack_bytes;        /* of a thread that can be kept, all included */
    uint64_t stack_memory_max; /* 0: no limit */

    struct thread_lock lock; /* guards what follows, but for what is atomic */
    uint32_t watchers;       /* threads that wait for `changes` */
    struct task *first;
    struct worker *idle_first; /* the one that ran a task last, whose stack is warm */
    uint64_t live, peak, spawned;
    uint64_t left_behind; /* tasks that ended while somebody held a reference */
    uint64_t wakes;       /* of threads for a task */
    uint32_t idle;
    uint32_t workers; /* that have not left */
    uint64_t stack_memory;
    bool stopping;
    bool has_ended;
    pthread_t ended; /* left last, to be joined by who leaves next */

    _Atomic uint64_t cleared; /* of left_behind: whose last reference was given back */
    _Atomic uint32_t changes; /* moves when a task ends or a worker leaves while one watches */
};

/* What stats() tells. */
struct crew_counts {
    uint64_t live, peak, spawned, wakes, workers;
};

/* stack_bytes  what a task is to have at least; 0: the default */
void crew_init(struct crew *crew, const yk_host *host, uint32_t stack_bytes);

/* Puts a task that is to start on the list and finds a thread for it, idle or new; the caller
 * orders it.  Returns 0, -EAGAIN (tasks_max, or the system's limit of threads), -ENOMEM. */
int crew_enlist(struct crew *crew, struct task *task, struct worker **out_worker);

/* Puts a task on the list that the calling thread runs itself.  Returns 0 or -EAGAIN. */
int crew_enlist_main(struct crew *crew, struct task *task);

/* Takes a task off whose entry has returned, and its own reference away.  Returns whether its
 * worker is idle now, and so no longer its own; false: it is to leave. */
bool crew_end(struct crew *crew, struct task *task, struct worker *worker);

/* A reference was given back that was the last: frees the task, which has ended. */
void crew_clear(struct crew *crew, struct task *task);

/* For a worker that has waited too long.  Returns false if an order is coming. */
bool crew_dismiss(struct crew *crew, struct worker *worker);

/* The last that a worker's thread does; frees the worker. */
void crew_depart(struct crew *crew, struct worker *take_worker);

void crew_walk(struct crew *crew, void (*visit)(yk_task *task, void *arg), void *arg);
void crew_count(struct crew *crew, struct crew_counts *out_counts);

/* Whether nothing is left: no task, no reference.  A task that has told its joiner may still be on
 * its way out, and who has woken a task may still hold it: so this waits for tasks that run and for
 * references, CREW_ENDING_MS at the longest; not for tasks that sleep. */
bool crew_settles_empty(struct crew *crew);
#define CREW_ENDING_MS 100

/* Ends and joins all threads; no task is left.  Blocks. */
void crew_stop(struct crew *crew);

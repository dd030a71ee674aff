/* SPDX-License-Identifier: MIT
 * mutex.h - mutual exclusion that may be held across waits; first come, first served.
 *
 * Layer: core/task.  Installed as <yoke/mutex.h>.  Threads: tasks of any runtime.  In place: zeroed
 * memory is ready. */
#pragma once

#include <yoke/task.h>
#include <yoke/wait.h>

typedef struct {
    yk_wait_queue waiters;
    yk_task *owner; /* borrowed; NULL: free */
} yk_mutex;

void yk_mutex_init(yk_mutex *mutex);

/* Blocks.  Returns 0, -ETIMEDOUT, -ECANCELED, -EDEADLK (self holds it). */
MUST_USE int yk_mutex_lock(yk_task *self, yk_mutex *mutex, int64_t deadline);

/* Hands it to the task that has waited longest.  Never blocks. */
void yk_mutex_unlock(yk_task *self, yk_mutex *mutex);

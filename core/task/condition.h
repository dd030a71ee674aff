/* SPDX-License-Identifier: MIT
 * condition.h - wait until somebody says that something that a mutex guards has changed.
 *
 * Layer: core/task.  Installed as <yoke/condition.h>.  Threads: tasks of any runtime.  Zeroed
 * memory is ready. */
#pragma once

#include <yoke/mutex.h>

typedef struct {
    yk_wait_queue waiters;
} yk_condition;

void yk_condition_init(yk_condition *condition);

/* Unlocks, waits for a signal, locks again (shielded: the mutex is held at every return).  Blocks.
 * Returns 0, -ETIMEDOUT, -ECANCELED.  A signal that came counts, whatever else did: it is never
 * lost. */
MUST_USE int yk_condition_wait(yk_task *self, yk_condition *condition, yk_mutex *mutex,
                               int64_t deadline);

/* Wakes the task that has waited longest; all of them.  Never blocks. */
void yk_condition_signal(yk_condition *condition);
void yk_condition_broadcast(yk_condition *condition);

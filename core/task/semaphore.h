/* SPDX-License-Identifier: MIT
 * semaphore.h - a number of permits; first come, first served.
 *
 * Layer: core/task.  Installed as <yoke/semaphore.h>.  Threads: acquire by tasks of any runtime,
 * release by any thread. In place; zeroed memory has no permits. */
#pragma once

#include <yoke/task.h>
#include <yoke/wait.h>

typedef struct {
    yk_wait_queue waiters;
    uint32_t permits;
} yk_semaphore;

void yk_semaphore_init(yk_semaphore *semaphore, uint32_t permits);

/* Takes one permit.  Blocks.  Returns 0, -ETIMEDOUT, -ECANCELED. */
MUST_USE int yk_semaphore_acquire(yk_task *self, yk_semaphore *semaphore, int64_t deadline);

/* Gives one permit back, to the task that has waited longest if there is one.  Never blocks. */
void yk_semaphore_release(yk_semaphore *semaphore);

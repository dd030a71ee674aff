/* SPDX-License-Identifier: MIT
 * semaphore.c - see semaphore.h. */
#include "core/task/semaphore.h"

#include <errno.h>

#include "core/base/lock.h"
#include "core/task/task_state.h"
#include "core/task/waiting.h"

void yk_semaphore_init(yk_semaphore *semaphore, uint32_t permits)
{
    *semaphore = (yk_semaphore){.permits = permits};
}

int yk_semaphore_acquire(yk_task *self, yk_semaphore *semaphore, int64_t deadline)
{
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    lock_take(wait_queue_lock(&semaphore->waiters));
    if (semaphore->permits > 0) {
        semaphore->permits--;
        lock_give(wait_queue_lock(&semaphore->waiters));
        return 0;
    }
    task_waits_for(self, "a permit");
    int r = wait_queue_park_unlock(self, &semaphore->waiters, deadline);
    task_waits_for(self, NULL);
    return r;
}

void yk_semaphore_release(yk_semaphore *semaphore)
{
    lock_take(wait_queue_lock(&semaphore->waiters));
    struct wait_node *node =
        wait_line_claim(&semaphore->waiters.line, 0); /* the permit goes to it */
    if (!node)
        semaphore->permits++;
    lock_give(wait_queue_lock(&semaphore->waiters));
    if (node)
        wait_fire(node->wait);
}

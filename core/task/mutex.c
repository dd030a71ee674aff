/* SPDX-License-Identifier: MIT
 * mutex.c - see mutex.h. */
#include "core/task/mutex.h"

#include <assert.h>
#include <errno.h>

#include "core/base/lock.h"
#include "core/task/task_state.h"
#include "core/task/waiting.h"

void yk_mutex_init(yk_mutex *mutex)
{
    *mutex = (yk_mutex){.owner = NULL};
}

int yk_mutex_lock(yk_task *self, yk_mutex *mutex, int64_t deadline)
{
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    lock_take(wait_queue_lock(&mutex->waiters));
    if (mutex->owner && mutex->owner != self) {
        task_waits_for(self, "a mutex");
        int r = wait_queue_park_unlock(self, &mutex->waiters,
                                       deadline); /* who unlocks makes us the owner */
        task_waits_for(self, NULL);
        return r;
    }
    int r = mutex->owner ? -EDEADLK : 0;
    mutex->owner = self;
    lock_give(wait_queue_lock(&mutex->waiters));
    return r;
}

void yk_mutex_unlock(yk_task *self, yk_mutex *mutex)
{
    assert(mutex->owner == self);
    lock_take(wait_queue_lock(&mutex->waiters));
    struct wait_node *next = wait_line_claim(&mutex->waiters.line, 0);
    mutex->owner = next ? next->wait->task : NULL;
    lock_give(wait_queue_lock(&mutex->waiters));
    if (next)
        wait_fire(next->wait);
}

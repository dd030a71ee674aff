/* SPDX-License-Identifier: MIT
 * condition.c - see condition.h. */
#include "core/task/condition.h"

#include <assert.h>
#include <errno.h>

#include "core/base/lock.h"
#include "core/task/task_state.h"
#include "core/task/waiting.h"

void yk_condition_init(yk_condition *condition)
{
    *condition = (yk_condition){.waiters.reserved = 0};
}

int yk_condition_wait(yk_task *self, yk_condition *condition, yk_mutex *mutex, int64_t deadline)
{
    assert(mutex->owner == self);
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    struct wait wait;
    wait_init(&wait, self);
    struct wait_node node;
    wait_node_init(&node, &wait, NULL);
    lock_take(wait_queue_lock(&condition->waiters));
    wait_line_add(&condition->waiters.line, &node);
    lock_give(wait_queue_lock(&condition->waiters));
    yk_mutex_unlock(self, mutex);

    task_waits_for(self, "a condition");
    int r = wait_in_line(self, &node, wait_queue_lock(&condition->waiters),
                         &condition->waiters.line, deadline);
    yk_shield_begin(self);
    int locked = yk_mutex_lock(self, mutex, YK_NEVER);
    assert(locked == 0); /* shielded and without a deadline: cannot fail */
    (void)locked;
    yk_shield_end(self);
    task_waits_for(self, NULL);
    return r;
}

void yk_condition_signal(yk_condition *condition)
{
    lock_take(wait_queue_lock(&condition->waiters));
    struct wait_node *node = wait_line_claim(&condition->waiters.line, 0);
    lock_give(wait_queue_lock(&condition->waiters));
    if (node)
        wait_fire(node->wait);
}

void yk_condition_broadcast(yk_condition *condition)
{
    wait_queue_fire_all(&condition->waiters, 0);
}

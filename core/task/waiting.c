/* SPDX-License-Identifier: MIT
 * waiting.c - see waiting.h. */
#include "core/task/waiting.h"

#include <errno.h>

#include "core/task/task_state.h"
#include "core/task/verbs.h"

void wait_fire(struct wait *wait)
{
    verb_unpark(wait->task);
    atomic_store_explicit(&wait->state, WAIT_FIRED, memory_order_release);
}

void wait_queue_fire_all(yk_wait_queue *queue, int32_t result)
{
    struct wait_node *node;
    do {
        lock_take(wait_queue_lock(queue));
        node = wait_line_claim(&queue->line, result);
        lock_give(wait_queue_lock(queue));
        if (node)
            wait_fire(node->wait);
    } while (node);
}

/* The claimer is between its claim and its last write. */
static void await_fired(struct wait *wait)
{
    lock_await_change(&wait->state, WAIT_CLAIMED);
}

bool wait_withdraw(struct wait *wait)
{
    uint32_t expected = WAIT_WAITING;
    if (atomic_compare_exchange_strong_explicit(&wait->state, &expected, WAIT_WITHDRAWN,
                                                memory_order_acq_rel, memory_order_acquire))
        return true;
    await_fired(wait);
    return false;
}

int wait_for_claim(yk_task *self, struct wait *wait, int64_t deadline)
{
    deadline = task_deadline(self, deadline);
    for (;;) {
        uint32_t state = atomic_load_explicit(&wait->state, memory_order_acquire);
        if (state == WAIT_FIRED)
            return 0;
        if (state == WAIT_CLAIMED) {
            await_fired(wait);
            return 0;
        }
        int r = task_is_canceled(self) ? -ECANCELED : verb_park(self, deadline);
        if (r < 0)
            return r;
    }
}

int wait_park(yk_task *self, struct wait *wait, int64_t deadline)
{
    int r = wait_for_claim(self, wait, deadline);
    return r < 0 && wait_withdraw(wait) ? r : 0;
}

int wait_queue_park_unlock(yk_task *self, yk_wait_queue *queue, int64_t deadline)
{
    struct wait wait;
    wait_init(&wait, self);
    struct wait_node node = {.wait = &wait};
    wait_line_add(&queue->line, &node);
    lock_give(wait_queue_lock(queue));
    int r = wait_park(self, &wait, deadline);
    if (r == 0)
        return wait.result;
    lock_take(wait_queue_lock(queue));
    wait_line_remove(&queue->line, &node);
    lock_give(wait_queue_lock(queue));
    return r;
}

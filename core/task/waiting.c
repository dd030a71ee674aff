/* SPDX-License-Identifier: MIT
 * waiting.c - see waiting.h. */
#include "core/task/waiting.h"

#include <errno.h>

#include "core/task/task_state.h"
#include "core/task/runtime_verbs.h"

void wait_fire(struct wait *wait)
{
    yk_task *task = wait->task;
    if (!host_spawner_of(task->spawner)->threaded) {
        verb_unpark(task); /* by the state the task is still there */
        atomic_store_explicit(&wait->state, WAIT_FIRED, memory_order_release);
        return;
    }
    /* A thread that is woken runs before unpark is back, and would wait for the state: five times
     * as long as the wake itself. */
    verb_ref(task);
    atomic_store_explicit(&wait->state, WAIT_FIRED, memory_order_release);
    verb_unpark(task);
    verb_unref(task);
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

/* The claimer is between its claim and its last write, if it is not done. */
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

int wait_in_line(yk_task *self, struct wait_node *node, struct lock *lock, yk_wait_line *line,
                 int64_t deadline)
{
    int r = wait_for_claim(self, node->wait, deadline);
    if (r == 0)
        return node->wait->result;
    lock_take(lock);
    bool ours = node->in_line;
    wait_line_remove(line, node);
    lock_give(lock);
    if (ours)
        return r;
    await_fired(node->wait); /* claimed meanwhile: the result counts */
    return node->wait->result;
}

int wait_queue_park_unlock(yk_task *self, yk_wait_queue *queue, int64_t deadline)
{
    struct wait wait;
    struct wait_node node;
    wait_init(&wait, self);
    wait_node_init(&node, &wait, NULL);
    wait_line_add(&queue->line, &node);
    lock_give(wait_queue_lock(queue));
    return wait_in_line(self, &node, wait_queue_lock(queue), &queue->line, deadline);
}

/* SPDX-License-Identifier: MIT
 * waiting.c - see waiting.h. */
#include "core/task/waiting.h"

#include <errno.h>

#include "core/task/task_state.h"
#include "core/task/verbs.h"

void wait_line_add(yk_wait_line *line, struct wait_node *node)
{
    struct wait_node *last = line->last;
    node->next = NULL;
    node->prev = last;
    node->in_line = true;
    if (last)
        last->next = node;
    else
        line->first = node;
    line->last = node;
}

void wait_line_remove(yk_wait_line *line, struct wait_node *node)
{
    if (!node->in_line)
        return;
    node->in_line = false;
    if (node->prev)
        node->prev->next = node->next;
    else
        line->first = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        line->last = node->prev;
}

struct wait_node *wait_line_claim(yk_wait_line *line, int32_t result)
{
    for (struct wait_node *node; (node = line->first) != NULL;) {
        wait_line_remove(line, node);
        if (!wait_claim(node->wait))
            continue; /* chosen elsewhere, or gone; its owner sees that it is not in line */
        node->wait->result = result;
        node->wait->chosen = node->index;
        return node;
    }
    return NULL;
}

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

int wait_park(yk_task *self, struct wait *wait, int64_t deadline)
{
    deadline = task_deadline(self, deadline);
    for (;;) {
        if (atomic_load_explicit(&wait->state, memory_order_acquire) != WAIT_WAITING) {
            await_fired(wait);
            return 0;
        }
        int r = task_is_canceled(self) ? -ECANCELED : verb_park(self, deadline);
        if (r < 0)
            return wait_withdraw(wait) ? r : 0;
    }
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

/* SPDX-License-Identifier: MIT
 * waiting.h - how a task waits and how another ends its wait, exactly once.
 *
 * Layer: core/task.  Threads: any.  Start at wait_in_line() and wait_line_claim().
 *
 * A wait has one state and a node for each line that the task stands in.  Whoever wants to end it
 * claims it (WAITING to CLAIMED, under the lock of the line that holds the node), does what the
 * waiter waits for, lets go of the lock and fires.  A waiter that gives up withdraws by the same
 * step, so that either the result or the failure counts, never both.  FIRED is the last thing that
 * the other side writes: a claimed waiter waits for it before it returns, so that its stack and its
 * task outlive the unpark. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <yoke/spawner.h>
#include <yoke/wait.h>

#include "core/base/lock.h"

enum wait_state { WAIT_WAITING, WAIT_CLAIMED, WAIT_FIRED, WAIT_WITHDRAWN };

struct wait {
    yk_task *task; /* who waits */
    _Atomic uint32_t state;
    int32_t result;  /* by the claimer */
    uint32_t chosen; /* by the claimer: the index of the node */
    bool shared;     /* in more than one line, so that several may try to claim it at once */
};

struct wait_node {
    struct wait *wait;
    struct wait_node *next, *prev;
    void *item; /* what is received to or sent from */
    uint32_t index;
    bool in_line;
};

static inline void wait_init(struct wait *wait, yk_task *self)
{
    wait->task = self;
    atomic_init(&wait->state, WAIT_WAITING);
    wait->result = 0;
    wait->chosen = 0;
    wait->shared = false;
}

static inline void wait_node_init(struct wait_node *node, struct wait *wait, void *item)
{
    node->wait = wait;
    node->item = item;
    node->index = 0;
    node->in_line = false;
}

static inline struct lock *wait_queue_lock(yk_wait_queue *queue)
{
    return (struct lock *)(void *)&queue->lock_word;
}

/* The functions on lines and the claim are called with the lock of the line held. */
static inline void wait_line_add(yk_wait_line *line, struct wait_node *node)
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

/* Harmless if the node is not in line. */
static inline void wait_line_remove(yk_wait_line *line, struct wait_node *node)
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

void wait_line_remove(yk_wait_line *line,
                      struct wait_node *node); /* harmless if it is not in line */

/* Claims the wait for who does this.  Returns false if somebody else has, or the waiter has
 * withdrawn.
 * A wait that stands in one line only is claimed and withdrawn under the lock of that line: whoever
 * finds its node there has it. */
static inline bool wait_claim(struct wait *wait)
{
    uint32_t expected = WAIT_WAITING;
    if (wait->shared)
        return atomic_compare_exchange_strong_explicit(&wait->state, &expected, WAIT_CLAIMED,
                                                       memory_order_acq_rel, memory_order_relaxed);
    atomic_store_explicit(&wait->state, WAIT_CLAIMED, memory_order_relaxed);
    return true;
}

/* Takes the first node in line whose wait can be claimed, and claims it with `result`.  NULL: there
 * is none. */
static inline struct wait_node *wait_line_claim(yk_wait_line *line, int32_t result)
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

/* Wakes a waiter that was claimed; the lock is free again.  The wait and its nodes are gone
 * afterwards. */
void wait_fire(struct wait *wait);

/* Claims and fires all that stand in the line, of which `queue` guards one. */
void wait_queue_fire_all(yk_wait_queue *queue, int32_t result);

/* Waits until the wait has been claimed and fired, the deadline, or cancellation.  Blocks.
 * Returns 0 (fired), or -ETIMEDOUT or -ECANCELED: not claimed so far, and not withdrawn. */
int wait_for_claim(yk_task *self, struct wait *wait, int64_t deadline);

/* Gives up a shared wait.  Returns false if it was claimed before that, and has now been fired. */
bool wait_withdraw(struct wait *wait);

/* Waits with `node` in a line that `lock` guards and nowhere else; the lock is free.  Blocks.
 * Returns the claimer's result; -ETIMEDOUT or -ECANCELED: the node is out of the line. */
int wait_in_line(yk_task *self, struct wait_node *node, struct lock *lock, yk_wait_line *line,
                 int64_t deadline);

/* Stands in a locked queue's line and waits; unlocks it.  Blocks.  Returns as wait_in_line(). */
int wait_queue_park_unlock(yk_task *self, yk_wait_queue *queue, int64_t deadline);

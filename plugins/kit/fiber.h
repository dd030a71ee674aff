/* SPDX-License-Identifier: MIT
 * fiber.h - a task of an event-loop runtime: its block lies at the top of its own stack.
 *
 * Layer: plugins/kit.  Threads: a fiber's plain members belong to its loop's thread.
 * Start at kit_spawn() and kit_park(): they are the ABI's verbs. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugins/kit/context.h"
#include "plugins/kit/loop.h"
#include "plugins/kit/stack.h"
#include "plugins/kit/timers.h"

enum kit_fiber_state { KIT_RUNNING, KIT_READY, KIT_PARKED, KIT_WAITING_IO, KIT_ENDED };

struct kit_fiber {
    struct kit_context context;
    struct kit_fiber *next; /* in the queue of the ready */
    struct kit_loop *loop;  /* borrowed */
    struct kit_stack *stack;
    yk_entry_fn *entry;
    void *arg;
    int32_t *out_result; /* of the main task only; else NULL */
    bool is_main;

    uint8_t state;      /* enum kit_fiber_state */
    bool token;         /* ABI W1, W2 */
    uint16_t turns;     /* times in a row that it was answered without leaving */
    uint32_t io_wanted; /* while it waits for a descriptor: what for */
    uint32_t io_ready;  /* and what came */
    struct kit_timer timer;
    struct kit_fiber *live_next, **live_link; /* in loop->live */

    _Atomic uint32_t refs;      /* handles, and one until it has left for ever */
    _Atomic uint32_t wake_sent; /* wake_note is on its way, and holds a reference */
    struct kit_note wake_note;
    struct kit_note start_note; /* of a task that another thread spawned */

    _Alignas(16) yk_task task; /* the host's bytes follow */
};

static inline struct kit_fiber *kit_fiber_of(yk_task *task)
{
    return (struct kit_fiber *)(void *)((char *)task - offsetof(struct kit_fiber, task));
}

/* Queues a task that is ready to run. */
static inline void kit_loop_ready(struct kit_loop *loop, struct kit_fiber *fiber)
{
    fiber->state = KIT_READY;
    fiber->next = NULL;
    if (loop->ready_first)
        loop->ready_last->next = fiber;
    else
        loop->ready_first = fiber;
    loop->ready_last = fiber;
}

/* Takes the first of the queue, which is not empty, and makes it the running one. */
static inline struct kit_fiber *kit_loop_take_ready(struct kit_loop *loop)
{
    struct kit_fiber *fiber = loop->ready_first;
    loop->ready_first = fiber->next;
    loop->switches_left--;
    atomic_store_explicit(&loop->beats,
                          atomic_load_explicit(&loop->beats, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    fiber->state = KIT_RUNNING;
    loop->current = &fiber->task;
    return fiber;
}

/* Where to go on when the running task leaves. */
static inline struct kit_context *kit_loop_next(struct kit_loop *loop)
{
    if (loop->ready_first && loop->switches_left > 0)
        return &kit_loop_take_ready(loop)->context;
    loop->current = NULL;
    return &loop->context;
}

/* Leaves the running task, which is queued or waits somewhere, for the next one or for a turn.
 * Returns when it runs again. */
static inline void kit_loop_leave(struct kit_loop *loop, struct kit_fiber *self)
{
    struct kit_context *next = kit_loop_next(loop);
    if (next == &self->context)
        return;
    kit_context_switch(&self->context, next);
    kit_loop_arrived(loop);
}

static inline struct kit_fiber *kit_fiber_of_timer(struct kit_timer *timer)
{
    return (struct kit_fiber *)(void *)((char *)timer - offsetof(struct kit_fiber, timer));
}

/* The verbs of <yoke/spawner.h>. */
int32_t kit_spawn(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                  void *arg, yk_task **out_task);
void kit_ref(yk_task *task);
void kit_unref(yk_task *task);
void kit_yield(yk_task *self);
int32_t kit_park(yk_task *self, int64_t deadline);
void kit_unpark(yk_task *task);

/* Makes the main task of block_on on `loop`, whose thread calls; *out_result is written when it
 * ends. */
int32_t kit_spawn_main(struct kit_loop *loop, const yk_spawn_options *options, yk_entry_fn *entry,
                       void *arg, int32_t *out_result);

/* Makes a waiting task ready: on its loop's thread. */
static inline void kit_fiber_wake(struct kit_fiber *fiber)
{
    if (fiber->state == KIT_PARKED || fiber->state == KIT_WAITING_IO)
        kit_loop_ready(fiber->loop, fiber);
}

/* Takes the token, if there is one. */
static inline bool kit_fiber_take_token(struct kit_fiber *fiber)
{
    bool had = fiber->token;
    fiber->token = false;
    return had;
}

/* Sees what other threads sent, so that a token that was given before this moment is seen. */
static inline void kit_fiber_look(struct kit_fiber *fiber)
{
    if (__builtin_expect(kit_loop_has_notes(fiber->loop), 0))
        kit_loop_deliver(fiber->loop);
}

/* Waits for a wake or the deadline (YK_NEVER: none) in the given state. */
static inline void kit_fiber_wait(struct kit_fiber *fiber, enum kit_fiber_state state,
                                  int64_t deadline)
{
    struct kit_loop *loop = fiber->loop;
    fiber->turns = 0;
    fiber->state = (uint8_t)state;
    if (deadline != YK_NEVER)
        kit_timers_add(&loop->timers, &fiber->timer, deadline);
    kit_loop_leave(loop, fiber);
    if (kit_timer_armed(&fiber->timer))
        kit_timers_remove(&loop->timers, &fiber->timer);
}

/* Whether the deadline has come, as exactly as the clock tells. */
bool kit_fiber_is_past(const struct kit_fiber *fiber, int64_t deadline);

/* Lets others run after too many answers in a row that needed no wait. */
void kit_fiber_be_fair(struct kit_fiber *fiber);

/* The fiber whose block lies on `stack`. */
struct kit_fiber *kit_fiber_on(const struct kit *kit, const struct kit_stack *stack);

/* Drops one reference; the last one gives the stack back. */
void kit_fiber_unref(struct kit_fiber *fiber);

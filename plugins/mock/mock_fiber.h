/* SPDX-License-Identifier: MIT
 * mock_fiber.h - a task of the mock runtime.
 *
 * Layer: plugins/mock.  Threads: guarded by the mock's mutex. */
#pragma once

#include <stdalign.h>

#include "plugins/mock/mock.h"

enum mock_state { MOCK_READY, MOCK_RUNNING, MOCK_WAITING, MOCK_ENDED };

struct mock_fiber {
    struct kit_context context;
    struct mock *mock; /* borrowed */
    struct kit_stack *stack;
    yk_entry_fn *entry;
    void *arg;
    int32_t *out_result; /* of the main task; else NULL */
    uint32_t refs;       /* handles, and one until it has left for ever */

    enum mock_state state;
    bool token;
    bool foreign_token; /* from another thread; seen by the task itself, or through the inbox */
    bool in_inbox;      /* which holds a reference */
    uint32_t turns;     /* answers in a row without a wait */
    struct mock_fiber *inbox_next;
    struct mock_fiber *live_next, *live_prev;
    struct kit_timer timer;

    yk_io *io; /* that it waits for; NULL: none, or it was closed */
    bool io_closed;
    uint32_t io_events;
    uint32_t waiting_index; /* in mock->waiting, while io is set and it sleeps */
    bool in_waiting;

    alignas(16) unsigned char arg_copy[YK_ARG_BYTES_MAX];
    alignas(16) yk_task head; /* the host's bytes follow */
};
static_assert(sizeof(struct mock_fiber) == offsetof(struct mock_fiber, head) + YK_TASK_HEAD_BYTES,
              "the host's bytes follow the head");

static inline struct mock_fiber *mock_fiber_of(yk_task *head)
{
    assert(head && head->magic == YK_TASK_MAGIC);
    return (struct mock_fiber *)(void *)((char *)head - offsetof(struct mock_fiber, head));
}

/* Makes a task and its place in the rounds, ready to run; with the mutex held.
 *
 * options  NULL: the defaults
 * Returns 0, -EINVAL, -EAGAIN, -ENOMEM. */
int mock_fiber_new(struct mock *mock, const yk_spawn_options *options, yk_entry_fn *entry,
                   void *arg, struct mock_fiber **out_fiber);

/* Takes a reference away, with the mutex held; the last one frees. */
void mock_fiber_unref(struct mock_fiber *fiber);

/* Gives the stack of a task back that has left for ever; with the mutex held, on another stack. */
void mock_fiber_bury(struct mock_fiber *fiber);

/* Takes the token, if there is one; with the mutex held. */
bool mock_fiber_take_token(struct mock_fiber *fiber);

/* Waits until the task is made ready again; with the mutex held, which is free meanwhile.
 *
 * deadline  in the future, or YK_NEVER */
void mock_fiber_wait(struct mock_fiber *fiber, int64_t deadline);

/* Lets others run after too many answers in a row that needed no wait; with the mutex held. */
void mock_fiber_be_fair(struct mock_fiber *fiber);

/* The verbs of <yoke/spawner.h>. */
int32_t mock_spawn(yk_spawner *head, const yk_spawn_options *options, yk_entry_fn *entry, void *arg,
                   yk_task **out_task);
void mock_ref(yk_task *task);
void mock_unref(yk_task *task);
void mock_yield(yk_task *self);
int32_t mock_park(yk_task *self, int64_t deadline);
void mock_unpark(yk_task *task);

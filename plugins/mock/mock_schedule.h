/* SPDX-License-Identifier: MIT
 * mock_schedule.h - who runs next, and what happens when nobody can.
 *
 * Layer: plugins/mock.  Threads: with the mock's mutex held.
 *
 * Ready tasks stand in rounds.  Of the present round any may be the next, drawn from the seed; who
 * becomes ready joins the next round, who yields the one after it, so that all who are ready run
 * before a yield returns.
 *
 * When nobody is ready: a job on the pool is waited for, and a descriptor that is to be ready, both
 * for a bounded real time; then time jumps to the first deadline; without one, descriptors are
 * waited for; and if there are none it is a deadlock. */
#pragma once

#include "plugins/mock/mock.h"

struct mock_fiber;

static inline int64_t mock_time(struct mock *mock)
{
    return atomic_load_explicit(&mock->time, memory_order_relaxed);
}

/* Makes room for one more live task in the rounds.  Returns 0 or -ENOMEM. */
int mock_rounds_reserve(struct mock *mock);

/* Lets a task run that waits or is new; harmless if it does not wait. */
void mock_make_ready(struct mock_fiber *fiber);

/* Lets the running task run again, after all others that are ready. */
void mock_make_ready_later(struct mock_fiber *fiber);

/* Gives a token from a thread that does not drive: it is seen when nobody is ready or in turn, so
 * that it comes at the same place of the order as often as can be. */
void mock_post(struct mock_fiber *fiber);

/* Sees what was posted. */
void mock_deliver(struct mock *mock);

/* Ends a poll of the driving thread, if it is in one. */
void mock_kick(struct mock *mock);

/* Runs tasks until the main task has ended; on the calling thread.
 * Returns 0, or -EDEADLK: no task can ever run again; the log names them. */
int mock_run(struct mock *mock);

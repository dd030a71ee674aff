/* SPDX-License-Identifier: MIT
 * loop.h - one loop: the queue of ready tasks, what other threads sent, timers, and the driver's
 * turns.
 *
 * Layer: plugins/kit.  Threads: a loop belongs to the thread that drives it; only kit_loop_post()
 * is for others. Start at kit_loop_run(). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugins/kit/context.h"
#include "plugins/kit/kit.h"
#include "plugins/kit/stack.h"
#include "plugins/kit/timers.h"

#define KIT_SWITCHES_PER_TURN                                                                      \
    61 /* ABI T7: descriptors are looked at again within so many switches */
#define KIT_TURN_NS_MAX 10000000 /* and, as soon as the tasks' pace is known, within 10 ms */

struct kit;
struct kit_fiber;

/* A message to a loop: delivered on its thread, in the order in which they were posted. */
struct kit_note {
    struct kit_note *next;
    void (*deliver)(struct kit_note *note);
};

struct kit_loop {
    struct kit *kit; /* borrowed */
    uint32_t number;
    const yk_kit_driver *driver; /* borrowed */
    void *driver_state;          /* owned */

    yk_task *current;           /* the running task, or NULL; the host reads it too (ABI H4) */
    struct kit_context context; /* of the scheduler, on the thread's own stack */
    struct kit_fiber *ready_first, *ready_last;
    struct kit_fiber *dead; /* has just left for ever; buried by whoever runs next */
    uint32_t switches_left; /* until the next turn */
    uint32_t switches_per_turn;
    bool stop;  /* kit_loop_run() is to return */
    bool inert; /* in a forked child: nothing works any more */

    int64_t now; /* the time at the last turn */
    struct kit_timers timers;
    struct kit_shelf shelf;
    struct yk_kit_watch *unwanted; /* watches that fired though nobody waits */
    uint32_t watches;              /* registered with the driver */

    struct kit_fiber *live;      /* all tasks of the loop */
    _Atomic uint64_t live_count; /* written by the loop; others read it to place tasks */
    _Atomic uint64_t coming;     /* tasks that other threads have spawned here, on their way */
    uint64_t live_peak, spawned, polls, watches_changed;
    uint64_t next_id;
    _Atomic uint64_t beats; /* counts switches, for the watchdog; written by the loop */
    _Atomic uint64_t wakes_sent;

    _Atomic(struct kit_note *) inbox; /* newest first */
    _Atomic bool sleeping; /* about to poll, or polling, without having seen a newer note */
};

/* The loop that this thread drives, or NULL.  Tasks never change their thread, so a cached address
 * does no harm. */
extern _Thread_local struct kit_loop *kit_loop_here __attribute__((tls_model("initial-exec")));

int kit_loop_init(struct kit_loop *loop, struct kit *kit, uint32_t number,
                  const yk_kit_driver *driver, const yk_config *config, yk_error *error);
void kit_loop_done(struct kit_loop *loop);

/* Runs tasks and turns until loop->stop, on the calling thread. */
void kit_loop_run(struct kit_loop *loop);

/* Sends a note; any thread.  The note is the sender's again once it is delivered. */
void kit_loop_post(struct kit_loop *loop, struct kit_note *note);

/* Delivers what was posted; on the loop's thread, or by who has made sure that nobody drives it. */
void kit_loop_deliver(struct kit_loop *loop);

static inline bool kit_loop_has_notes(struct kit_loop *loop)
{
    return atomic_load_explicit(&loop->inbox, memory_order_acquire) != NULL;
}

/* As kit_loop_leave() for a task that has ended; does not return. */
void kit_loop_leave_dead(struct kit_loop *loop, struct kit_fiber *self);

/* Buries who ended before this one came to run; each context calls it first thing when it is
 * entered. */
void kit_loop_bury(struct kit_loop *loop);

static inline void kit_loop_arrived(struct kit_loop *loop)
{
    if (loop->dead)
        kit_loop_bury(loop);
}

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t kit_now(void);

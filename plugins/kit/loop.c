/* SPDX-License-Identifier: MIT
 * loop.c - see loop.h. */
#include "plugins/kit/loop.h"

#include <string.h>
#include <time.h>

#include "plugins/kit/fiber.h"
#include "plugins/kit/kit_state.h"
#include "plugins/kit/watch.h"
#include "plugins/kit/watchdog.h"

_Thread_local struct kit_loop *kit_loop_here __attribute__((tls_model("initial-exec")));

int64_t kit_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int kit_loop_init(struct kit_loop *loop, struct kit *kit, uint32_t number,
                  const yk_kit_driver *driver, const yk_config *config, yk_error *error)
{
    memset(loop, 0, sizeof *loop);
    loop->kit = kit;
    loop->number = number;
    loop->driver = driver;
    loop->shelf.store = &kit->store;
    loop->switches_per_turn = KIT_SWITCHES_PER_TURN;
    atomic_init(&loop->sleeping, true);
    loop->now = kit_now();
    return driver->init(kit->host, config, &loop->driver_state, error);
}

void kit_loop_done(struct kit_loop *loop)
{
    loop->driver->fini(loop->driver_state);
}

/* ---- who has ended ---- */

void kit_loop_bury(struct kit_loop *loop)
{
    struct kit_fiber *dead = loop->dead;
    loop->dead = NULL;
    kit_context_done(&dead->context);
    kit_fiber_unref(dead);
}

void kit_loop_leave_dead(struct kit_loop *loop, struct kit_fiber *self)
{
    struct kit_context *next = &loop->context;
    if (loop->stop)
        loop->current = NULL;
    else
        next = kit_loop_next(loop);
    loop->dead = self;
    kit_context_leave(&self->context, next);
}

/* ---- what other threads send ---- */

void kit_loop_post(struct kit_loop *loop, struct kit_note *note)
{
    struct kit_note *newest = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do
        note->next = newest;
    while (!atomic_compare_exchange_weak(&loop->inbox, &newest, note));
    /* Either the loop's look at the inbox after it set `sleeping` sees the note, or we see
     * `sleeping`. */
    if (atomic_load(&loop->sleeping) && atomic_exchange(&loop->sleeping, false)) {
        atomic_fetch_add_explicit(&loop->wakes_sent, 1, memory_order_relaxed);
        loop->driver->wake(loop->driver_state);
    }
}

void kit_loop_deliver(struct kit_loop *loop)
{
    struct kit_note *newest = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire);
    struct kit_note *oldest = NULL;
    while (newest) {
        struct kit_note *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct kit_note *note = oldest;
        oldest = note->next;
        note->deliver(note); /* the note is its sender's again */
    }
}

/* ---- turns ---- */

/* Sets how many tasks may run before the next turn, from how long they took since the last one. */
static void set_pace(struct kit_loop *loop)
{
    int64_t ran = loop->switches_per_turn;
    int64_t spent = kit_now() - loop->now;
    int64_t fit = spent > 0 ? KIT_TURN_NS_MAX / 2 * ran / spent : KIT_SWITCHES_PER_TURN;
    if (fit > KIT_SWITCHES_PER_TURN)
        fit = KIT_SWITCHES_PER_TURN;
    loop->switches_per_turn = fit < 1 ? 1 : (uint32_t)fit;
}

/* How long the next poll may wait, in ns; negative: no limit. */
static int64_t idle_time(struct kit_loop *loop)
{
    kit_watches_disarm(loop);
    if (kit_shelf_trim(&loop->shelf))
        return 0;
    if (!loop->timers.root)
        return -1;
    int64_t left = loop->timers.root->deadline - kit_now();
    return left > 0 ? left : 0;
}

static void fire_timers(struct kit_loop *loop)
{
    while (loop->timers.root && loop->timers.root->deadline <= loop->now) {
        struct kit_timer *timer = loop->timers.root;
        kit_timers_remove(&loop->timers, timer);
        kit_fiber_wake(kit_fiber_of_timer(timer));
    }
}

/* The loop is busy again. */
static void wake_up(struct kit_loop *loop)
{
    if (!loop->kit->watchdog) {
        atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
        return;
    }
    atomic_store(&loop->sleeping, false); /* before the watchdog's state is read */
    kit_watchdog_stir(loop->kit->watchdog);
}

/* Looks at descriptors, other threads and timers; waits for them if there is nothing else to do. */
static void turn(struct kit_loop *loop)
{
    int64_t timeout_ns = 0;
    if (loop->ready_first) {
        set_pace(loop);
    } else {
        timeout_ns = idle_time(loop);
        atomic_store(&loop->sleeping, true);
        if (kit_loop_has_notes(loop))
            timeout_ns = 0;
    }
    if (timeout_ns != 0 || loop->watches > 0) {
        loop->polls++;
        loop->driver->poll(loop->driver_state, timeout_ns);
    }
    wake_up(loop);
    if (kit_loop_has_notes(loop))
        kit_loop_deliver(loop);
    loop->now = kit_now();
    fire_timers(loop);
}

void kit_loop_run(struct kit_loop *loop)
{
    wake_up(loop);
    while (!loop->stop) {
        loop->switches_left = loop->switches_per_turn;
        if (loop->ready_first) {
            kit_context_switch(&loop->context, &kit_loop_take_ready(loop)->context);
            kit_loop_arrived(loop);
        }
        if (!loop->stop)
            turn(loop);
    }
    atomic_store(&loop->sleeping, true); /* who posts wakes a driver that nobody polls: harmless */
}

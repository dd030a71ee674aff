/* SPDX-License-Identifier: MIT
 * mock_schedule.c - see mock_schedule.h. */
#include "plugins/mock/mock_schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "plugins/mock/mock_fiber.h"
#include "plugins/mock/mock_io.h"

#define SLOTS_MIN          64
#define SWITCHES_MAX       61   /* ABI T7: then descriptors and timers are looked at */
#define SWITCH_NS          1000 /* so that time goes on while tasks yield to each other for ever */
#define NS_PER_MS          1000000
#define DEADLOCK_NAMES_MAX 20

/* splitmix64; Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014). */
static uint64_t draw(struct mock *mock)
{
    uint64_t z = mock->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- rounds ---- */

static int round_grow(struct mock *mock, struct mock_round *round, uint32_t slots)
{
    struct mock_fiber **fibers = mock->host->alloc(slots * sizeof(struct mock_fiber *));
    if (!fibers)
        return -ENOMEM;
    if (round->count > 0)
        memcpy(fibers, round->fibers, round->count * sizeof(struct mock_fiber *));
    mock->host->free(round->fibers);
    round->fibers = fibers;
    return 0;
}

int mock_rounds_reserve(struct mock *mock)
{
    if (mock->live < mock->slots)
        return 0;
    uint32_t slots = mock->slots ? mock->slots * 2 : SLOTS_MIN;
    if (round_grow(mock, &mock->now, slots) < 0 || round_grow(mock, &mock->next, slots) < 0 ||
        round_grow(mock, &mock->later, slots) < 0)
        return -ENOMEM; /* those that have grown are larger than they need to be */
    mock->slots = slots;
    return 0;
}

static void join_round(struct mock_round *round, struct mock_fiber *fiber)
{
    fiber->state = MOCK_READY;
    round->fibers[round->count++] = fiber;
}

void mock_make_ready(struct mock_fiber *fiber)
{
    if (fiber->state == MOCK_WAITING)
        join_round(&fiber->mock->next, fiber);
}

void mock_make_ready_later(struct mock_fiber *fiber)
{
    join_round(&fiber->mock->later, fiber);
}

static void begin_round(struct mock *mock)
{
    struct mock_round empty = mock->now;
    mock->now = mock->next;
    mock->next = mock->later;
    mock->later = empty;
}

/* Draws one of the present round, or returns NULL: nobody is ready. */
static struct mock_fiber *take_ready(struct mock *mock)
{
    for (int i = 0; i < 2 && mock->now.count == 0; i++)
        begin_round(mock);
    struct mock_round *round = &mock->now;
    if (round->count == 0)
        return NULL;
    uint32_t at = (uint32_t)(draw(mock) % round->count);
    struct mock_fiber *fiber = round->fibers[at];
    round->fibers[at] = round->fibers[--round->count];
    return fiber;
}

static bool anybody_ready(const struct mock *mock)
{
    return mock->now.count + mock->next.count + mock->later.count > 0;
}

/* ---- what other threads send ---- */

void mock_post(struct mock_fiber *fiber)
{
    struct mock *mock = fiber->mock;
    fiber->foreign_token = true;
    if (!fiber->in_inbox) {
        fiber->in_inbox = true;
        fiber->refs++;
        fiber->inbox_next = NULL;
        if (mock->inbox_first)
            mock->inbox_last->inbox_next = fiber;
        else
            mock->inbox_first = fiber;
        mock->inbox_last = fiber;
    }
    mock_kick(mock);
}

void mock_deliver(struct mock *mock)
{
    while (mock->inbox_first) {
        struct mock_fiber *fiber = mock->inbox_first;
        mock->inbox_first = fiber->inbox_next;
        fiber->in_inbox = false;
        if (fiber->foreign_token) {
            fiber->foreign_token = false;
            fiber->token = true;
            mock_make_ready(fiber);
        }
        mock_fiber_unref(fiber);
    }
}

void mock_kick(struct mock *mock)
{
    if (mock->sleeping)
        (void)eventfd_write(mock->wake_fd, 1); /* never full: it is read after each sleep */
}

/* ---- nobody is ready ---- */

/* Lets all run that have come to their deadline. */
static void fire_timers(struct mock *mock)
{
    for (struct kit_timer *first; (first = mock->timers.root) != NULL;) {
        if (first->deadline > mock_time(mock))
            return;
        struct mock_fiber *fiber =
            (struct mock_fiber *)(void *)((char *)first - offsetof(struct mock_fiber, timer));
        kit_timers_remove(&mock->timers, first);
        mock_make_ready(fiber);
    }
}

static void pass_time(struct mock *mock, int64_t now)
{
    if (now > mock_time(mock))
        atomic_store_explicit(&mock->time, now, memory_order_relaxed);
    fire_timers(mock);
}

static void name_the_stuck(struct mock *mock)
{
    char line[160];
    (void)snprintf(line, sizeof line,
                   "mock: deadlock: nothing can wake any of %" PRIu64 " tasks at %" PRId64 " ns",
                   mock->live, mock_time(mock));
    mock->host->log(0, line);
    int left = DEADLOCK_NAMES_MAX;
    for (struct mock_fiber *fiber = mock->live_first; fiber && left-- > 0;
         fiber = fiber->live_next) {
        (void)snprintf(line, sizeof line, "mock: deadlock: '%.64s' (task %" PRIu64 ") waits%s",
                       fiber->head.name, fiber->head.id,
                       fiber == mock->main ? ", the main task" : "");
        mock->host->log(0, line);
    }
}

/* How long to wait, really, before time jumps, if the outside has `most_ms`: no longer than the
 * jump is.  -1: there is no deadline to jump to. */
static int bounded_by_jump(struct mock *mock, int most_ms)
{
    const struct kit_timer *first = mock->timers.root;
    if (!first)
        return -1;
    int64_t jump_ms = (first->deadline - mock_time(mock)) / NS_PER_MS + 1;
    return jump_ms < most_ms ? (int)jump_ms : most_ms;
}

/* The same while jobs are on the pool.  Whoever gives the outside time wants time to be real. */
static int job_grace(struct mock *mock)
{
    if (!mock->timers.root || mock->grace_ms > 0)
        return bounded_by_jump(mock, mock->job_patience_ms);
    return mock->job_patience_ms;
}

static int outside_grace(struct mock *mock)
{
    bool more = mock->waiting_count > 0 && mock->io_grace_ms > mock->grace_ms;
    return bounded_by_jump(mock, more ? mock->io_grace_ms : mock->grace_ms);
}

/* Waits for what comes from outside, timeout_ms at the longest; -1: no limit.  Returns whether
 * anything came: then it is to be seen who is ready. */
static bool look_outside(struct mock *mock, int timeout_ms)
{
    bool came = mock_io_look(mock, timeout_ms);
    mock_deliver(mock);
    return came || anybody_ready(mock);
}

static int64_t real_time(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

/* The same; where the outside has time, what it has used passes here, too: else a chain of jobs
 * would hold up every deadline. */
static bool wait_outside(struct mock *mock, int timeout_ms)
{
    int64_t start = real_time();
    bool came = look_outside(mock, timeout_ms);
    if (mock->grace_ms == 0)
        return came;
    const struct kit_timer *first = mock->timers.root;
    int64_t now = mock_time(mock) + real_time() - start;
    pass_time(mock, first && first->deadline < now ? first->deadline : now);
    return came || anybody_ready(mock);
}

/* Finds something to run, or takes a step towards that.  Returns 0 or -EDEADLK. */
static int idle(struct mock *mock)
{
    mock->switches = 0; /* who only waits sees time jump, and nothing else */
    if (look_outside(mock, 0))
        return 0;
    if (mock->jobs > 0 && wait_outside(mock, job_grace(mock)))
        return 0; /* the end of a job kicks, too */
    if (mock->jobs == 0 && (mock->waiting_count > 0 || mock->timers.root) &&
        wait_outside(mock, outside_grace(mock)))
        return 0;
    if (mock->timers.root) {
        pass_time(mock, mock->timers.root->deadline);
        return 0;
    }
    /* Only a thread that is none of ours could still help. */
    if (look_outside(mock, mock->patience_ms))
        return 0;
    name_the_stuck(mock);
    return -EDEADLK;
}

/* ---- running ---- */

static void run_one(struct mock *mock, struct mock_fiber *fiber)
{
    fiber->state = MOCK_RUNNING;
    mock->current = &fiber->head;
    pthread_mutex_unlock(&mock->mutex);
    kit_context_switch(&mock->context, &fiber->context);
    pthread_mutex_lock(&mock->mutex);
    if (mock->dead)
        mock_fiber_bury(mock->dead);
    mock->dead = NULL;
}

int mock_run(struct mock *mock)
{
    int r = 0;
    while (mock->main && r == 0) {
        if (++mock->switches >= SWITCHES_MAX) {
            mock->switches = 0;
            (void)look_outside(mock, 0);
            pass_time(mock, mock_time(mock) + SWITCHES_MAX * SWITCH_NS);
        }
        struct mock_fiber *fiber = take_ready(mock);
        if (fiber)
            run_one(mock, fiber);
        else
            r = idle(mock);
    }
    return r;
}

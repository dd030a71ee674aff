/* SPDX-License-Identifier: MIT
 * check_park.c - behaviours of park and unpark: one token, never lost, from any thread.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, W1, W2.
 *
 * park may return 0 without a token (W1).  So "it waits" is shown by many tries of which not all
 * return at once. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define TRIES         40
#define LOST_MS       2000 /* a token that has not come by then is lost */
#define STORM_THREADS 4

static int64_t lost_deadline(const yk_task *self)
{
    return in_ms(self->spawner, (int64_t)(LOST_MS * bed_patience()));
}

static void unpark_before_park(yk_task *self, struct bed *bed)
{
    for (int i = 0; i < bed_count(bed, 1000, 1000); i++) {
        unpark(self);
        int32_t r = park(self, YK_NEVER);
        EXPECT(r == 0, "W1: park with a token gave %s, expected 0", code_name(r));
    }
}

static void unpark_self(yk_task *self, struct bed *bed)
{
    (void)bed;
    unpark(self);
    yield(self);
    EXPECT_CODE(park(self, lost_deadline(self)), 0);
}

static void double_unpark_one_token(yk_task *self, struct bed *bed)
{
    (void)bed;
    int waited = 0;
    for (int i = 0; i < TRIES; i++) {
        for (int j = 0; j < 5; j++)
            unpark(self);
        EXPECT_CODE(park(self, YK_NEVER), 0);
        waited += park(self, ONLY_LOOK) == -ETIMEDOUT;
    }
    EXPECT(waited > 0, "W2: after 5 unparks and one park there was a second token, %d times of %d",
           TRIES, TRIES);
}

static void two_parks_one_unpark_second_waits(yk_task *self, struct bed *bed)
{
    (void)bed;
    int waited = 0;
    for (int i = 0; i < TRIES; i++) {
        unpark(self);
        EXPECT_CODE(park(self, in_ms(self->spawner, 100)), 0);
        waited += park(self, in_ms(self->spawner, 1)) == -ETIMEDOUT;
    }
    EXPECT(waited > 0,
           "W1: park takes the token, but a second park returned 0, too, %d times of %d", TRIES,
           TRIES);
}

static void token_outlives_a_deadline(yk_task *self, struct bed *bed)
{
    (void)bed;
    for (int i = 0; i < TRIES; i++) {
        (void)park(self, ONLY_LOOK);
        (void)park(self, in_us(self->spawner, 50));
        unpark(self);
        EXPECT_CODE(park(self, ONLY_LOOK), 0);
    }
}

struct waker {
    yk_task *task;
    _Atomic int requests; /* the sleeper's */
    _Atomic int answers;  /* the waker's; the sleeper sleeps until they are equal */
    _Atomic int stop;
    int value; /* plain memory, written before unpark */
    struct chance chance;
};

/* Answers each request by a wake-up, after a moment that changes. */
static void *waker_thread(void *arg)
{
    struct waker *waker = arg;
    while (!atomic_load(&waker->stop)) {
        int request = atomic_load(&waker->requests);
        if (request == atomic_load(&waker->answers)) {
            (void)sched_yield();
            continue;
        }
        for (volatile uint32_t spin = chance_below(&waker->chance, 2000); spin > 0; spin--)
            continue;
        waker->value = request;
        atomic_store_explicit(&waker->answers, request, memory_order_relaxed);
        unpark(waker->task);
    }
    return NULL;
}

static void await_answer(yk_task *self, struct waker *waker, int request)
{
    int64_t deadline = lost_deadline(self);
    while (atomic_load_explicit(&waker->answers, memory_order_relaxed) != request) {
        int32_t r = park(self, deadline);
        if (r == 0)
            continue;
        EXPECT(r == -ETIMEDOUT, "W1: park gave %s", code_name(r));
        FAIL("W2: wake-up %d of a foreign thread was lost", request);
    }
}

static void wake_race(yk_task *self, struct bed *bed)
{
    struct waker waker = {.task = self, .chance = bed_chance(bed, 1)};
    pthread_t thread = foreign_start(waker_thread, &waker);
    int rounds = bed_count(bed, 10000, 10000);
    int64_t end = in_ms(self->spawner, 1000);
    verdict_step("a foreign thread wakes a task that is just going to sleep");
    for (int i = 1; i <= rounds && now_ns(self->spawner) < end; i++) {
        atomic_store(&waker.requests, i);
        await_answer(self, &waker, i);
    }
    atomic_store(&waker.stop, 1);
    foreign_join(thread);
}

/* What a token brings can be told from nothing only where park does not return without one. */
static bool wakes_without_token(yk_task *self)
{
    for (int i = 0; i < 200; i++)
        if (park(self, in_us(self->spawner, 10)) == 0)
            return true;
    return false;
}

static void memory_visible_after_unpark(yk_task *self, struct bed *bed)
{
    if (wakes_without_token(self))
        verdict_skip(
            "park returns without a token now and then, which W1 allows: nothing could be told");
    struct waker waker = {.task = self, .chance = bed_chance(bed, 2)};
    pthread_t thread = foreign_start(waker_thread, &waker);
    int64_t end = in_ms(self->spawner, 700);
    for (int i = 1; i <= bed_count(bed, 1000, 1000) && now_ns(self->spawner) < end; i++) {
        atomic_store(&waker.requests, i);
        while (park(self, lost_deadline(self)) == 0 &&
               atomic_load_explicit(&waker.answers, memory_order_relaxed) != i)
            continue;
        EXPECT_EQUAL("W2: what was written before unpark, read after park", waker.value, i);
    }
    atomic_store(&waker.stop, 1);
    foreign_join(thread);
}

struct nap {
    _Atomic int asleep;
    _Atomic int woken;
    struct gate *gate;
};

static int32_t nap_entry(yk_task *self, void *arg)
{
    struct nap *nap = arg;
    atomic_store(&nap->asleep, 1);
    flag_wait(self, &nap->woken, "a foreign thread's unpark");
    gate_pass(nap->gate);
    return 0;
}

struct nap_waker {
    struct nap *nap;
    yk_task *task;
};

static void *wake_nap(void *arg)
{
    const struct nap_waker *waker = arg;
    pause_ms(2); /* so that the runtime is fast asleep */
    atomic_store(&waker->nap->woken, 1);
    unpark(waker->task);
    return NULL;
}

static void unpark_from_foreign_thread(yk_task *self, struct bed *bed)
{
    for (int i = 0; i < bed_count(bed, 30, 30); i++) {
        struct gate gate;
        struct nap nap = {.gate = &gate};
        gate_init(&gate, self, 1);
        struct nap_waker waker = {.nap = &nap,
                                  .task = bed_spawn_held(self->spawner, nap_entry, &nap)};
        pthread_t thread = foreign_start(wake_nap, &waker);
        gate_wait(self, &gate, "a sleeping task that a foreign thread wakes");
        foreign_join(thread);
        unref(waker.task);
    }
}

static int32_t ended_entry(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

static void *unpark_many_times(void *arg)
{
    for (int i = 0; i < 1000; i++)
        unpark(arg);
    return NULL;
}

static void unpark_ended_task_harmless(yk_task *self, struct bed *bed)
{
    (void)bed;
    yk_task *task = bed_spawn_held(self->spawner, ended_entry, NULL);
    pthread_t thread = foreign_start(unpark_many_times, task); /* before, while and after it ends */
    bed_await_alone(self);
    (void)unpark_many_times(task);
    foreign_join(thread);
    unref(task);
    struct gate gate;
    gate_init(&gate, self, 1);
    gate_pass(&gate);
    gate_wait(self, &gate, "itself");
}

struct storm {
    yk_task *task;
    _Atomic int total;
    int each;
};

static void *storm_thread(void *arg)
{
    struct storm *storm = arg;
    for (int i = 0; i < storm->each; i++) {
        atomic_fetch_add(&storm->total, 1);
        unpark(storm->task);
    }
    return NULL;
}

static void unpark_storm(yk_task *self, struct bed *bed)
{
    struct storm storm = {.task = self, .each = bed_count(bed, 25000, 10000)};
    pthread_t threads[STORM_THREADS];
    for (int i = 0; i < STORM_THREADS; i++)
        threads[i] = foreign_start(storm_thread, &storm);
    verdict_step("%d threads unpark one task %d times each", STORM_THREADS, storm.each);
    while (atomic_load(&storm.total) < STORM_THREADS * storm.each) {
        int32_t r = park(self, lost_deadline(self));
        EXPECT(r == 0,
               "W2: of many wake-ups at once the last was lost: park gave %s, %d of %d had come",
               code_name(r), atomic_load(&storm.total), STORM_THREADS * storm.each);
    }
    for (int i = 0; i < STORM_THREADS; i++)
        foreign_join(threads[i]);
}

/* Strictly in turn: whose wake-up is lost sleeps, and so does the other. */
struct player {
    yk_task *_Atomic task;
    struct player *other;
    struct gate *gate;
    bool serves;
    int rounds;
    _Atomic int turns; /* how often the other has played to this one */
};

static void play(struct player *player)
{
    atomic_fetch_add(&player->other->turns, 1);
    unpark(atomic_load(&player->other->task));
}

static int32_t player_entry(yk_task *self, void *arg)
{
    struct player *player = arg;
    atomic_store(&player->task, self);
    while (!atomic_load(&player->other->task)) {
        yield(self);
        (void)park(self, in_us(self->spawner, 50));
    }
    for (int i = 0; i < player->rounds; i++) {
        if (player->serves)
            play(player);
        int64_t deadline = lost_deadline(self);
        while (atomic_load(&player->turns) <= i)
            EXPECT(park(self, deadline) == 0, "W2: in round %d of a ping-pong a wake-up was lost",
                   i);
        if (!player->serves)
            play(player);
    }
    gate_pass(player->gate);
    return 0;
}

static void pingpong_loses_no_wakeup(yk_task *self, struct bed *bed)
{
    struct gate gate;
    struct player a = {.gate = &gate, .rounds = bed_count(bed, 20000, 5000), .serves = true};
    struct player b = {.gate = &gate, .rounds = a.rounds, .other = &a};
    a.other = &b;
    gate_init(&gate, self, 2);
    yk_task *handle_a = bed_spawn_held(self->spawner, player_entry, &a);
    yk_task *handle_b = bed_spawn_held(self->spawner, player_entry, &b);
    gate_wait(self, &gate, "two tasks that wake each other in turn");
    bed_await_alone(self);
    unref(handle_a);
    unref(handle_b);
}

struct herd {
    struct gate gate;
    _Atomic int stop;
    _Atomic int returns; /* of park, without its own turn */
};

struct herd_member {
    struct herd *herd;
    _Atomic int turn;
};

static int32_t herd_entry(yk_task *self, void *arg)
{
    struct herd_member *member = arg;
    while (!atomic_load(&member->turn)) {
        (void)park(self, YK_NEVER);
        atomic_fetch_add(&member->herd->returns, !atomic_load(&member->turn));
    }
    gate_pass(&member->herd->gate);
    return 0;
}

#define HERD_COUNT 50

static void wake_one_not_herd(yk_task *self, struct bed *bed)
{
    (void)bed;
    static struct herd herd;
    static struct herd_member members[HERD_COUNT];
    yk_task *tasks[HERD_COUNT];
    gate_init(&herd.gate, self, HERD_COUNT);
    for (int i = 0; i < HERD_COUNT; i++) {
        members[i].herd = &herd;
        tasks[i] = bed_spawn_held(self->spawner, herd_entry, &members[i]);
    }
    (void)park(self, in_ms(self->spawner, 5));
    for (int i = 0; i < HERD_COUNT; i++) {
        atomic_store(&members[i].turn, 1);
        unpark(tasks[i]);
        yield(self);
    }
    gate_wait(self, &herd.gate, "tasks that are woken one by one");
    for (int i = 0; i < HERD_COUNT; i++)
        unref(tasks[i]);
    if (atomic_load(&herd.returns) > HERD_COUNT)
        verdict_warn("W2: %d wake-ups of one task each made others run %d times", HERD_COUNT,
                     atomic_load(&herd.returns));
}

static const struct behaviour behaviours[] = {
    {"unpark_before_park", "W2 W1: a token that was given before ends park at once",
     .on_task = unpark_before_park},
    {"unpark_self", "W2: a task may give itself the token", .on_task = unpark_self},
    {"double_unpark_one_token", "W2: any number of calls before the park give one token",
     .on_task = double_unpark_one_token},
    {"two_parks_one_unpark_second_waits", "W1: park takes the token",
     .on_task = two_parks_one_unpark_second_waits},
    {"token_outlives_a_deadline", "W1: a park that timed out does not swallow a later token",
     .on_task = token_outlives_a_deadline},
    {"unpark_from_foreign_thread", "W2: unpark is [any], and wakes a runtime that is fast asleep",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = unpark_from_foreign_thread},
    {"unpark_ended_task_harmless", "W2 T6: before, while and after it ends, from two threads",
     .on_task = unpark_ended_task_harmless},
    {"unpark_storm", "W2: 4 threads at once; the last token counts",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = unpark_storm},
    {"wake_race_litmus", "W2: no wake-up is lost between 'nothing to do' and sleep",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = wake_race},
    {"memory_visibility_after_unpark", "W2: what was written before unpark is seen after park",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = memory_visible_after_unpark},
    {"pingpong_loses_no_wakeup", "W2: two tasks wake each other thousands of times",
     .on_task = pingpong_loses_no_wakeup},
    {"wake_one_not_herd", "W2: unpark wakes its task and no other (else a warning)",
     .on_task = wake_one_not_herd},
};

THEME(park, behaviours);

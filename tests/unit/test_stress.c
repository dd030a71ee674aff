/* SPDX-License-Identifier: MIT
 * test_stress.c - random programs over everything in core/task; what must hold is counted at the
 * end.
 *
 * Layer: tests/unit.  On every runtime, and with the tasks of two runtimes in one world.  The seed
 * is printed; YOKE_TEST_SEED=n begins with it again (on real threads the schedule differs, the
 * programs do not).
 *
 * What must hold: each message sent is received once or still there; a count behind a mutex is
 * exact; permits are all back; every task ends when it is cancelled.  Start at worker(). */
#include "tests/support/support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yoke/channel.h>
#include <yoke/condition.h>
#include <yoke/group.h>
#include <yoke/offload.h>
#include <yoke/select.h>
#include <yoke/semaphore.h>

#include "core/base/error.h"

#define CHANNELS    3
#define PERMITS     2
#define WORKERS     10
#define STEPS       60
#define DEPTH_MAX   2
#define TEST_MS     200 /* for the rounds of one runtime */
#define SIDES_MAX   2
#define PAIR_ROUNDS 2
#define LATE_NS_MAX 30000

struct world {
    uint64_t seed;
    yk_channel *channels[CHANNELS]; /* owned */
    yk_mutex mutex;
    yk_condition condition;
    yk_semaphore semaphore;
    int guarded; /* by mutex */
    _Atomic int guarded_expected;
    _Atomic int inside;             /* tasks that hold a permit */
    _Atomic int alive;              /* tasks that may touch this */
    _Atomic int64_t sent, sent_sum; /* messages */
    _Atomic int64_t received, received_sum;
    _Atomic int64_t next_message, offloads, jobs;
    int sides;
    yk_task *workers[SIDES_MAX][WORKERS]; /* written before sides_ready says that all are there */
    _Atomic int next_side, sides_ready;
};

/* What one task is given; a copy goes with it. */
struct actor {
    struct world *world;
    uint64_t random;
    int depth;
    bool patient; /* may wait for ever: somebody will cancel it */
};

static void world_init(struct world *world, uint64_t seed, int sides)
{
    memset(world, 0, sizeof *world);
    world->seed = seed;
    world->sides = sides;
    yk_semaphore_init(&world->semaphore, PERMITS);
    for (int i = 0; i < CHANNELS; i++)
        ck_assert_int_eq(yk_channel_new(sizeof(int64_t), (size_t)1 << (2 * i), &world->channels[i]),
                         0);
}

static void demand(const struct world *world, bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("YOKE_TEST_SEED=%llu: %s", (unsigned long long)world->seed, what);
}

static void world_done(struct world *world)
{
    for (int i = 0; i < CHANNELS; i++) {
        int64_t message;
        while (yk_channel_try_receive(world->channels[i], &message) == 0) {
            world->received++;
            world->received_sum += message;
        }
        yk_channel_free(world->channels[i]);
    }
    demand(world, world->alive == 0, "a task is alive");
    demand(world, world->sent == world->received, "messages were lost or doubled");
    demand(world, world->sent_sum == world->received_sum, "messages were changed");
    demand(world, world->guarded == world->guarded_expected, "the mutex let two tasks in");
    demand(world, world->inside == 0 && world->semaphore.permits == PERMITS, "permits were lost");
    demand(world, world->mutex.owner == NULL, "the mutex is still held");
    demand(world, world->jobs == world->offloads, "an offload and its job disagree");
}

static uint32_t dice(struct actor *actor, uint32_t sides)
{
    uint64_t x = actor->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    actor->random = x;
    return (uint32_t)((x >> 16) % sides);
}

static int64_t some_deadline(yk_task *self, struct actor *actor)
{
    switch (dice(actor, actor->patient ? 4 : 3)) {
    case 0:
        return 0;
    case 3:
        return YK_NEVER;
    default:
        return yk_now(self) + dice(actor, LATE_NS_MAX);
    }
}

static void note_sent(struct world *world, int64_t message)
{
    world->sent++;
    world->sent_sum += message;
}

static void note_received(struct world *world, int64_t message)
{
    world->received++;
    world->received_sum += message;
}

static int step_send(yk_task *self, struct actor *actor)
{
    struct world *world = actor->world;
    int64_t message = ++world->next_message;
    yk_channel *channel = world->channels[dice(actor, CHANNELS)];
    int r = dice(actor, 4) ? yk_channel_send(self, channel, &message, some_deadline(self, actor))
                           : yk_channel_try_send(channel, &message);
    if (r == 0)
        note_sent(world, message);
    return r;
}

static int step_receive(yk_task *self, struct actor *actor)
{
    struct world *world = actor->world;
    int64_t message = 0;
    yk_channel *channel = world->channels[dice(actor, CHANNELS)];
    int r = dice(actor, 4) ? yk_channel_receive(self, channel, &message, some_deadline(self, actor))
                           : yk_channel_try_receive(channel, &message);
    if (r == 0)
        note_received(world, message);
    return r;
}

static int step_select(yk_task *self, struct actor *actor)
{
    struct world *world = actor->world;
    int64_t messages[CHANNELS + 1];
    yk_case cases[CHANNELS + 1];
    size_t count = 1 + dice(actor, CHANNELS + 1);
    for (size_t i = 0; i < count; i++) {
        bool send = dice(actor, 2) == 0;
        messages[i] = send ? ++world->next_message : 0;
        cases[i] = (yk_case){.kind = send ? YK_CASE_SEND : YK_CASE_RECEIVE,
                             .channel = world->channels[dice(actor, CHANNELS)],
                             .item = &messages[i]};
    }
    int r = yk_select(self, cases, count, some_deadline(self, actor));
    if (r < 0)
        return r;
    demand(world, (size_t)r < count && cases[r].result == 0, "a select chose nonsense");
    if (cases[r].kind == YK_CASE_SEND)
        note_sent(world, messages[r]);
    else
        note_received(world, messages[r]);
    return 0;
}

static int step_mutex(yk_task *self, struct actor *actor)
{
    struct world *world = actor->world;
    int r = yk_mutex_lock(self, &world->mutex, some_deadline(self, actor));
    if (r < 0)
        return r;
    int before = world->guarded;
    if (dice(actor, 3) == 0)
        r = yk_task_yield(self);
    world->guarded = before + 1;
    world->guarded_expected++;
    if (r == 0 && dice(actor, 3) == 0) {
        r = yk_condition_wait(self, &world->condition, &world->mutex, some_deadline(self, actor));
        world->guarded++;
        world->guarded_expected++;
    }
    if (dice(actor, 2))
        yk_condition_signal(&world->condition);
    else if (dice(actor, 4) == 0)
        yk_condition_broadcast(&world->condition);
    yk_mutex_unlock(self, &world->mutex);
    return r;
}

static int step_semaphore(yk_task *self, struct actor *actor)
{
    struct world *world = actor->world;
    int r = yk_semaphore_acquire(self, &world->semaphore, some_deadline(self, actor));
    if (r < 0)
        return r;
    demand(world, ++world->inside <= PERMITS, "too many have a permit");
    if (dice(actor, 2))
        r = yk_task_yield(self);
    world->inside--;
    yk_semaphore_release(&world->semaphore);
    return r;
}

static int job_count(void *arg)
{
    ((struct world *)arg)->jobs++;
    return 77;
}

static int step_offload(yk_task *self, struct actor *actor)
{
    int result = 0;
    int r = yk_offload(self, job_count, actor->world, &result);
    if (r < 0)
        return r;
    demand(actor->world, result == 77, "an offload gave nonsense");
    actor->world->offloads++;
    return 0;
}

/* Cancels some worker, of either side. */
static int step_cancel(yk_task *self, struct actor *actor)
{
    struct world *world = actor->world;
    if (dice(actor, 10) || world->sides_ready < world->sides)
        return yk_task_yield(self);
    yk_task_cancel(world->workers[dice(actor, (uint32_t)world->sides)][dice(actor, WORKERS)]);
    return 0;
}

static int worker(yk_task *self, void *arg);

static int child_spawn(yk_task *self, struct actor *actor, yk_group *group, yk_task **out_child)
{
    struct actor child = {.world = actor->world,
                          .random = actor->random * 6364136223846793005U + 1442695040888963407U,
                          .depth = actor->depth + 1};
    yk_task_options options = {.name = "child", .arg_bytes = sizeof child};
    (void)dice(actor, 2);
    actor->world->alive++;
    int r = group ? yk_group_spawn_with(group, &options, worker, &child)
                  : yk_task_spawn_with(yk_task_spawner(self), &options, worker, &child, out_child);
    actor->world->alive -= r < 0;
    return r;
}

static int step_child(yk_task *self, struct actor *actor)
{
    yk_task *child = NULL;
    if (actor->depth == DEPTH_MAX)
        return 0;
    int r = child_spawn(self, actor, NULL, &child);
    if (r < 0)
        return r;
    switch (dice(actor, 5)) {
    case 0:
        yk_task_free(child);
        return 0;
    case 1:
        yk_task_detach(child);
        return 0;
    case 2:
        yk_task_cancel(child);
        (void)yk_task_join_free(self, child); /* whatever it was doing */
        return 0;
    case 3:
        r = yk_task_join(self, child, some_deadline(self, actor), NULL);
        yk_task_free(child);
        return r;
    default:
        (void)yk_task_join_free(self, child);
        return 0;
    }
}

static int step_group(yk_task *self, struct actor *actor)
{
    OWNED(yk_group) yk_group *group = NULL;
    if (actor->depth == DEPTH_MAX)
        return 0;
    int r = yk_group_new(self, NULL, &group);
    for (uint32_t i = dice(actor, 4); r == 0 && i > 0; i--)
        r = child_spawn(self, actor, group, NULL);
    if (r == -ECANCELED)
        r = 0; /* a child has failed and ended the group: not us */
    if (r == 0 && dice(actor, 4) == 0)
        yk_group_cancel(group);
    if (r == 0 && dice(actor, 4))
        r = yk_group_join(self, group, some_deadline(self, actor));
    if (r == -EIO)
        r = 0; /* the child's failure */
    return r;
}

static int step_plain(yk_task *self, struct actor *actor)
{
    switch (dice(actor, 11)) {
    case 0:
    case 1:
        return step_send(self, actor);
    case 2:
    case 3:
        return step_receive(self, actor);
    case 4:
        return step_select(self, actor);
    case 5:
        return step_mutex(self, actor);
    case 6:
        return step_semaphore(self, actor);
    case 7:
        return step_offload(self, actor);
    case 8:
        return step_cancel(self, actor);
    case 9:
        return dice(actor, 2) ? step_child(self, actor) : step_group(self, actor);
    default:
        return yk_task_sleep(self, yk_now(self) + dice(actor, LATE_NS_MAX));
    }
}

/* One step, now and then under a timeout or a shield. */
static int step(yk_task *self, struct actor *actor)
{
    uint32_t how = dice(actor, 8);
    if (how == 0) {
        yk_timeout timeout;
        yk_timeout_begin(self, &timeout, yk_now(self) + dice(actor, LATE_NS_MAX));
        int r = step_plain(self, actor);
        yk_timeout_end(self, &timeout);
        return r;
    }
    if (how > 1)
        return step_plain(self, actor);
    bool patient = actor->patient;
    actor->patient = false; /* nobody can end it now */
    yk_shield_begin(self);
    int r = step_plain(self, actor);
    yk_shield_end(self);
    actor->patient = patient;
    demand(actor->world, r != -ECANCELED, "a shielded call was cancelled");
    return r;
}

/* A random program.  It ends when it is cancelled, or after some steps; a few then fail, for their
 * group. */
static int worker(yk_task *self, void *arg)
{
    struct actor *actor = arg;
    int r = 0, steps = actor->depth ? STEPS / 10 : STEPS;
    for (int i = 0; i < steps && r != -ECANCELED; i++) {
        r = step(self, actor);
        bool expected = r >= 0 || r == -ECANCELED || r == -ETIMEDOUT || r == -EAGAIN;
        demand(actor->world, expected, error_name(r));
    }
    bool fails = actor->depth && dice(actor, 8) == 0;
    actor->world->alive--;
    return r == -ECANCELED ? r : fails ? -EIO : 0;
}

static void workers_start(yk_task *self, struct world *world, int number)
{
    for (int i = 0; i < WORKERS; i++) {
        struct actor actor = {.world = world,
                              .random =
                                  world->seed * 1000003 + (uint64_t)(number * WORKERS + i + 1),
                              .patient = i % 2 == 0};
        yk_task_options options = {.name = "worker", .arg_bytes = sizeof actor};
        world->alive++;
        ck_assert_int_eq(yk_task_spawn_with(yk_task_spawner(self), &options, worker, &actor,
                                            &world->workers[number][i]),
                         0);
    }
    world->sides_ready++;
}

/* The main task of one side of the world: starts workers, lets them run, ends those that are
 * left. */
static int side(yk_task *self, void *arg)
{
    struct world *world = arg;
    int number = world->next_side++;
    int64_t deadline = support_deadline(self);
    workers_start(self, world, number);
    for (int i = 1; i < WORKERS; i += 2) /* the impatient end by themselves */
        demand(world, yk_task_join(self, world->workers[number][i], deadline, NULL) == 0,
               "a task that never waits for ever does not end");
    for (int i = 0; i < WORKERS; i += 2)
        yk_task_cancel(world->workers[number][i]);
    for (int i = 0; i < WORKERS; i += 2)
        demand(world, yk_task_join(self, world->workers[number][i], deadline, NULL) == 0,
               "a cancelled task does not end");
    /* The handles may be used until every task of every side has ended. */
    while (world->sides_ready < world->sides || world->alive > 0) {
        demand(world, yk_now(self) < deadline, "a child does not end");
        ck_assert_int_eq(yk_task_yield(self), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        yk_task_free(world->workers[number][i]);
    return 0;
}

static uint64_t base_seed;

START_TEST(random_programs_lose_nothing)
{
    static struct world world;
    int64_t end = yk_deadline_ms(NULL, TEST_MS);
    for (uint64_t seed = base_seed; seed == base_seed || yk_now(NULL) < end; seed++) {
        world_init(&world, seed, 1);
        support_run(_i, side, &world);
        world_done(&world);
    }
}
END_TEST

START_TEST(random_programs_of_two_runtimes_lose_nothing)
{
    static struct world world;
    for (uint64_t seed = base_seed; seed < base_seed + PAIR_ROUNDS; seed++) {
        world_init(&world, seed, 2);
        support_run_pair(_i, side, side, &world);
        world_done(&world);
    }
}
END_TEST

int main(void)
{
    const char *text = getenv("YOKE_TEST_SEED");
    base_seed = text ? strtoull(text, NULL, 10) : (uint64_t)yk_now(NULL) % 1000000000;
    (void)printf("YOKE_TEST_SEED=%llu\n", (unsigned long long)base_seed);
    (void)fflush(stdout);
    Suite *suite = suite_create("stress");
    suite_add_on_every_runtime(suite, random_programs_lose_nothing);
    suite_add_on_every_pair(suite, random_programs_of_two_runtimes_lose_nothing);
    return support_main(suite);
}

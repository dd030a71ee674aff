/* SPDX-License-Identifier: MIT
 * check_offload.c - behaviours of the pool for work that blocks its thread.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, O1, H4. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

#define NOBODY_UID 65534
#define POOL_MAX   2

struct seen_job {
    yk_job job;
    struct gate *gate;
    _Atomic int runs;
    pid_t tid;
    bool known;
    yk_task *current;
    sigset_t mask;
};

static void run_seen(yk_job *job)
{
    struct seen_job *seen = (struct seen_job *)(void *)job;
    seen->tid = gettid();
    seen->known = lent_thread_known();
    seen->current = lent_current_task();
    (void)pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
    atomic_fetch_add(&seen->runs, 1);
    gate_pass(seen->gate);
}

static void job_runs_off_the_task(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct gate gate;
    gate_init(&gate, self, 1);
    struct seen_job seen = {.job.run = run_seen, .gate = &gate};
    EXPECT_CODE(offload(self->spawner, &seen.job), 0);
    gate_wait(self, &gate, "a job of the pool");
    EXPECT(seen.tid != gettid(), "O1: the job ran on the thread of the task that queued it");
    EXPECT(seen.known, "H4: the pool's thread has not called thread_start");
    EXPECT(!seen.current, "O1 H4: on a pool thread there is a current task");
    for (int number = 1; number < FOOTPRINT_SIGNALS; number++)
        EXPECT(!signal_must_be_blocked(number) || sigismember(&seen.mask, number),
               "H4: signal %d is not blocked on a pool thread", number);
    bed_await_alone(self);
    EXPECT_EQUAL("O1: runs of one job", atomic_load(&seen.runs), 1);
}

/* Jobs that hold their threads until they are let go. */
struct held_jobs {
    struct gate gate;
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool released;
    int running;
    int running_max;
};

struct held_job {
    yk_job job;
    struct held_jobs *all;
};

static void run_held(yk_job *job)
{
    struct held_jobs *all = ((struct held_job *)(void *)job)->all;
    (void)pthread_mutex_lock(&all->lock);
    all->running++;
    if (all->running > all->running_max)
        all->running_max = all->running;
    while (!all->released)
        (void)pthread_cond_wait(&all->change, &all->lock);
    all->running--;
    (void)pthread_mutex_unlock(&all->lock);
    gate_pass(&all->gate);
}

static void held_init(yk_task *self, struct held_jobs *all, int count)
{
    *all =
        (struct held_jobs){.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};
    gate_init(&all->gate, self, count);
}

static void held_release(struct held_jobs *all)
{
    (void)pthread_mutex_lock(&all->lock);
    all->released = true;
    (void)pthread_cond_broadcast(&all->change);
    (void)pthread_mutex_unlock(&all->lock);
}

static int held_running(struct held_jobs *all)
{
    (void)pthread_mutex_lock(&all->lock);
    int running = all->running;
    (void)pthread_mutex_unlock(&all->lock);
    return running;
}

static void fill_bounded_pool(yk_task *self, struct bed *bed)
{
    int count = bed_count(bed, 5000, 5000);
    static struct held_jobs all;
    struct held_job *jobs = calloc((size_t)count, sizeof *jobs);
    held_init(self, &all, count);
    verdict_step("queueing %d jobs while the pool's threads are held", count);
    for (int i = 0; i < count; i++) {
        jobs[i] = (struct held_job){.job.run = run_held, .all = &all};
        EXPECT_CODE(offload(self->spawner, &jobs[i].job),
                    0); /* never blocks, the queue has no bound */
    }
    while (held_running(&all) < POOL_MAX)
        (void)park(self, in_us(self->spawner, 100)); /* tasks go on meanwhile */
    yk_stats now = stats(self->spawner);
    EXPECT(now.offload_threads <= POOL_MAX,
           "O1: the pool has %" PRIu64 " threads, offload_threads_max is %d", now.offload_threads,
           POOL_MAX);
    EXPECT_EQUAL("M2: jobs that are queued", now.offload_queued, count - POOL_MAX);
    held_release(&all);
    gate_wait(self, &all.gate, "thousands of jobs");
    EXPECT(all.running_max <= POOL_MAX, "O1: %d jobs ran at once, offload_threads_max is %d",
           all.running_max, POOL_MAX);
    free(jobs);
}

static void pool_is_bounded_queue_is_not(struct bed *bed)
{
    yk_config config = bed_config(bed);
    config.offload_threads_max = POOL_MAX;
    bed_run(bed, &config, fill_bounded_pool);
}

struct own_job {
    yk_job job;
    struct gate *gate;
};

#define GONE 0xdd

/* As free() would, but so that it can be seen whether somebody writes to the memory later. */
static void run_freeing(yk_job *job)
{
    struct gate *gate = ((struct own_job *)(void *)job)->gate;
    memset(job, GONE, sizeof(struct own_job)); /* run is the last that touches it */
    gate_pass(gate);
}

static void job_may_free_itself(yk_task *self, struct bed *bed)
{
    struct gate gate;
    int count = bed_count(bed, 1000, 1000);
    struct own_job *jobs = calloc((size_t)count, sizeof *jobs);
    gate_init(&gate, self, count);
    for (int i = 0; i < count; i++) {
        jobs[i] = (struct own_job){.job.run = run_freeing, .gate = &gate};
        EXPECT_CODE(offload(self->spawner, &jobs[i].job), 0);
    }
    gate_wait(self, &gate, "jobs that free themselves");
    (void)park(self, in_ms(self->spawner, 2));
    const unsigned char *bytes = (const unsigned char *)jobs;
    for (size_t i = 0; i < (size_t)count * sizeof *jobs; i++)
        EXPECT(bytes[i] == GONE, "O1: byte %zu of a job was written after its run had freed it",
               i % sizeof *jobs);
    free(jobs);
}

/* The result and the wake-up of one job race with the task's going to sleep. */
static void result_and_wake_race(yk_task *self, struct bed *bed)
{
    int64_t end = in_ms(self->spawner, 1000);
    for (int i = 0; i < bed_count(bed, 3000, 3000) && now_ns(self->spawner) < end; i++) {
        struct gate gate;
        gate_init(&gate, self, 1);
        struct seen_job seen = {.job.run = run_seen, .gate = &gate};
        EXPECT_CODE(offload(self->spawner, &seen.job), 0);
        gate_wait(self, &gate, "one job after another");
        EXPECT_EQUAL("O1: runs of one job", atomic_load(&seen.runs), 1);
    }
}

struct foreign_offload {
    yk_spawner *spawner;
    struct own_job *jobs;
    int count;
};

static void run_passing(yk_job *job)
{
    gate_pass(((struct own_job *)(void *)job)->gate);
}

static void *offload_some(void *arg)
{
    const struct foreign_offload *some = arg;
    for (int i = 0; i < some->count; i++)
        EXPECT_CODE(offload(some->spawner, &some->jobs[i].job), 0);
    return NULL;
}

static void offload_from_foreign_thread(yk_task *self, struct bed *bed)
{
    struct gate gate;
    struct foreign_offload some = {.spawner = self->spawner, .count = bed_count(bed, 500, 500)};
    some.jobs = calloc((size_t)some.count, sizeof *some.jobs);
    gate_init(&gate, self, some.count);
    for (int i = 0; i < some.count; i++)
        some.jobs[i] = (struct own_job){.job.run = run_passing, .gate = &gate};
    pthread_t thread = foreign_start(offload_some, &some);
    gate_wait(self, &gate, "jobs that a foreign thread queued");
    foreign_join(thread);
    free(some.jobs);
}

static void offload_without_threads(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct gate gate;
    gate_init(&gate, self, 1);
    struct seen_job seen = {.job.run = run_seen, .gate = &gate};
    struct rlimit none = {0};
    (void)getrlimit(RLIMIT_NPROC, &none);
    rlim_t hard = none.rlim_max;
    none.rlim_cur = 0;
    EXPECT(setrlimit(RLIMIT_NPROC, &none) == 0, "the kit cannot lower RLIMIT_NPROC");
    int32_t r = offload(self->spawner, &seen.job);
    none.rlim_cur = hard;
    EXPECT(setrlimit(RLIMIT_NPROC, &none) == 0, "the kit cannot raise RLIMIT_NPROC");
    EXPECT(r == 0 || r == -EAGAIN || r == -ENOMEM,
           "O1: offload when no thread can be started gave %s", code_name(r));
    if (r != 0) {
        EXPECT(atomic_load(&seen.runs) == 0, "O1 E3: offload failed, yet the job ran");
        EXPECT_CODE(offload(self->spawner, &seen.job), 0);
    }
    gate_wait(self, &gate, "a job after no thread could be started");
    bed_await_alone(self);
    EXPECT_EQUAL("O1: runs of one job", atomic_load(&seen.runs), 1);
}

static void offload_eagain_without_threads(struct bed *bed)
{
    if (bed_under_tool())
        verdict_skip("tools need threads of their own");
    yk_spawner *spawner = bed_create(bed);
    if (geteuid() == 0)
        EXPECT(setresuid(NOBODY_UID, NOBODY_UID, NOBODY_UID) == 0, "the kit cannot become nobody");
    bed_block_on(bed, spawner, offload_without_threads);
    bed_close(spawner);
}

static const struct behaviour behaviours[] = {
    {"offload_runs_off_the_task",
     "O1 H4: on a pool thread, never here; no current task, all signals blocked",
     .on_task = job_runs_off_the_task},
    {"offload_pool_is_bounded_queue_is_not",
     "O1: offload_threads_max holds; thousands queue without blocking",
     .run = pool_is_bounded_queue_is_not},
    {"offload_job_may_free_itself", "O1: run is the last that touches the job",
     .on_task = job_may_free_itself},
    {"offload_result_and_wake_race", "O1 W2: one job after another, none lost",
     .on_task = result_and_wake_race},
    {"offload_from_foreign_thread", "O1: offload is [any]", .not_with = YK_CAP_VIRTUAL_TIME,
     .on_task = offload_from_foreign_thread},
    {"offload_EAGAIN_without_threads",
     "O1 E3: -EAGAIN or -ENOMEM, the job does not run; then it works",
     .not_with = YK_CAP_VIRTUAL_TIME, .run = offload_eagain_without_threads},
};

THEME(offload, behaviours);

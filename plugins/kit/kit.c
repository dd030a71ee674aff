/* SPDX-License-Identifier: MIT
 * kit.c - a spawner over a driver: create, block_on, destroy, and the table of verbs.
 *
 * Layer: plugins/kit.  Threads: as the ABI says of each verb.  Start at yk_kit_create(). */
#include "plugins/kit/kit.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugins/kit/fiber.h"
#include "plugins/kit/kit_options.h"
#include "plugins/kit/kit_state.h"
#include "plugins/kit/thread.h"
#include "plugins/kit/watch.h"
#include "plugins/kit/watchdog.h"

/* ---- one loop's thread asked by another ---- */

struct errand {
    struct kit_note note;
    struct kit_loop *loop;
    void (*visit)(struct kit_loop *loop, void *arg);
    void *arg;
    yk_task *waiter; /* with a reference; NULL: a thread waits on `done` */
    _Atomic uint32_t done;
};

static void deliver_errand(struct kit_note *note)
{
    struct errand *errand = (struct errand *)(void *)((char *)note - offsetof(struct errand, note));
    yk_task *waiter = errand->waiter;
    errand->visit(errand->loop, errand->arg);
    atomic_store(&errand->done,
                 1); /* the errand lies on the stack of who waits, and may be gone now */
    if (waiter) {
        kit_unpark(waiter);
        kit_unref(waiter);
    } else {
        (void)syscall(SYS_futex, &errand->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

/* Sends the errand; returns false if nobody drives the loop, and it was run here instead. */
static bool errand_post(struct errand *errand)
{
    struct kit_loop *loop = errand->loop;
    struct kit *kit = loop->kit;
    if (loop->number > 0) {
        kit_loop_post(loop, &errand->note);
        return true;
    }
    pthread_mutex_lock(&kit->drive_mutex);
    bool driven = kit->driven;
    if (driven) {
        kit_loop_post(loop, &errand->note);
    } else {
        kit_loop_deliver(loop); /* wake-ups that came late hold their tasks */
        errand->visit(loop, errand->arg);
    }
    pthread_mutex_unlock(&kit->drive_mutex);
    return driven;
}

void kit_on_loop(struct kit_loop *loop, void (*visit)(struct kit_loop *loop, void *arg), void *arg)
{
    struct kit_loop *here = kit_loop_here;
    if (here == loop) {
        visit(loop, arg);
        return;
    }
    struct errand errand = {
        .note.deliver = deliver_errand, .loop = loop, .visit = visit, .arg = arg};
    yk_task *self = here ? here->current : NULL;
    if (self) {
        errand.waiter = self;
        kit_ref(self);
    }
    if (!errand_post(&errand)) {
        if (self)
            kit_unref(self);
        return;
    }
    while (!atomic_load(&errand.done)) {
        if (self)
            (void)kit_park(self, YK_NEVER);
        else
            (void)syscall(SYS_futex, &errand.done, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    if (self)
        kit_unpark(self); /* the token that was taken may have been somebody else's */
}

void kit_on_each_loop(struct kit *kit, void (*visit)(struct kit_loop *loop, void *arg), void *arg)
{
    for (uint32_t i = 0; i < kit->loops_count; i++)
        kit_on_loop(&kit->loops[i], visit, arg);
}

/* ---- running ---- */

/* Makes the calling thread the loop's, runs it until loop->stop. */
static void drive(struct kit_loop *loop)
{
    const yk_host *host = loop->kit->host;
    host->thread_start("loop", &loop->current);
    kit_loop_here = loop;
    kit_context_init_thread(&loop->context);
    kit_loop_run(loop);
    kit_loop_here = NULL;
    host->thread_stop();
}

static int32_t kit_block_on(yk_spawner *spawner, const yk_spawn_options *options,
                            yk_entry_fn *entry, void *arg, int32_t *out_result)
{
    struct kit *kit = kit_of(spawner);
    if (kit->inert)
        return -EOWNERDEAD;
    if (kit_loop_here)
        return -EDEADLK;
    pthread_mutex_lock(&kit->drive_mutex);
    bool busy = kit->driven;
    kit->driven = true;
    pthread_mutex_unlock(&kit->drive_mutex);
    if (busy)
        return -EBUSY;
    struct kit_loop *loop = &kit->loops[0];
    kit_loop_deliver(loop); /* tasks that were spawned before are ready before */
    int32_t r = kit_spawn_main(loop, options, entry, arg, out_result);
    if (r == 0) {
        loop->stop = false;
        drive(loop);
    }
    pthread_mutex_lock(&kit->drive_mutex);
    kit->driven = false;
    kit_loop_deliver(loop); /* what was posted since the last turn; errands must not wait for the
                               next block_on */
    pthread_mutex_unlock(&kit->drive_mutex);
    return r;
}

static void *worker(void *arg)
{
    drive(arg);
    return NULL;
}

static void stop_loop(struct kit_loop *loop, void *arg)
{
    (void)arg;
    loop->stop = true;
}

/* ---- create and destroy ---- */

static void sync_loop(struct kit_loop *loop, void *arg)
{
    uint64_t *idle = arg;
    *idle += loop->shelf.warm_count + loop->shelf.cold_count;
}

/* Ends the threads and frees everything; no task is left. */
static void kit_free(struct kit *kit, uint32_t loops_made)
{
    kit_watchdog_stop(kit->watchdog);
    for (uint32_t i = 1; i <= kit->threads_count; i++) {
        kit_on_loop(&kit->loops[i], stop_loop, NULL);
        pthread_join(kit->threads[i], NULL);
    }
    for (uint32_t i = 0; i < loops_made; i++)
        kit_loop_done(&kit->loops[i]);
    kit_pool_free(kit->pool);
    kit_store_done(&kit->store);
    pthread_mutex_destroy(&kit->drive_mutex);
    pthread_mutex_destroy(&kit->io_mutex);
    kit->host->free(kit->io_by_fd);
    kit->host->free(kit->loops);
    kit->host->free(kit);
}

static int32_t kit_destroy(yk_spawner *spawner)
{
    struct kit *kit = kit_of(spawner);
    if (kit_loop_here)
        return -EDEADLK;
    if (kit->inert)
        return 0; /* in a forked child: nothing here is ours */
    pthread_mutex_lock(&kit->drive_mutex);
    bool driven = kit->driven;
    pthread_mutex_unlock(&kit->drive_mutex);
    if (driven)
        return -EBUSY;
    uint64_t idle = 0;
    kit_on_each_loop(kit, sync_loop, &idle); /* tasks that are just ending have ended after this */
    idle = 0;
    kit_on_each_loop(kit, sync_loop, &idle);
    pthread_mutex_lock(&kit->store.mutex);
    bool stacks_out = kit->store.count != kit->store.free_count + idle;
    pthread_mutex_unlock(&kit->store.mutex);
    if (stacks_out || kit->io_open_count > 0)
        return -EBUSY;
    kit_free(kit, kit->loops_count);
    return 0;
}

static const yk_ops verbs;

static int start_workers(struct kit *kit)
{
    int r = 0;
    for (uint32_t i = 1; i < kit->loops_count && r == 0; i++) {
        r = kit_thread_start("yoke-loop", 0, worker, &kit->loops[i], &kit->threads[i]);
        if (r == 0)
            kit->threads_count = i;
    }
    return r;
}

/* Makes what a kit consists of, in order; *out_loops tells how many loops are to be undone. */
static int kit_fill(struct kit *kit, const yk_kit_driver *driver, const yk_config *config,
                    uint32_t *out_loops, yk_error *error)
{
    int r = kit_pool_new(kit->host, config->offload_threads_max, &kit->pool);
    if (r < 0)
        return yk_kit_fail(error, r, "no memory for the offload pool");
    kit->loops = kit->host->alloc(kit->loops_count * sizeof *kit->loops);
    if (!kit->loops)
        return yk_kit_fail(error, -ENOMEM, "no memory for %u workers", kit->loops_count);
    for (uint32_t i = 0; i < kit->loops_count; i++) {
        r = kit_loop_init(&kit->loops[i], kit, i, driver, config, error);
        if (r < 0)
            return r;
        *out_loops = i + 1;
    }
    r = start_workers(kit);
    if (r == 0 && kit->watchdog_ms > 0)
        r = kit_watchdog_start(kit, kit->watchdog_ms, &kit->watchdog);
    return r < 0 ? yk_kit_fail(error, r, "cannot start the threads of the loops") : 0;
}

int32_t yk_kit_create(const yk_kit_driver *driver, const yk_host *host, const yk_config *config,
                      yk_spawner **out_spawner, const yk_ops **out_ops, yk_error *error)
{
    struct kit *kit = host->alloc(sizeof *kit);
    yk_option *rest = host->alloc((config->options_count + 1) * sizeof *rest);
    if (!kit || !rest) {
        host->free(kit);
        host->free(rest);
        return yk_kit_fail(error, -ENOMEM, "no memory for a runtime");
    }
    memset(kit, 0, sizeof *kit);
    kit->spawner.magic = YK_SPAWNER_MAGIC;
    kit->host = host;
    pthread_mutex_init(&kit->drive_mutex, NULL);
    pthread_mutex_init(&kit->io_mutex, NULL);
    kit_store_init(&kit->store, host, config->stack_memory_max);

    yk_config own = *config;
    own.options = rest;
    uint32_t loops_made = 0;
    int r = kit_options_take(kit, config, rest, &own.options_count, error);
    if (r == 0)
        r = kit_fill(kit, driver, &own, &loops_made, error);
    host->free(rest);
    if (r < 0) {
        kit_free(kit, loops_made);
        return r;
    }
    *out_spawner = &kit->spawner;
    *out_ops = &verbs;
    return 0;
}

/* ---- the other verbs ---- */

static int32_t kit_offload(yk_spawner *spawner, yk_job *job)
{
    struct kit *kit = kit_of(spawner);
    return kit->inert ? -EOWNERDEAD : kit_pool_submit(kit->pool, job);
}

struct walk {
    void (*visit)(yk_task *task, void *arg);
    void *arg;
};

static void walk_loop(struct kit_loop *loop, void *arg)
{
    struct walk *walk = arg;
    for (struct kit_fiber *fiber = loop->live; fiber; fiber = fiber->live_next)
        walk->visit(&fiber->task, walk->arg);
}

static void kit_walk(yk_spawner *spawner, void (*visit)(yk_task *task, void *arg), void *arg)
{
    struct walk walk = {visit, arg};
    if (!kit_of(spawner)->inert)
        kit_on_each_loop(kit_of(spawner), walk_loop, &walk);
}

static void add_loop_stats(struct kit_loop *loop, void *arg)
{
    yk_stats *stats = arg;
    stats->tasks_live += atomic_load(&loop->live_count);
    stats->tasks_peak += loop->live_peak;
    stats->tasks_spawned += loop->spawned;
    stats->polls += loop->polls;
    stats->wakes_sent += atomic_load(&loop->wakes_sent);
    stats->watches_changed += loop->watches_changed;
    stats->stacks_mapped -= loop->shelf.cold_count;
}

static void kit_stats(yk_spawner *spawner, yk_stats *out_stats)
{
    struct kit *kit = kit_of(spawner);
    yk_stats stats = {.loops = kit->loops_count};
    if (!kit->inert) {
        pthread_mutex_lock(&kit->store.mutex);
        stats.stacks_mapped = kit->store.count;
        pthread_mutex_unlock(&kit->store.mutex);
        kit_on_each_loop(kit, add_loop_stats, &stats);
        kit_pool_stats(kit->pool, &stats.offload_threads, &stats.offload_queued);
        stats.timer_grain_ns = (uint64_t)kit->loops[0].driver->timer_grain_ns;
        stats.stack_bytes_peak = atomic_load(&kit->stack_depth_peak);
    }
    stats.size = out_stats->size < sizeof stats ? out_stats->size : (uint32_t)sizeof stats;
    memcpy(out_stats, &stats, stats.size);
}

static void kit_after_fork_child(yk_spawner *spawner)
{
    struct kit *kit = kit_of(spawner);
    kit->inert = true;
    for (uint32_t i = 0; i < kit->loops_count; i++)
        kit->loops[i].inert = true;
    kit_loop_here = NULL;
}

static int32_t stacks_find(yk_spawner *spawner, const void *address, const char **out_name,
                           uint64_t *out_stack_bytes)
{
    struct kit *kit = kit_of(spawner);
    bool guard = false;
    struct kit_stack *stack = kit_store_find(&kit->store, address, &guard);
    if (!stack)
        return -1;
    struct kit_fiber *fiber = kit_fiber_on(kit, stack);
    *out_name = fiber->task.magic == YK_TASK_MAGIC ? fiber->task.name : "(no task)";
    *out_stack_bytes = stack->bytes;
    return guard;
}

static const void *kit_extension(yk_spawner *spawner, const char *id)
{
    static const yk_stacks_v1 stacks = {.size = sizeof stacks, .find = stacks_find};
    (void)spawner;
    return strcmp(id, "yoke.stacks/1") == 0 ? &stacks : NULL;
}

static const yk_ops verbs = {
    .size = sizeof verbs,
    .block_on = kit_block_on,
    .destroy = kit_destroy,
    .spawn = kit_spawn,
    .ref = kit_ref,
    .unref = kit_unref,
    .yield = kit_yield,
    .park = kit_park,
    .unpark = kit_unpark,
    .io_open = kit_io_open,
    .io_wait = kit_io_wait,
    .io_close = kit_io_close,
    .offload = kit_offload,
    .walk = kit_walk,
    .stats = kit_stats,
    .after_fork_child = kit_after_fork_child,
    .extension = kit_extension,
};

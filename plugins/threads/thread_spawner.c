/* SPDX-License-Identifier: MIT
 * thread_spawner.c - see thread_spawner.h. */
#include "plugins/threads/thread_spawner.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "plugins/kit/pool.h"
#include "plugins/threads/thread_futex.h"
#include "plugins/threads/thread_options.h"
#include "plugins/threads/thread_task.h"
#include "plugins/threads/thread_worker.h"

#define TIMER_SLACK_NS 50000 /* what Linux gives each thread: PR_SET_TIMERSLACK in prctl(2) */

static bool on_a_task(void)
{
    const struct worker *worker = worker_here();
    return worker && worker->current;
}

/* Runs the main task on the calling thread, as a worker that is in no crew. */
static int run_main(struct spawner *spawner, struct task *task, int32_t *out_result)
{
    struct worker *worker = &spawner->main_worker;
    int r = crew_enlist_main(&spawner->crew, task);
    if (r < 0) {
        task_free(task);
        return r;
    }
    worker_enter(worker, spawner->host, "main");
    int32_t result = task_run(task, worker);
    (void)crew_end(&spawner->crew, task, worker);
    worker_leave(worker, spawner->host);
    if (out_result)
        *out_result = result;
    return 0;
}

static int32_t block_on(yk_spawner *head, const yk_spawn_options *options, yk_entry_fn *entry,
                        void *arg, int32_t *out_result)
{
    struct spawner *spawner = spawner_of(head);
    if (spawner_is_inert(spawner))
        return -EOWNERDEAD;
    if (on_a_task())
        return -EDEADLK;
    if (atomic_exchange_explicit(&spawner->inside, true, memory_order_acquire))
        return -EBUSY;
    struct task *task;
    int r = task_new(spawner, options, entry, arg, &task);
    if (r == 0)
        r = run_main(spawner, task, out_result);
    atomic_store_explicit(&spawner->inside, false, memory_order_release);
    return r;
}

static void spawner_free(struct spawner *spawner)
{
    const yk_host *host = spawner->host;
    kit_pool_free(spawner->pool);
    crew_stop(&spawner->crew);
    io_table_done(&spawner->ios);
    spawner->head.magic = 0;
    host->free(spawner);
}

static int32_t destroy(yk_spawner *head)
{
    struct spawner *spawner = spawner_of(head);
    if (on_a_task())
        return -EDEADLK;
    if (spawner_is_inert(spawner)) {
        /* The threads are the parent's, and so may be the locks' holders: what they guard cannot be
         * told apart. */
        spawner->head.magic = 0;
        spawner->host->free(spawner);
        return 0;
    }
    if (io_table_count(&spawner->ios) > 0 || !crew_settles_empty(&spawner->crew))
        return -EBUSY;
    spawner_free(spawner);
    return 0;
}

static int32_t spawn(yk_spawner *head, const yk_spawn_options *options, yk_entry_fn *entry,
                     void *arg, yk_task **out_task)
{
    struct spawner *spawner = spawner_of(head);
    if (spawner_is_inert(spawner))
        return -EOWNERDEAD;
    struct task *task;
    int r = task_new(spawner, options, entry, arg, &task);
    if (r < 0)
        return r;
    struct worker *worker;
    r = crew_enlist(&spawner->crew, task, &worker);
    if (r < 0) {
        task_free(task);
        return r;
    }
    if (out_task) {
        task_ref(task);
        *out_task = &task->head;
    }
    worker_order(worker, task);
    return 0;
}

static void ref(yk_task *task)
{
    task_ref(task_of(task));
}

static void unref(yk_task *task)
{
    struct crew *crew = &spawner_of(task->spawner)->crew;
    if (task_release(task_of(task)))
        crew_clear(crew, task_of(task));
}

static void yield(yk_task *self)
{
    (void)self;
    (void)sched_yield(); /* cannot fail on Linux */
}

static int32_t park(yk_task *self, int64_t deadline)
{
    struct spawner *spawner = spawner_of(self->spawner);
    if (spawner_is_inert(spawner))
        return -EOWNERDEAD;
    int r = token_park(&task_of(self)->token, deadline);
    if (r > 0)
        spawner_count_wake(spawner);
    return r < 0 ? r : 0;
}

static void unpark(yk_task *task)
{
    if (!spawner_is_inert(spawner_of(task->spawner)))
        task_unpark(task_of(task));
}

static int32_t offload(yk_spawner *head, yk_job *job)
{
    struct spawner *spawner = spawner_of(head);
    if (spawner_is_inert(spawner))
        return -EOWNERDEAD;
    return kit_pool_submit(spawner->pool, job);
}

static void walk(yk_spawner *head, void (*visit)(yk_task *task, void *arg), void *arg)
{
    struct spawner *spawner = spawner_of(head);
    if (!spawner_is_inert(spawner))
        crew_walk(&spawner->crew, visit, arg);
}

static void stats(yk_spawner *head, yk_stats *out_stats)
{
    struct spawner *spawner = spawner_of(head);
    yk_stats found = {.timer_grain_ns = TIMER_SLACK_NS};
    if (!spawner_is_inert(spawner)) {
        struct crew_counts counts;
        crew_count(&spawner->crew, &counts);
        found.tasks_live = counts.live;
        found.tasks_peak = counts.peak;
        found.tasks_spawned = counts.spawned;
        found.stacks_mapped = counts.workers;
        found.wakes_sent =
            counts.wakes + atomic_load_explicit(&spawner->wakes, memory_order_relaxed);
        kit_pool_stats(spawner->pool, &found.offload_threads, &found.offload_queued);
    }
    found.size = out_stats->size < sizeof found ? out_stats->size : (uint32_t)sizeof found;
    memcpy(out_stats, &found, found.size);
}

static void after_fork_child(yk_spawner *head)
{
    atomic_store_explicit(&spawner_of(head)->inert, true, memory_order_relaxed);
}

/* A thread knows its own stack only, and that is the one that a fault is about. */
static int32_t stacks_find(yk_spawner *spawner, const void *address, const char **out_name,
                           uint64_t *out_stack_bytes)
{
    const struct worker *worker = worker_here();
    if (!worker || !worker->current || worker->current->spawner != spawner || !worker->stack_low)
        return -1;
    uintptr_t low = (uintptr_t)worker->stack_low;
    uintptr_t at = (uintptr_t)address;
    if (at < low - worker->guard_bytes || at >= low + worker->stack_usable)
        return -1;
    *out_name = worker->current->name;
    *out_stack_bytes = worker->stack_usable;
    return at < low ? 1 : 0;
}

static const void *extension(yk_spawner *spawner, const char *id)
{
    static const yk_stacks_v1 stacks = {.size = sizeof stacks, .find = stacks_find};
    (void)spawner;
    return strcmp(id, "yoke.stacks/1") == 0 ? &stacks : NULL;
}

static const yk_ops verbs = {
    .size = sizeof verbs,
    .block_on = block_on,
    .destroy = destroy,
    .spawn = spawn,
    .ref = ref,
    .unref = unref,
    .yield = yield,
    .park = park,
    .unpark = unpark,
    .io_open = io_open,
    .io_wait = io_wait,
    .io_close = io_close,
    .offload = offload,
    .walk = walk,
    .stats = stats,
    .after_fork_child = after_fork_child,
    .extension = extension,
};

static int check(const yk_config *config, struct thread_options *out_options, yk_error *error)
{
    if (config->extra_bytes % 16 != 0 || config->extra_bytes > SPAWNER_EXTRA_BYTES_MAX)
        return thread_fail(
            error, -EINVAL,
            "threads: %u bytes for the host in each task are not a multiple of 16 up to %d",
            config->extra_bytes, SPAWNER_EXTRA_BYTES_MAX);
    if (config->stack_bytes > TASK_STACK_BYTES_MAX)
        return thread_fail(error, -EINVAL, "threads: a stack of %u bytes is more than %u",
                           config->stack_bytes, TASK_STACK_BYTES_MAX);
    return thread_options_read(config, out_options, error);
}

int32_t spawner_create(const yk_host *host, const yk_config *given, yk_spawner **out_spawner,
                       const yk_ops **out_ops, yk_error *error)
{
    yk_config config = {0};
    memcpy(&config, given, given->size < sizeof config ? given->size : sizeof config);
    struct thread_options options;
    int r = check(&config, &options, error);
    if (r < 0)
        return r;
    struct spawner *spawner = host->alloc(sizeof *spawner);
    if (!spawner)
        return thread_fail(error, -ENOMEM, "threads: no memory for the runtime");
    memset(spawner, 0, sizeof *spawner);
    r = kit_pool_new(host, config.offload_threads_max, &spawner->pool);
    if (r < 0) {
        host->free(spawner);
        return thread_fail(error, r, "threads: no memory for the offload pool");
    }
    spawner->head.magic = YK_SPAWNER_MAGIC;
    spawner->host = host;
    spawner->extra_bytes = config.extra_bytes;
    spawner->main_worker.wake_fd = -1;
    crew_init(&spawner->crew, host, config.stack_bytes);
    spawner->crew.tasks_max = config.tasks_max;
    spawner->crew.idle_max = options.idle_ms > 0 ? options.cache_max : 0;
    spawner->crew.idle_ns = (options.idle_ms > 0 ? options.idle_ms : IDLE_MS_DEFAULT) * NS_PER_MS;
    spawner->crew.stack_memory_max = config.stack_memory_max;
    io_table_init(&spawner->ios, host);
    *out_spawner = &spawner->head;
    *out_ops = &verbs;
    return 0;
}

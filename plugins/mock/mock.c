/* SPDX-License-Identifier: MIT
 * mock.c - the runtime mock: deterministic, on one thread, for tests.
 *
 * Layer: plugins/mock.  Threads: as <yoke/spawner.h> says of each verb.  Start at mock_create(). */
#include "plugins/mock/mock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "plugins/mock/mock_fiber.h"
#include "plugins/mock/mock_io.h"
#include "plugins/mock/mock_options.h"
#include "plugins/mock/mock_schedule.h"

static _Thread_local struct mock *here __attribute__((tls_model("initial-exec")));

struct mock *mock_here(void)
{
    return here;
}

/* ---- running ---- */

static int drive(struct mock *mock, const yk_spawn_options *options, yk_entry_fn *entry, void *arg,
                 int32_t *out_result)
{
    struct mock_fiber *main_fiber;
    mock_deliver(mock);
    int r = mock_fiber_new(mock, options, entry, arg, &main_fiber);
    if (r < 0)
        return r;
    main_fiber->out_result = out_result;
    mock->main = main_fiber;
    here = mock;
    kit_context_init_thread(&mock->context);
    mock->host->thread_start("loop", &mock->current);
    r = mock_run(mock);
    mock->host->thread_stop();
    here = NULL;
    if (mock->main)
        mock->main->out_result = NULL; /* a deadlock: the caller waits no more */
    mock->main = NULL;
    return r;
}

static int32_t block_on(yk_spawner *head, const yk_spawn_options *options, yk_entry_fn *entry,
                        void *arg, int32_t *out_result)
{
    struct mock *mock = mock_of(head);
    if (mock->inert)
        return -EOWNERDEAD;
    if (here)
        return -EDEADLK;
    pthread_mutex_lock(&mock->mutex);
    int r = -EBUSY;
    if (!mock->driven) {
        mock->driven = true;
        r = drive(mock, options, entry, arg, out_result);
        mock->driven = false;
    }
    pthread_mutex_unlock(&mock->mutex);
    return r;
}

static void mock_free(struct mock *mock)
{
    const yk_host *host = mock->host;
    kit_pool_free(mock->pool);
    kit_store_done(&mock->store);
    pthread_cond_destroy(&mock->awake);
    pthread_mutex_destroy(&mock->mutex);
    if (mock->wake_fd >= 0)
        (void)close(mock->wake_fd);
    host->free(mock->now.fibers);
    host->free(mock->next.fibers);
    host->free(mock->later.fibers);
    host->free(mock->handles);
    host->free(mock->waiting);
    host->free(mock->asked);
    host->free(mock->polled);
    host->free(mock);
}

static int32_t destroy(yk_spawner *head)
{
    struct mock *mock = mock_of(head);
    if (here)
        return -EDEADLK;
    if (mock->inert)
        return 0; /* in a forked child: nothing here is ours */
    pthread_mutex_lock(&mock->mutex);
    mock_deliver(mock);
    bool busy = mock->driven || mock->live > 0 || mock->blocks > 0 || mock->handles_open > 0;
    pthread_mutex_unlock(&mock->mutex);
    if (busy)
        return -EBUSY;
    mock_free(mock);
    return 0;
}

/* ---- offload ---- */

/* Goes round the job, so that the scheduler knows when it is done: until then time stands still. */
struct counted_job {
    yk_job job;
    yk_job *inner;
    struct mock *mock;
};

static void run_counted(yk_job *job)
{
    struct counted_job *counted = (struct counted_job *)(void *)job;
    struct mock *mock = counted->mock;
    counted->inner->run(counted->inner);
    mock->host->free(counted);
    pthread_mutex_lock(&mock->mutex);
    mock->jobs--;
    mock_kick(mock);
    pthread_mutex_unlock(&mock->mutex);
}

static int32_t offload(yk_spawner *head, yk_job *job)
{
    struct mock *mock = mock_of(head);
    if (mock->inert)
        return -EOWNERDEAD;
    struct counted_job *counted = mock->host->alloc(sizeof *counted);
    if (!counted)
        return -ENOMEM;
    *counted = (struct counted_job){.job.run = run_counted, .inner = job, .mock = mock};
    pthread_mutex_lock(&mock->mutex);
    mock->jobs++;
    int r = kit_pool_submit(mock->pool, &counted->job);
    if (r < 0)
        mock->jobs--;
    pthread_mutex_unlock(&mock->mutex);
    if (r < 0)
        mock->host->free(counted);
    return r;
}

/* ---- looking ---- */

static void walk(yk_spawner *head, void (*visit)(yk_task *task, void *arg), void *arg)
{
    struct mock *mock = mock_of(head);
    if (mock->inert)
        return;
    pthread_mutex_lock(&mock->mutex); /* recursive: visit may ref and unpark */
    for (struct mock_fiber *fiber = mock->live_first; fiber; fiber = fiber->live_next)
        visit(&fiber->head, arg);
    pthread_mutex_unlock(&mock->mutex);
}

static void stats(yk_spawner *head, yk_stats *out_stats)
{
    struct mock *mock = mock_of(head);
    yk_stats found = {.loops = 1};
    if (!mock->inert) {
        pthread_mutex_lock(&mock->mutex);
        found.tasks_live = mock->live;
        found.tasks_peak = mock->peak;
        found.tasks_spawned = mock->spawned;
        found.polls = mock->polls;
        found.stacks_mapped = mock->store.count;
        pthread_mutex_unlock(&mock->mutex);
        kit_pool_stats(mock->pool, &found.offload_threads, &found.offload_queued);
    }
    found.size = out_stats->size < sizeof found ? out_stats->size : (uint32_t)sizeof found;
    memcpy(out_stats, &found, found.size);
}

static void after_fork_child(yk_spawner *head)
{
    mock_of(head)->inert = true;
    here = NULL;
}

static int64_t clock_now(yk_spawner *head)
{
    return mock_time(mock_of(head));
}

static int32_t stacks_find(yk_spawner *head, const void *address, const char **out_name,
                           uint64_t *out_stack_bytes)
{
    struct mock *mock = mock_of(head);
    bool guard = false;
    const struct kit_stack *stack = kit_store_find(&mock->store, address, &guard);
    if (!stack)
        return -1;
    yk_task *current = here == mock ? mock->current : NULL;
    bool own = current && mock_fiber_of(current)->stack == stack;
    *out_name = own ? current->name : "(not the running task)";
    *out_stack_bytes = stack->bytes;
    return guard;
}

static const void *extension(yk_spawner *head, const char *id)
{
    static const yk_clock_v1 clock = {.size = sizeof clock, .now = clock_now};
    static const yk_stacks_v1 stacks = {.size = sizeof stacks, .find = stacks_find};
    (void)head;
    if (strcmp(id, "yoke.clock/1") == 0)
        return &clock;
    return strcmp(id, "yoke.stacks/1") == 0 ? &stacks : NULL;
}

static const yk_ops verbs = {
    .size = sizeof verbs,
    .block_on = block_on,
    .destroy = destroy,
    .spawn = mock_spawn,
    .ref = mock_ref,
    .unref = mock_unref,
    .yield = mock_yield,
    .park = mock_park,
    .unpark = mock_unpark,
    .io_open = mock_io_open,
    .io_wait = mock_io_wait,
    .io_close = mock_io_close,
    .offload = offload,
    .walk = walk,
    .stats = stats,
    .after_fork_child = after_fork_child,
    .extension = extension,
};

/* ---- create ---- */

static int check(const yk_config *config, struct mock_options *out_options, yk_error *error)
{
    if (config->workers > 1)
        return mock_fail(error, -EINVAL, "mock: workers = %u: it has one loop", config->workers);
    if (config->extra_bytes % 16 != 0 || config->extra_bytes > MOCK_EXTRA_BYTES_MAX)
        return mock_fail(error, -EINVAL,
                         "mock: %u bytes for the host in each task are not a multiple of 16 up to "
                         "%d",
                         config->extra_bytes, MOCK_EXTRA_BYTES_MAX);
    if (kit_stack_class(config->stack_bytes) < 0)
        return mock_fail(error, -EINVAL, "mock: a stack of %u bytes is too large",
                         config->stack_bytes);
    return mock_options_read(config, out_options, error);
}

static void init_lock(struct mock *mock)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&mock->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_cond_init(&mock->awake, NULL);
}

/* What a mock keeps from the beginning. */
static int mock_fill(struct mock *mock, const yk_config *config)
{
    mock->polled = mock->host->alloc(sizeof *mock->polled); /* for wake_fd alone */
    if (!mock->polled)
        return -ENOMEM;
    mock->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mock->wake_fd < 0)
        return errno == ENOMEM ? -ENOMEM : -EMFILE;
    return kit_pool_new(mock->host, config->offload_threads_max, &mock->pool);
}

static void log_seed(const struct mock *mock)
{
    char line[64];
    (void)snprintf(line, sizeof line, "mock: seed %" PRIu64, mock->seed);
    mock->host->log(2, line);
}

int32_t mock_create(const yk_host *host, const yk_config *given, yk_spawner **out_spawner,
                    const yk_ops **out_ops, yk_error *error)
{
    yk_config config = {0};
    memcpy(&config, given, given->size < sizeof config ? given->size : sizeof config);
    struct mock_options options;
    int r = check(&config, &options, error);
    if (r < 0)
        return r;
    struct mock *mock = host->alloc(sizeof *mock);
    if (!mock)
        return mock_fail(error, -ENOMEM, "mock: no memory for the runtime");
    memset(mock, 0, sizeof *mock);
    mock->head.magic = YK_SPAWNER_MAGIC;
    mock->host = host;
    mock->extra_bytes = config.extra_bytes;
    mock->tasks_max = config.tasks_max;
    mock->stack_class = kit_stack_class(config.stack_bytes);
    mock->seed = options.seed;
    mock->grace_ms = (int)options.grace_ms;
    mock->io_grace_ms = (int)options.io_grace_ms;
    mock->job_patience_ms = (int)options.job_patience_ms;
    mock->patience_ms = (int)options.patience_ms;
    mock->wake_fd = -1;
    atomic_init(&mock->time, MOCK_CLOCK_START);
    init_lock(mock);
    kit_store_init(&mock->store, host, config.stack_memory_max);
    r = mock_fill(mock, &config);
    if (r < 0) {
        mock_free(mock);
        return mock_fail(error, r, "mock: no memory or no descriptor for the runtime");
    }
    log_seed(mock);
    *out_spawner = &mock->head;
    *out_ops = &verbs;
    return 0;
}

static const void *entry_extension(const char *id)
{
    (void)id; /* none */
    return NULL;
}

extern const yk_entry YK_RUNTIME_SYMBOL;
YK_EXPORT const yk_entry YK_RUNTIME_SYMBOL = {
    .size = sizeof(yk_entry),
    .abi_major = YK_ABI_MAJOR,
    .abi_minor = YK_ABI_MINOR,
    .extra_bytes_max = MOCK_EXTRA_BYTES_MAX,
    .magic = YK_ENTRY_MAGIC,
    .id = "mock",
    .version = YK_PLUGIN_VERSION,
    .build = "virtual time, seeded order",
    .caps = YK_CAP_LOOPS | YK_CAP_VIRTUAL_TIME | YK_CAP_PRIORITY,
    .create = mock_create,
    .extension = entry_extension,
};

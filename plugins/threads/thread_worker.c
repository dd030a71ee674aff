/* SPDX-License-Identifier: MIT
 * thread_worker.c - see thread_worker.h. */
#include "plugins/threads/thread_worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "plugins/kit/thread.h"
#include "plugins/threads/thread_futex.h"
#include "plugins/threads/thread_task.h"

enum { NONE, ASLEEP, GIVEN };

/* The model keeps the access safe in a signal handler: the default one may allocate. */
static _Thread_local struct worker *here __attribute__((tls_model("initial-exec")));

struct worker *worker_here(void)
{
    return here;
}

void worker_enter(struct worker *worker, const yk_host *host, const char *role)
{
    here = worker;
    worker->current = NULL;
    host->thread_start(role, &worker->current);
}

void worker_leave(struct worker *worker, const yk_host *host)
{
    host->thread_stop();
    here = NULL;
    if (worker->wake_fd >= 0)
        (void)close(worker->wake_fd); /* an eventfd has nothing to lose */
    worker->wake_fd = -1;
}

int worker_need_wake_fd(struct worker *worker)
{
    if (worker->wake_fd < 0)
        worker->wake_fd = eventfd(0, EFD_CLOEXEC);
    return worker->wake_fd < 0 ? -ENOMEM : 0;
}

/* What a task asks for, rounded up to what a thread has.  The C library lays its own block on the
 * stack, and its minimum says how large that may be. */
static size_t stack_bytes_of_thread(uint32_t stack_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = stack_bytes < WORKER_STACK_BYTES_MIN ? WORKER_STACK_BYTES_MIN : stack_bytes;
    bytes += (size_t)sysconf(_SC_THREAD_STACK_MIN);
    return (bytes + page - 1) / page * page;
}

void cache_init(struct cache *cache, const yk_host *host, uint32_t stack_bytes)
{
    memset(cache, 0, sizeof *cache);
    cache->host = host;
    cache->stack_bytes =
        stack_bytes_of_thread(stack_bytes ? stack_bytes : WORKER_STACK_BYTES_DEFAULT);
    pthread_mutex_init(&cache->mutex, NULL);
    pthread_cond_init(&cache->gone, NULL);
}

void cache_done(struct cache *cache)
{
    pthread_cond_destroy(&cache->gone);
    pthread_mutex_destroy(&cache->mutex);
}

/* The next four with the lock held. */
static void idle_add(struct cache *cache, struct worker *worker)
{
    worker->idle = true;
    worker->prev = NULL;
    worker->next = cache->idle_first;
    if (cache->idle_first)
        cache->idle_first->prev = worker;
    cache->idle_first = worker;
    cache->idle++;
}

static void idle_remove(struct cache *cache, struct worker *worker)
{
    if (worker->prev)
        worker->prev->next = worker->next;
    else
        cache->idle_first = worker->next;
    if (worker->next)
        worker->next->prev = worker->prev;
    worker->idle = false;
    cache->idle--;
}

static struct worker *idle_take(struct cache *cache)
{
    struct worker *worker = cache->idle_first;
    if (worker)
        idle_remove(cache, worker);
    return worker;
}

/* Takes address space for one more stack, from idle threads if need be. */
static int stack_reserve(struct cache *cache, size_t stack_bytes)
{
    while (cache->stack_memory_max > 0 &&
           cache->stack_memory + stack_bytes > cache->stack_memory_max) {
        struct worker *worker = idle_take(cache);
        if (!worker)
            return -ENOMEM;
        cache->stack_memory -= worker->stack_bytes;
        worker->stack_bytes = 0;
        worker_order(worker, NULL);
    }
    cache->stack_memory += stack_bytes;
    return 0;
}

void worker_order(struct worker *worker, struct task *task)
{
    worker->task = task;
    if (atomic_exchange_explicit(&worker->order, GIVEN, memory_order_acq_rel) == ASLEEP)
        futex_wake(&worker->order);
}

/* Waits for the next order.  Returns its task, or NULL: leave. */
static struct task *await_order(struct worker *worker)
{
    struct cache *cache = worker->cache;
    uint32_t none = NONE;
    if (!atomic_compare_exchange_strong_explicit(&worker->order, &none, ASLEEP,
                                                 memory_order_acquire, memory_order_acquire))
        return worker->task;
    while (atomic_load_explicit(&worker->order, memory_order_acquire) == ASLEEP) {
        if (futex_wait_for(&worker->order, ASLEEP, cache->idle_ns) == 0)
            continue;
        pthread_mutex_lock(&cache->mutex);
        bool unwanted = worker->idle;
        if (unwanted)
            idle_remove(cache, worker);
        pthread_mutex_unlock(&cache->mutex);
        if (unwanted)
            return NULL;
    }
    atomic_fetch_add_explicit(cache->wakes, 1, memory_order_relaxed);
    return worker->task;
}

/* Goes back to the cache.  Returns false if it is full, or the thread does not fit it. */
static bool become_idle(struct worker *worker)
{
    struct cache *cache = worker->cache;
    atomic_store_explicit(&worker->order, NONE, memory_order_relaxed);
    pthread_mutex_lock(&cache->mutex);
    bool fits = !cache->stopping && cache->idle < cache->idle_max &&
                worker->stack_bytes == cache->stack_bytes;
    if (fits)
        idle_add(cache, worker);
    pthread_mutex_unlock(&cache->mutex);
    return fits;
}

/* Where this thread's stack lies, for who asks in a signal handler. */
static void find_stack(struct worker *worker)
{
    pthread_attr_t attributes;
    void *low;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return; /* no memory: an overflow goes unnamed */
    if (pthread_attr_getguardsize(&attributes, &worker->guard_bytes) == 0 &&
        pthread_attr_getstack(&attributes, &low, &worker->stack_usable) == 0)
        worker->stack_low = low;
    pthread_attr_destroy(&attributes);
}

/* The last that a worker does. */
static void depart(struct worker *worker)
{
    struct cache *cache = worker->cache;
    const yk_host *host = cache->host;
    pthread_mutex_lock(&cache->mutex);
    bool has_ended = cache->has_ended;
    pthread_t ended = cache->ended;
    cache->has_ended = true;
    cache->ended = pthread_self();
    cache->stack_memory -= worker->stack_bytes;
    if (--cache->workers == 0 && cache->stopping)
        pthread_cond_signal(&cache->gone);
    pthread_mutex_unlock(&cache->mutex);
    host->free(worker);
    if (has_ended)
        pthread_join(ended, NULL);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    (void)prctl(PR_SET_NAME, "yoke-task"); /* for people only */
    find_stack(worker);
    worker_enter(worker, worker->cache->host, "task");
    for (struct task *task; (task = await_order(worker)) != NULL;) {
        (void)task_run(task, worker); /* the host keeps results */
        if (!become_idle(worker))
            break;
    }
    worker_leave(worker, worker->cache->host);
    depart(worker);
    return NULL;
}

/* Starts the thread of `worker`, signals blocked.  Returns 0, -EAGAIN, -ENOMEM. */
static int start_thread(struct worker *worker)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t mask, before;
    kit_thread_mask(&mask);
    pthread_attr_init(&attributes);
    int r = pthread_attr_setstacksize(&attributes, worker->stack_bytes);
    if (r == 0) {
        pthread_sigmask(SIG_SETMASK, &mask, &before);
        r = pthread_create(&thread, &attributes, worker_main, worker);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return r == 0 || r == EAGAIN ? -r : -ENOMEM;
}

static int worker_new(struct cache *cache, size_t stack_bytes, struct worker **out_worker)
{
    struct worker *worker = cache->host->alloc(sizeof *worker);
    if (!worker)
        return -ENOMEM;
    *worker = (struct worker){.wake_fd = -1, .cache = cache, .stack_bytes = stack_bytes};
    pthread_mutex_lock(&cache->mutex);
    int r = stack_reserve(cache, stack_bytes);
    if (r == 0)
        cache->workers++;
    pthread_mutex_unlock(&cache->mutex);
    if (r == 0) {
        r = start_thread(worker);
        if (r == 0) {
            *out_worker = worker;
            return 0;
        }
        pthread_mutex_lock(&cache->mutex);
        cache->stack_memory -= stack_bytes;
        cache->workers--;
        pthread_mutex_unlock(&cache->mutex);
    }
    cache->host->free(worker);
    return r;
}

int cache_get(struct cache *cache, uint32_t stack_bytes, struct worker **out_worker)
{
    size_t bytes = stack_bytes ? stack_bytes_of_thread(stack_bytes) : 0;
    if (bytes > cache->stack_bytes)
        return worker_new(cache, bytes, out_worker);
    pthread_mutex_lock(&cache->mutex);
    struct worker *worker = idle_take(cache);
    pthread_mutex_unlock(&cache->mutex);
    if (!worker)
        return worker_new(cache, cache->stack_bytes, out_worker);
    *out_worker = worker;
    return 0;
}

void cache_stop(struct cache *cache)
{
    pthread_mutex_lock(&cache->mutex);
    cache->stopping = true;
    for (struct worker *worker; (worker = idle_take(cache)) != NULL;)
        worker_order(worker, NULL);
    while (cache->workers > 0)
        pthread_cond_wait(&cache->gone, &cache->mutex);
    pthread_mutex_unlock(&cache->mutex);
    if (cache->has_ended)
        pthread_join(cache->ended, NULL);
}

uint64_t cache_count(struct cache *cache)
{
    pthread_mutex_lock(&cache->mutex);
    uint64_t workers = cache->workers;
    pthread_mutex_unlock(&cache->mutex);
    return workers;
}

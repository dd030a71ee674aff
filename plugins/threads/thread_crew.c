/* SPDX-License-Identifier: MIT
 * thread_crew.c - see thread_crew.h. */
#include "plugins/threads/thread_crew.h"

#include <errno.h>
#include <string.h>

#include "plugins/threads/thread_task.h"
#include "plugins/threads/thread_worker.h"

/* What a task asks for, rounded up to what a thread has.  The C library lays its own block on the
 * stack, and its minimum says how large that may be. */
static size_t stack_bytes_of_thread(uint32_t stack_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = stack_bytes < CREW_STACK_BYTES_MIN ? CREW_STACK_BYTES_MIN : stack_bytes;
    bytes += (size_t)sysconf(_SC_THREAD_STACK_MIN);
    return (bytes + page - 1) / page * page;
}

void crew_init(struct crew *crew, const yk_host *host, uint32_t stack_bytes)
{
    memset(crew, 0, sizeof *crew);
    crew->host = host;
    crew->stack_bytes = stack_bytes_of_thread(stack_bytes ? stack_bytes : CREW_STACK_BYTES_DEFAULT);
}

/* ---- with the lock held ---- */

static void idle_add(struct crew *crew, struct worker *worker)
{
    worker->idle = true;
    worker->prev = NULL;
    worker->next = crew->idle_first;
    if (crew->idle_first)
        crew->idle_first->prev = worker;
    crew->idle_first = worker;
    crew->idle++;
}

static void idle_remove(struct crew *crew, struct worker *worker)
{
    if (worker->prev)
        worker->prev->next = worker->next;
    else
        crew->idle_first = worker->next;
    if (worker->next)
        worker->next->prev = worker->prev;
    worker->idle = false;
    crew->idle--;
}

static struct worker *idle_take(struct crew *crew)
{
    struct worker *worker = crew->idle_first;
    if (worker)
        idle_remove(crew, worker);
    return worker;
}

static void task_add(struct crew *crew, struct task *task)
{
    task->head.id = ++crew->spawned;
    task->prev = NULL;
    task->next = crew->first;
    if (crew->first)
        crew->first->prev = task;
    crew->first = task;
    if (crew->live > crew->peak)
        crew->peak = crew->live;
}

static void task_remove(struct crew *crew, struct task *task)
{
    if (task->prev)
        task->prev->next = task->next;
    else
        crew->first = task->next;
    if (task->next)
        task->next->prev = task->prev;
    crew->live--;
}

static bool is_full(const struct crew *crew)
{
    return crew->tasks_max > 0 && crew->live >= crew->tasks_max;
}

/* Takes address space for one more stack, from idle threads if need be. */
static int stack_reserve(struct crew *crew, size_t stack_bytes)
{
    while (crew->stack_memory_max > 0 &&
           crew->stack_memory + stack_bytes > crew->stack_memory_max) {
        struct worker *worker = idle_take(crew);
        if (!worker)
            return -ENOMEM;
        crew->stack_memory -= worker->stack_bytes;
        worker->stack_bytes = 0;
        worker_order(worker, NULL);
    }
    crew->stack_memory += stack_bytes;
    return 0;
}

/* The lock is still held when the watchers are woken: after it, nothing is touched. */
static void tell_watchers(struct crew *crew)
{
    if (crew->watchers == 0)
        return;
    atomic_fetch_add_explicit(&crew->changes, 1, memory_order_release);
    futex_wake_all(&crew->changes);
}

/* Waits, `ns` at the longest, until something has changed; lets go of the lock meanwhile. */
static void watch(struct crew *crew, int64_t ns)
{
    uint32_t seen = atomic_load_explicit(&crew->changes, memory_order_relaxed);
    crew->watchers++;
    thread_lock_give(&crew->lock);
    (void)futex_wait_for(&crew->changes, seen, ns);
    thread_lock_take(&crew->lock);
    crew->watchers--;
}

/* ---- beginning and end of a task ---- */

/* The slow way: a new thread.  The place on the list is counted already. */
static int enlist_with_new_thread(struct crew *crew, struct task *task, size_t stack_bytes,
                                  struct worker **out_worker)
{
    int r = worker_new(crew, stack_bytes, out_worker);
    thread_lock_take(&crew->lock);
    if (r == 0) {
        task_add(crew, task);
    } else {
        crew->live--;
        crew->workers--;
        crew->stack_memory -= stack_bytes;
    }
    thread_lock_give(&crew->lock);
    return r;
}

int crew_enlist(struct crew *crew, struct task *task, struct worker **out_worker)
{
    struct worker *worker = NULL;
    size_t bytes = task->stack_bytes ? stack_bytes_of_thread(task->stack_bytes) : 0;
    if (bytes < crew->stack_bytes)
        bytes = crew->stack_bytes;
    thread_lock_take(&crew->lock);
    int r = is_full(crew) ? -EAGAIN : 0;
    if (r == 0 && bytes == crew->stack_bytes)
        worker = idle_take(crew);
    if (r == 0 && !worker)
        r = stack_reserve(crew, bytes);
    if (r == 0) {
        crew->live++;
        if (worker)
            task_add(crew, task);
        else
            crew->workers++;
    }
    thread_lock_give(&crew->lock);
    if (r == 0 && !worker)
        return enlist_with_new_thread(crew, task, bytes, out_worker);
    if (r == 0)
        *out_worker = worker;
    return r;
}

int crew_enlist_main(struct crew *crew, struct task *task)
{
    thread_lock_take(&crew->lock);
    int r = is_full(crew) ? -EAGAIN : 0;
    if (r == 0) {
        crew->live++;
        task_add(crew, task);
    }
    thread_lock_give(&crew->lock);
    return r;
}

bool crew_end(struct crew *crew, struct task *task, struct worker *worker)
{
    thread_lock_take(&crew->lock);
    task_remove(crew, task);
    crew->wakes += worker->was_woken;
    bool last = task_release(task);
    if (!last)
        crew->left_behind++;
    bool keep =
        !crew->stopping && crew->idle < crew->idle_max && worker->stack_bytes == crew->stack_bytes;
    if (keep)
        idle_add(crew, worker);
    tell_watchers(crew);
    thread_lock_give(&crew->lock);
    if (last)
        task_free(task);
    return keep;
}

void crew_clear(struct crew *crew, struct task *task)
{
    task_free(task);
    atomic_fetch_add_explicit(&crew->cleared, 1, memory_order_release);
}

/* ---- threads that leave ---- */

bool crew_dismiss(struct crew *crew, struct worker *worker)
{
    thread_lock_take(&crew->lock);
    bool unwanted = worker->idle;
    if (unwanted)
        idle_remove(crew, worker);
    thread_lock_give(&crew->lock);
    return unwanted;
}

void crew_depart(struct crew *crew, struct worker *take_worker)
{
    const yk_host *host = crew->host;
    thread_lock_take(&crew->lock);
    bool has_ended = crew->has_ended;
    pthread_t ended = crew->ended;
    crew->has_ended = true;
    crew->ended = pthread_self();
    crew->stack_memory -= take_worker->stack_bytes;
    crew->workers--;
    tell_watchers(crew);
    thread_lock_give(&crew->lock);
    host->free(take_worker);
    if (has_ended)
        pthread_join(ended, NULL);
}

void crew_stop(struct crew *crew)
{
    thread_lock_take(&crew->lock);
    crew->stopping = true;
    for (struct worker *worker; (worker = idle_take(crew)) != NULL;)
        worker_order(worker, NULL);
    while (crew->workers > 0)
        watch(crew, NS_PER_SECOND);
    thread_lock_give(&crew->lock);
    if (crew->has_ended)
        pthread_join(crew->ended, NULL);
}

/* ---- looking ---- */

void crew_walk(struct crew *crew, void (*visit)(yk_task *task, void *arg), void *arg)
{
    thread_lock_take(&crew->lock);
    for (struct task *task = crew->first; task; task = task->next)
        visit(&task->head, arg);
    thread_lock_give(&crew->lock);
}

void crew_count(struct crew *crew, struct crew_counts *out_counts)
{
    thread_lock_take(&crew->lock);
    *out_counts = (struct crew_counts){.live = crew->live,
                                       .peak = crew->peak,
                                       .spawned = crew->spawned,
                                       .wakes = crew->wakes,
                                       .workers = crew->workers};
    thread_lock_give(&crew->lock);
}

static bool is_empty(struct crew *crew)
{
    return crew->live == 0 &&
           crew->left_behind == atomic_load_explicit(&crew->cleared, memory_order_acquire);
}

static bool someone_sleeps(struct crew *crew)
{
    for (struct task *task = crew->first; task; task = task->next)
        if (token_asleep(&task->token))
            return true;
    return false;
}

bool crew_settles_empty(struct crew *crew)
{
    int64_t deadline = clock_now() + CREW_ENDING_MS * NS_PER_MS;
    thread_lock_take(&crew->lock);
    while (!is_empty(crew) && !someone_sleeps(crew) && clock_now() < deadline)
        watch(crew, NS_PER_MS); /* who gives back a last reference tells nobody */
    bool empty = is_empty(crew);
    thread_lock_give(&crew->lock);
    return empty;
}

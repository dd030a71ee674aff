/* SPDX-License-Identifier: MIT
 * thread_worker.c - see thread_worker.h. */
#include "plugins/threads/thread_worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "plugins/kit/thread.h"
#include "plugins/threads/thread_crew.h"
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

void worker_order(struct worker *worker, struct task *task)
{
    worker->task = task;
    if (atomic_exchange_explicit(&worker->order, GIVEN, memory_order_acq_rel) == ASLEEP)
        futex_wake(&worker->order);
}

/* Waits for the next order.  Returns its task, or NULL: leave. */
static struct task *await_order(struct worker *worker)
{
    uint32_t none = NONE;
    worker->was_woken = atomic_compare_exchange_strong_explicit(
        &worker->order, &none, ASLEEP, memory_order_acquire, memory_order_acquire);
    while (atomic_load_explicit(&worker->order, memory_order_acquire) == ASLEEP) {
        int r = futex_wait_for(&worker->order, ASLEEP, worker->crew->idle_ns);
        if (r == -ETIMEDOUT && crew_dismiss(worker->crew, worker))
            return NULL;
    }
    atomic_store_explicit(&worker->order, NONE, memory_order_relaxed);
    return worker->task;
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

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct crew *crew = worker->crew;
    const yk_host *host = crew->host;
    (void)prctl(PR_SET_NAME, "yoke-task"); /* for people only */
    find_stack(worker);
    worker_enter(worker, host, "task");
    for (struct task *task; (task = await_order(worker)) != NULL;) {
        (void)task_run(task, worker); /* the host keeps results */
        if (!crew_end(crew, task, worker))
            break;
    }
    worker_leave(worker, host);
    crew_depart(crew, worker);
    return NULL;
}

/* Returns 0, -EAGAIN, -ENOMEM. */
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

int worker_new(struct crew *crew, size_t stack_bytes, struct worker **out_worker)
{
    struct worker *worker = crew->host->alloc(sizeof *worker);
    if (!worker)
        return -ENOMEM;
    *worker = (struct worker){.wake_fd = -1, .crew = crew, .stack_bytes = stack_bytes};
    int r = start_thread(worker);
    if (r < 0) {
        crew->host->free(worker);
        return r;
    }
    *out_worker = worker;
    return 0;
}

/* SPDX-License-Identifier: MIT
 * pool.c - see pool.h. */
#include "plugins/kit/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "plugins/kit/thread.h"

struct kit_pool {
    const yk_host *host; /* borrowed */
    uint32_t threads_max;

    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t work;   /* a job came, or stop */
    pthread_cond_t gone;   /* the last thread is leaving */
    yk_job *first, *last;
    uint64_t queued;
    uint32_t threads; /* that run */
    uint32_t idle;    /* of these, that wait for work and have not been promised any */
    bool stop;
    bool has_ended;  /* `ended` is to be joined */
    pthread_t ended; /* the thread that left last; who leaves next joins it */
};

int kit_pool_new(const yk_host *host, uint32_t threads_max, struct kit_pool **out_pool)
{
    struct kit_pool *pool = host->alloc(sizeof *pool);
    if (!pool)
        return -ENOMEM;
    memset(pool, 0, sizeof *pool);
    pool->host = host;
    pool->threads_max = threads_max ? threads_max : KIT_POOL_THREADS_DEFAULT;
    if (pool->threads_max > KIT_POOL_THREADS_MAX)
        pool->threads_max = KIT_POOL_THREADS_MAX;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->gone, NULL);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&pool->mutex, NULL);
    *out_pool = pool;
    return 0;
}

/* Waits for a job with the mutex held; NULL when the thread is to leave. */
static yk_job *take_job(struct kit_pool *pool)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += KIT_POOL_IDLE_MS / 1000;
    int r = 0;
    while (!pool->first && !pool->stop && r != ETIMEDOUT) {
        pool->idle++;
        r = pthread_cond_timedwait(&pool->work, &pool->mutex, &until);
        pool->idle--;
    }
    yk_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->last = NULL;
        pool->queued--;
    }
    return job;
}

/* Leaves the pool, with the mutex held; joins the thread that left before, so that at most one is
 * left over. */
static void leave(struct kit_pool *pool)
{
    bool join = pool->has_ended;
    pthread_t before = pool->ended;
    pool->ended = pthread_self();
    pool->has_ended = true;
    if (--pool->threads == 0)
        pthread_cond_signal(&pool->gone);
    pthread_mutex_unlock(&pool->mutex);
    if (join)
        pthread_join(before, NULL);
}

static void *pool_thread(void *arg)
{
    struct kit_pool *pool = arg;
    const yk_host *host = pool->host;
    host->thread_start("offload", NULL);
    pthread_mutex_lock(&pool->mutex);
    for (yk_job *job; (job = take_job(pool)) != NULL;) {
        pthread_mutex_unlock(&pool->mutex);
        job->run(job);
        pthread_mutex_lock(&pool->mutex);
    }
    host->thread_stop();
    leave(pool);
    return NULL;
}

int kit_pool_submit(struct kit_pool *pool, yk_job *job)
{
    pthread_mutex_lock(&pool->mutex);
    if (pool->queued >= pool->idle && pool->threads < pool->threads_max) {
        pthread_t thread;
        int r = kit_thread_start("yoke-offload", 0, pool_thread, pool, &thread);
        if (r == 0) {
            pool->threads++;
        } else if (pool->threads == 0) {
            pthread_mutex_unlock(&pool->mutex);
            return r;
        }
    }
    job->next = NULL;
    if (pool->last)
        pool->last->next = job;
    else
        pool->first = job;
    pool->last = job;
    pool->queued++;
    if (pool->idle > 0)
        pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    return 0;
}

void kit_pool_free(struct kit_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->threads > 0)
        pthread_cond_wait(&pool->gone, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    if (pool->has_ended)
        pthread_join(pool->ended, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->gone);
    pthread_mutex_destroy(&pool->mutex);
    pool->host->free(pool);
}

void kit_pool_stats(struct kit_pool *pool, uint64_t *out_threads, uint64_t *out_queued)
{
    pthread_mutex_lock(&pool->mutex);
    *out_threads = pool->threads;
    *out_queued = pool->queued;
    pthread_mutex_unlock(&pool->mutex);
}

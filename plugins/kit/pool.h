/* SPDX-License-Identifier: MIT
 * pool.h - the offload pool: a bounded number of threads that run jobs which block.
 *
 * Layer: plugins/kit.  Threads: any.  Start at kit_pool_submit().
 *
 * Threads are made when a job finds none idle and end after KIT_POOL_IDLE_MS without work, so that
 * a process with no job in flight is back to its own threads soon. */
#pragma once

#include <stdint.h>

#include <yoke/spawner.h>

#define KIT_POOL_THREADS_DEFAULT 8
#define KIT_POOL_THREADS_MAX     1024
#define KIT_POOL_IDLE_MS         1000

struct kit_pool;

/* Makes a pool without threads.  threads_max 0: the default.  Returns 0 or -ENOMEM. */
int kit_pool_new(const yk_host *host, uint32_t threads_max, struct kit_pool **out_pool);

/* Queues a job (ABI O1).  Returns 0, or -EAGAIN or -ENOMEM if there is no thread and none can be
 * made. */
int kit_pool_submit(struct kit_pool *pool, yk_job *job);

/* Runs what is queued to its end, ends and joins the threads, frees.  Blocks its thread.  NULL is
 * fine. */
void kit_pool_free(struct kit_pool *pool);

/* Threads that there are, and jobs that wait for one. */
void kit_pool_stats(struct kit_pool *pool, uint64_t *out_threads, uint64_t *out_queued);

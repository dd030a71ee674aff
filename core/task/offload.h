/* SPDX-License-Identifier: MIT
 * offload.h - run something that blocks its thread on a thread of the runtime's pool.
 *
 * Layer: core/task.  Installed as <yoke/offload.h>.  Threads: by a task. */
#pragma once

#include <yoke/task.h>

/* On a pool thread, off any task: may block, may not wait as tasks do. */
typedef int yk_offload_fn(void *arg);

/* Runs fn(arg) on the pool and waits until it has returned.  Blocks.  A job that has begun cannot
 * be cancelled, so the wait is shielded; `arg` may lie on the stack.
 *
 * out_result  what fn returned; may be NULL; written only on success
 * Returns 0, -ECANCELED or -ETIMEDOUT (before it was queued: fn did not run), -EAGAIN, -ENOMEM. */
MUST_USE int yk_offload(yk_task *self, yk_offload_fn *fn, void *arg, int *out_result);

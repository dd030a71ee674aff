/* SPDX-License-Identifier: MIT
 * thread.h - how a runtime makes a thread: named, joinable, with signals blocked.
 *
 * Layer: plugins/kit.  Threads: any. */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/* What a thread of a runtime blocks (ABI H4): all signals but those of a fault of its own. */
void kit_thread_mask(sigset_t *out_mask);

/* Starts fn(arg) on a new thread.  stack_bytes 0: the system's default.  Returns 0, -EAGAIN,
 * -ENOMEM, -EINVAL. */
int kit_thread_start(const char *name, size_t stack_bytes, void *(*fn)(void *), void *arg,
                     pthread_t *out_thread);

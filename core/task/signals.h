/* SPDX-License-Identifier: MIT
 * signals.h - the process's signals, received by a task one at a time.
 *
 * Layer: core/task.  Installed as <yoke/signals.h>.  The signals must be blocked in every thread:
 * call yk_signals_block() first thing in main().  Source: signalfd(2). */
#pragma once

#include <yoke/task.h>

typedef struct yk_signals yk_signals;

/* Blocks the signals (a list that ends with 0) in the calling thread and those that it makes.
 * Returns 0 or -EINVAL. */
MUST_USE int yk_signals_block(const int *signals);

/* Starts to receive the signals (a list that ends with 0).  Returns 0, -EINVAL, -EMFILE, -ENFILE,
 * -ENOMEM. */
MUST_USE int yk_signals_new(yk_spawner *spawner, const int *signals, yk_signals **out_signals);

/* Waits for the next one.  Blocks.  Returns its number (> 0), -ETIMEDOUT, -ECANCELED. */
MUST_USE int yk_signals_receive(yk_task *self, yk_signals *signals, int64_t deadline);

void yk_signals_free(yk_signals *take_signals);
DEFINE_DROP(yk_signals, yk_signals)

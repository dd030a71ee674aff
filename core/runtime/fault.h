/* SPDX-License-Identifier: MIT
 * fault.h - a task that overflows its stack, or touches what is not its own, is named before the
 * process ends.
 *
 * Layer: core/runtime.  Threads: install once, by the host's main thread.  Start at
 * fault_install(). */
#pragma once

#include "core/base/own.h"
#include "core/runtime/spawner.h"

#define FAULT_SPAWNERS_MAX 16 /* more run well, but their tasks go unnamed */

/* Handles SIGSEGV and SIGBUS on the signal stack that each thread of a runtime has (ABI H4): prints
 * one line that names the task, its stack and the remedy, then lets the signal do what it would
 * have done.
 * Returns 0 or a negative errno. */
MUST_USE int fault_install(void);

/* The spawners whose stacks are looked through; runtime_open() and runtime_close() call these. */
void fault_watch(yk_spawner *spawner);
void fault_forget(yk_spawner *spawner);

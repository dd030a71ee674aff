/* SPDX-License-Identifier: MIT
 * lent_host.h - the host table that the kit lends to a plugin: it counts, and fails on demand.
 *
 * Layer: tests/conformance.  Threads: any.  Start at lent_host().
 *
 * Each block is checked when it comes back (given by us, not given back before).  A freed block is
 * filled with 0xdd and kept for a while, so that who reads it sees nonsense and who writes it is
 * caught. */
#pragma once

#include <stdbool.h>

#include <yoke/spawner.h>

/* The table; one for the whole process. */
const yk_host *lent_host(void);

/* Lends the extension "yoke.entries/1": the other plugins in the folder of this one, by name, for
 * those that stand around another. */
void lent_entries_beside(const char *path);

/* What is out now. */
struct lent_counts {
    int64_t blocks;
    int64_t bytes;
    int64_t threads; /* thread_start without its thread_stop */
};
struct lent_counts lent_counts(void);

/* The nth allocation from now (1: the next) gives NULL, once; 0: none. */
void lent_fail_alloc(int64_t n);

/* Whether the allocation that was asked for has failed. */
bool lent_alloc_failed(void);

/* Whether the calling thread is between thread_start and thread_stop, and the task that it runs
 * (NULL: none). */
bool lent_thread_known(void);
yk_task *lent_current_task(void);

/* Whether an address lies on the signal stack that thread_start gave the calling thread. */
bool lent_on_signal_stack(const void *address);

/* SPDX-License-Identifier: MIT
 * host.h - what the host lends to every runtime, and how a thread finds the task that it runs.
 *
 * Layer: core/runtime.  Threads: any.  Start at host_table(). */
#pragma once

#include <stdbool.h>

#include "core/runtime/spawner.h"

/* Bytes that core keeps in each task (yk_config.extra_bytes); core/task asserts that its state
 * fits. */
#define HOST_EXTRA_BYTES 96

/* The table given to each runtime's create(); lives for ever. */
const yk_host *host_table(void);

/* What the host's extension "yoke.entries/1" is; borrowed for ever. */
void host_lend_entries(const yk_entries_v1 *entries);

/* What a loaded spawner's host_data points to: core's own state of one spawner. */
struct host_spawner {
    uint32_t magic;        /* HOST_SPAWNER_MAGIC */
    bool threaded;         /* each task has a thread (YK_CAP_BLOCKING_OK): one that is woken runs at
                       once */
    yk_ops ops;            /* the host's copy (ABI V5), zero where the plugin's is shorter */
    const yk_entry *entry; /* borrowed from the loaded plugin, lives for ever */
    const yk_clock_v1 *clock; /* NULL: CLOCK_MONOTONIC */
};
#define HOST_SPAWNER_MAGIC UINT32_C(0x484f5354)

static inline const struct host_spawner *host_spawner_of(const yk_spawner *spawner)
{
    return spawner->host_data;
}

/* The task that this thread is running, or NULL off a task. */
yk_task *host_current_task(void);

/* Log lines go here: `level` as yk_host.log.  NULL restores the default, which prints to stderr.
 * Returns what was set before.  [any], but not while others log. */
typedef void host_log_fn(int32_t level, const char *line);
host_log_fn *host_log_set(host_log_fn *log);

/* One line through the log that is set.  level: 0 error, 1 warning, 2 notice, 3 debug. */
void host_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The lowest urgency that is printed; default 1 (errors and warnings). */
void host_log_level_set(int32_t level_max);

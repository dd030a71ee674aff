/* SPDX-License-Identifier: MIT
 * orchestrator.h - brings a stack up in the foreground, shows what its services write, takes it
 * down.
 *
 * Layer: servers/orchestrator.  Threads: tasks of the spawner given.  Start at orchestrator_new(),
 * orchestrator_run().
 *
 * A service starts when all that it needs have started.  One that cannot be started stops the
 * stack; one that ends is told, and the others go on.  SIGINT, SIGTERM and SIGHUP stop the stack: a
 * service when all that need it have ended, SIGTERM to its process group, SIGKILL after its
 * shutdown_timeout; a second SIGINT or SIGTERM kills at once. */
#pragma once

#include <yoke/task.h>

#include "servers/orchestrator/report.h"
#include "servers/stack/graph.h"

#define ORCHESTRATOR_STARTUP_S  60 /* where the stack says nothing */
#define ORCHESTRATOR_SHUTDOWN_S 10 /* where the stack says nothing */

/* All borrowed until orchestrator_free(). */
struct orchestrator_options {
    const struct stack *stack;
    const struct graph *graph;
    const bool *chosen;           /* one for each service; closed under what they need */
    const char *const *env;       /* of the services: "NAME=value", ends with NULL */
    struct report_options report; /* width is filled in */
    uint64_t descriptors_max;     /* the services' soft limit; 0: as ours */
    const char *runtime;          /* what the report says of the runtime: "uv" */
    const char *runtime_version;
    const char *runtime_build;
};

struct orchestrator; /* opaque: the fields live in orchestrator_parts.h */

/* Makes one that will run on `spawner`.  Returns 0 or -ENOMEM. */
MUST_USE int orchestrator_new(yk_spawner *spawner, const struct orchestrator_options *options,
                              struct orchestrator **out_orchestrator);

/* The same on the default spawner (core/runtime/default.h); -ENOENT if there is none, which the log
 * tells. */
MUST_USE int orchestrator_new_default(const struct orchestrator_options *options,
                                      struct orchestrator **out_orchestrator);

/* Runs the stack until every service has ended.  Blocks.  Once.  Cancelled, it stops the stack
 * first.
 *
 * SIGINT, SIGTERM, SIGHUP and SIGCHLD must be blocked in every thread: yk_signals_block() first
 * thing in main().
 * Returns the exit status for the shell, 0..255: 0 when all ended well; else that of the first that
 * did not, 128 + the number if a signal ended it; 1 if one could not be started; 130 or 143 when
 * SIGINT or SIGTERM stopped the stack; 141 when nobody reads the output any more, and 1 when it
 * cannot be written otherwise, which *err tells.
 * Below 0, and nothing was started: *err says why. */
MUST_USE int orchestrator_run(yk_task *self, struct orchestrator *orchestrator, struct error *err);

/* Frees at once; it is not running.  NULL is fine. */
void orchestrator_free(struct orchestrator *take_orchestrator);
DEFINE_DROP(orchestrator, struct orchestrator)

/* SPDX-License-Identifier: MIT
 * orchestrator_parts.h - what orchestrator.c, stopping.c and service_run.c share.
 *
 * Layer: servers/orchestrator.  Threads: tasks of the orchestrator's spawner; the mutex guards what
 * is said. */
#pragma once

#include <yoke/group.h>
#include <yoke/mutex.h>
#include <yoke/reaper.h>
#include <yoke/signals.h>

#include "core/process/guardian.h"
#include "servers/orchestrator/orchestrator.h"
#include "servers/orchestrator/service_run.h"

struct orchestrator {
    yk_spawner *spawner; /* borrowed */
    struct orchestrator_options options;
    struct service_run *runs; /* owned; one for each service of the stack */
    size_t count;

    /* While it runs; all owned. */
    struct report *report;
    yk_reaper *reaper;
    struct guardian *guardian;
    yk_signals *signals;
    yk_group *services; /* a task for each service that was begun */
    yk_group *watchers; /* signals; who is waited for */

    yk_mutex mutex; /* guards the members below, and those of the runs that say so */
    bool stopping;
    bool killing;
    int64_t stop_begun;
    bool closed;      /* all has ended; only output is left to be written */
    bool impatient;   /* a signal has come since then */
    int signal_count; /* SIGINT and SIGTERM that have come */
    int signal_code;  /* the exit status if a signal has stopped the stack, or 0 */
    int failure_code; /* of the first failure, or 0 */
    const char *failed_service;
};

/* ---- orchestrator.c ---- */

/* Takes and gives the mutex; taking is shielded and short. */
void orchestrator_hold(yk_task *self, struct orchestrator *orchestrator);
void orchestrator_release(yk_task *self, struct orchestrator *orchestrator);

/* The program runs: starts what has waited for it; or, where the stack is stopping, has it stopped.
 * take_child  becomes run->child */
void orchestrator_started(yk_task *self, struct service_run *run, yk_child *take_child);

/* The service could not be started, or not be looked after: stops the stack. */
void orchestrator_failed(yk_task *self, struct service_run *run, const char *text);

/* The program has ended by itself. */
void orchestrator_exited(yk_task *self, struct service_run *run, const yk_exit *how);

/* Nothing of the service is left: stops what it needed, where the stack is stopping.  The last word
 * of its task. */
void orchestrator_ended(yk_task *self, struct service_run *run);

/* Keeps the exit status of the first failure. */
void orchestrator_note_failure(yk_task *self, struct service_run *run, int code);

/* ---- stopping.c ---- */

/* Stops the stack, if it is not stopping already: in reverse order, as far as the graph allows at
 * once.
 * reason  a clause for people */
void stopping_begin(yk_task *self, struct orchestrator *orchestrator, const char *reason);

/* What a signal to ourselves means. */
void stopping_signal(yk_task *self, struct orchestrator *orchestrator, int signal);

/* Nobody takes our output: stops the stack. */
void stopping_output_failed(yk_task *self, struct orchestrator *orchestrator);

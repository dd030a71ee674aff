/* SPDX-License-Identifier: MIT
 * service_run.h - one service from its start to the end of its last process.
 *
 * Layer: servers/orchestrator.  Threads: each is one task of the orchestrator's group, which starts
 * helpers of its own.
 * Start at service_run_main().
 *
 * The program runs in a process group of its own.  The service has ended when that group is empty
 * and its output has been read to the end: when the program itself ends, what it has left behind is
 * stopped, too. */
#pragma once

#include <stdatomic.h>

#include <yoke/channel.h>
#include <yoke/child.h>

#include "servers/stack/service.h"

struct orchestrator;

enum run_state {
    RUN_WAITING,  /* for what it needs, or to be chosen at all */
    RUN_STARTING, /* its task is on the way to the program's start */
    RUN_RUNNING,
    RUN_ENDED, /* ended, failed or never started */
};

struct service_run {
    struct orchestrator *orchestrator; /* borrowed */
    const struct service *service;     /* borrowed from the stack */
    int colour;
    bool chosen;

    /* Guarded by the orchestrator's mutex. */
    enum run_state state;
    size_t needs_left;     /* services that it needs and that have not started */
    size_t needed_by_left; /* services that need it and have not ended */
    yk_channel *news;      /* owned; while the task lives */
    yk_child *child;       /* owned; what others may signal; NULL: there is none */
    bool told_to_stop;
    bool failed;  /* could not be started, or not be looked after */
    bool skipped; /* never started, since the stack stops */
    bool killed;
    int signal; /* that was sent; 0: none */
    int64_t signal_time;
    int64_t grace_until; /* when SIGKILL follows, or patience with it ends */

    _Atomic uint64_t reads; /* of its output: whether it still comes */
};

/* A task's body; arg: struct service_run.  Returns 0 whatever becomes of the service. */
int service_run_main(yk_task *self, void *arg);

/* Tells a run to stop.  With the orchestrator's mutex; never blocks.  Again is fine. */
void service_run_stop(struct service_run *run);

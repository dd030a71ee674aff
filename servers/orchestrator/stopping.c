/* SPDX-License-Identifier: MIT
 * stopping.c - how a stack is taken down: who is told when, who is waited for, and the end of
 * patience.
 *
 * Layer: servers/orchestrator.  See orchestrator_parts.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "servers/orchestrator/orchestrator_parts.h"

#define NOTICE_MS    1000
#define NOTICES_MAX  5 /* services that are named each time */
#define REASON_BYTES 128
#define NS_A_SECOND  INT64_C(1000000000)
#define SILENT_NS    (NS_A_SECOND / 2) /* before and after another line about the same */

/* ---- Who is waited for ---- */

/* With the mutex.  Whether the run has had its signal for a while, and has a while left. */
static bool is_awaited(yk_task *self, const struct service_run *run)
{
    int64_t now = yk_now(self);
    return run->child && run->signal != 0 && now - run->signal_time >= SILENT_NS &&
           run->grace_until - now >= SILENT_NS;
}

/* Tells of one, if it is still there.  Returns whether it was. */
static bool tell_awaited(yk_task *self, struct service_run *run)
{
    struct orchestrator *orchestrator = run->orchestrator;
    struct event event = {.kind = EVENT_WAITING, .service = run->service->name};
    orchestrator_hold(self, orchestrator);
    bool awaited =
        is_awaited(self, run) && yk_child_wait_group(self, run->child, 0, &event.pid) == -ETIMEDOUT;
    if (awaited) {
        int64_t left = run->grace_until - yk_now(self);
        event.signal = run->signal;
        event.seconds = (left + NS_A_SECOND / 2) / NS_A_SECOND;
    }
    orchestrator_release(self, orchestrator);
    if (awaited)
        report_event(self, orchestrator->report, &event);
    return awaited;
}

static size_t count_awaited(yk_task *self, struct orchestrator *orchestrator)
{
    size_t count = 0;
    orchestrator_hold(self, orchestrator);
    for (size_t i = 0; i < orchestrator->count; i++)
        count += is_awaited(self, &orchestrator->runs[i]);
    orchestrator_release(self, orchestrator);
    return count;
}

/* A task: says every second who is waited for. */
static int tell_every_second(yk_task *self, void *arg)
{
    struct orchestrator *orchestrator = arg;
    int64_t next = orchestrator->stop_begun;
    for (;;) {
        next += (int64_t)NOTICE_MS * 1000000;
        int r = yk_task_sleep(self, next);
        if (r < 0)
            return 0;
        size_t told = 0;
        size_t awaited = count_awaited(self, orchestrator);
        for (size_t i = 0; i < orchestrator->count && told < NOTICES_MAX; i++)
            told += tell_awaited(self, &orchestrator->runs[i]);
        if (told < NOTICES_MAX || awaited <= told)
            continue;
        char text[REASON_BYTES];
        (void)snprintf(text, sizeof text, "waiting for %zu more", awaited - told);
        const struct event event = {.kind = EVENT_NOTE, .text = text};
        report_event(self, orchestrator->report, &event);
    }
}

/* ---- The beginning ---- */

/* Sets the flag once.  Returns whether this call did, and how many services are there to be
 * stopped. */
static bool claim(yk_task *self, struct orchestrator *orchestrator, size_t *out_count)
{
    orchestrator_hold(self, orchestrator);
    bool first = !orchestrator->stopping;
    if (first) {
        orchestrator->stopping = true;
        orchestrator->stop_begun = yk_now(self);
    }
    *out_count = 0;
    for (size_t i = 0; i < orchestrator->count; i++) {
        const struct service_run *run = &orchestrator->runs[i];
        *out_count += run->state == RUN_RUNNING || (run->state == RUN_STARTING && !run->failed);
    }
    orchestrator_release(self, orchestrator);
    return first;
}

/* With the mutex.  What waits to be started will not be; what nobody needs any more is told to
 * stop. */
static void tell_all(struct orchestrator *orchestrator)
{
    struct graph_list order = graph_order(orchestrator->options.graph);
    for (size_t i = order.count; i > 0; i--) {
        struct service_run *run = &orchestrator->runs[order.items[i - 1]];
        if (run->chosen && run->state == RUN_WAITING) {
            run->state = RUN_ENDED;
            run->skipped = true;
            struct graph_list needs =
                graph_dependencies(orchestrator->options.graph, order.items[i - 1]);
            for (size_t j = 0; j < needs.count; j++)
                orchestrator->runs[needs.items[j]].needed_by_left--;
        }
        if (run->needed_by_left == 0)
            service_run_stop(run);
    }
}

void stopping_begin(yk_task *self, struct orchestrator *orchestrator, const char *reason)
{
    size_t count = 0;
    if (!claim(self, orchestrator, &count))
        return;
    const struct event event = {.kind = EVENT_STOPPING, .count = count, .text = reason};
    report_event(self, orchestrator->report, &event);

    orchestrator_hold(self, orchestrator);
    tell_all(orchestrator);
    orchestrator_release(self, orchestrator);
    int r = yk_group_spawn(orchestrator->watchers, "notice", tell_every_second, orchestrator);
    for (size_t i = 0; i < orchestrator->count; i++) {
        const struct service_run *run = &orchestrator->runs[i];
        const struct event skipped = {.kind = EVENT_SKIPPED, .service = run->service->name};
        if (run->skipped) /* set above, for good */
            report_event(self, orchestrator->report, &skipped);
    }
    if (r < 0 && r != -ECANCELED) {
        const struct event note = {.kind = EVENT_NOTE,
                                   .text = "no task is left to say who is waited for"};
        report_event(self, orchestrator->report, &note);
    }
}

/* ---- Signals ---- */

/* With the mutex.  Returns whether it was killed now. */
static bool kill_run(yk_task *self, struct service_run *run)
{
    if (!run->child || run->killed || run->state == RUN_ENDED)
        return false;
    run->killed = true;
    run->signal = SIGKILL;
    run->signal_time = yk_now(self);
    run->grace_until = yk_deadline_ms(self, YK_CHILD_KILL_MS);
    return yk_child_signal(run->child, SIGKILL) == 0;
}

static void kill_all(yk_task *self, struct orchestrator *orchestrator)
{
    for (size_t i = 0; i < orchestrator->count; i++) {
        struct service_run *run = &orchestrator->runs[i];
        struct event event = {.kind = EVENT_KILLED, .service = run->service->name};
        orchestrator_hold(self, orchestrator);
        orchestrator->killing = true; /* who starts now kills itself */
        bool killed = kill_run(self, run);
        if (killed) {
            event.pid = yk_child_pid(run->child);
            event.seconds = (yk_now(self) - orchestrator->stop_begun) / NS_A_SECOND;
        }
        orchestrator_release(self, orchestrator);
        if (killed)
            report_event(self, orchestrator->report, &event);
    }
}

void stopping_signal(yk_task *self, struct orchestrator *orchestrator, int signal)
{
    orchestrator_hold(self, orchestrator);
    bool first = !orchestrator->stopping && !orchestrator->closed;
    orchestrator->impatient = orchestrator->closed;
    if (signal != SIGHUP) /* a terminal that goes away may send it beside another */
        orchestrator->signal_count++;
    if (first)
        orchestrator->signal_code = 128 + (signal == SIGINT ? SIGINT : SIGTERM);
    bool enough = !first && orchestrator->signal_count > 1 && signal != SIGHUP;
    bool closed = orchestrator->closed;
    orchestrator_release(self, orchestrator);
    if (closed)
        return;

    char reason[REASON_BYTES];
    (void)snprintf(reason, sizeof reason, "SIG%s; once more kills at once", sigabbrev_np(signal));
    const struct event patience = {.kind = EVENT_NOTE,
                                   .text = "stopping already; once more kills at once"};
    if (first)
        stopping_begin(self, orchestrator, reason);
    else if (enough)
        kill_all(self, orchestrator);
    else if (signal != SIGHUP)
        report_event(self, orchestrator->report, &patience);
}

void stopping_output_failed(yk_task *self, struct orchestrator *orchestrator)
{
    orchestrator_hold(self, orchestrator);
    if (orchestrator->failure_code == 0)
        orchestrator->failure_code =
            report_check(orchestrator->report) == -EPIPE ? 128 + SIGPIPE : 1;
    orchestrator_release(self, orchestrator);
    stopping_begin(self, orchestrator, "nobody takes the output");
}

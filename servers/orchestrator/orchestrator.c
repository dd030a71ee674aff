/* SPDX-License-Identifier: MIT
 * orchestrator.c - see orchestrator.h.
 *
 * Each chosen service is a struct service_run.  Who waits for how many is counted, forwards for the
 * start and backwards for the stop: the task of a service is started by the last of those that it
 * needs, and told to stop by the last of those that need it. */
#include "servers/orchestrator/orchestrator.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/disposition.h"
#include "core/runtime/default.h"
#include "servers/orchestrator/orchestrator_parts.h"

#define GUARDIAN_CLOSE_MS 5000
#define FLUSH_TURN_MS     200
#define TEXT_BYTES        256

/* nohup(1) lets us ignore SIGHUP. */
static const int signals_watched[] = {SIGINT, SIGTERM, SIGHUP, 0};
static const int signals_without_hangup[] = {SIGINT, SIGTERM, 0};

/* ---- Making one ---- */

static void count_edges(struct orchestrator *orchestrator)
{
    const struct graph *graph = orchestrator->options.graph;
    for (size_t i = 0; i < orchestrator->count; i++) {
        struct service_run *run = &orchestrator->runs[i];
        struct graph_list needs = graph_dependencies(graph, i);
        run->needs_left = needs.count;
        for (size_t j = 0; run->chosen && j < needs.count; j++)
            orchestrator->runs[needs.items[j]].needed_by_left++;
    }
}

static size_t name_width(const struct orchestrator *orchestrator)
{
    size_t width = strlen("yoke");
    for (size_t i = 0; i < orchestrator->count; i++) {
        size_t len = strlen(orchestrator->runs[i].service->name);
        if (orchestrator->runs[i].chosen && len > width && len <= LINE_FORMAT_WIDTH_MAX)
            width = len;
    }
    return width;
}

int orchestrator_new(yk_spawner *spawner, const struct orchestrator_options *options,
                     struct orchestrator **out_orchestrator)
{
    assert(spawner && options && options->stack && options->graph && options->chosen &&
           options->env);
    OWNED(orchestrator) struct orchestrator *orchestrator = calloc(1, sizeof *orchestrator);
    if (!orchestrator)
        return -ENOMEM;
    orchestrator->spawner = spawner;
    orchestrator->options = *options;
    orchestrator->count = options->stack->service_count;
    orchestrator->runs = calloc(orchestrator->count + 1, sizeof orchestrator->runs[0]);
    if (!orchestrator->runs)
        return -ENOMEM;

    int colour = 0;
    for (size_t i = 0; i < orchestrator->count; i++)
        orchestrator->runs[i] = (struct service_run){
            .orchestrator = orchestrator,
            .service = &options->stack->services[i],
            .chosen = options->chosen[i],
            .colour = options->chosen[i] ? colour++ : 0,
        };
    count_edges(orchestrator);
    orchestrator->options.report.format.width = name_width(orchestrator);
    *out_orchestrator = MOVE(orchestrator);
    return 0;
}

int orchestrator_new_default(const struct orchestrator_options *options,
                             struct orchestrator **out_orchestrator)
{
    yk_spawner *spawner = yk_default_spawner();
    return spawner ? orchestrator_new(spawner, options, out_orchestrator) : -ENOENT;
}

void orchestrator_free(struct orchestrator *take_orchestrator)
{
    if (!take_orchestrator)
        return;
    free(take_orchestrator->runs);
    free(take_orchestrator);
}

/* ---- What becomes of a service ---- */

void orchestrator_hold(yk_task *self, struct orchestrator *orchestrator)
{
    yk_shield_begin(self);
    int r = yk_mutex_lock(self, &orchestrator->mutex, YK_NEVER);
    yk_shield_end(self);
    assert(r == 0); /* shielded, without a deadline, and not held already */
}

void orchestrator_release(yk_task *self, struct orchestrator *orchestrator)
{
    yk_mutex_unlock(self, &orchestrator->mutex);
}

/* With the mutex.  Starts the task of a run that waits for nothing.  Returns 0 or why it cannot
 * be. */
static int begin_run(struct service_run *run)
{
    run->state = RUN_STARTING;
    int r = yk_group_spawn(run->orchestrator->services, run->service->name, service_run_main, run);
    if (r < 0)
        run->state = RUN_WAITING;
    return r;
}

static void fail_without_task(yk_task *self, struct service_run *run, int code)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "no task can be started for it: %s", error_words(code));
    orchestrator_failed(self, run, text);
}

/* With the mutex.  Starts those that have waited for this one alone.  Returns NULL, or the one that
 * could not be. */
static struct service_run *begin_dependents(struct service_run *run, int *out_error)
{
    struct orchestrator *orchestrator = run->orchestrator;
    struct graph_list needed_by =
        graph_dependents(orchestrator->options.graph, (size_t)(run - orchestrator->runs));
    for (size_t i = 0; i < needed_by.count; i++) {
        struct service_run *other = &orchestrator->runs[needed_by.items[i]];
        if (--other->needs_left > 0 || !other->chosen)
            continue;
        *out_error = begin_run(other);
        if (*out_error < 0)
            return other;
    }
    return NULL;
}

void orchestrator_started(yk_task *self, struct service_run *run, yk_child *take_child)
{
    struct orchestrator *orchestrator = run->orchestrator;
    const struct event event = {
        .kind = EVENT_STARTED, .service = run->service->name, .pid = yk_child_pid(take_child)};
    report_event(self, orchestrator->report, &event);

    struct service_run *failed = NULL;
    int error = 0;
    orchestrator_hold(self, orchestrator);
    run->child = take_child;
    run->state = RUN_RUNNING;
    if (!orchestrator->stopping)
        failed = begin_dependents(run, &error);
    else if (run->needed_by_left == 0 || orchestrator->killing)
        service_run_stop(run);
    if (orchestrator->killing) {
        run->killed = true;
        run->signal = SIGKILL;
        run->signal_time = yk_now(self);
        (void)yk_child_signal(run->child, SIGKILL);
    }
    orchestrator_release(self, orchestrator);
    if (failed)
        fail_without_task(self, failed, error);
}

void orchestrator_note_failure(yk_task *self, struct service_run *run, int code)
{
    struct orchestrator *orchestrator = run->orchestrator;
    orchestrator_hold(self, orchestrator);
    if (orchestrator->failure_code == 0 && !orchestrator->stopping) {
        orchestrator->failure_code = code;
        orchestrator->failed_service = run->service->name;
    }
    orchestrator_release(self, orchestrator);
}

void orchestrator_failed(yk_task *self, struct service_run *run, const char *text)
{
    const struct event event = {.kind = EVENT_FAILED, .service = run->service->name, .text = text};
    report_event(self, run->orchestrator->report, &event);
    orchestrator_hold(self, run->orchestrator);
    run->failed = true;
    orchestrator_release(self, run->orchestrator);
    orchestrator_note_failure(self, run, 1);

    char reason[READER_NAME_BYTES_MAX + 32];
    (void)snprintf(reason, sizeof reason, "%s has failed", run->service->name);
    stopping_begin(self, run->orchestrator, reason);
}

void orchestrator_exited(yk_task *self, struct service_run *run, const yk_exit *how)
{
    const struct event event = {.kind = EVENT_EXITED,
                                .service = run->service->name,
                                .pid = yk_child_pid(run->child),
                                .exit = *how};
    report_event(self, run->orchestrator->report, &event);
    if (how->signal != 0)
        orchestrator_note_failure(self, run, 128 + how->signal);
    else if (how->code != 0)
        orchestrator_note_failure(self, run, how->code > 0 ? how->code : 1);
}

void orchestrator_ended(yk_task *self, struct service_run *run)
{
    struct orchestrator *orchestrator = run->orchestrator;
    orchestrator_hold(self, orchestrator);
    yk_child *child = run->child;
    yk_channel *news = run->news;
    run->child = NULL;
    run->news = NULL;
    run->state = RUN_ENDED;
    struct graph_list needs =
        graph_dependencies(orchestrator->options.graph, (size_t)(run - orchestrator->runs));
    for (size_t i = 0; i < needs.count; i++) {
        struct service_run *other = &orchestrator->runs[needs.items[i]];
        if (--other->needed_by_left == 0 && orchestrator->stopping)
            service_run_stop(other);
    }
    orchestrator_release(self, orchestrator);
    guardian_child_free(self, orchestrator->guardian, child);
    yk_channel_free(news);
}

/* ---- The run ---- */

/* A task: takes the signals to ourselves. */
static int watch_signals(yk_task *self, void *arg)
{
    struct orchestrator *orchestrator = arg;
    for (;;) {
        int r = yk_signals_receive(self, orchestrator->signals, YK_NEVER);
        if (r < 0)
            return 0;
        stopping_signal(self, orchestrator, r);
    }
}

/* A task: waits for the end of those who take our output. */
static int watch_output(yk_task *self, void *arg)
{
    struct orchestrator *orchestrator = arg;
    if (report_await_failure(self, orchestrator->report) != -ECANCELED)
        stopping_output_failed(self, orchestrator);
    return 0;
}

static size_t count_chosen(const struct orchestrator *orchestrator)
{
    size_t count = 0;
    for (size_t i = 0; i < orchestrator->count; i++)
        count += orchestrator->runs[i].chosen;
    return count;
}

/* Everything that must be there before the first child. */
static int open_all(yk_task *self, struct orchestrator *orchestrator, struct error *err)
{
    yk_spawner *spawner = orchestrator->spawner;
    int r = report_new(spawner, &orchestrator->options.report, &orchestrator->report);
    if (r == -EBADF)
        return fail(err, r, "standard output is not open for writing");
    if (r < 0)
        return fail(err, r, "cannot start: %s", error_words(r));
    bool no_hangup = disposition_is_ignored(SIGHUP);
    r = yk_signals_new(spawner, no_hangup ? signals_without_hangup : signals_watched,
                       &orchestrator->signals);
    if (r >= 0)
        r = yk_group_new(self, spawner, &orchestrator->services);
    if (r >= 0)
        r = yk_group_new(self, spawner, &orchestrator->watchers);
    if (r >= 0)
        r = yk_group_spawn(orchestrator->watchers, "signals", watch_signals, orchestrator);
    if (r >= 0)
        r = yk_group_spawn(orchestrator->watchers, "output", watch_output, orchestrator);
    if (r >= 0)
        r = yk_reaper_new(spawner, &orchestrator->reaper);
    if (r < 0)
        return fail(err, r, "cannot start: %s", error_words(r));
    const struct guardian_options options = {.reaper = orchestrator->reaper};
    return guardian_open(self, &options, &orchestrator->guardian, err);
}

/* In reverse order; whatever is there. */
static void close_all(yk_task *self, struct orchestrator *orchestrator)
{
    yk_group_free(orchestrator->watchers); /* whose tasks use it until they have ended */
    orchestrator->watchers = NULL;
    yk_group_free(orchestrator->services);
    orchestrator->services = NULL;
    if (orchestrator->guardian) {
        int64_t deadline = yk_deadline_ms(self, GUARDIAN_CLOSE_MS);
        int r = guardian_close(self, MOVE(orchestrator->guardian), deadline);
        (void)r; /* it is gone either way */
    }
    yk_reaper_free(MOVE(orchestrator->reaper));
    yk_signals_free(MOVE(orchestrator->signals));
    report_free(MOVE(orchestrator->report));
}

static void tell_opened(yk_task *self, struct orchestrator *orchestrator)
{
    const struct orchestrator_options *options = &orchestrator->options;
    const struct event event = {
        .kind = EVENT_OPENED,
        .stack = options->stack->name ? options->stack->name : options->stack->path,
        .count = count_chosen(orchestrator),
        .runtime = options->runtime,
        .runtime_version = options->runtime_version,
        .runtime_build = options->runtime_build,
    };
    report_event(self, orchestrator->report, &event);
}

/* Starts those that need nothing; the others follow by themselves. */
static void begin_all(yk_task *self, struct orchestrator *orchestrator)
{
    struct graph_list order = graph_order(orchestrator->options.graph);
    for (size_t i = 0; i < order.count; i++) {
        struct service_run *run = &orchestrator->runs[order.items[i]];
        orchestrator_hold(self, orchestrator);
        bool ready = run->chosen && graph_level(orchestrator->options.graph, order.items[i]) == 0;
        int r = ready && !orchestrator->stopping ? begin_run(run) : 0;
        orchestrator_release(self, orchestrator);
        if (r < 0)
            fail_without_task(self, run, r);
    }
}

/* When all has ended: tells so.  Returns the exit status. */
static int tell_closed(yk_task *self, struct orchestrator *orchestrator)
{
    char text[READER_NAME_BYTES_MAX + 32];
    struct event closed = {.kind = EVENT_CLOSED};
    orchestrator_hold(self, orchestrator);
    orchestrator->closed = true;
    closed.code = orchestrator->failure_code;
    if (orchestrator->failed_service) {
        (void)snprintf(text, sizeof text, "%s was the first to fail", orchestrator->failed_service);
        closed.text = text;
    }
    if (orchestrator->signal_code != 0) {
        closed.code = orchestrator->signal_code;
        closed.text = NULL;
    }
    orchestrator_release(self, orchestrator);
    report_event(self, orchestrator->report, &closed);
    return closed.code;
}

/* Waits until the lines are out, for as long as their reader takes; a signal ends the patience.
 * Returns 0 or the error of the descriptor. */
static int flush(yk_task *self, struct orchestrator *orchestrator)
{
    bool patient = true;
    int r = -ETIMEDOUT;
    while (r == -ETIMEDOUT && patient) {
        r = report_flush(self, orchestrator->report, yk_deadline_ms(self, FLUSH_TURN_MS));
        orchestrator_hold(self, orchestrator);
        patient = !orchestrator->impatient;
        orchestrator_release(self, orchestrator);
    }
    return r == -ETIMEDOUT ? 0 : r;
}

static int run_open(yk_task *self, struct orchestrator *orchestrator, struct error *err)
{
    tell_opened(self, orchestrator);
    begin_all(self, orchestrator);
    int r = yk_group_join(self, orchestrator->services, YK_NEVER);
    yk_shield_begin(self);
    if (r < 0) {
        stopping_begin(self, orchestrator, "it was cancelled");
        r = yk_group_join(self, orchestrator->services, YK_NEVER);
        assert(r == 0); /* the tasks of the services return 0 */
    }
    int status = tell_closed(self, orchestrator);
    int code = flush(self, orchestrator);
    yk_shield_end(self);
    if (code < 0 && code != -EPIPE) { /* who has closed the pipe knows */
        (void)fail(err, code, "cannot write to standard output: %s", error_words(code));
        return status ? status : 1;
    }
    if (code == -EPIPE && status == 0)
        status = 128 + SIGPIPE;
    return status;
}

int orchestrator_run(yk_task *self, struct orchestrator *orchestrator, struct error *err)
{
    int r = open_all(self, orchestrator, err);
    if (r >= 0)
        r = run_open(self, orchestrator, err);
    close_all(self, orchestrator);
    return r;
}

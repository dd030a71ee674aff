/* SPDX-License-Identifier: MIT
 * service_run.c - see service_run.h. */
#include "servers/orchestrator/service_run.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yoke/group.h>

#include "servers/orchestrator/launch_plan.h"
#include "servers/orchestrator/orchestrator_parts.h"

#define NEWS_COUNT_MAX 4 /* more than can be on the way */
/* without a byte of output, when nobody of the group is left to write it */
#define TAIL_MS        2000
#define TAIL_TURNS_MAX 10
#define TURN_MS        1000
#define TEXT_BYTES     (YK_CHILD_ERROR_TEXT_BYTES + 64)
#define NS_A_SECOND    INT64_C(1000000000)

enum news_kind { NEWS_EXITED, NEWS_STOP, NEWS_BLIND /* its end cannot be waited for */ };

struct news {
    enum news_kind kind;
    int code; /* why, of NEWS_BLIND */
};

static void tell(struct service_run *run, enum news_kind kind, int code)
{
    const struct news news = {kind, code};
    int r = yk_channel_try_send(run->news, &news);
    assert(r == 0 || r == -EPIPE); /* there is room for each that is ever sent */
}

void service_run_stop(struct service_run *run)
{
    if (run->told_to_stop || run->state != RUN_RUNNING)
        return;
    run->told_to_stop = true;
    tell(run, NEWS_STOP, 0);
}

/* ---- Helpers: tasks of the run's own group ---- */

static int wait_for_exit(yk_task *self, void *arg)
{
    struct service_run *run = arg;
    int r = yk_child_wait(self, run->child, YK_NEVER, NULL);
    if (r != -ECANCELED)
        tell(run, r < 0 ? NEWS_BLIND : NEWS_EXITED, r);
    return 0;
}

/* Reads one stream until its end, whether somebody wants the lines or not: a full pipe would hold
 * the service. */
static int read_stream(yk_task *self, struct service_run *run, yk_child_stream stream)
{
    OWNED(lines) struct lines *lines = NULL;
    OWNED(text) struct text *scratch = NULL;
    int r = lines_new(&lines);
    if (r >= 0)
        r = report_scratch_new(&scratch);
    struct report *report = run->orchestrator->report;
    const struct report_source source = {run->service->name, run->colour, stream};
    ssize_t n = 1;
    while (r >= 0 && n > 0) {
        size_t room = 0;
        char *bytes = lines_room(lines, &room);
        n = bytes ? yk_child_read(self, run->child, stream, bytes, room, YK_NEVER) : -ENOMEM;
        if (n > 0)
            lines_added(lines, (size_t)n);
        else
            lines_end(lines);
        atomic_fetch_add_explicit(&run->reads, 1, memory_order_relaxed);
        report_lines(self, report, &source, lines, scratch);
    }
    return r < 0 ? r : (int)n;
}

static void read_and_tell(yk_task *self, struct service_run *run, yk_child_stream stream)
{
    int r = read_stream(self, run, stream);
    if (r == 0 || r == -ECANCELED)
        return;
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "its output is not read any more: %s", error_words(r));
    const struct event event = {.kind = EVENT_NOTE, .service = run->service->name, .text = text};
    report_event(self, run->orchestrator->report, &event);
}

static int read_stdout(yk_task *self, void *arg)
{
    read_and_tell(self, arg, YK_CHILD_STDOUT);
    return 0;
}

static int read_stderr(yk_task *self, void *arg)
{
    read_and_tell(self, arg, YK_CHILD_STDERR);
    return 0;
}

static int start_helpers(struct service_run *run, yk_group *helpers)
{
    int r = yk_group_spawn(helpers, "stdout", read_stdout, run);
    if (r >= 0)
        r = yk_group_spawn(helpers, "stderr", read_stderr, run);
    if (r >= 0)
        r = yk_group_spawn(helpers, "exit", wait_for_exit, run);
    return r;
}

/* ---- The start ---- */

static int64_t seconds_of(int64_t own, int64_t of_stack, int64_t otherwise)
{
    return own != SERVICE_SECONDS_NONE        ? own
           : of_stack != SERVICE_SECONDS_NONE ? of_stack
                                              : otherwise;
}

/* text: TEXT_BYTES, for a sentence about what went wrong. */
static int start_child(yk_task *self, struct service_run *run, yk_child **out_child, char *text)
{
    struct orchestrator *orchestrator = run->orchestrator;
    const struct stack *stack = orchestrator->options.stack;
    OWNED(launch_plan) struct launch_plan *plan = NULL;
    int r = launch_plan_new(stack, run->service, orchestrator->options.env, &plan);
    if (r < 0) {
        (void)snprintf(text, TEXT_BYTES, "out of memory");
        return r;
    }
    const yk_child_options options = {
        .program = plan->program,
        .argv = plan->argv,
        .env = plan->env,
        .directory = plan->directory,
        .stdin_null = true,
        .descriptors_max = orchestrator->options.descriptors_max,
        .reaper = orchestrator->reaper,
    };
    int64_t seconds = seconds_of(run->service->startup_timeout_s, stack->settings.startup_timeout_s,
                                 ORCHESTRATOR_STARTUP_S);
    yk_timeout timeout;
    yk_timeout_begin(self, &timeout, yk_deadline_ms(self, seconds * 1000));
    r = guardian_child_start(self, orchestrator->guardian, &options, out_child, text, TEXT_BYTES);
    yk_timeout_end(self, &timeout);
    if (r == -ETIMEDOUT)
        (void)snprintf(text, TEXT_BYTES, "it did not start within %lld s", (long long)seconds);
    return r;
}

/* ---- The end ---- */

/* With the program's end known, or not: code -1 and no signal. */
static yk_exit exit_of(yk_task *self, struct service_run *run)
{
    yk_exit how = {.code = -1};
    int r = yk_child_wait(self, run->child, 0, &how);
    return r < 0 ? (yk_exit){.code = -1} : how;
}

/* Waits for the last lines.  Who has left the group and holds a pipe open is not waited for. */
static void drain(yk_task *self, struct service_run *run, yk_group *helpers)
{
    for (int turn = 0; turn < TAIL_TURNS_MAX; turn++) {
        uint64_t reads = atomic_load(&run->reads);
        if (yk_group_join(self, helpers, yk_deadline_ms(self, TAIL_MS)) != -ETIMEDOUT)
            return;
        if (reads == atomic_load(&run->reads))
            break;
    }
    const struct event event = {
        .kind = EVENT_NOTE,
        .service = run->service->name,
        .text = "something that it started has left its process group and holds its output "
                "open; that is not read any more"};
    report_event(self, run->orchestrator->report, &event);
}

/* Sends a signal to the group and notes it for those who are asked who is waited for.
 * Returns whether patience had ended before: the group was killed by then. */
static bool send(yk_task *self, struct service_run *run, int signal, int64_t grace_until)
{
    orchestrator_hold(self, run->orchestrator);
    bool killed = run->killed;
    if (!killed) {
        run->signal = signal;
        run->signal_time = yk_now(self);
        run->grace_until = grace_until;
    }
    (void)yk_child_signal(run->child, signal);
    if (signal != SIGKILL)
        (void)yk_child_signal(run->child, SIGCONT); /* who is stopped gets the signal only then */
    orchestrator_release(self, run->orchestrator);
    return killed;
}

/* Waits as long as run->grace_until says, which a second Ctrl-C brings nearer.
 * Returns as yk_child_wait_group(). */
static int wait_until_empty(yk_task *self, struct service_run *run, pid_t *out_left)
{
    for (;;) {
        orchestrator_hold(self, run->orchestrator);
        int64_t until = run->grace_until;
        orchestrator_release(self, run->orchestrator);
        int64_t turn = yk_deadline_ms(self, TURN_MS);
        int64_t deadline = turn < until ? turn : until;
        int r = yk_child_wait_group(self, run->child, deadline, out_left);
        if (r != -ETIMEDOUT || deadline == until)
            return r;
    }
}

/* The grace is over, and `left` is there still. */
static void kill_group(yk_task *self, struct service_run *run, pid_t left, int64_t begun)
{
    if (!send(self, run, SIGKILL, yk_deadline_ms(self, YK_CHILD_KILL_MS))) {
        const struct event event = {.kind = EVENT_KILLED,
                                    .service = run->service->name,
                                    .pid = left,
                                    .seconds = (yk_now(self) - begun) / NS_A_SECOND};
        report_event(self, run->orchestrator->report, &event);
    }
    int r = wait_until_empty(self, run, &left);
    if (r == 0)
        return;
    char text[TEXT_BYTES];
    if (r == -ETIMEDOUT)
        (void)snprintf(text, sizeof text,
                       "pid %d does not end even by SIGKILL: it is stuck in the kernel", (int)left);
    else
        (void)snprintf(text, sizeof text, "whether all its processes have ended is not known: %s",
                       error_words(r));
    orchestrator_failed(self, run, text);
}

/* Ends all processes of the group.  pid: one of them, for people. */
static void stop_group(yk_task *self, struct service_run *run, pid_t pid)
{
    int64_t seconds = seconds_of(run->service->shutdown_timeout_s,
                                 run->orchestrator->options.stack->settings.shutdown_timeout_s,
                                 ORCHESTRATOR_SHUTDOWN_S);
    int64_t begun = yk_now(self);
    int64_t grace_until = yk_deadline_ms(self, seconds * 1000);
    const struct event event = {
        .kind = EVENT_STOPPING, .service = run->service->name, .pid = pid, .signal = SIGTERM};
    report_event(self, run->orchestrator->report, &event);
    (void)send(self, run, SIGTERM, grace_until); /* killed or not, it is waited for */
    pid_t left = pid;
    if (wait_until_empty(self, run, &left) < 0)
        kill_group(self, run, left > 0 ? left : pid, begun);
}

static void tell_stopped(yk_task *self, struct service_run *run)
{
    const struct event event = {.kind = EVENT_STOPPED,
                                .service = run->service->name,
                                .pid = yk_child_pid(run->child),
                                .exit = exit_of(self, run)};
    report_event(self, run->orchestrator->report, &event);
}

/* The program has ended by itself; what it has left behind is stopped. */
static void after_exit(yk_task *self, struct service_run *run, yk_group *helpers)
{
    pid_t left = 0;
    bool is_empty = yk_child_wait_group(self, run->child, 0, &left) == 0;
    if (is_empty)
        drain(self, run, helpers); /* so that its last lines come before the news of its end */
    const yk_exit how = exit_of(self, run);
    orchestrator_exited(self, run, &how);
    if (is_empty)
        return;
    stop_group(self, run, left > 0 ? left : yk_child_pid(run->child));
    drain(self, run, helpers);
    tell_stopped(self, run);
}

/* ---- The life ---- */

static void fail_with(yk_task *self, struct service_run *run, const char *what, int code)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%s: %s", what, error_words(code));
    orchestrator_failed(self, run, text);
}

static void live(yk_task *self, struct service_run *run)
{
    OWNED(yk_group) yk_group *helpers = NULL;
    int r = yk_group_new(self, NULL, &helpers);
    if (r >= 0)
        r = start_helpers(run, helpers);
    if (r < 0) {
        fail_with(self, run, "no task can be started to read its output", r);
        stop_group(self, run, yk_child_pid(run->child));
        return;
    }
    struct news news = {.kind = NEWS_STOP};
    r = yk_channel_receive(self, run->news, &news, YK_NEVER);
    if (r >= 0 && news.kind == NEWS_EXITED) {
        after_exit(self, run, helpers);
        return;
    }
    if (news.kind == NEWS_BLIND)
        fail_with(self, run, "its end cannot be waited for", news.code);
    stop_group(self, run, yk_child_pid(run->child));
    drain(self, run, helpers);
    tell_stopped(self, run);
}

int service_run_main(yk_task *self, void *arg)
{
    struct service_run *run = arg;
    yk_child *child = NULL;
    char text[TEXT_BYTES] = "";
    int r = yk_channel_new(sizeof(struct news), NEWS_COUNT_MAX, &run->news);
    if (r < 0)
        (void)snprintf(text, sizeof text, "out of memory");
    else
        r = start_child(self, run, &child, text);

    yk_shield_begin(self); /* from here on only news ends it: nothing that runs is left alone */
    if (r < 0) {
        orchestrator_failed(self, run, text);
    } else {
        orchestrator_started(self, run, child);
        live(self, run);
    }
    orchestrator_ended(self, run);
    yk_shield_end(self);
    return 0;
}

/* SPDX-License-Identifier: MIT
 * after_events.c - background work on events that other tasks publish, as a task with a channel.
 * Before: before_events.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one event, published and
 * added up. */
#include <assert.h>
#include <errno.h>

#include <yoke/channel.h>
#include <yoke/default.h>

#include "docs/examples/migrating/stopwatch.h"

#define EVENTS_UNREAD 64
#define REPORT_NS     INT64_C(1000000)

/* What the task adds up; read by others when it has ended. */
struct event_log {
    yk_channel *events; /* borrowed: of int */
    int64_t sum;
    int reports;
};

static int log_main(yk_task *self, void *arg)
{
    struct event_log *log = arg;
    int64_t report_at = yk_now(self) + REPORT_NS;
    for (;;) {
        int event;
        int r = yk_channel_receive(self, log->events, &event, report_at);
        if (r == 0) {
            log->sum += event;
        } else if (r == -ETIMEDOUT) {
            log->reports++;
            report_at += REPORT_NS;
        } else {
            return r == -EPIPE ? 0 : r; /* closed: that was all */
        }
    }
}

static int program(yk_task *self, void *arg)
{
    int count = *(int *)arg;
    OWNED(yk_channel) yk_channel *events = NULL;
    int r = yk_channel_new(sizeof(int), EVENTS_UNREAD, &events);
    if (r < 0)
        return r;
    struct event_log log = {.events = events};
    yk_task *task = NULL;
    r = yk_task_spawn(yk_task_spawner(self), "event log", log_main, &log, &task);
    if (r < 0)
        return r;

    int64_t begin = stopwatch_now();
    for (int event = 1; r == 0 && event <= count; event++)
        r = yk_channel_send(self, events, &event, YK_NEVER);
    yk_channel_close(events);
    int result = yk_task_join_free(self, task);
    stopwatch_print(begin, count);

    assert(r == 0 && result == 0 && log.sum == (int64_t)count * (count + 1) / 2);
    return 0;
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 2000);
    yk_spawner *spawner = yk_default_spawner();
    return spawner && yk_run(spawner, program, &count) == 0 ? 0 : 1;
}

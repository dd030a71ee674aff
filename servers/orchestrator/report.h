/* SPDX-License-Identifier: MIT
 * report.h - everything that `yoke up` says: the lines of the services and the events, on one
 * descriptor, in one order.
 *
 * Layer: servers/orchestrator.  Threads: by tasks of any spawner, after report_new().  Start at
 * report_new().
 *
 * As text each line stands behind the name of its service, events behind "yoke".  As JSON each is
 * an object on a line of its own: {"time", "event", ...}; a service's line is the event "line" with
 * "service", "stream", "text" (or "base64" where the bytes are not UTF-8), and "continued" or
 * "unended" where it is a piece (lines.h). */
#pragma once

#include <yoke/child.h>

#include "servers/orchestrator/event.h"
#include "servers/orchestrator/line_format.h"
#include "servers/orchestrator/lines.h"

struct report_options {
    int fd; /* borrowed */
    bool json;
    struct line_format format; /* of text */
};

struct report; /* opaque: the fields live in report.c */

/* Returns 0 or what console_new() returns. */
MUST_USE int report_new(yk_spawner *spawner, const struct report_options *options,
                        struct report **out_report);

/* Whose lines they are. */
struct report_source {
    const char *service;
    int colour;
    yk_child_stream stream;
};

/* Takes the lines that are whole and hands them on.  Blocks while the reader is slow.  What the
 * memory does not suffice for is left out; that the descriptor fails is told by
 * report_await_failure().
 *
 * scratch  of report_scratch_new(), for this stream alone */
void report_lines(yk_task *self, struct report *report, const struct report_source *source,
                  struct lines *lines, struct text *scratch);
MUST_USE int report_scratch_new(struct text **out_scratch);

/* Tells an event.  Blocks; shielded, so that ends are told of what is cancelled.  Errors are those
 * of report_lines(), told by report_check(). */
void report_event(yk_task *self, struct report *report, const struct event *event);

/* Returns 0, or the first error of the descriptor: nothing is told any more. */
int report_check(const struct report *report);

/* Waits until the descriptor fails, whether anybody has something to write then or not.  Blocks.
 * Returns its error, or -ECANCELED. */
MUST_USE int report_await_failure(yk_task *self, struct report *report);

/* Waits until all of it is written.  Blocks.  Returns as console_flush(). */
MUST_USE int report_flush(yk_task *self, struct report *report, int64_t deadline);

/* Frees at once: what is not written is lost.  NULL is fine. */
void report_free(struct report *take_report);
DEFINE_DROP(report, struct report)

/* SPDX-License-Identifier: MIT
 * event.h - what happens to a stack and its services, as a line for people and as JSON for
 * programs.
 *
 * Layer: servers/orchestrator.  Threads: none of its own.  Pure.  docs/OPERATIONS lists them
 * all. */
#pragma once

#include <jansson.h>

#include <yoke/child.h>

#include "core/base/text.h"

enum event_kind {
    EVENT_OPENED,   /* of the stack: what it is, on which runtime */
    EVENT_STARTED,  /* pid */
    EVENT_EXITED,   /* by itself: pid, exit (code -1 and no signal: not known) */
    EVENT_FAILED,   /* text */
    EVENT_SKIPPED,  /* was not started, since the stack stops */
    EVENT_STOPPING, /* of a service: pid, signal.  Of the stack: count, text */
    EVENT_WAITING,  /* pid, signal, seconds */
    EVENT_KILLED,   /* pid, seconds */
    EVENT_STOPPED,  /* pid, exit */
    EVENT_NOTE,     /* text */
    EVENT_CLOSED,   /* of the stack: code, text */
};

/* Members that a kind does not name are not looked at. */
struct event {
    enum event_kind kind;
    const char *service; /* NULL: the stack */
    const char *stack;   /* OPENED */
    const char *runtime; /* OPENED: "uv"; its version; what it was built with */
    const char *runtime_version;
    const char *runtime_build;
    pid_t pid;
    int signal;
    yk_exit exit;
    int64_t seconds;
    size_t count;
    int code;
    const char *text; /* a clause; NULL: nothing to say */
};

/* Adds the event as one line without name and newline. */
void event_add(const struct event *event, struct text *out);

/* The event as a JSON object with "event" and, if it has one, "service"; NULL without memory. */
json_t *event_json(const struct event *event);

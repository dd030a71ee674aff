/* SPDX-License-Identifier: MIT
 * event.c - see event.h. */
#include "servers/orchestrator/event.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"

static const char *const kind_names[] = {
    [EVENT_OPENED] = "opened",   [EVENT_STARTED] = "started", [EVENT_EXITED] = "exited",
    [EVENT_FAILED] = "failed",   [EVENT_SKIPPED] = "skipped", [EVENT_STOPPING] = "stopping",
    [EVENT_WAITING] = "waiting", [EVENT_KILLED] = "killed",   [EVENT_STOPPED] = "stopped",
    [EVENT_NOTE] = "note",       [EVENT_CLOSED] = "closed",
};

static const char *signal_name(int signal)
{
    const char *name = sigabbrev_np(signal);
    return name ? name : "?";
}

/* ---- For people ---- */

static void add_exit(const yk_exit *how, struct text *out)
{
    if (how->signal != 0)
        text_add_format(out, "signal %d (SIG%s)", how->signal, signal_name(how->signal));
    else if (how->code >= 0)
        text_add_format(out, "code %d", how->code);
    else
        text_add_string(out, "how is not known");
}

static void add_service_event(const struct event *event, struct text *out)
{
    int pid = (int)event->pid;
    switch (event->kind) {
    case EVENT_STARTED:
        text_add_format(out, "started, pid %d", pid);
        break;
    case EVENT_EXITED:
        text_add_string(out, "exited, ");
        add_exit(&event->exit, out);
        break;
    case EVENT_FAILED:
        text_add_format(out, "failed: %s", event->text);
        break;
    case EVENT_SKIPPED:
        text_add_string(out, "not started");
        break;
    case EVENT_STOPPING:
        text_add_format(out, "stopping, sent SIG%s to pid %d", signal_name(event->signal), pid);
        break;
    case EVENT_KILLED:
        text_add_format(out, "killed, sent SIGKILL to pid %d after %lld s", pid,
                        (long long)event->seconds);
        break;
    case EVENT_STOPPED:
        text_add_string(out, "stopped, ");
        add_exit(&event->exit, out);
        break;
    default:
        text_add_string(out, event->text);
        break;
    }
}

static void add_stack_event(const struct event *event, struct text *out)
{
    switch (event->kind) {
    case EVENT_OPENED:
        text_add_format(out, "%s: %zu service%s, runtime %s %s (%.*s)", event->stack, event->count,
                        event->count == 1 ? "" : "s", event->runtime, event->runtime_version,
                        (int)strcspn(event->runtime_build, ";"), event->runtime_build);
        break;
    case EVENT_STOPPING:
        text_add_format(out, "stopping %zu service%s: %s", event->count,
                        event->count == 1 ? "" : "s", event->text);
        break;
    case EVENT_CLOSED:
        text_add_format(out, "ended, code %d", event->code);
        if (event->text)
            text_add_format(out, ": %s", event->text);
        break;
    default:
        text_add_string(out, event->text);
        break;
    }
}

void event_add(const struct event *event, struct text *out)
{
    if (event->kind == EVENT_WAITING) {
        text_add_format(out, "waiting for %s (pid %d, SIG%s sent, %lld s left)", event->service,
                        (int)event->pid, signal_name(event->signal), (long long)event->seconds);
        return;
    }
    if (event->service) {
        text_add_format(out, "%s: ", event->service);
        add_service_event(event, out);
        return;
    }
    add_stack_event(event, out);
}

/* ---- For programs ---- */

/* Each takes the value, as jansson's functions do, and fails without memory. */
static int set_number(json_t *object, const char *key, int64_t number)
{
    return json_object_set_new(object, key, json_integer(number));
}

/* Bytes that are not UTF-8, which a path may have, become '?'. */
static json_t *lossy_string(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return NULL;
    size_t len = strlen(copy);
    for (size_t i = 0; i < len; i++) {
        i += utf8_valid_len(copy + i, len - i);
        if (i < len)
            copy[i] = '?';
    }
    json_t *string = json_string(copy);
    free(copy);
    return string;
}

static int set_text(json_t *object, const char *key, const char *text)
{
    return text ? json_object_set_new(object, key, lossy_string(text)) : 0;
}

static int set_exit(json_t *object, const yk_exit *how)
{
    if (how->signal == 0 && how->code < 0)
        return 0;
    return how->signal != 0 ? set_number(object, "signal", how->signal)
                            : set_number(object, "code", how->code);
}

static int set_members(json_t *object, const struct event *event)
{
    switch (event->kind) {
    case EVENT_OPENED:
        return set_text(object, "stack", event->stack) |
               set_number(object, "services", (int64_t)event->count) |
               set_text(object, "runtime", event->runtime) |
               set_text(object, "runtime_version", event->runtime_version) |
               set_text(object, "runtime_build", event->runtime_build);
    case EVENT_STARTED:
        return set_number(object, "pid", event->pid);
    case EVENT_EXITED:
    case EVENT_STOPPED:
        return set_number(object, "pid", event->pid) | set_exit(object, &event->exit);
    case EVENT_STOPPING:
        if (!event->service)
            return set_number(object, "services", (int64_t)event->count) |
                   set_text(object, "reason", event->text);
        return set_number(object, "pid", event->pid) | set_number(object, "signal", event->signal);
    case EVENT_WAITING:
        return set_number(object, "pid", event->pid) | set_number(object, "signal", event->signal) |
               set_number(object, "seconds_left", event->seconds);
    case EVENT_KILLED:
        return set_number(object, "pid", event->pid) |
               set_number(object, "seconds", event->seconds);
    case EVENT_CLOSED:
        return set_number(object, "code", event->code) | set_text(object, "reason", event->text);
    case EVENT_FAILED:
    case EVENT_NOTE:
        return set_text(object, "reason", event->text);
    case EVENT_SKIPPED:
        return 0;
    }
    return 0;
}

json_t *event_json(const struct event *event)
{
    json_t *object = json_object();
    if (!object)
        return NULL;
    int r = set_text(object, "event", kind_names[event->kind]) |
            set_text(object, "service", event->service) | set_members(object, event);
    if (r == 0)
        return object;
    json_decref(object);
    return NULL;
}

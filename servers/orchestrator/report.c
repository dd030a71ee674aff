/* SPDX-License-Identifier: MIT
 * report.c - see report.h. */
#include "servers/orchestrator/report.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <yoke/channel.h>

#include "core/base/base64.h"
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/process/console.h"

#define BATCH_BYTES     ((size_t)64 * 1024) /* of lines that are handed on together */
#define EVENT_BYTES_MAX ((size_t)64 * 1024)

struct report {
    struct report_options options;
    struct console *console; /* owned */
    yk_channel *written;     /* owned; a message: something was handed on since the last */
    _Atomic int error;       /* the first of the descriptor */
    char marker[LINE_FORMAT_WIDTH_MAX + 16];
};

int report_new(yk_spawner *spawner, const struct report_options *options,
               struct report **out_report)
{
    OWNED(report) struct report *report = calloc(1, sizeof *report);
    if (!report)
        return -ENOMEM;
    report->options = *options;
    int r = yk_channel_new(1, 1, &report->written);
    if (r < 0)
        return r;
    r = console_new(spawner, options->fd, &report->console);
    if (r < 0)
        return r;
    if (options->json) {
        console_set_marker(report->console, "{\"event\":\"note\",\"reason\":\"", "\"}");
    } else {
        (void)snprintf(report->marker, sizeof report->marker, "%-*s | ", (int)options->format.width,
                       "yoke");
        console_set_marker(report->console, report->marker, "");
    }
    *out_report = MOVE(report);
    return 0;
}

/* Keeps the first error of the descriptor. */
static void note_error(struct report *report, int code)
{
    int none = 0;
    if (code < 0 && code != -ECANCELED && code != -ETIMEDOUT && code != -EMSGSIZE)
        (void)atomic_compare_exchange_strong(&report->error, &none, code); /* the first stays */
}

static int hand_on(yk_task *self, struct report *report, struct text *text)
{
    if (text_check(text) < 0)
        return text_check(text);
    int r = console_write(self, report->console, text_bytes(text), text_len(text));
    char message = 0;
    int sent = yk_channel_try_send(report->written, &message);
    (void)sent; /* one that is there already will do */
    note_error(report, r);
    return r;
}

/* ---- JSON ---- */

static int add_chunk(const char *bytes, size_t len, void *data)
{
    struct text *out = data;
    text_add(out, bytes, len);
    return 0;
}

/* Adds an object and a newline, with the time in front; takes the object, NULL: there was no
 * memory. */
static int add_json(json_t *take_object, struct text *out)
{
    char time[CLOCK_TEXT_BYTES];
    clock_text(clock_wall_ms(), time);
    json_t *object = json_object();
    int r = !take_object || !object ||
            json_object_set_new(object, "time", json_string(time)) != 0 ||
            json_object_update(object, take_object) != 0 ||
            json_dump_callback(object, add_chunk, out, JSON_COMPACT) != 0;
    text_add(out, "\n", 1);
    json_decref(object);
    json_decref(take_object);
    return r ? -ENOMEM : 0;
}

static json_t *content_json(const struct line *line)
{
    if (utf8_is_valid(line->bytes, line->len))
        return json_stringn(line->bytes, line->len);
    char *encoded = malloc(BASE64_LEN(line->len) + 1);
    if (!encoded)
        return NULL;
    base64_encode(line->bytes, line->len, encoded);
    json_t *string = json_string(encoded);
    free(encoded);
    return string;
}

static json_t *line_json(const struct report_source *source, const struct line *line)
{
    json_t *object = json_object();
    const char *stream = source->stream == YK_CHILD_STDOUT ? "stdout" : "stderr";
    const char *key = utf8_is_valid(line->bytes, line->len) ? "text" : "base64";
    int r = !object || json_object_set_new(object, "event", json_string("line")) |
                           json_object_set_new(object, "service", json_string(source->service)) |
                           json_object_set_new(object, "stream", json_string(stream)) |
                           json_object_set_new(object, key, content_json(line));
    if (r == 0 && line->continued)
        r = json_object_set_new(object, "continued", json_true());
    if (r == 0 && !line->ended)
        r = json_object_set_new(object, "unended", json_true());
    if (r == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- Lines and events ---- */

static void add_line(const struct report *report, const struct report_source *source,
                     const struct line *line, struct text *out)
{
    if (report->options.json)
        (void)add_json(line_json(source, line), out); /* without memory the line is left out */
    else
        line_format_add(&report->options.format, source->service, source->colour, line, out);
}

int report_scratch_new(struct text **out_scratch)
{
    return text_new(CONSOLE_BUFFER_BYTES, out_scratch);
}

void report_lines(yk_task *self, struct report *report, const struct report_source *source,
                  struct lines *lines, struct text *scratch)
{
    struct line line;
    text_clear(scratch);
    while (lines_next(lines, &line)) {
        add_line(report, source, &line, scratch);
        if (text_len(scratch) < BATCH_BYTES && text_check(scratch) >= 0)
            continue;
        (void)hand_on(self, report, scratch);
        text_clear(scratch);
    }
    if (text_len(scratch) > 0)
        (void)hand_on(self, report, scratch);
}

static int tell(yk_task *self, struct report *report, const struct event *event)
{
    OWNED(text) struct text *content = NULL;
    OWNED(text) struct text *text = NULL;
    int r = text_new(EVENT_BYTES_MAX, &content);
    if (r >= 0)
        r = text_new(EVENT_BYTES_MAX, &text);
    if (r < 0)
        return r;
    if (report->options.json) {
        r = add_json(event_json(event), text);
    } else {
        event_add(event, content);
        const struct line line = {text_bytes(content), text_len(content), false, true};
        struct line_format format = report->options.format;
        format.terminal = true; /* a name with a newline in it must not make two lines */
        line_format_add(&format, "yoke", LINE_FORMAT_NO_COLOUR, &line, text);
    }
    return r < 0 ? r : hand_on(self, report, text);
}

void report_event(yk_task *self, struct report *report, const struct event *event)
{
    yk_shield_begin(self);
    (void)tell(self, report, event); /* report_check() knows */
    yk_shield_end(self);
}

int report_check(const struct report *report)
{
    return atomic_load(&report->error);
}

int report_await_failure(yk_task *self, struct report *report)
{
    for (;;) {
        char message = 0;
        int r = yk_channel_receive(self, report->written, &message, YK_NEVER);
        if (r >= 0)
            r = console_flush(self, report->console, YK_NEVER);
        if (r < 0) {
            note_error(report, r);
            return r;
        }
    }
}

int report_flush(yk_task *self, struct report *report, int64_t deadline)
{
    return console_flush(self, report->console, deadline);
}

void report_free(struct report *take_report)
{
    if (!take_report)
        return;
    console_free(take_report->console);
    yk_channel_free(take_report->written);
    free(take_report);
}

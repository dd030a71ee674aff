/* SPDX-License-Identifier: MIT
 * test_event.c - each event in words and as JSON. */
#include "servers/orchestrator/event.h"

#include <signal.h>
#include <stdlib.h>

#include "tests/support/support.h"

static void expect(const struct event *event, const char *words, const char *json)
{
    OWNED(text) struct text *text = NULL;
    ck_assert_int_eq(text_new(1000, &text), 0);
    event_add(event, text);
    ck_assert_str_eq(text_bytes(text), words);
    json_t *object = event_json(event);
    char *dump = json_dumps(object, JSON_COMPACT);
    ck_assert_str_eq(dump, json);
    free(dump);
    json_decref(object);
}

START_TEST(events_of_services_are_told)
{
    expect(&(struct event){.kind = EVENT_STARTED, .service = "web", .pid = 12},
           "web: started, pid 12", "{\"event\":\"started\",\"service\":\"web\",\"pid\":12}");
    expect(&(struct event){.kind = EVENT_EXITED, .service = "web", .pid = 12, .exit = {.code = 3}},
           "web: exited, code 3",
           "{\"event\":\"exited\",\"service\":\"web\",\"pid\":12,\"code\":3}");
    expect(
        &(struct event){.kind = EVENT_EXITED, .service = "web", .pid = 12, .exit = {-1, SIGSEGV}},
        "web: exited, signal 11 (SIGSEGV)",
        "{\"event\":\"exited\",\"service\":\"web\",\"pid\":12,\"signal\":11}");
    expect(
        &(struct event){.kind = EVENT_FAILED, .service = "web", .text = "no such file: b\xff\xfe."},
        "web: failed: no such file: b\xff\xfe.",
        "{\"event\":\"failed\",\"service\":\"web\",\"reason\":\"no such file: b??.\"}");
    expect(&(struct event){.kind = EVENT_SKIPPED, .service = "web"}, "web: not started",
           "{\"event\":\"skipped\",\"service\":\"web\"}");
    expect(&(struct event){.kind = EVENT_STOPPING, .service = "web", .pid = 12, .signal = SIGTERM},
           "web: stopping, sent SIGTERM to pid 12",
           "{\"event\":\"stopping\",\"service\":\"web\",\"pid\":12,\"signal\":15}");
    expect(
        &(struct event){
            .kind = EVENT_WAITING, .service = "web", .pid = 12, .signal = SIGTERM, .seconds = 7},
        "waiting for web (pid 12, SIGTERM sent, 7 s left)",
        "{\"event\":\"waiting\",\"service\":\"web\",\"pid\":12,\"signal\":15,\"seconds_left\":7}");
    expect(&(struct event){.kind = EVENT_KILLED, .service = "web", .pid = 12, .seconds = 10},
           "web: killed, sent SIGKILL to pid 12 after 10 s",
           "{\"event\":\"killed\",\"service\":\"web\",\"pid\":12,\"seconds\":10}");
    expect(
        &(struct event){.kind = EVENT_STOPPED, .service = "web", .pid = 12, .exit = {-1, SIGTERM}},
        "web: stopped, signal 15 (SIGTERM)",
        "{\"event\":\"stopped\",\"service\":\"web\",\"pid\":12,\"signal\":15}");
}
END_TEST

START_TEST(events_of_the_stack_are_told)
{
    expect(&(struct event){.kind = EVENT_OPENED,
                           .stack = "demo",
                           .count = 1,
                           .runtime = "uv",
                           .runtime_version = "0.1.0",
                           .runtime_build = "libuv 1.44.2; gcc 12.2.0"},
           "demo: 1 service, runtime uv 0.1.0 (libuv 1.44.2)",
           "{\"event\":\"opened\",\"stack\":\"demo\",\"services\":1,\"runtime\":\"uv\",\"runtime_"
           "version\":\"0.1.0\","
           "\"runtime_build\":\"libuv 1.44.2; gcc 12.2.0\"}");
    expect(&(struct event){.kind = EVENT_STOPPING, .count = 3, .text = "SIGINT"},
           "stopping 3 services: SIGINT",
           "{\"event\":\"stopping\",\"services\":3,\"reason\":\"SIGINT\"}");
    expect(&(struct event){.kind = EVENT_CLOSED, .code = 3, .text = "web was the first to fail"},
           "ended, code 3: web was the first to fail",
           "{\"event\":\"closed\",\"code\":3,\"reason\":\"web was the first to fail\"}");
    expect(&(struct event){.kind = EVENT_CLOSED}, "ended, code 0",
           "{\"event\":\"closed\",\"code\":0}");
    expect(&(struct event){.kind = EVENT_NOTE, .text = "waiting for 7 more"}, "waiting for 7 more",
           "{\"event\":\"note\",\"reason\":\"waiting for 7 more\"}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    suite_add(suite, events_of_services_are_told);
    suite_add(suite, events_of_the_stack_are_told);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_graph.c - order, levels, cycles. */
#include <errno.h>
#include <stdio.h>

#include "core/base/text.h"
#include "tests/unit/stack_case.h"

/* A stack and its graph; `needs` has one line a service, "a: [b, c]". */
struct graph_case {
    struct stack_case of;
    struct graph *graph;
    int result;
};

static void graph_case_done(struct graph_case *c)
{
    graph_free(c->graph);
    stack_case_done(&c->of);
}

#define GRAPH_CASE __attribute__((cleanup(graph_case_done))) struct graph_case

static struct graph_case graph_of(const char *needs)
{
    OWNED(text) struct text *text = NULL;
    ck_assert_int_eq(text_new((size_t)16 * 1024 * 1024, &text), 0);
    text_add_string(text, WITH_SERVICES);
    while (*needs) {
        const char *colon = strchr(needs, ':');
        const char *end = strchr(needs, '\n');
        text_add_format(text, "  %.*s: {type: process, binary: sh, dependencies: %.*s}\n",
                        (int)(colon - needs), needs, (int)(end - colon - 2), colon + 2);
        needs = end + 1;
    }
    struct graph_case c = {0};
    c.of = stack_case_parse(text_bytes(text), text_len(text), NULL);
    ck_assert_str_eq(problems_text(c.of.problems), "");
    c.result = graph_new(c.of.stack, c.of.problems, &c.graph);
    return c;
}

/* The names of some services, "a b c". */
static const char *names(const struct graph_case *c, struct graph_list list, char *room,
                         size_t room_bytes)
{
    size_t len = 0;
    room[0] = '\0';
    for (size_t i = 0; i < list.count; i++)
        len += (size_t)snprintf(room + len, room_bytes - len, "%s%s", i ? " " : "",
                                c->of.stack->services[list.items[i]].name);
    return room;
}

START_TEST(order_is_by_level_then_by_place)
{
    char room[64];
    GRAPH_CASE c = graph_of("web: [api, db]\napi: [db, cache]\ndb: []\nlog: []\ncache: [db, db]\n");
    ck_assert_int_eq(c.result, 0);
    ck_assert_str_eq(names(&c, graph_order(c.graph), room, sizeof room), "db log cache api web");
    ck_assert_uint_eq(graph_level_count(c.graph), 4);
    ck_assert_uint_eq(graph_level(c.graph, 0), 3);
    ck_assert_uint_eq(graph_level(c.graph, 3), 0);
    ck_assert_str_eq(names(&c, graph_dependencies(c.graph, 1), room, sizeof room), "db cache");
    ck_assert_str_eq(names(&c, graph_dependents(c.graph, 2), room, sizeof room), "web api cache");
    ck_assert_str_eq(names(&c, graph_dependencies(c.graph, 4), room, sizeof room),
                     "db"); /* named twice */
    ck_assert_uint_eq(graph_dependents(c.graph, 0).count, 0);
}
END_TEST

START_TEST(a_selection_takes_what_it_needs)
{
    GRAPH_CASE c = graph_of("web: [api]\napi: [db]\ndb: []\nlog: []\n");
    bool marks[4] = {[1] = true};
    graph_select(c.graph, marks);
    ck_assert(!marks[0] && marks[1] && marks[2] && !marks[3]);
}
END_TEST

START_TEST(a_stack_without_services_has_an_empty_graph)
{
    CASE of = stack_case_of("version: \"1.0\"\nservices: {}\n");
    OWNED(graph) struct graph *graph = NULL;
    ck_assert_int_eq(graph_new(of.stack, of.problems, &graph), 0);
    ck_assert_uint_eq(graph_order(graph).count, 0);
    ck_assert_uint_eq(graph_level_count(graph), 0);
}
END_TEST

START_TEST(cycles_are_told_by_their_path_and_places)
{
    GRAPH_CASE c = graph_of("a: [b]\nb: [c]\nc: [d, a]\nd: []\n");
    ck_assert_int_eq(c.result, -EINVAL);
    ck_assert_ptr_null(c.graph);
    ck_assert_str_eq(
        problems_text(c.of.problems),
        "s.yaml:3:49: services need each other in a circle: a -> b -> c -> a ('a' needs 'b' at "
        "3:49, 'b' needs 'c' at 4:49, 'c' needs 'a' at 5:52)\n");

    GRAPH_CASE self = graph_of("x: []\na: [x, a]\nb: [a]\n");
    ck_assert_str_eq(
        problems_text(self.of.problems),
        "s.yaml:4:52: services need each other in a circle: a -> a ('a' needs 'a' at 4:52)\n");

    GRAPH_CASE two = graph_of("a: [b]\nb: [a]\nc: [a, d]\nd: [c]\n");
    ck_assert_uint_eq(problems_count(two.of.problems), 2);
}
END_TEST

START_TEST(a_missing_dependency_is_told_with_a_suggestion)
{
    GRAPH_CASE c = graph_of("web: [databsae, zzzzz]\ndatabase: []\n");
    ck_assert_int_eq(c.result, -EINVAL);
    ck_assert_str_eq(
        problems_text(c.of.problems),
        "s.yaml:3:51: service 'web' needs 'databsae', and there is no such service; did you mean "
        "'database'?\n"
        "s.yaml:3:61: service 'web' needs 'zzzzz', and there is no such service\n");
}
END_TEST

static struct graph_case chain_of(size_t count, bool closed)
{
    OWNED(text) struct text *text = NULL;
    ck_assert_int_eq(text_new((size_t)16 * 1024 * 1024, &text), 0);
    text_add_format(text, closed ? "s0: [s%zu]\n" : "s0: []\n", count - 1);
    for (size_t i = 1; i < count; i++)
        text_add_format(text, "s%zu: [s%zu]\n", i, i - 1);
    return graph_of(text_bytes(text));
}

START_TEST(ten_thousand_services_in_a_chain_are_fine)
{
    GRAPH_CASE c = chain_of(STACK_SERVICES_MAX, false);
    ck_assert_int_eq(c.result, 0);
    ck_assert_uint_eq(graph_level_count(c.graph), STACK_SERVICES_MAX);
    ck_assert_uint_eq(graph_order(c.graph).items[STACK_SERVICES_MAX - 1], STACK_SERVICES_MAX - 1);
}
END_TEST

START_TEST(a_long_cycle_is_told_in_short)
{
    GRAPH_CASE c = chain_of(STACK_SERVICES_MAX, true);
    ck_assert_int_eq(c.result, -EINVAL);
    const char *told = problems_text(c.of.problems);
    ck_assert_ptr_nonnull(strstr(told, "circle: s0 -> s9999 -> s9998 -> "));
    ck_assert_uint_lt(strlen(told), PROBLEM_BYTES_MAX + 100);
}
END_TEST

START_TEST(more_than_ten_thousand_services_are_refused)
{
    OWNED(text) struct text *text = NULL;
    ck_assert_int_eq(text_new((size_t)16 * 1024 * 1024, &text), 0);
    text_add_string(text, WITH_SERVICES);
    for (size_t i = 0; i <= STACK_SERVICES_MAX; i++)
        text_add_format(text, "  s%zu: {type: process, binary: sh}\n", i);
    CASE c = stack_case_parse(text_bytes(text), text_len(text), NULL);
    ck_assert_str_eq(problems_text(c.problems), "s.yaml:3:3: more than 10000 services\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    suite_add(suite, order_is_by_level_then_by_place);
    suite_add(suite, a_selection_takes_what_it_needs);
    suite_add(suite, a_stack_without_services_has_an_empty_graph);
    suite_add(suite, cycles_are_told_by_their_path_and_places);
    suite_add(suite, a_missing_dependency_is_told_with_a_suggestion);
    suite_add(suite, ten_thousand_services_in_a_chain_are_fine);
    suite_add(suite, a_long_cycle_is_told_in_short);
    suite_add(suite, more_than_ten_thousand_services_are_refused);
    return support_main(suite);
}

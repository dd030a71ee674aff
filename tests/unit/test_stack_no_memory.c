/* SPDX-License-Identifier: MIT
 * test_stack_no_memory.c - each allocation of reading a stack fails once: an error, nothing lost.
 *
 * The allocations of libfyaml are its own affair. */
#include <errno.h>
#include <stdlib.h>

#include "servers/orchestrator/launch_plan.h"
#include "tests/unit/stack_case.h"

static const char text[] = WITH_SERVICES
    "  a: &a {type: process, binary: \"${PROGRAM:-sh}\", args: [-c, \"${A}\"], env: {B: "
    "\"$$${A}\"}}\n"
    "  b: {<<: *a, dependencies: [a]}\n"
    "  c: {type: docker, image: x, env: {IP: \"${c.ip}\"}, health_check: {tcp: {port: 1}}}\n";
static const char wrong[] =
    WITH_SERVICES "  a: {type: process, binray: sh, args: [\"${NOT_SET}\"], dependencies: [a]}\n";
static const char *const env[] = {"A=apple", "PATH=/bin", NULL};

/* Reads, orders and plans.  Returns the first error. */
static int read_all(const char *bytes, size_t len)
{
    OWNED(problems) struct problems *problems = NULL;
    int r = problems_new("s.yaml", &problems);
    if (r < 0)
        return r;
    OWNED(stack) struct stack *stack = NULL;
    struct stack_source source = {"s.yaml", "/folder", bytes, len};
    r = stack_parse(&source, env, problems, &stack);
    if (r == -EINVAL)
        (void)problems_text(problems);
    OWNED(graph) struct graph *graph = NULL;
    if (r >= 0)
        r = graph_new(stack, problems, &graph);
    OWNED(launch_plan) struct launch_plan *plan = NULL;
    if (r >= 0)
        r = launch_plan_new(stack, &stack->services[0], env, &plan);
    return r;
}

static void fail_each(const char *bytes, size_t len, int wanted)
{
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        support_fail_nth_alloc(n);
        int r = read_all(bytes, len);
        if (!support_fail_nth_done()) {
            ck_assert_int_eq(r, wanted);
            break;
        }
        failures++;
        ck_assert_msg(r == -ENOMEM || (wanted < 0 && r == wanted), "allocation %lu: %d",
                      (unsigned long)n, r);
    }
    ck_assert_uint_gt(failures, 10);
}

START_TEST(reading_a_stack_without_memory_is_an_error)
{
    fail_each(text, sizeof text - 1, 0);
}
END_TEST

START_TEST(telling_problems_without_memory_goes_on)
{
    fail_each(wrong, sizeof wrong - 1, -EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stack_no_memory");
    suite_add(suite, reading_a_stack_without_memory_is_an_error);
    suite_add(suite, telling_problems_without_memory_goes_on);
    return support_main(suite);
}

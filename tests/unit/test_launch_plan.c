/* SPDX-License-Identifier: MIT
 * test_launch_plan.c - what exactly is started for a service. */
#include "servers/orchestrator/launch_plan.h"

#include <stdlib.h>

#include "tests/unit/stack_case.h"

static const char *const base[] = {"PATH=/bin", "A=base", "AB=other", NULL};

static struct launch_plan *plan_of(struct stack_case *c, const char *service)
{
    ck_assert_str_eq(problems_text(c->problems), "");
    struct launch_plan *plan = NULL;
    ck_assert_int_eq(launch_plan_new(c->stack, stack_find(c->stack, service), base, &plan), 0);
    return plan;
}

START_TEST(paths_are_seen_from_the_folder_of_the_stack)
{
    CASE c = stack_case_of(WITH_SERVICES
                           "  found: {type: process, binary: sh, args: [-c, '']}\n"
                           "  here: {type: process, binary: ./bin/x, working_dir: sub}\n"
                           "  there: {type: process, binary: /bin/x, working_dir: /sub}\n");
    OWNED(launch_plan) struct launch_plan *found = plan_of(&c, "found");
    ck_assert_str_eq(found->program, "sh");
    ck_assert_str_eq(found->directory, "/folder");
    ck_assert_str_eq(found->argv[0], "sh");
    ck_assert_str_eq(found->argv[1], "-c");
    ck_assert_str_eq(found->argv[2], "");
    ck_assert_ptr_null(found->argv[3]);
    OWNED(launch_plan) struct launch_plan *here = plan_of(&c, "here");
    ck_assert_str_eq(here->program, "/folder/./bin/x"); /* not from working_dir */
    ck_assert_str_eq(here->argv[0], "/folder/./bin/x");
    ck_assert_str_eq(here->directory, "/folder/sub");
    OWNED(launch_plan) struct launch_plan *there = plan_of(&c, "there");
    ck_assert_str_eq(there->program, "/bin/x");
    ck_assert_str_eq(there->directory, "/sub");
}
END_TEST

START_TEST(own_variables_stand_in_for_the_base)
{
    CASE c = stack_case_of(
        WITH_SERVICES "  a: {type: process, binary: sh, env: {A: own, NEW: 'x=y', ABC: ''}}\n");
    OWNED(launch_plan) struct launch_plan *plan = plan_of(&c, "a");
    static const char *const wanted[] = {"PATH=/bin", "AB=other", "A=own", "NEW=x=y", "ABC="};
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(plan->env[i], wanted[i]);
    ck_assert_ptr_null(plan->env[5]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("launch_plan");
    suite_add(suite, paths_are_seen_from_the_folder_of_the_stack);
    suite_add(suite, own_variables_stand_in_for_the_base);
    return support_main(suite);
}

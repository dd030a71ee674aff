/* SPDX-License-Identifier: MIT
 * stack_case.h - a services.yaml as a string, and what came of it.
 *
 * Layer: tests/unit. */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "servers/stack/graph.h"
#include "servers/stack/stack_file.h"
#include "tests/support/support.h"

/* A stack, or what is wrong with it.  Freed with the test's process, but for leak checkers by
 * stack_case_done(). */
struct stack_case {
    int result;
    struct stack *stack; /* NULL if result is not 0 */
    struct problems *problems;
};

static inline struct stack_case stack_case_parse(const char *bytes, size_t len,
                                                 const char *const *env)
{
    static const char *const no_env[] = {NULL};
    struct stack_case c = {0};
    ck_assert_int_eq(problems_new("s.yaml", &c.problems), 0);
    struct stack_source source = {"s.yaml", "/folder", bytes, len};
    c.result = stack_parse(&source, env ? env : no_env, c.problems, &c.stack);
    ck_assert(c.result == 0 || !c.stack);
    ck_assert((c.result == 0) == (problems_count(c.problems) == 0) || c.result == -ENOMEM);
    return c;
}

static inline void stack_case_done(struct stack_case *c)
{
    stack_free(c->stack);
    problems_free(c->problems);
}

#define CASE __attribute__((cleanup(stack_case_done))) struct stack_case

static inline struct stack_case stack_case_of(const char *text)
{
    return stack_case_parse(text, strlen(text), NULL);
}

/* One service more in a file that is right without it. */
#define WITH_SERVICES "version: \"1.0\"\nservices:\n"

/* The file is refused, with exactly these lines. */
static inline void expect_refused(const char *text, const char *lines)
{
    CASE c = stack_case_of(text);
    ck_assert_int_eq(c.result, -EINVAL);
    ck_assert_str_eq(problems_text(c.problems), lines);
}

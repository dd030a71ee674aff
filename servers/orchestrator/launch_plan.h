/* SPDX-License-Identifier: MIT
 * launch_plan.h - what exactly is started for a process service: program, arguments, environment,
 * folder.
 *
 * Layer: servers/orchestrator.  Threads: none of its own.  Pure.
 *
 * A working_dir that is relative, and a binary that is relative and has a slash, are seen from the
 * folder of the stack's file; that folder is also where a service without working_dir runs.  A
 * binary without a slash is searched in PATH. */
#pragma once

#include "servers/stack/stack_file.h"

struct launch_plan {
    const char *program;
    const char *const *argv; /* argv[0] is the program */
    const char *const *env;  /* the base, with the service's own variables in place of those of the
                                same name */
    const char *directory;   /* absolute */
    struct arena *arena;     /* owned; the rest lives in it, or is borrowed from stack and base */
};

/* base_env  "NAME=value", ends with NULL
 * Returns 0 or -ENOMEM. */
MUST_USE int launch_plan_new(const struct stack *stack, const struct service *service,
                             const char *const *base_env, struct launch_plan **out_plan);

/* Frees at once; NULL is fine. */
void launch_plan_free(struct launch_plan *take_plan);
DEFINE_DROP(launch_plan, struct launch_plan)

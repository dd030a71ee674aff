/* SPDX-License-Identifier: MIT
 * launch_plan.c - see launch_plan.h. */
#include "servers/orchestrator/launch_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_BYTES_MAX ((size_t)64 * 1024 * 1024) /* exec takes 6 MiB at the very most */

/* `path` as it is if it is absolute, else below `folder`. */
static const char *below(struct arena *arena, const char *folder, const char *path)
{
    if (path[0] == '/')
        return path;
    size_t bytes = strlen(folder) + strlen(path) + 2;
    char *whole = arena_take(arena, bytes);
    if (whole)
        (void)snprintf(whole, bytes, "%s%s%s", folder, strcmp(folder, "/") == 0 ? "" : "/", path);
    return whole;
}

static const char *const *argv_of(struct arena *arena, const struct service *service,
                                  const char *program)
{
    const char **argv = arena_take_array(arena, service->args.count + 2, sizeof argv[0]);
    if (!argv)
        return NULL;
    argv[0] = program;
    for (size_t i = 0; i < service->args.count; i++)
        argv[i + 1] = service->args.items[i];
    return argv;
}

static bool is_replaced(const struct service *service, const char *variable)
{
    for (size_t i = 0; i < service->env.count; i++) {
        size_t len = strlen(service->env.items[i].name);
        if (strncmp(variable, service->env.items[i].name, len) == 0 && variable[len] == '=')
            return true;
    }
    return false;
}

static const char *const *env_of(struct arena *arena, const struct service *service,
                                 const char *const *base_env)
{
    size_t base_count = 0;
    while (base_env[base_count])
        base_count++;
    const char **env = arena_take_array(arena, base_count + service->env.count + 1, sizeof env[0]);
    if (!env)
        return NULL;

    size_t count = 0;
    for (size_t i = 0; i < base_count; i++)
        if (!is_replaced(service, base_env[i]))
            env[count++] = base_env[i];
    for (size_t i = 0; i < service->env.count; i++) {
        const struct service_variable *own = &service->env.items[i];
        size_t bytes = strlen(own->name) + strlen(own->value) + 2;
        char *variable = arena_take(arena, bytes);
        if (!variable)
            return NULL;
        (void)snprintf(variable, bytes, "%s=%s", own->name, own->value);
        env[count++] = variable;
    }
    return env;
}

int launch_plan_new(const struct stack *stack, const struct service *service,
                    const char *const *base_env, struct launch_plan **out_plan)
{
    OWNED(launch_plan) struct launch_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return -ENOMEM;
    int r = arena_new(PLAN_BYTES_MAX, &plan->arena);
    if (r < 0)
        return r;
    plan->program = service->binary;
    if (strchr(service->binary, '/'))
        plan->program = below(plan->arena, stack->directory, service->binary);
    plan->directory = stack->directory;
    if (service->working_dir)
        plan->directory = below(plan->arena, stack->directory, service->working_dir);
    if (!plan->program || !plan->directory)
        return -ENOMEM;
    plan->argv = argv_of(plan->arena, service, plan->program);
    plan->env = env_of(plan->arena, service, base_env);
    if (!plan->argv || !plan->env)
        return -ENOMEM;
    *out_plan = MOVE(plan);
    return 0;
}

void launch_plan_free(struct launch_plan *take_plan)
{
    if (!take_plan)
        return;
    arena_free(take_plan->arena);
    free(take_plan);
}

/* SPDX-License-Identifier: MIT
 * stack_file.h - what a services.yaml says: settings, networks, services.
 *
 * Layer: servers/stack.  Threads: none of its own; a loaded stack is not changed any more.  Start
 * at stack_load(). Source: dialect A of the reference, docs/OPERATIONS. */
#pragma once

#include "core/base/error.h"
#include "servers/stack/network.h"
#include "servers/stack/service.h"

#define STACK_FILE_BYTES_MAX   ((size_t)8 * 1024 * 1024)
#define STACK_MEMORY_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define STACK_SERVICES_MAX     10000U
#define STACK_NETWORKS_MAX     1000U

struct settings {
    const char *log_level;           /* NULL: left out */
    int64_t health_check_interval_s; /* these three: SERVICE_SECONDS_NONE if left out */
    int64_t startup_timeout_s;
    int64_t shutdown_timeout_s;
};

struct stack {
    const char *path;      /* of the file, as it was given */
    const char *directory; /* of the file; what is relative in it is relative to this */
    const char *name;      /* NULL: left out */
    const char *description;
    struct settings settings;
    struct network *networks; /* in the order of the file */
    size_t network_count;
    struct service *services;
    size_t service_count;
    const struct service **by_name; /* the same services, sorted by name */
    struct arena *arena;            /* owned; all the rest lives in it */
};

/* Reads the file `path`.
 *
 * env        what ${NAME} means: "NAME=value", ends with NULL
 * problems   told all that is wrong, each with its place
 * out_stack  caller owns; written only on success
 * Returns 0; -EINVAL (told); -ENOENT ..., -ENOMEM: *err says what. */
MUST_USE int stack_load(const char *path, const char *const *env, struct problems *problems,
                        struct stack **out_stack, struct error *err);

/* The same of bytes that are read already.
 *
 * directory  absolute */
struct stack_source {
    const char *path;
    const char *directory;
    const char *bytes;
    size_t len;
};
MUST_USE int stack_parse(const struct stack_source *source, const char *const *env,
                         struct problems *problems, struct stack **out_stack);

/* The service of that name, or NULL. */
const struct service *stack_find(const struct stack *stack, const char *name);

/* The place of a service in stack->services. */
static inline size_t stack_index(const struct stack *stack, const struct service *service)
{
    return (size_t)(service - stack->services);
}

/* The name that a mistyped one may have been meant to be, or NULL. */
const char *stack_suggest(const struct stack *stack, const char *name);

/* Frees at once; NULL is fine. */
void stack_free(struct stack *take_stack);
DEFINE_DROP(stack, struct stack)

/* SPDX-License-Identifier: MIT
 * graph.h - which service needs which: order to start in, order to stop in.
 *
 * Layer: servers/stack.  Threads: none of its own; not changed once it is made.  Start at
 * graph_new().
 *
 * Services are known by their index in stack->services.  A service's level is 0 if it needs none,
 * else one more than the highest level that it needs: those of one level need none of each
 * other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "servers/stack/stack_file.h"

struct graph; /* opaque: the fields live in graph.c */

/* Indices of services; borrowed from the graph. */
struct graph_list {
    const size_t *items;
    size_t count;
};

/* Makes the graph of a stack.
 *
 * stack     borrowed for the call
 * problems  told of dependencies that do not exist, and of each cycle by its path
 * Returns 0, -EINVAL (told) or -ENOMEM. */
MUST_USE int graph_new(const struct stack *stack, struct problems *problems,
                       struct graph **out_graph);

/* What a service needs; by whom it is needed.  Without repetitions, sorted. */
struct graph_list graph_dependencies(const struct graph *graph, size_t service);
struct graph_list graph_dependents(const struct graph *graph, size_t service);

/* All services, each after those that it needs: by level, then in the order of the file.  Stop in
 * reverse. */
struct graph_list graph_order(const struct graph *graph);

size_t graph_level(const struct graph *graph, size_t service);
size_t graph_level_count(const struct graph *graph);

/* Marks, beside those that are marked, everything that they need.  marks: one for each service. */
void graph_select(const struct graph *graph, bool *marks);

/* Frees at once; NULL is fine. */
void graph_free(struct graph *take_graph);
DEFINE_DROP(graph, struct graph)

/* SPDX-License-Identifier: MIT
 * graph.c - see graph.h.
 *
 * Edges are kept as compressed rows: those of service i lie from starts[i] to starts[i + 1].  The
 * walk that finds levels and cycles keeps its own stack: a chain of 10,000 services costs no depth.
 */
#include "servers/stack/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct edges {
    size_t *starts; /* count + 1 of them */
    size_t *ends;   /* the other ends, row by row */
    struct place *places;
};

struct graph {
    size_t count;
    struct arena *arena; /* owned; the rest lives in it */
    struct edges needs;
    struct edges needed_by;
    size_t *levels;
    size_t level_count;
    size_t *order;
};

/* ---- Edges ---- */

struct edge {
    size_t end;
    struct place place;
};

static int compare_edges(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    return a->end < b->end ? -1 : a->end > b->end;
}

static void free_edges(struct edge **edges)
{
    free(*edges);
}

static void tell_missing(const struct stack *stack, const struct service *service,
                         const struct service_dependency *dependency, struct problems *problems)
{
    const char *meant = problems_full(problems) ? NULL : stack_suggest(stack, dependency->name);
    (void)problems_add(problems, dependency->place,
                       "service '%s' needs '%s', and there is no such service%s%s%s", service->name,
                       dependency->name, meant ? "; did you mean '" : "", meant ? meant : "",
                       meant ? "'?" : "");
}

/* Adds the row of one service. */
static void add_row(struct graph *graph, const struct stack *stack, size_t at, struct edge *row,
                    struct problems *problems)
{
    const struct service *service = &stack->services[at];
    size_t found_count = 0;
    for (size_t i = 0; i < service->dependencies.count; i++) {
        const struct service_dependency *dependency = &service->dependencies.items[i];
        const struct service *found = stack_find(stack, dependency->name);
        if (found)
            row[found_count++] = (struct edge){stack_index(stack, found), dependency->place};
        else
            tell_missing(stack, service, dependency, problems);
    }
    qsort(row, found_count, sizeof row[0], compare_edges);

    size_t end = graph->needs.starts[at];
    for (size_t i = 0; i < found_count; i++) {
        if (i > 0 && row[i].end == row[i - 1].end)
            continue; /* named twice */
        graph->needs.ends[end] = row[i].end;
        graph->needs.places[end] = row[i].place;
        end++;
    }
    graph->needs.starts[at + 1] = end;
}

static int take_edges(struct graph *graph, struct edges *edges, size_t edge_count)
{
    edges->starts = arena_take_array(graph->arena, graph->count + 1, sizeof edges->starts[0]);
    edges->ends = arena_take_array(graph->arena, edge_count, sizeof edges->ends[0]);
    edges->places = arena_take_array(graph->arena, edge_count, sizeof edges->places[0]);
    return edges->starts && edges->ends && edges->places ? 0 : -ENOMEM;
}

static int add_edges(struct graph *graph, const struct stack *stack, struct problems *problems)
{
    size_t edge_count = 0, row_max = 1;
    for (size_t i = 0; i < stack->service_count; i++) {
        size_t row_count = stack->services[i].dependencies.count;
        edge_count += row_count;
        if (row_count > row_max)
            row_max = row_count;
    }
    __attribute__((cleanup(free_edges))) struct edge *row = calloc(row_max, sizeof *row);
    if (!row || take_edges(graph, &graph->needs, edge_count) < 0 ||
        take_edges(graph, &graph->needed_by, edge_count) < 0)
        return -ENOMEM;

    size_t problems_before = problems_count(problems);
    for (size_t i = 0; i < graph->count; i++)
        add_row(graph, stack, i, row, problems);
    return problems_count(problems) > problems_before ? -EINVAL : 0;
}

/* Turns the edges round. */
static void add_reverse_edges(struct graph *graph)
{
    const struct edges *needs = &graph->needs;
    struct edges *back = &graph->needed_by;
    for (size_t i = 0; i < needs->starts[graph->count]; i++)
        back->starts[needs->ends[i] + 1]++;
    for (size_t i = 0; i < graph->count; i++)
        back->starts[i + 1] += back->starts[i];

    /* Each row fills from its start on; starts[i] moves to the row's end, which is put right
     * afterwards. */
    for (size_t from = 0; from < graph->count; from++)
        for (size_t i = needs->starts[from]; i < needs->starts[from + 1]; i++) {
            size_t slot = back->starts[needs->ends[i]]++;
            back->ends[slot] = from;
            back->places[slot] = needs->places[i];
        }
    for (size_t i = graph->count; i > 0; i--)
        back->starts[i] = back->starts[i - 1];
    back->starts[0] = 0;
}

/* ---- Levels and cycles ---- */

enum colour { WHITE, GREY, BLACK }; /* not seen; on the path; done */

struct walk {
    struct graph *graph;
    const struct stack *stack;
    struct problems *problems;
    unsigned char *colours;
    size_t *path; /* services from the one where the walk began to the one it is at */
    size_t *next; /* of each service on the path: the next edge to follow */
    size_t depth;
};

/* The path from `first` on is a cycle. */
static int tell_cycle(const struct walk *walk, size_t first)
{
    const struct service *services = walk->stack->services;
    OWNED(text) struct text *names = NULL;
    OWNED(text) struct text *places = NULL;
    int r = text_new(PROBLEM_BYTES_MAX / 2, &names);
    if (r >= 0)
        r = text_new(PROBLEM_BYTES_MAX / 2, &places);
    if (r < 0)
        return r;

    struct place first_place = {0, 0};
    for (size_t i = first; i < walk->depth; i++) {
        const char *name = services[walk->path[i]].name;
        const char *other =
            services[i + 1 < walk->depth ? walk->path[i + 1] : walk->path[first]].name;
        struct place place = walk->graph->needs.places[walk->next[i] - 1];
        if (i == first)
            first_place = place;
        text_add_format(names, "%s -> ", name);
        text_add_format(places, "%s'%s' needs '%s' at %u:%u", i == first ? "" : ", ", name, other,
                        place.line, place.column);
    }
    text_add_string(names, services[walk->path[first]].name);
    bool is_cut = text_check(names) < 0 || text_check(places) < 0;
    return problems_add(walk->problems, first_place,
                        "services need each other in a circle: %s%s (%s%s)", text_bytes(names),
                        is_cut ? "..." : "", text_bytes(places), is_cut ? "..." : "");
}

static void enter(struct walk *walk, size_t service)
{
    walk->colours[service] = GREY;
    walk->path[walk->depth] = service;
    walk->next[walk->depth] = walk->graph->needs.starts[service];
    walk->depth++;
}

static void leave(struct walk *walk, size_t service)
{
    struct graph *graph = walk->graph;
    size_t level = 0;
    for (size_t i = graph->needs.starts[service]; i < graph->needs.starts[service + 1]; i++)
        if (graph->levels[graph->needs.ends[i]] + 1 > level)
            level = graph->levels[graph->needs.ends[i]] + 1;
    graph->levels[service] = level;
    if (level + 1 > graph->level_count)
        graph->level_count = level + 1;
    walk->colours[service] = BLACK;
    walk->depth--;
}

/* Follows the next edge of the service that the walk is at. */
static int step(struct walk *walk)
{
    size_t service = walk->path[walk->depth - 1];
    size_t *next = &walk->next[walk->depth - 1];
    if (*next == walk->graph->needs.starts[service + 1]) {
        leave(walk, service);
        return 0;
    }
    size_t other = walk->graph->needs.ends[(*next)++];
    if (walk->colours[other] == WHITE) {
        enter(walk, other);
        return 0;
    }
    if (walk->colours[other] == BLACK)
        return 0;

    /* It is on the path: from it to here is a cycle. */
    size_t first = walk->depth - 1;
    while (walk->path[first] != other)
        first--;
    return tell_cycle(walk, first);
}

static void free_walk(struct walk *walk)
{
    free(walk->colours);
    free(walk->path);
    free(walk->next);
}

static int find_levels(struct graph *graph, const struct stack *stack, struct problems *problems)
{
    __attribute__((cleanup(free_walk))) struct walk walk = {
        .graph = graph, .stack = stack, .problems = problems};
    size_t count = graph->count ? graph->count : 1;
    walk.colours = calloc(count, sizeof walk.colours[0]);
    walk.path = calloc(count, sizeof walk.path[0]);
    walk.next = calloc(count, sizeof walk.next[0]);
    if (!walk.colours || !walk.path || !walk.next)
        return -ENOMEM;

    int failed = 0;
    for (size_t i = 0; i < graph->count; i++) {
        if (walk.colours[i] == WHITE)
            enter(&walk, i);
        while (walk.depth > 0) {
            int r = step(&walk);
            if (r == -ENOMEM || (r < 0 && problems_full(problems)))
                return r;
            if (r < 0)
                failed = r;
        }
    }
    return failed;
}

/* A counting sort by level; equal ones keep the order of the file. */
static int find_order(struct graph *graph)
{
    size_t *starts = arena_take_array(graph->arena, graph->level_count + 1, sizeof starts[0]);
    if (!starts)
        return -ENOMEM;
    for (size_t i = 0; i < graph->count; i++)
        starts[graph->levels[i] + 1]++;
    for (size_t level = 0; level < graph->level_count; level++)
        starts[level + 1] += starts[level];
    for (size_t i = 0; i < graph->count; i++)
        graph->order[starts[graph->levels[i]]++] = i;
    return 0;
}

/* ---- The whole ---- */

int graph_new(const struct stack *stack, struct problems *problems, struct graph **out_graph)
{
    OWNED(graph) struct graph *graph = calloc(1, sizeof *graph);
    if (!graph)
        return -ENOMEM;
    int r = arena_new(STACK_MEMORY_BYTES_MAX, &graph->arena);
    if (r < 0)
        return r;
    graph->count = stack->service_count;
    graph->levels = arena_take_array(graph->arena, graph->count, sizeof graph->levels[0]);
    graph->order = arena_take_array(graph->arena, graph->count, sizeof graph->order[0]);
    if (!graph->levels || !graph->order)
        return -ENOMEM;

    r = add_edges(graph, stack, problems);
    if (r < 0)
        return r;
    add_reverse_edges(graph);
    r = find_levels(graph, stack, problems);
    if (r >= 0)
        r = find_order(graph);
    if (r < 0)
        return r;
    *out_graph = MOVE(graph);
    return 0;
}

static struct graph_list row_of(const struct edges *edges, size_t service)
{
    return (struct graph_list){edges->ends + edges->starts[service],
                               edges->starts[service + 1] - edges->starts[service]};
}

struct graph_list graph_dependencies(const struct graph *graph, size_t service)
{
    return row_of(&graph->needs, service);
}

struct graph_list graph_dependents(const struct graph *graph, size_t service)
{
    return row_of(&graph->needed_by, service);
}

struct graph_list graph_order(const struct graph *graph)
{
    return (struct graph_list){graph->order, graph->count};
}

size_t graph_level(const struct graph *graph, size_t service)
{
    return graph->levels[service];
}

size_t graph_level_count(const struct graph *graph)
{
    return graph->level_count;
}

void graph_select(const struct graph *graph, bool *marks)
{
    for (size_t i = graph->count; i > 0; i--) {
        size_t service = graph->order[i - 1];
        struct graph_list needs = graph_dependencies(graph, service);
        for (size_t j = 0; marks[service] && j < needs.count; j++)
            marks[needs.items[j]] = true;
    }
}

void graph_free(struct graph *take_graph)
{
    if (!take_graph)
        return;
    arena_free(take_graph->arena);
    free(take_graph);
}

/* SPDX-License-Identifier: MIT
 * fuzz_stack.c - any bytes as a services.yaml: refused in words, or read and put in order.
 *
 * Layer: tests/fuzz.  Start at LLVMFuzzerTestOneInput(); see
 * https://llvm.org/docs/LibFuzzer.html */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "servers/stack/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7.12 loses some hundred bytes on some documents that it refuses. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

static const char *const env[] = {"HOME=/root", "EMPTY=", "PORT=80", NULL};

/* Each service stands behind all that it needs. */
static void check_order(const struct stack *stack, const struct graph *graph)
{
    struct graph_list order = graph_order(graph);
    assert(order.count == stack->service_count);
    for (size_t i = 0; i < order.count; i++) {
        struct graph_list needs = graph_dependencies(graph, order.items[i]);
        for (size_t j = 0; j < needs.count; j++)
            assert(graph_level(graph, needs.items[j]) < graph_level(graph, order.items[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWNED(problems) struct problems *problems = NULL;
    if (problems_new("f", &problems) < 0)
        return 0;
    OWNED(stack) struct stack *stack = NULL;
    struct stack_source source = {"f", "/", size > 0 ? (const char *)data : "", size};
    int r = stack_parse(&source, env, problems, &stack);
    assert(r == 0 || r == -ENOMEM || problems_count(problems) > 0);
    assert((r == 0) == (stack != NULL));
    assert(memchr(problems_text(problems), '\033', strlen(problems_text(problems))) == NULL);
    if (r < 0)
        return 0;

    OWNED(graph) struct graph *graph = NULL;
    r = graph_new(stack, problems, &graph);
    assert((r == 0) == (graph != NULL));
    if (graph)
        check_order(stack, graph);
    return 0;
}

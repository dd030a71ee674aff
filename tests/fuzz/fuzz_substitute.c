/* SPDX-License-Identifier: MIT
 * fuzz_substitute.c - any text as a value with variables: refused in words, or expanded within the
 * limits.
 *
 * Layer: tests/fuzz.  Start at LLVMFuzzerTestOneInput(); see
 * https://llvm.org/docs/LibFuzzer.html */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "servers/stack/substitute.h"

#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const env[] = {"A=apple", "EMPTY=", "_b2=${A}", NULL};
static const struct scope_service services[] = {
    {"a.b", "process", "127.0.0.1", "localhost", NULL},
    {"db", "docker", NULL, NULL, NULL},
    {"my-web", "process", "127.0.0.1", "localhost", NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct scope scope = {env, services, sizeof services / sizeof services[0]};
    OWNED(problems) struct problems *problems = NULL;
    OWNED(arena) struct arena *arena = NULL;
    if (problems_new("f", &problems) < 0 || arena_new(ARENA_BYTES, &arena) < 0)
        return 0;
    size_t len = strnlen((const char *)data, size);
    const char *source = arena_copy(arena, (const char *)data, len);
    if (!source)
        return 0;

    struct substitution value;
    int r = substitute(source, (struct place){1, 1}, &scope, arena, problems, &value);
    assert(r == 0 || r == -EINVAL || r == -ENOMEM);
    assert((r == -EINVAL) == (problems_count(problems) > 0));
    if (r == 0)
        assert(strlen(value.text) <= SUBSTITUTE_BYTES_MAX || value.text == source);
    if (r == 0 && !strchr(source, '$'))
        assert(strcmp(value.text, source) == 0);
    return 0;
}

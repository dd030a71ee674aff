/* SPDX-License-Identifier: MIT
 * side_table.c - the runtime as operators get it: found, checked and loaded by the host, called
 * through its table.  See side.h. */
#include "tests/bench/side.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/runtime/loader.h"
#include "core/runtime/runtime.h"

yk_spawner *side_open(const char *runtime)
{
    struct error err = {0};
    const yk_entry *entry = NULL;
    yk_spawner *spawner = NULL;
    int r = loader_open(runtime, NULL, &entry, NULL, &err);
    if (r == 0)
        r = runtime_open(entry, NULL, &spawner, &err);
    if (r < 0) {
        fprintf(stderr, "bench: %s\n", err.text);
        exit(1);
    }
    return spawner;
}

void side_close(yk_spawner *spawner)
{
    if (runtime_close(spawner) < 0)
        exit(1);
}

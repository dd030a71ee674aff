/* SPDX-License-Identifier: MIT
 * side_native.c - the runtime is linked in, and core calls the kit directly.  See side.h. */
#include "tests/bench/side.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/runtime/host.h"

extern const yk_entry YK_RUNTIME_SYMBOL;

static struct host_spawner host;

yk_spawner *side_open(const char *runtime)
{
    (void)runtime; /* the one that is linked in */
    const yk_config config = {.size = sizeof config, .extra_bytes = HOST_EXTRA_BYTES};
    const yk_ops *ops = NULL;
    yk_spawner *spawner = NULL;
    yk_error error = {.size = sizeof error};
    int r = YK_RUNTIME_SYMBOL.create(host_table(), &config, &spawner, &ops, &error);
    if (r < 0) {
        fprintf(stderr, "bench: %s\n", error.text);
        exit(1);
    }
    host = (struct host_spawner){.magic = HOST_SPAWNER_MAGIC, .ops = *ops};
    spawner->ops = &host.ops;
    spawner->host = host_table();
    spawner->host_data = &host;
    return spawner;
}

void side_close(yk_spawner *spawner)
{
    if (spawner->ops->destroy(spawner) < 0)
        exit(1);
}

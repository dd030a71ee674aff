/* SPDX-License-Identifier: MIT
 * thread_entry.c - the runtime "threads": what the plugin exports.
 *
 * Layer: plugins/threads.  Threads: see thread_spawner.h. */
#include <stddef.h>

#include <yoke/spawner.h>

#include "plugins/threads/thread_spawner.h"

static const void *extension(const char *id)
{
    (void)id; /* none */
    return NULL;
}

extern const yk_entry YK_RUNTIME_SYMBOL;
YK_EXPORT const yk_entry YK_RUNTIME_SYMBOL = {
    .size = sizeof(yk_entry),
    .abi_major = YK_ABI_MAJOR,
    .abi_minor = YK_ABI_MINOR,
    .extra_bytes_max = SPAWNER_EXTRA_BYTES_MAX,
    .magic = YK_ENTRY_MAGIC,
    .id = "threads",
    .version = "1.0.0",
    .build = "POSIX threads; compiler " __VERSION__,
    .caps = YK_CAP_PARALLEL | YK_CAP_BLOCKING_OK | YK_CAP_PRIORITY,
    .create = spawner_create,
    .extension = extension,
};

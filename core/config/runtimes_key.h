/* SPDX-License-Identifier: MIT
 * runtimes_key.h - the keys of runtimes.conf: their names, and what may stand behind them.
 *
 * Layer: core/config.  Threads: any; pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNTIMES_NAME_BYTES_MAX 31 /* of a runtime's name */

enum runtimes_key {
    RUNTIMES_RUNTIME,          /* name, or absolute path of a plugin */
    RUNTIMES_WORKERS,          /* loops; without effect where there are none */
    RUNTIMES_STACK_SIZE,       /* bytes; 0: the runtime's default, as below */
    RUNTIMES_TASKS_MAX,        /* 0: no limit */
    RUNTIMES_STACK_MEMORY_MAX, /* bytes; 0: no limit */
    RUNTIMES_OFFLOAD_THREADS,  /* 0: the runtime's default */
    RUNTIMES_PLUGIN_DIR,       /* absolute; one more folder with plugins */
    RUNTIMES_KEY_COUNT
};

/* The word in the file, "stack_size"; what may stand behind it, for people.  Static. */
const char *runtimes_key_name(enum runtimes_key key);
const char *runtimes_key_allowed(enum runtimes_key key);

/* The key with this name; RUNTIMES_KEY_COUNT if there is none. */
enum runtimes_key runtimes_key_find(const char *name);

/* Whether `text` may stand behind the key.
 *
 * out_number  what it says, for a number or bytes; else left alone */
bool runtimes_key_accepts(enum runtimes_key key, const char *text, uint64_t *out_number);

/* Whether `text` can be the name of a runtime: [a-z0-9_-]+, at most RUNTIMES_NAME_BYTES_MAX of
 * them. */
bool runtimes_name_valid(const char *text);

/* SPDX-License-Identifier: MIT
 * thread_options.h - what runtimes.conf may say to this runtime.
 *
 * Layer: plugins/threads.  Threads: none of its own. */
#pragma once

#include <yoke/spawner.h>

#define IDLE_MS_DEFAULT   1000
#define IDLE_MS_MAX       3600000
#define CACHE_MAX_DEFAULT 256
#define CACHE_MAX_MAX     32768

struct thread_options {
    uint32_t idle_ms;   /* how long a thread waits for its next task; 0: not at all */
    uint32_t cache_max; /* threads that wait at the same time */
};

/* Reads the configuration's options, strictly.  Returns 0, or -EINVAL with a sentence in *error. */
int thread_options_read(const yk_config *config, struct thread_options *out_options,
                        yk_error *error);

/* Fills in *error (which may be NULL) and returns `code`. */
int thread_fail(yk_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

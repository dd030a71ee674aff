/* SPDX-License-Identifier: MIT
 * mock_options.h - what the options of the mock runtime may say.
 *
 * Layer: plugins/mock.  Threads: none of its own. */
#pragma once

#include <yoke/spawner.h>

#define MOCK_IO_GRACE_MS_DEFAULT     100
#define MOCK_JOB_PATIENCE_MS_DEFAULT 2000
#define MOCK_PATIENCE_MS_DEFAULT     200
#define MOCK_MS_MAX                  3600000

/* The times are real ones. */
struct mock_options {
    uint64_t seed;            /* of the order in which ready tasks run; default 1 */
    uint64_t grace_ms;        /* how long the outside has before time jumps; default 0 */
    uint64_t io_grace_ms;     /* the same while a descriptor is waited for, if that is more */
    uint64_t job_patience_ms; /* how long a job on the pool keeps time from jumping */
    uint64_t patience_ms;     /* how long foreign threads have before it is a deadlock */
};

/* Reads the configuration's options, strictly.  Returns 0, or -EINVAL with a sentence in *error. */
int mock_options_read(const yk_config *config, struct mock_options *out_options, yk_error *error);

/* Fills in *error (which may be NULL) and returns `code`. */
int mock_fail(yk_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

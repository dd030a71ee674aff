/* SPDX-License-Identifier: MIT
 * runtime_verbs.h - calls through the table of a task's runtime.
 *
 * Layer: core/task.  Threads: as the ABI says of each verb.
 *
 * With YOKE_VERBS_HEADER, the name of a header that defines VERB(object, verb), the same core is
 * compiled onto a runtime's functions without a table: the native side that `make bench` holds the
 * ABI against (docs/PERFORMANCE.md). */
#pragma once

#include <yoke/spawner.h>

#if defined(YOKE_VERBS_HEADER)
#include YOKE_VERBS_HEADER
#else
#define VERB(object, verb) (object)->ops->verb
#endif

static inline int verb_spawn(yk_spawner *spawner, const yk_spawn_options *options,
                             yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    return VERB(spawner, spawn)(spawner, options, entry, arg, out_task);
}

static inline int verb_park(yk_task *self, int64_t deadline)
{
    return VERB(self, park)(self, deadline);
}

static inline void verb_unpark(yk_task *task)
{
    VERB(task, unpark)(task);
}

static inline void verb_yield(yk_task *self)
{
    VERB(self, yield)(self);
}

static inline void verb_ref(yk_task *task)
{
    VERB(task, ref)(task);
}

static inline void verb_unref(yk_task *task)
{
    VERB(task, unref)(task);
}

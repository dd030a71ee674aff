/* SPDX-License-Identifier: MIT
 * census_share.h - one look at /proc for all tasks that ask at the same time.
 *
 * Layer: core/process.  Threads: by tasks.  When 200 children are stopped at once, each asks who is
 * left of its group; who asks while a look is under way waits for the next one, which serves all of
 * them. */
#pragma once

#include <yoke/condition.h>
#include <yoke/mutex.h>

#include "core/process/census.h"

/* In place; zeroed memory is ready. */
struct census_share {
    yk_mutex mutex;
    yk_condition changed;
    uint64_t looks_begun;
    uint64_t looks_done;   /* looks_begun, or one less: a look is under way */
    struct census *latest; /* owned; NULL: the last look failed */
};

/* Finds a process of `group` that is alive, by a look that begins after the call.  Blocks.
 *
 * Returns 1 (*out_entry is one), 0 (there is none), or an error of census_take(), -EAGAIN,
 * -ECANCELED, -ETIMEDOUT. */
MUST_USE int census_share_find(yk_task *self, struct census_share *share, pid_t group,
                               struct census_entry *out_entry);

/* The same without others. */
MUST_USE int census_share_find_alone(yk_task *self, pid_t group, struct census_entry *out_entry);

/* Nobody may be inside a call of it. */
void census_share_done(struct census_share *share);

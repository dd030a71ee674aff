/* SPDX-License-Identifier: MIT
 * select.h - wait for the first of several things: channels, the end of tasks, one descriptor,
 * time.
 *
 * Layer: core/task.  Installed as <yoke/select.h>.  Threads: by the task that waits. */
#pragma once

#include <yoke/channel.h>
#include <yoke/wait_fd.h>

typedef enum { YK_CASE_SEND, YK_CASE_RECEIVE, YK_CASE_JOIN, YK_CASE_FD } yk_case_kind;

typedef struct {
    yk_case_kind kind;
    union {
        struct {
            yk_channel *channel;
            void *item; /* RECEIVE: written; SEND: read only */
        };
        yk_task *task; /* JOIN */
        struct {
            yk_fd *fd;       /* FD: at most one case of a select */
            uint32_t events; /* YK_IN, YK_OUT, YK_PRI */
        };
    };
    int result; /* out, of the case that was chosen: 0 or -EPIPE; JOIN: the task's result; FD: the
                   readiness */
} yk_case;

#define YK_CASES_MAX 16

/* Does exactly one of the cases, the first that can be done; of several that can, each has its
 * turn.  Blocks.
 *
 * count  1..YK_CASES_MAX
 * Returns the index of the case that was done, -ETIMEDOUT, -ECANCELED, -EINVAL. */
MUST_USE int yk_select(yk_task *self, yk_case *cases, size_t count, int64_t deadline);

/* SPDX-License-Identifier: MIT
 * guardian.h - ends what is left of a run when its host was killed.
 *
 * Layer: core/process.  Threads: by tasks of the spawner that opened it.  Start at guardian_open().
 *
 * A host that is killed by SIGKILL can tidy up nothing.  So before its first child it starts a
 * guardian: the same program in another mode (vigil.h), which holds the other end of a pipe and is
 * told of each child before it is started and when it has gone.  When the pipe ends without a
 * farewell, the guardian sends SIGTERM, then SIGKILL, to everything that carries the run's id in
 * its environment (YOKE_RUN_ID) or is in one of the groups that it was told of. What clears its
 * environment and leaves its group as well is not found. When the guardian itself is killed,
 * another one is started and told everything.
 *
 * How `yoke up` uses it:
 *
 *     OWNED(guardian) struct guardian *guardian = NULL;
 *     r = guardian_open(self, &options, &guardian, err);             before the first child
 *     r = guardian_child_start(self, guardian, &child_options, &child, text, sizeof text);
 *     guardian_child_free(self, guardian, MOVE(child));              each one, after its stop
 *     r = guardian_close(self, MOVE(guardian), yk_deadline_ms(self, 5000));     the farewell
 *
 * and main() calls vigil_run() for the hidden command `yoke __guardian RUN_ID GRACE_MS`. */
#pragma once

#include "core/base/error.h"
#include "core/process/child.h"

#define GUARDIAN_COMMAND  "__guardian"  /* argv[1] of the process */
#define GUARDIAN_VARIABLE "YOKE_RUN_ID" /* its value in each child: the run's id */
#define GUARDIAN_READY_MS 10000         /* so long may a guardian take to say that it is there */
#define GUARDIAN_GRACE_MS 2000

struct guardian_options {
    const char *program; /* what runs vigil_run() for GUARDIAN_COMMAND; NULL: the host's own file */
    yk_reaper *reaper;   /* as in yk_child_options */
    uint32_t
        grace_ms; /* between SIGTERM and SIGKILL, if the host is killed; 0: GUARDIAN_GRACE_MS */
};

struct guardian;

/* Makes a run's id and starts its guardian.  Blocks until it is there.
 * Returns 0 or an error of yk_child_start(), -EPROTO (the program is no guardian), -ETIMEDOUT,
 * -ECANCELED. */
MUST_USE int guardian_open(yk_task *self, const struct guardian_options *options,
                           struct guardian **out_guardian, struct error *err);

/* The run's id.  A run inside a run has the outer one's id in front: "8d3f.../27a0...". */
const char *guardian_run_id(const struct guardian *guardian);

/* The guardian's process; changes when it had to be started again; 0: being started. */
pid_t guardian_pid(struct guardian *guardian);

/* As yk_child_start(), with GUARDIAN_VARIABLE added to the environment (one that is there gives
 * way), the guardian told before and after.  Blocks.  A guardian that cannot be told is started
 * again; that does not fail the child. */
MUST_USE int guardian_child_start(yk_task *self, struct guardian *guardian,
                                  const yk_child_options *options, yk_child **out_child,
                                  char *error_text, size_t error_text_bytes);

/* Tells the guardian that the child's group is no longer its own to end, then frees the child, as
 * yk_child_free(). Blocks for a moment; shielded.  A NULL child is fine. */
void guardian_child_free(yk_task *self, struct guardian *guardian, yk_child *take_child);

/* Says farewell and waits until the guardian has ended; frees.  What runs still is left alone.
 * Blocks.
 * Returns 0; -ETIMEDOUT, -ECANCELED (it was killed then). */
int guardian_close(yk_task *self, struct guardian *take_guardian, int64_t deadline);

/* The same without waiting: kills the guardian, ends nothing else.  Never blocks.  NULL is fine. */
void guardian_free(struct guardian *take_guardian);
DEFINE_DROP(guardian, struct guardian)

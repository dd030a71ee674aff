/* SPDX-License-Identifier: MIT
 * footprint.h - what a process holds at one moment: descriptors, threads, memory; and what is left
 * of a change.
 *
 * Layer: tests/conformance.  Threads: one at a time.  Source: proc(5). */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/conformance/lent_host.h"

#define FOOTPRINT_FDS_MAX 65536
#define FOOTPRINT_SIGNALS 65 /* signals 1..64 */

struct footprint {
    int fds;
    int threads;
    struct lent_counts lent;
    uint64_t fd_bits[FOOTPRINT_FDS_MAX / 64];
};

/* Too large for a task's stack: call these off a task, with static or heap memory. */
void footprint_take(struct footprint *footprint);

/* What `now` has beyond `before` and beyond `allowed` (NULL: nothing), as a sentence; or "".
 * Static. */
const char *footprint_excess(const struct footprint *before, const struct footprint *now,
                             const struct footprint *allowed);

/* As footprint_take(), but waits up to half a second for ended threads to leave /proc. */
void footprint_settle(const struct footprint *before, struct footprint *now);

bool footprint_has_fd(const struct footprint *footprint, int fd);

int threads_now(void);

/* Resident memory of the process, in KiB. */
int64_t resident_kib(void);

/* A stretch of time in which nothing should run: its start, and whether it was quiet. */
struct quiet {
    int64_t start_ns;
    int64_t cpu_ns;
    int64_t runnable_ns;
};
struct quiet quiet_begin(void);

/* Fails the behaviour if something spun: it used more than a tenth of a CPU, or wanted one nearly
 * all the time. */
void quiet_end(const struct quiet *quiet, const char *what);

/* Pauses the calling thread.  Not on a task. */
void pause_ms(int64_t ms);

/* Whether a thread made by a runtime must have the signal blocked (H4): 1 to 31, without those that
 * cannot be blocked and those that a thread raises by a fault of its own. */
bool signal_must_be_blocked(int number);

/* How each signal is handled. */
struct dispositions {
    struct sigaction actions[FOOTPRINT_SIGNALS];
};
void dispositions_take(struct dispositions *dispositions);

/* The first signal whose handling differs, or 0. */
int dispositions_differ(const struct dispositions *before, const struct dispositions *now);

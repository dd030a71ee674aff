/* SPDX-License-Identifier: MIT
 * runner.h - runs behaviours, each in a process of its own with a timeout, some at a time.
 *
 * Layer: tests/conformance.  Threads: one.  Start at runner_run(). */
#pragma once

#include "tests/conformance/behaviours.h"
#include "tests/conformance/verdict.h"

#define RUNNER_JOBS_MAX     64
#define RUNNER_OUTPUT_BYTES 2000 /* of what a behaviour printed, shown when it fails */

struct outcome {
    const struct theme *theme;
    const struct behaviour *behaviour;
    enum verdict verdict;
    char reason[VERDICT_REASON_BYTES + VERDICT_STEP_BYTES + 64];
    char output[RUNNER_OUTPUT_BYTES]; /* its end; "" unless it failed */
    int64_t ms;
};

/* What the plugin says of itself, asked in a process of its own: loading runs foreign code. */
struct plugin_facts {
    char id[64];
    char version[64];
    char build[160];
    uint64_t caps;
};

/* Returns 0, or -1 and why it cannot be loaded. */
int runner_probe(const struct bed *bed, struct plugin_facts *facts,
                 char error[static BED_ERROR_BYTES]);

struct run_plan {
    const struct bed *bed;
    uint64_t caps; /* what the plugin claims */
    int jobs;      /* 1..RUNNER_JOBS_MAX */
    double patience;
    void (*tell)(const struct outcome *outcome);
};

/* Runs the behaviours of `outcomes`, plan->jobs at a time, and tells each outcome, in order, as
 * soon as it is known.
 * A behaviour that is not over in its timeout times plan->patience is killed with all its
 * children. */
void runner_run(const struct run_plan *plan, struct outcome *outcomes, size_t count);

/* Runs one behaviour in this process, for a debugger.  Does not return. */
void runner_run_here(struct bed *bed, const struct behaviour *behaviour) __attribute__((noreturn));

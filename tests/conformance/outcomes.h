/* SPDX-License-Identifier: MIT
 * outcomes.h - the results, as lines for people or as JSON for programs.
 *
 * Layer: tests/conformance.  Threads: one. */
#pragma once

#include "tests/conformance/runner.h"

/* One line: "fail  park_never_early  (reason)", and what the behaviour printed. */
void outcome_print(const struct outcome *outcome);

struct totals {
    int pass;
    int warn;
    int skip;
    int fail;
};
struct totals outcomes_total(const struct outcome *outcomes, size_t count);

/* The last lines: how many, and how to run the failed ones again. */
void outcomes_print_summary(const struct bed *bed, const struct plugin_facts *facts,
                            const struct outcome *outcomes, size_t count);

/* The whole as one JSON object. */
void outcomes_print_json(const struct bed *bed, const struct plugin_facts *facts,
                         const struct outcome *outcomes, size_t count);

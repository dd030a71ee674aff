/* SPDX-License-Identifier: MIT
 * behaviours.h - what a behaviour is, and the list of all themes.
 *
 * Layer: tests/conformance.  Start at any check_THEME.c: its table is at the end. */
#pragma once

#include <stddef.h>

#include "tests/conformance/bed.h"

/* Who is asked to show the behaviour; this kit has those of class "plugin", the others are tests of
 * Yoke itself. */
#define CLASS_PLUGIN     "plugin"

#define TIMEOUT_MS_USUAL 10000

struct behaviour {
    const char *name;
    const char *summary;          /* one line that begins with the clauses of <yoke/spawner.h> */
    uint64_t needs;               /* YK_CAP_* without which it is skipped */
    uint64_t not_with;            /* YK_CAP_* with which it means nothing */
    int timeout_ms;               /* 0: TIMEOUT_MS_USUAL */
    bed_body *on_task;            /* the body of a main task, see bed_run(); or */
    void (*run)(struct bed *bed); /* a thread that is not a task makes its own spawners */
    void (*unloaded)(struct bed *bed); /* the same, before the plugin is loaded */
};

struct theme {
    const char *name;
    const struct behaviour *behaviours;
    size_t count;
};

extern const struct theme theme_load;
extern const struct theme theme_lifecycle;
extern const struct theme theme_spawn;
extern const struct theme theme_task;
extern const struct theme theme_stack;
extern const struct theme theme_park;
extern const struct theme theme_time;
extern const struct theme theme_io;
extern const struct theme theme_io_kinds;
extern const struct theme theme_io_close;
extern const struct theme theme_offload;
extern const struct theme theme_fairness;
extern const struct theme theme_inspect;
extern const struct theme theme_isolation;
extern const struct theme theme_loops;

#define THEME(noun, table)                                                                         \
    const struct theme theme_##noun = {                                                            \
        .name = #noun, .behaviours = (table), .count = sizeof(table) / sizeof *(table)}

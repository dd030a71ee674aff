/* SPDX-License-Identifier: MIT
 * bed.h - the test bed of one behaviour: the plugin, spawners made of it, time, counts and chance.
 *
 * Layer: tests/conformance.  Threads: one, unless said.  Start at bed_run(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yoke/spawner.h>

#include "tests/conformance/footprint.h"

#define BED_ERROR_BYTES 512
#define BED_OPTIONS_MAX 16 /* runtime-specific ones, with which each spawner is made */
#define BED_EXTRA_BYTES                                                                            \
    192U /* host bytes that spawners here have in each task; Yoke itself asks for as many */
#define BED_LIVE_MS_MAX 5000 /* how long a behaviour waits for its tasks to end */

struct bed {
    const char *path;
    uint64_t seed;
    double slowness;  /* 1; more under tools and on slow machines: fewer rounds, more patience */
    uint32_t workers; /* loops of each spawner; 0: 1 */
    yk_option options[BED_OPTIONS_MAX + 1]; /* the last is for a behaviour's own */
    uint32_t options_count;

    const yk_entry *entry; /* NULL until bed_load() */
    void *module;          /* dlopen's handle, never closed (V6) */
};

/* A body of a main task. */
typedef void bed_body(yk_task *self, struct bed *bed);

/* Loads the plugin as the host does, and checks what the host checks (V1).  Returns 0, or -1 and
 * why. */
int bed_load(struct bed *bed, char error[static BED_ERROR_BYTES]);

bool bed_has(const struct bed *bed, uint64_t caps);

/* The configuration that spawners here are made with, to change and give to bed_create_with(). */
yk_config bed_config(const struct bed *bed);

/* The same with one option more, for the next spawner only. */
yk_config bed_config_with_option(struct bed *bed, const char *key, const char *value);

/* Makes a spawner; the host's part is done as the host does it.  The first demands success. */
yk_spawner *bed_create(const struct bed *bed);
int32_t bed_create_with(const struct bed *bed, const yk_config *config, yk_spawner **out_spawner,
                        yk_error *error);

/* Destroys a spawner; on success the host's part goes, too.  bed_close() demands success. */
int32_t bed_destroy(yk_spawner *spawner);
void bed_close(yk_spawner *spawner);

/* Runs `body` as the main task of the spawner, waits there until the other tasks have ended. */
void bed_block_on(struct bed *bed, yk_spawner *spawner, bed_body *body);

/* As bed_block_on(), but other tasks may be alive when the main task returns. */
void bed_block_on_only(struct bed *bed, yk_spawner *spawner, bed_body *body);

/* Makes a spawner, runs `body` as its main task, destroys it, and demands that the process holds as
 * much as before.
 * NULL: the usual configuration. */
void bed_run(struct bed *bed, const yk_config *config, bed_body *body);

/* Waits until `self` is the only task.  [task] */
void bed_await_alone(yk_task *self);

/* Starts a detached task, a task with a handle; demand success.  [any] */
void bed_spawn(yk_spawner *spawner, yk_entry_fn *entry, void *arg);
yk_task *bed_spawn_held(yk_spawner *spawner, yk_entry_fn *entry, void *arg);

/* Time, by the spawner's clock.  [any] */
int64_t now_ns(const yk_spawner *spawner);
int64_t in_us(const yk_spawner *spawner, int64_t us);
int64_t in_ms(const yk_spawner *spawner, int64_t ms);

/* How often, how many: fewer where tasks are threads, and fewer under tools; at least 1. */
int bed_count(const struct bed *bed, int with_loops, int with_threads);

/* Numbers from the seed: the nth sequence of this run.  Threads: a sequence belongs to one. */
struct chance {
    uint64_t state;
};
struct chance bed_chance(const struct bed *bed, uint64_t n);
uint32_t chance_below(struct chance *chance, uint32_t limit);

/* How much longer than on a quiet machine to wait before giving up: the slowness, set once by the
 * program. */
double bed_patience(void);
void bed_patience_set(double patience);

/* Whether the kit, and with it the plugin, was built with a sanitizer or runs under valgrind. */
bool bed_under_tool(void);
bool bed_under_valgrind(void);

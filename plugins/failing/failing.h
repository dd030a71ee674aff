/* SPDX-License-Identifier: MIT
 * failing.h - the runtime failing, for a test that watches what fails, or aims anew.
 *
 * Layer: plugins/failing.  Threads: any.
 *
 *     const failing_v1 *failing = spawner->ops->extension(spawner, FAILING_EXTENSION);
 *     for (uint64_t nth = 1;; nth++) {
 *         failing->aim(nth);
 *         int r = what_is_tested(spawner);
 *         if (failing->failures() == 0)
 *             break;
 *     } */
#pragma once

#include <stdint.h>

#define FAILING_EXTENSION "yoke.failing/1"

typedef struct {
    uint32_t size;
    uint32_t reserved;
    /* Calls of what fails since the last aim(), or since create. */
    uint64_t (*calls)(void);
    /* Of these, how many failed. */
    uint64_t (*failures)(void);
    /* Counts anew; the nth call from now fails, 0: none. */
    void (*aim)(uint64_t nth);
} failing_v1;

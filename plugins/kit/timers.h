/* SPDX-License-Identifier: MIT
 * timers.h - what is due first: an intrusive pairing heap of deadlines.
 *
 * Layer: plugins/kit.  Threads: of one loop.  Allocates nothing, so that waiting cannot fail for
 * want of memory; adding is a handful of instructions, and so is removing what was added lately,
 * which is what timeouts do. Source: Fredman, Sedgewick, Sleator, Tarjan, "The Pairing Heap"
 * (1986). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kit_timer {
    int64_t deadline; /* ns of CLOCK_MONOTONIC */
    struct kit_timer *child;
    struct kit_timer *next; /* sibling */
    struct kit_timer *
        prev; /* sibling before, or the parent of a first child; itself for the root: it is armed */
};

struct kit_timers {
    struct kit_timer *root; /* due first; NULL: none */
};

static inline bool kit_timer_armed(const struct kit_timer *timer)
{
    return timer->prev != NULL;
}

void kit_timers_add(struct kit_timers *timers, struct kit_timer *timer, int64_t deadline);
void kit_timers_remove(struct kit_timers *timers, struct kit_timer *timer); /* armed */

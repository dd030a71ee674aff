/* SPDX-License-Identifier: MIT
 * gate.h - one task waits until others, on any threads, have come by.
 *
 * Layer: tests/conformance.  Threads: gate_pass() any, the rest by the task that waits.
 *
 * Made of park and unpark alone.  The gate lies on the waiter's stack; the waiter goes on only when
 * everybody has left it, so that nobody unparks a task that has ended. */
#pragma once

#include <stdatomic.h>

#include <yoke/spawner.h>

#define GATE_MS_MAX 3000 /* times the slowness: longer than any behaviour needs */

struct gate {
    _Atomic int left;   /* who have not come by */
    _Atomic int inside; /* who have not left the gate */
    yk_task *waiter;    /* borrowed */
};

void gate_init(struct gate *gate, yk_task *self, int count);

/* One has come by. */
void gate_pass(struct gate *gate);

/* Waits until all have come; fails the behaviour if they do not.  `what` says who was awaited. */
void gate_wait(yk_task *self, struct gate *gate, const char *what);

/* As gate_wait, with less or more patience. */
void gate_wait_ms(yk_task *self, struct gate *gate, int64_t ms, const char *what);

/* Waits until `*flag` is set by one who then unparks `self`; `what` as above. */
void flag_wait(yk_task *self, _Atomic int *flag, const char *what);

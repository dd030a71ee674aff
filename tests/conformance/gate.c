/* SPDX-License-Identifier: MIT
 * gate.c - see gate.h. */
#include "tests/conformance/gate.h"

#include <errno.h>

#include "tests/conformance/bed.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

void gate_init(struct gate *gate, yk_task *self, int count)
{
    atomic_store(&gate->left, count);
    atomic_store(&gate->inside, count);
    gate->waiter = self;
}

void gate_pass(struct gate *gate)
{
    if (atomic_fetch_sub(&gate->left, 1) == 1)
        unpark(gate->waiter);
    atomic_fetch_sub(&gate->inside, 1); /* the gate may be gone now */
}

void gate_wait(yk_task *self, struct gate *gate, const char *what)
{
    gate_wait_ms(self, gate, GATE_MS_MAX, what);
}

void gate_wait_ms(yk_task *self, struct gate *gate, int64_t ms, const char *what)
{
    int64_t deadline = in_ms(self->spawner, (int64_t)((double)ms * bed_patience()));
    verdict_step("waiting for %s", what);
    while (atomic_load(&gate->left) > 0) {
        int32_t r = park(self, deadline);
        EXPECT(r == 0 || r == -ETIMEDOUT, "W1: park gave %s", code_name(r));
        if (r == 0)
            continue;
        int left = atomic_load(&gate->left);
        EXPECT(left > 0, "W2: a wake-up was lost: all was done (%s), but park slept on", what);
        FAIL("waited in vain for %s: %d missing", what, left);
    }
    while (atomic_load(&gate->inside) > 0)
        (void)park(self, in_us(self->spawner, 20)); /* a moment: the last one is in unpark */
}

void flag_wait(yk_task *self, _Atomic int *flag, const char *what)
{
    int64_t deadline = in_ms(self->spawner, (int64_t)(GATE_MS_MAX * bed_patience()));
    verdict_step("waiting for %s", what);
    while (!atomic_load(flag)) {
        if (park(self, deadline) == 0)
            continue;
        EXPECT(atomic_load(flag), "waited in vain for %s", what);
        FAIL("W2: a wake-up was lost: %s had happened, but park slept on", what);
    }
}

/* SPDX-License-Identifier: MIT
 * offload.c - see offload.h. */
#include "core/task/offload.h"

#include <assert.h>
#include <errno.h>

#include "core/task/task_state.h"
#include "core/task/waiting.h"

struct offload {
    yk_job job;
    yk_offload_fn *fn;
    void *arg;
    int result;
    struct wait wait;
};

/* On a pool thread. */
static void run_job(yk_job *job)
{
    struct offload *offload =
        (struct offload *)(void *)((char *)job - offsetof(struct offload, job));
    offload->result = offload->fn(offload->arg);
    (void)wait_claim(
        &offload->wait); /* nobody else can: the waiter is shielded and has no deadline */
    wait_fire(&offload->wait);
}

int yk_offload(yk_task *self, yk_offload_fn *fn, void *arg, int *out_result)
{
    int r = task_refusal(self);
    if (r < 0)
        return r;
    struct offload offload = {.job.run = run_job, .fn = fn, .arg = arg};
    wait_init(&offload.wait, self);
    r = self->ops->offload(self->spawner, &offload.job);
    if (r < 0)
        return r;
    task_waits_for(self, "an offloaded job");
    yk_shield_begin(self);
    (void)wait_for_claim(self, &offload.wait, YK_NEVER);
    yk_shield_end(self);
    task_waits_for(self, NULL);
    if (out_result)
        *out_result = offload.result;
    return 0;
}

/* SPDX-License-Identifier: MIT
 * verbs.h - the verbs of the ABI by their own names, so that behaviours read like the contract.
 *
 * Layer: tests/conformance.  Threads: as each verb. */
#pragma once

#include <yoke/spawner.h>

#define ONLY_LOOK 0 /* a deadline that has passed */

static inline int32_t park(yk_task *self, int64_t deadline)
{
    return self->ops->park(self, deadline);
}

static inline void unpark(yk_task *task)
{
    task->ops->unpark(task);
}

static inline void yield(yk_task *self)
{
    self->ops->yield(self);
}

static inline void ref(yk_task *task)
{
    task->ops->ref(task);
}

static inline void unref(yk_task *task)
{
    task->ops->unref(task);
}

static inline int32_t spawn(yk_spawner *spawner, const yk_spawn_options *options,
                            yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    return spawner->ops->spawn(spawner, options, entry, arg, out_task);
}

static inline int32_t block_on(yk_spawner *spawner, yk_entry_fn *entry, void *arg,
                               int32_t *out_result)
{
    yk_spawn_options options = {.size = sizeof options, .name = "main"};
    return spawner->ops->block_on(spawner, &options, entry, arg, out_result);
}

static inline int32_t io_open(yk_spawner *spawner, int fd, yk_io **out_io)
{
    return spawner->ops->io_open(spawner, fd, 0, out_io);
}

static inline int32_t io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                              uint32_t *out_ready)
{
    return self->ops->io_wait(self, io, events, deadline, out_ready);
}

static inline void io_close(yk_spawner *spawner, yk_io *io)
{
    spawner->ops->io_close(io);
}

static inline int32_t offload(yk_spawner *spawner, yk_job *job)
{
    return spawner->ops->offload(spawner, job);
}

static inline void walk(yk_spawner *spawner, void (*visit)(yk_task *task, void *arg), void *arg)
{
    spawner->ops->walk(spawner, visit, arg);
}

static inline yk_stats stats(yk_spawner *spawner)
{
    yk_stats now = {.size = sizeof now};
    spawner->ops->stats(spawner, &now);
    return now;
}

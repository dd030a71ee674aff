/* SPDX-License-Identifier: MIT
 * thread_io.h - a descriptor that tasks wait for: one ppoll in the waiting thread, beside its wake
 * descriptor.
 *
 * Layer: plugins/threads.  Threads: any; io_wait by the task.  The verbs I1 to I3 of
 * <yoke/spawner.h>.
 *
 * Nothing is registered with the kernel but for the time of a wait, so nothing is armed and nothing
 * disarmed. */
#pragma once

#include <yoke/spawner.h>

#include "plugins/threads/thread_lock.h"

struct spawner;

#define IO_TABLE_SLOTS_MIN 64

/* The open handles of a spawner, by descriptor. */
struct io_table {
    const yk_host *host;     /* borrowed */
    struct thread_lock lock; /* guards what follows */
    yk_io **handles;         /* owned array; the handles belong to who opened them */
    uint32_t slots;
    uint64_t open;
};

void io_table_init(struct io_table *table, const yk_host *host);
void io_table_done(struct io_table *table);
uint64_t io_table_count(struct io_table *table);

int32_t io_open(yk_spawner *head, int32_t fd, uint32_t flags, yk_io **out_io);
int32_t io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline, uint32_t *out_ready);
void io_close(yk_io *take_io);

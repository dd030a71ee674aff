/* SPDX-License-Identifier: MIT
 * mock_io.h - real descriptors under a virtual clock: poll(2), between tasks or when none is ready.
 *
 * Layer: plugins/mock.  Threads: as <yoke/spawner.h> says. */
#pragma once

#include "plugins/mock/mock.h"

/* Looks at the descriptors that are waited for and makes ready who can go on; with the mutex held,
 * which is free meanwhile.  Waits timeout_ms at the longest, or until mock_kick(); -1: no limit.
 * Returns whether something ended the wait before its time. */
bool mock_io_look(struct mock *mock, int timeout_ms);

int32_t mock_io_open(yk_spawner *head, int32_t fd, uint32_t flags, yk_io **out_io);
int32_t mock_io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                     uint32_t *out_ready);
void mock_io_close(yk_io *take_io);

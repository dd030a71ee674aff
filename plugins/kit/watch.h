/* SPDX-License-Identifier: MIT
 * watch.h - descriptors that tasks wait for: armed once, disarmed lazily.
 *
 * Layer: plugins/kit.  Threads: a handle may be used by tasks of every loop; each loop that waits
 * for it has a watch of its own, registered with its own driver.  Start at kit_io_wait().
 *
 * A watch stays armed while nobody waits: being level-triggered it forgets nothing, and a server
 * that reads, answers and waits again costs no system call but its own.  Only what fires though
 * nobody waits is disarmed, and only when the loop is about to sleep. */
#pragma once

#include <yoke/spawner.h>

struct kit_loop;

/* The verbs of <yoke/spawner.h>. */
int32_t kit_io_open(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io);
int32_t kit_io_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                    uint32_t *out_ready);
void kit_io_close(yk_io *io);

/* Disarms what fired though nobody waits for it: before the loop sleeps. */
void kit_watches_disarm(struct kit_loop *loop);

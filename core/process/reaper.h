/* SPDX-License-Identifier: MIT
 * reaper.h - gives back to the kernel the dead that nobody waits for: orphans of the children.
 *
 * Layer: core/process.  Installed as <yoke/reaper.h>.  Threads: its own task, on the spawner given;
 * the children register from any.  Start at yk_reaper_new().
 *
 * With a reaper the host is the subreaper of all that its children start (PR_SET_CHILD_SUBREAPER):
 * whose parent dies becomes a child of the host, and a zombie of the host when it ends.  The reaper
 * receives SIGCHLD and reaps those, and never a child that a yk_child owns; so every yk_child must
 * be given the reaper where there is one, and other code that makes children in the process and
 * waits for them loses them.  One reaper a process.
 *
 * SIGCHLD must be blocked in every thread: yk_signals_block() first thing in main(). */
#pragma once

#include <yoke/child.h>

/* Makes the process a subreaper and starts the task.  Returns 0, -EMFILE, -ENFILE, -ENOMEM,
 * -EAGAIN. */
MUST_USE int yk_reaper_new(yk_spawner *spawner, yk_reaper **out_reaper);

/* Processes that it has reaped.  Any thread. */
uint64_t yk_reaper_count(yk_reaper *reaper);

/* Ends the task without waiting for it, and makes the process what it was.  Every child that was
 * given the reaper is freed before.  NULL is fine. */
void yk_reaper_free(yk_reaper *take_reaper);
DEFINE_DROP(yk_reaper, yk_reaper)

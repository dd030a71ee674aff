/* SPDX-License-Identifier: MIT
 * console.h - lines for people, on a descriptor of the host that may be slow, stopped or closed.
 *
 * Layer: core/process.  Threads: by tasks of any spawner; the console's own task runs on the
 * spawner given. Start at console_new(), console_write().
 *
 * The descriptor is the host's stdout or stderr: its flags are never changed (the terminal belongs
 * to the shell as well), so that its own task writes it on a pool thread, and nothing that blocks
 * there holds a loop.  What is waiting to be written lies in one buffer of CONSOLE_BUFFER_BYTES;
 * who finds it full waits for the reader, and when the reader has taken nothing for
 * CONSOLE_STALL_MS, lines are counted instead of kept.  Once the reader moves again it gets
 *
 *     yoke | 17 lines were not shown: the terminal did not take them
 *
 * at the place where they are missing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <yoke/task.h>

#define CONSOLE_BUFFER_BYTES ((size_t)8 * 1024 * 1024) /* the most that waits to be written */
#define CONSOLE_STALL_MS     1000                      /* without progress for so long: stalled */

struct console;

/* Starts the task that writes to `fd`, which is borrowed: 1 or 2 as a rule, any descriptor that is
 * open for writing.
 *
 * Returns 0, -EBADF, -ENOMEM, -EAGAIN (no task could be started). */
MUST_USE int console_new(yk_spawner *spawner, int fd, struct console **out_console);

/* What stands before and behind the sentence about lines that were not shown, in place of "yoke | "
 * and nothing: at most 64 bytes together, borrowed.  Before the first line. */
void console_set_marker(struct console *console, const char *before, const char *after);

/* Hands on some whole lines: they come out together and in order, nothing between them.  Blocks
 * while the buffer is full and the reader takes from it; never longer than CONSOLE_STALL_MS without
 * progress.
 *
 * len  0..CONSOLE_BUFFER_BYTES; the last byte should be a newline
 * Returns 0 (taken; or counted as not shown), -EPIPE (nobody reads any more) and the other errors
 * of write(2), from then on every time; -EMSGSIZE, -ETIMEDOUT, -ECANCELED (nothing was taken). */
MUST_USE int console_write(yk_task *self, struct console *console, const void *bytes, size_t len);

/* Waits until everything that was taken has been written.  Blocks.
 * Returns 0, -ETIMEDOUT, -ENOSPC (the deadline has come, and the disk is full), -ECANCELED, or the
 * error of the descriptor as console_write(). */
MUST_USE int console_flush(yk_task *self, struct console *console, int64_t deadline);

/* Lines that were counted instead of kept, since the beginning.  Any thread. */
uint64_t console_lines_dropped(struct console *console);

/* Flushes until the deadline and ends it; the descriptor, which stays open, is not used any more.
 * What was not written by then is lost.  Nobody else may be inside a call of it.  Blocks, for
 * CONSOLE_END_MS longer than the deadline at the most.
 * Returns as console_flush(); the console is gone in every case. */
int console_close(yk_task *self, struct console *take_console, int64_t deadline);
#define CONSOLE_END_MS 1000

/* The same at once: never blocks, and the descriptor may be used until the spawner's run ends.
 * NULL is fine. */
void console_free(struct console *take_console);
DEFINE_DROP(console, struct console)

/* For main(), before anything else is opened: makes the descriptors 0, 1 and 2 exist.  One that is
 * closed is held by /dev/null opened the wrong way round, so that its use still fails with EBADF,
 * but no file, pipe or socket of ours can take its number and get the lines.  Returns 0, or the
 * error of open(2). */
MUST_USE int console_hold_standard_fds(void);

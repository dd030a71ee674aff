/* SPDX-License-Identifier: MIT
 * run_lock.h - one run at a time of what a path names: a lock file in the runtime folder, held with
 * flock(2).
 *
 * Layer: core/base; one of the files that core/LAYERS names for descriptor calls.  Threads: any,
 * off tasks: takes some microseconds, waits for nobody.
 *
 * The kernel gives the lock back when its holder ends, however that does; nobody inherits it.  The
 * file is removed by its holder.  The runtime folder is, made if it is not there: FOLDER/run if a
 * folder is given, /run/yoke for root, $XDG_RUNTIME_DIR/yoke, else /tmp/yoke-UID; it must belong to
 * the user and be writable by nobody else. */
#pragma once

#include <sys/types.h>

#include "core/base/error.h"
#include "core/base/own.h"

struct run_lock; /* opaque: the fields live in run_lock.c */

/* Takes the lock of `path`.
 *
 * path        an absolute path; its bytes count, nothing of it is opened
 * folder      NULL: the user's runtime folder
 * out_holder  the process that holds the lock, on -EWOULDBLOCK; 0: not known; may be NULL
 * Returns 0; -EWOULDBLOCK (somebody holds it); -EACCES, -EROFS ... (no usable folder), -EPERM (the
 * folder is not safe), -ENOMEM. */
MUST_USE int run_lock_take(const char *path, const char *folder, struct run_lock **out_lock,
                           pid_t *out_holder, struct error *err);

/* Gives the lock back and removes its file; NULL is fine. */
void run_lock_free(struct run_lock *take_lock);
DEFINE_DROP(run_lock, struct run_lock)

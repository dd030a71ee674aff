/* SPDX-License-Identifier: MIT
 * group.h - tasks that belong together: none outlives its group, and the first failure ends the
 * others.
 *
 * Layer: core/task.  Installed as <yoke/group.h>.  Threads: spawn and cancel from any; the rest by
 * the owner task.
 *
 * A child's memory is given back when it ends, not when the group does: a group may live as long as
 * a server. */
#pragma once

#include <yoke/task.h>

typedef struct yk_group yk_group;

/* Makes an empty group that `self` owns.  Children are spawned on the spawner given, or on self's
 * if it is NULL.
 *
 * Returns 0 or -ENOMEM. */
MUST_USE int yk_group_new(yk_task *self, yk_spawner *spawner, yk_group **out_group);

/* Starts a child.  Any thread.  Does not block.  A result below 0 of a child cancels the group and
 * is kept as the group's (the first counts; -ECANCELED does not count).  Returns 0, -ENOMEM,
 * -EAGAIN, -ECANCELED (the group was). */
MUST_USE int yk_group_spawn(yk_group *group, const char *name, yk_task_fn *fn, void *arg);
MUST_USE int yk_group_spawn_with(yk_group *group, const yk_task_options *options, yk_task_fn *fn,
                                 void *arg);

/* Cancels the children that live, and those to come.  Any thread; does not block. */
void yk_group_cancel(yk_group *group);

/* Waits until no child lives.  Blocks.  If self is cancelled or the deadline comes, the children go
 * on.
 *
 * Returns 0 (every child ended well), the first child's error, -ETIMEDOUT or -ECANCELED (children
 * are left). */
MUST_USE int yk_group_join(yk_task *self, yk_group *group, int64_t deadline);

/* Number of children that live.  Any thread. */
size_t yk_group_count(yk_group *group);

/* Number of children that failed after the first failure, whose results nobody sees.  Any thread.
 */
size_t yk_group_failures_dropped(yk_group *group);

/* Cancels the children, waits for them, shielded, and frees the group.  Blocks: the one drop that
 * does.  By the owner task.  NULL is fine. */
void yk_group_free(yk_group *take_group);
DEFINE_DROP(yk_group, yk_group)

/* SPDX-License-Identifier: MIT
 * group.c - see group.h. */
#include "core/task/group.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/base/lock.h"
#include "core/task/task_state.h"
#include "core/task/waiting.h"

struct yk_group {
    yk_task *owner;      /* borrowed: it outlives the group */
    yk_spawner *spawner; /* borrowed */

    yk_wait_queue empty; /* its lock guards all below; the owner stands here */
    struct list children;
    size_t count; /* children that live, or are being started */
    size_t dropped;
    int first_error;
    bool canceled;
};

int yk_group_new(yk_task *self, yk_spawner *spawner, yk_group **out_group)
{
    assert(self && out_group);
    yk_group *group = calloc(1, sizeof *group);
    if (!group)
        return -ENOMEM;
    group->owner = self;
    group->spawner = spawner ? spawner : self->spawner;
    list_init(&group->children);
    *out_group = group;
    return 0;
}

/* Counts one child less with the lock held; lets go of the lock.  The group may be gone when this
 * returns. */
static void leave_unlock(yk_group *group)
{
    struct wait_node *node = NULL;
    if (--group->count == 0)
        node = wait_line_claim(&group->empty.line, 0);
    lock_give(wait_queue_lock(&group->empty));
    if (node)
        wait_fire(node->wait);
}

static void cancel_locked(yk_group *group)
{
    group->canceled = true;
    LIST_EACH(link, &group->children)
    yk_task_cancel((yk_task *)(void *)((char *)LIST_MEMBER(link, struct task_state, in_group) -
                                       YK_TASK_HEAD_BYTES));
}

void group_child_begins(yk_group *group, yk_task *self)
{
    lock_take(wait_queue_lock(&group->empty));
    list_add_last(&group->children, &task_state(self)->in_group);
    if (group->canceled)
        yk_task_cancel(self);
    lock_give(wait_queue_lock(&group->empty));
}

void group_child_ends(yk_group *group, yk_task *self, int result)
{
    lock_take(wait_queue_lock(&group->empty));
    list_remove(&task_state(self)->in_group);
    if (result < 0 && result != -ECANCELED) {
        if (group->first_error == 0) {
            group->first_error = result;
            cancel_locked(group);
        } else {
            group->dropped++;
        }
    }
    leave_unlock(group);
}

int yk_group_spawn_with(yk_group *group, const yk_task_options *options, yk_task_fn *fn, void *arg)
{
    assert(group && options && fn);
    lock_take(wait_queue_lock(&group->empty));
    bool canceled = group->canceled;
    if (!canceled)
        group->count++;
    lock_give(wait_queue_lock(&group->empty));
    if (canceled)
        return -ECANCELED;
    int r = task_start(group->spawner, options, group, fn, arg, NULL);
    if (r < 0) {
        lock_take(wait_queue_lock(&group->empty));
        leave_unlock(group);
    }
    return r;
}

int yk_group_spawn(yk_group *group, const char *name, yk_task_fn *fn, void *arg)
{
    const yk_task_options options = {.name = name};
    return yk_group_spawn_with(group, &options, fn, arg);
}

void yk_group_cancel(yk_group *group)
{
    lock_take(wait_queue_lock(&group->empty));
    cancel_locked(group);
    lock_give(wait_queue_lock(&group->empty));
}

int yk_group_join(yk_task *self, yk_group *group, int64_t deadline)
{
    assert(self == group->owner);
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    lock_take(wait_queue_lock(&group->empty));
    if (group->count > 0) {
        task_waits_for(self, "the end of a group");
        int r = wait_queue_park_unlock(self, &group->empty, deadline);
        task_waits_for(self, NULL);
        if (r < 0)
            return r;
        lock_take(wait_queue_lock(&group->empty));
    }
    int first_error = group->first_error;
    lock_give(wait_queue_lock(&group->empty));
    return first_error;
}

size_t yk_group_count(yk_group *group)
{
    lock_take(wait_queue_lock(&group->empty));
    size_t count = group->count;
    lock_give(wait_queue_lock(&group->empty));
    return count;
}

size_t yk_group_failures_dropped(yk_group *group)
{
    lock_take(wait_queue_lock(&group->empty));
    size_t dropped = group->dropped;
    lock_give(wait_queue_lock(&group->empty));
    return dropped;
}

void yk_group_free(yk_group *take_group)
{
    if (!take_group)
        return;
    yk_task *self = take_group->owner;
    yk_group_cancel(take_group);
    yk_shield_begin(self);
    int result = yk_group_join(self, take_group, YK_NEVER);
    (void)result; /* who wanted it has joined before */
    yk_shield_end(self);
    free(take_group);
}

/* SPDX-License-Identifier: MIT
 * registry.c - see registry.h. */
#include "core/process/registry.h"

#include <sys/wait.h>

static struct list *bucket_of(struct registry *registry, pid_t pid)
{
    return &registry->owned[(size_t)pid % REGISTRY_BUCKETS];
}

void registry_init(struct registry *registry)
{
    lock_init(&registry->lock);
    for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
        list_init(&registry->owned[i]);
}

void registry_start_begin(struct registry *registry)
{
    if (!registry)
        return;
    lock_take(&registry->lock);
    registry->starting++;
    lock_give(&registry->lock);
}

void registry_start_end(struct registry *registry, struct registry_entry *entry)
{
    if (!registry)
        return;
    lock_take(&registry->lock);
    registry->starting--;
    if (entry->pid > 0)
        list_add_last(bucket_of(registry, entry->pid), &entry->link);
    lock_give(&registry->lock);
}

void registry_disown(struct registry *registry, struct registry_entry *entry)
{
    if (!registry)
        return;
    lock_take(&registry->lock);
    list_remove(&entry->link);
    lock_give(&registry->lock);
}

/* With the lock held. */
static bool is_owned(struct registry *registry, pid_t pid)
{
    LIST_EACH(link, bucket_of(registry, pid))
    {
        if (LIST_MEMBER(link, struct registry_entry, link)->pid == pid)
            return true;
    }
    return false;
}

void registry_reap(struct registry *registry, pid_t pid, bool may_be_new)
{
    lock_take(&registry->lock);
    if (may_be_new && registry->starting > 0) {
        registry->skipped = true;
    } else if (!is_owned(registry, pid)) {
        /* Under the lock: a child that is freed at this moment may be reaped by its owner and its
         * number be that of a new child, which we must not take. */
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == pid)
            registry->reaped++;
    }
    lock_give(&registry->lock);
}

bool registry_take_skipped(struct registry *registry)
{
    lock_take(&registry->lock);
    bool skipped = registry->skipped;
    registry->skipped = false;
    lock_give(&registry->lock);
    return skipped;
}

uint64_t registry_reaped(struct registry *registry)
{
    lock_take(&registry->lock);
    uint64_t reaped = registry->reaped;
    lock_give(&registry->lock);
    return reaped;
}

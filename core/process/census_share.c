/* SPDX-License-Identifier: MIT
 * census_share.c - see census_share.h. */
#include "core/process/census_share.h"

#include <errno.h>

#include <yoke/offload.h>

/* On a pool thread. */
static int look_job(void *arg)
{
    struct census **slot = arg;
    return census_take(slot);
}

static int look(yk_task *self, struct census **out_census)
{
    int result = 0;
    int r = yk_offload(self, look_job, out_census, &result);
    return r < 0 ? r : result;
}

static int find(const struct census *census, pid_t group, struct census_entry *out_entry)
{
    const struct census_entry *entry = census_find_alive(census, group);
    if (!entry)
        return 0;
    *out_entry = *entry;
    return 1;
}

int census_share_find_alone(yk_task *self, pid_t group, struct census_entry *out_entry)
{
    OWNED(census) struct census *census = NULL;
    int r = look(self, &census);
    return r < 0 ? r : find(census, group, out_entry);
}

/* With the mutex, which is given back during the look.  One that fails leaves nothing for the
 * others, who look again themselves: it may have failed because this task was cancelled. */
static int look_for_all(yk_task *self, struct census_share *share)
{
    struct census *census = NULL;
    share->looks_begun++;
    yk_mutex_unlock(self, &share->mutex);
    int r = look(self, &census);
    yk_shield_begin(self);
    int locked = yk_mutex_lock(self, &share->mutex, YK_NEVER);
    yk_shield_end(self);
    if (locked < 0) {
        census_free(census);
        return locked; /* cannot be: shielded */
    }
    census_free(share->latest);
    share->latest = census;
    share->looks_done = share->looks_begun;
    yk_condition_broadcast(&share->changed);
    return r;
}

/* With the mutex. */
static int find_locked(yk_task *self, struct census_share *share, pid_t group,
                       struct census_entry *out_entry)
{
    uint64_t wanted = share->looks_begun + 1;
    while (share->looks_done < wanted || !share->latest) {
        bool under_way = share->looks_done < share->looks_begun;
        int r = under_way ? yk_condition_wait(self, &share->changed, &share->mutex, YK_NEVER)
                          : look_for_all(self, share);
        if (r < 0)
            return r;
    }
    return find(share->latest, group, out_entry);
}

int census_share_find(yk_task *self, struct census_share *share, pid_t group,
                      struct census_entry *out_entry)
{
    int r = yk_mutex_lock(self, &share->mutex, YK_NEVER);
    if (r < 0)
        return r;
    r = find_locked(self, share, group, out_entry);
    yk_mutex_unlock(self, &share->mutex);
    return r;
}

void census_share_done(struct census_share *share)
{
    census_free(share->latest);
    share->latest = NULL;
}

/* SPDX-License-Identifier: MIT
 * reaper.c - see reaper.h. */
#include "core/process/reaper.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <yoke/offload.h>
#include <yoke/signals.h>

#include "core/process/reaper_parts.h"

#define REAPER_MAGIC UINT32_C(0x52454150)
#define PAUSE_MS     20  /* between two passes: many that die together are one */
#define AGAIN_MS     100 /* after a pass that had to leave something alone */

struct yk_reaper {
    uint32_t magic;
    _Atomic uint32_t holders; /* the owner and the task */
    struct registry registry;
    struct census_share census;
    yk_signals *signals;  /* owned */
    yk_task *task;        /* owned handle */
    int subreaper_before; /* what the process was */
};

struct registry *reaper_registry(yk_reaper *reaper)
{
    assert(!reaper || reaper->magic == REAPER_MAGIC);
    return reaper ? &reaper->registry : NULL;
}

struct census_share *reaper_census(yk_reaper *reaper)
{
    assert(!reaper || reaper->magic == REAPER_MAGIC);
    return reaper ? &reaper->census : NULL;
}

static void release(yk_reaper *reaper)
{
    if (atomic_fetch_sub(&reaper->holders, 1) > 1)
        return;
    yk_signals_free(reaper->signals);
    census_share_done(&reaper->census);
    reaper->magic = 0;
    free(reaper);
}

/* On a pool thread.  One pass over the host's dead children. */
static int pass(void *arg)
{
    yk_reaper *reaper = arg;
    OWNED(census) struct census *census = NULL;
    int r = census_take(&census);
    if (r < 0)
        return r;
    pid_t host = getpid();
    pid_t host_group = getpgrp();
    for (size_t i = 0; i < census->count; i++) {
        const struct census_entry *entry = &census->entries[i];
        if (entry->parent == host && !entry->alive)
            registry_reap(&reaper->registry, entry->pid,
                          entry->pid == entry->group || entry->group == host_group);
    }
    return registry_take_skipped(&reaper->registry) ? -EAGAIN : 0;
}

/* The task.  Signals that come during a pass are one more pass. */
static int reap(yk_task *self, void *arg)
{
    yk_reaper *reaper = arg;
    int r = 0;
    while (r != -ECANCELED) {
        int result = 0;
        r = yk_offload(self, pass, reaper, &result);
        bool again = r < 0 || result < 0;
        if (r != -ECANCELED)
            r = yk_task_sleep(self, yk_deadline_ms(self, PAUSE_MS));
        if (r == 0)
            r = yk_signals_receive(self, reaper->signals,
                                   again ? yk_deadline_ms(self, AGAIN_MS) : YK_NEVER);
    }
    release(reaper);
    return 0;
}

/* A program that ignores SIGCHLD hands that on over exec; the kernel would reap our children
 * itself. */
static int sigchld_default(void)
{
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) < 0)
        return -errno;
    if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDWAIT))
        return 0;
    action = (struct sigaction){.sa_handler = SIG_DFL};
    return sigaction(SIGCHLD, &action, NULL) < 0 ? -errno : 0;
}

static int subreaper_begin(yk_reaper *reaper)
{
    if (prctl(PR_GET_CHILD_SUBREAPER, &reaper->subreaper_before, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int start(yk_reaper *reaper, yk_spawner *spawner)
{
    static const int signals[] = {SIGCHLD, 0};
    int r = sigchld_default();
    if (r == 0)
        r = yk_signals_new(spawner, signals, &reaper->signals);
    if (r == 0)
        r = subreaper_begin(reaper);
    if (r < 0)
        return r;
    atomic_store(&reaper->holders, 2);
    r = yk_task_spawn(spawner, "reaper", reap, reaper, &reaper->task);
    if (r < 0) {
        atomic_store(&reaper->holders, 1);
        (void)prctl(PR_SET_CHILD_SUBREAPER, reaper->subreaper_before, 0, 0,
                    0); /* worked a moment ago */
    }
    return r;
}

int yk_reaper_new(yk_spawner *spawner, yk_reaper **out_reaper)
{
    yk_reaper *reaper = calloc(1, sizeof *reaper);
    if (!reaper)
        return -ENOMEM;
    reaper->magic = REAPER_MAGIC;
    atomic_init(&reaper->holders, 1);
    registry_init(&reaper->registry);
    int r = start(reaper, spawner);
    if (r < 0) {
        release(reaper);
        return r;
    }
    *out_reaper = reaper;
    return 0;
}

uint64_t yk_reaper_count(yk_reaper *reaper)
{
    assert(reaper->magic == REAPER_MAGIC);
    return registry_reaped(&reaper->registry);
}

void yk_reaper_free(yk_reaper *take_reaper)
{
    if (!take_reaper)
        return;
    assert(take_reaper->magic == REAPER_MAGIC);
    (void)prctl(PR_SET_CHILD_SUBREAPER, take_reaper->subreaper_before, 0, 0,
                0);                  /* worked in yk_reaper_new() */
    yk_task_free(take_reaper->task); /* cancels */
    release(take_reaper);
}

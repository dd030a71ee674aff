/* SPDX-License-Identifier: MIT
 * registry.h - which of the host's dead children the reaper leaves alone: those of a yk_child.
 *
 * Layer: core/process.  Threads: any.
 *
 * A child that was just made and is not yet known here must not be taken for an orphan: while one
 * is being made, nothing unknown is reaped that could be it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/process/child.h"

#define REGISTRY_BUCKETS 256

struct registry {
    struct lock lock;
    uint32_t starting; /* children being made */
    bool skipped;      /* something was left alone because of `starting` */
    uint64_t reaped;
    struct list owned[REGISTRY_BUCKETS]; /* of struct registry_entry, by pid */
};

struct registry_entry {
    struct list link;
    pid_t pid;
};

/* In every function below but registry_init() and registry_reap() a NULL registry does nothing. */

void registry_init(struct registry *registry);

/* Around the making of a child: end enters it, unless entry->pid is 0 (it was not made). */
void registry_start_begin(struct registry *registry);
void registry_start_end(struct registry *registry, struct registry_entry *entry);

/* From now on the child is nobody's: the reaper's, once it is dead. */
void registry_disown(struct registry *registry, struct registry_entry *entry);

/* Reaps a child of the host that is dead if nobody owns it.  Does not block.
 *
 * may_be_new  it leads its group or is in the host's, as a child that is being made does */
void registry_reap(struct registry *registry, pid_t pid, bool may_be_new);

/* Whether something had to be left alone since the last call. */
bool registry_take_skipped(struct registry *registry);

uint64_t registry_reaped(struct registry *registry);

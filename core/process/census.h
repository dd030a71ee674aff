/* SPDX-License-Identifier: MIT
 * census.h - who is alive: one look at all of /proc.
 *
 * Layer: core/process; one of the files that core/LAYERS names for descriptor calls.  Threads: any,
 * off tasks or in an offloaded job: a look takes microseconds a process.  Source: proc(5),
 * /proc/PID/stat. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/own.h"

/* A process at the moment of the look.  pid and start together name it for ever. */
struct census_entry {
    pid_t pid;
    pid_t parent;
    pid_t group;
    uint64_t start; /* clock ticks since boot */
    bool alive;     /* a zombie is not; one whose first thread has ended is, while others run */
};

struct census {
    size_t count;
    size_t capacity;
    struct census_entry *entries; /* owned; by ascending pid */
};

/* Looks at all processes.  One that is there before and after the look is in it.
 * Returns 0, -EMFILE, -ENFILE, -ENOMEM, -ENOENT (no /proc). */
MUST_USE int census_take(struct census **out_census);

/* The first process of a group that is alive, or NULL; borrowed. */
const struct census_entry *census_find_alive(const struct census *census, pid_t group);

void census_free(struct census *take_census);
DEFINE_DROP(census, struct census)

/* Looks at one process.  Returns 0, -ESRCH, -EMFILE, -ENFILE, -EPROTO (not as proc(5) says). */
MUST_USE int census_look(pid_t pid, struct census_entry *out_entry);

/* Opens a pidfd of the very process that was seen, O_NONBLOCK and close-on-exec.
 * Returns it; -ESRCH (that one has gone or left its group), -EMFILE, -ENFILE, -ENOMEM, -ENOSYS
 * (valgrind before 3.21, Docker before 20.10). */
MUST_USE int census_open(const struct census_entry *entry);

/* A pidfd of `pid`, which cannot be used again meanwhile, as census_open(). */
MUST_USE int census_pidfd(pid_t pid);

/* Reads the text of /proc/PID/stat.  Pure.  Returns 0 or -EPROTO. */
MUST_USE int census_parse(const char *text, struct census_entry *out_entry);

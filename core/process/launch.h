/* SPDX-License-Identifier: MIT
 * launch.h - makes a process of a program: the part of a child's start that blocks.
 *
 * Layer: core/process; one of the files that core/LAYERS names for process calls.  Threads: on a
 * pool thread, off tasks. Start at launch_run().  Source: posix_spawn(3). */
#pragma once

#include "core/base/error.h"
#include "core/process/child.h"
#include "core/process/registry.h"

struct launch {
    const yk_child_options *options; /* borrowed */
    struct registry *registry;       /* borrowed; NULL: none */
    struct registry_entry *entry;    /* borrowed; gets the pid, is entered in the registry */
    int stdin_fd;                    /* the child's ends; -1: /dev/null; launch_run() closes them */
    int stdout_fd;
    int stderr_fd;    /* -1: as stdout */
    int pidfd;        /* out, the caller's; -1: there are none here (census.h) */
    struct error err; /* out, on failure */
};

/* Starts the program and opens its pidfd.  Returns 0, or an error as yk_child_start(): nothing runs
 * then. */
int launch_run(struct launch *launch);

/* Kills a child that launch_run() made, with its group, reaps it and takes it out of the
 * registry. */
void launch_undo(struct registry *registry, struct registry_entry *entry);

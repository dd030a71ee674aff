/* SPDX-License-Identifier: MIT
 * wait.h - where tasks stand in line: the one mechanism under mutex, condition, semaphore, channel,
 * join and select.
 *
 * Layer: core/task.  Installed as <yoke/wait.h> for its types only.  Threads: any. */
#pragma once

#include <stdint.h>

#include <yoke/spawner.h>

/* Tasks in line, first come first.  Zeroed memory is an empty line. */
typedef struct {
    void *first, *last; /* nodes that lie on the stacks of the tasks that wait */
} yk_wait_line;

/* A line with the lock that guards it.  Zeroed memory is empty and unlocked. */
typedef struct {
    uint32_t lock_word; /* core/base/lock.h */
    uint32_t reserved;
    yk_wait_line line;
} yk_wait_queue;

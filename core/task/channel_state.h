/* SPDX-License-Identifier: MIT
 * channel_state.h - the inside of a channel, for the channel and for select.
 *
 * Layer: core/task.  Threads: everything under the channel's lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/lock.h"
#include "core/task/channel.h"
#include "core/task/waiting.h"

struct yk_channel {
    struct lock lock; /* guards all below */
    bool closed;
    size_t item_bytes;
    size_t capacity;
    size_t count;
    size_t first;           /* slot of the oldest message */
    yk_wait_line senders;   /* wait only while it is full */
    yk_wait_line receivers; /* wait only while it is empty */
    _Alignas(16) char slots[];
};

/* Does it if it can be done now, with the lock held.  Returns 0, -EPIPE, or -EAGAIN (it would have
 * to wait). *out_other, if not NULL, is somebody else's wait that this ended, to be fired when the
 * lock is free again. */
int channel_put(yk_channel *channel, const void *item, struct wait **out_other);
int channel_take(yk_channel *channel, void *item, struct wait **out_other);

/* SPDX-License-Identifier: MIT
 * channel.h - a bounded queue of fixed-size messages between tasks, of any loops, threads and
 * runtimes.
 *
 * Layer: core/task.  Installed as <yoke/channel.h>.  Threads: any; the functions without self also
 * off a task. */
#pragma once

#include <yoke/task.h>

typedef struct yk_channel yk_channel;

#define YK_CHANNEL_ITEM_BYTES_MAX 4096
#define YK_CHANNEL_CAPACITY_MAX   (1U << 20)

/* Makes an empty channel for `capacity` messages (1..YK_CHANNEL_CAPACITY_MAX) of `item_bytes` bytes
 * (1..YK_CHANNEL_ITEM_BYTES_MAX).  Returns 0, -EINVAL, -ENOMEM. */
MUST_USE int yk_channel_new(size_t item_bytes, size_t capacity, yk_channel **out_channel);

/* Copies one message in; waits while the channel is full.  Blocks.
 * Returns 0, -EPIPE (closed), -ETIMEDOUT, -ECANCELED; the message was sent only if 0. */
MUST_USE int yk_channel_send(yk_task *self, yk_channel *channel, const void *item,
                             int64_t deadline);

/* Copies the oldest message out; waits while the channel is empty.  Blocks.
 * Returns 0, -EPIPE (closed and empty), -ETIMEDOUT, -ECANCELED; a message was taken only if 0. */
MUST_USE int yk_channel_receive(yk_task *self, yk_channel *channel, void *out_item,
                                int64_t deadline);

/* The same without waiting, from any thread: -EAGAIN (full, empty), -EPIPE. */
MUST_USE int yk_channel_try_send(yk_channel *channel, const void *item);
MUST_USE int yk_channel_try_receive(yk_channel *channel, void *out_item);

/* No more messages: who waits to send gets -EPIPE; receivers get what is there, then -EPIPE.  Any
 * thread; again is fine. */
void yk_channel_close(yk_channel *channel);

size_t yk_channel_count(yk_channel *channel);

/* Frees the channel; messages in it are lost.  Nobody may be waiting in it.  NULL is fine. */
void yk_channel_free(yk_channel *take_channel);
DEFINE_DROP(yk_channel, yk_channel)

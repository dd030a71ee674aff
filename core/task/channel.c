/* SPDX-License-Identifier: MIT
 * channel.c - see channel.h. */
#include "core/task/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/task/channel_state.h"
#include "core/task/task_state.h"

int yk_channel_new(size_t item_bytes, size_t capacity, yk_channel **out_channel)
{
    assert(out_channel);
    if (item_bytes == 0 || item_bytes > YK_CHANNEL_ITEM_BYTES_MAX || capacity == 0 ||
        capacity > YK_CHANNEL_CAPACITY_MAX)
        return -EINVAL;
    yk_channel *channel = malloc(sizeof *channel + item_bytes * capacity);
    if (!channel)
        return -ENOMEM;
    memset(channel, 0, sizeof *channel);
    channel->item_bytes = item_bytes;
    channel->capacity = capacity;
    *out_channel = channel;
    return 0;
}

static void copy_item(const yk_channel *channel, void *to, const void *from)
{
    if (channel->item_bytes == sizeof(void *))
        memcpy(to, from, sizeof(void *)); /* the usual message, without a call */
    else
        memcpy(to, from, channel->item_bytes);
}

static char *slot(yk_channel *channel, size_t index)
{
    size_t place = channel->first + index;
    if (place >= channel->capacity)
        place -= channel->capacity;
    return channel->slots + place * channel->item_bytes;
}

int channel_put(yk_channel *channel, const void *item, struct wait **out_other)
{
    *out_other = NULL;
    if (channel->closed)
        return -EPIPE;
    if (channel->count == channel->capacity)
        return -EAGAIN;
    struct wait_node *receiver = wait_line_claim(&channel->receivers, 0);
    if (receiver) { /* it waits, so nothing is queued before this message */
        copy_item(channel, receiver->item, item);
        *out_other = receiver->wait;
        return 0;
    }
    copy_item(channel, slot(channel, channel->count), item);
    channel->count++;
    return 0;
}

int channel_take(yk_channel *channel, void *item, struct wait **out_other)
{
    *out_other = NULL;
    if (channel->count == 0)
        return channel->closed ? -EPIPE : -EAGAIN;
    copy_item(channel, item, slot(channel, 0));
    channel->first = channel->first + 1 == channel->capacity ? 0 : channel->first + 1;
    channel->count--;
    struct wait_node *sender = wait_line_claim(&channel->senders, 0);
    if (sender) {
        copy_item(channel, slot(channel, channel->count), sender->item);
        channel->count++;
        *out_other = sender->wait;
    }
    return 0;
}

/* Stands in line with a message, or a place for one, with the channel's lock held; unlocks.
 * Blocks. */
static int stand_unlock(yk_task *self, yk_channel *channel, yk_wait_line *line, void *item,
                        int64_t deadline)
{
    struct wait wait;
    struct wait_node node;
    wait_init(&wait, self);
    wait_node_init(&node, &wait, item);
    wait_line_add(line, &node);
    lock_give(&channel->lock);
    return wait_in_line(self, &node, &channel->lock, line, deadline);
}

int yk_channel_send(yk_task *self, yk_channel *channel, const void *item, int64_t deadline)
{
    int r = task_refusal(self);
    if (r < 0)
        return r;
    struct wait *other;
    lock_take(&channel->lock);
    r = channel_put(channel, item, &other);
    if (r == -EAGAIN) {
        task_waits_for(self, "room in a channel");
        r = stand_unlock(self, channel, &channel->senders, (void *)(uintptr_t)item, deadline);
        task_waits_for(self, NULL);
        return r;
    }
    lock_give(&channel->lock);
    if (other)
        wait_fire(other);
    return r;
}

int yk_channel_receive(yk_task *self, yk_channel *channel, void *out_item, int64_t deadline)
{
    int r = task_refusal(self);
    if (r < 0)
        return r;
    struct wait *other;
    lock_take(&channel->lock);
    r = channel_take(channel, out_item, &other);
    if (r == -EAGAIN) {
        task_waits_for(self, "a message");
        r = stand_unlock(self, channel, &channel->receivers, out_item, deadline);
        task_waits_for(self, NULL);
        return r;
    }
    lock_give(&channel->lock);
    if (other)
        wait_fire(other);
    return r;
}

int yk_channel_try_send(yk_channel *channel, const void *item)
{
    struct wait *other;
    lock_take(&channel->lock);
    int r = channel_put(channel, item, &other);
    lock_give(&channel->lock);
    if (other)
        wait_fire(other);
    return r;
}

int yk_channel_try_receive(yk_channel *channel, void *out_item)
{
    struct wait *other;
    lock_take(&channel->lock);
    int r = channel_take(channel, out_item, &other);
    lock_give(&channel->lock);
    if (other)
        wait_fire(other);
    return r;
}

void yk_channel_close(yk_channel *channel)
{
    struct wait_node *node;
    do {
        lock_take(&channel->lock);
        channel->closed = true;
        node = wait_line_claim(&channel->senders, -EPIPE);
        if (!node)
            node = wait_line_claim(&channel->receivers, -EPIPE);
        lock_give(&channel->lock);
        if (node)
            wait_fire(node->wait);
    } while (node);
}

size_t yk_channel_count(yk_channel *channel)
{
    lock_take(&channel->lock);
    size_t count = channel->count;
    lock_give(&channel->lock);
    return count;
}

void yk_channel_free(yk_channel *take_channel)
{
    if (!take_channel)
        return;
    assert(!take_channel->senders.first && !take_channel->receivers.first);
    free(take_channel);
}

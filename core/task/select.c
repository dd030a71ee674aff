/* SPDX-License-Identifier: MIT
 * select.c - see select.h. */
#include "core/task/select.h"

#include <assert.h>
#include <errno.h>

#include "core/base/lock.h"
#include "core/task/channel_state.h"
#include "core/task/fd_state.h"
#include "core/task/task_state.h"
#include "core/task/waiting.h"

/* One select: a wait with a node for each case. */
struct selection {
    yk_task *self;
    yk_case *cases;
    size_t count;
    struct wait wait;
    struct wait_node nodes[YK_CASES_MAX];
};

static struct lock *case_lock(const yk_case *one)
{
    return one->kind == YK_CASE_JOIN ? wait_queue_lock(&task_state(one->task)->joiners)
                                     : &one->channel->lock;
}

static yk_wait_line *case_line(const yk_case *one)
{
    switch (one->kind) {
    case YK_CASE_SEND:
        return &one->channel->senders;
    case YK_CASE_RECEIVE:
        return &one->channel->receivers;
    default:
        return &task_state(one->task)->joiners.line;
    }
}

/* Does a case that is not of a descriptor, with its lock held.  Returns 0 or -EPIPE, or -EAGAIN. */
static int case_do(yk_case *one, struct wait **out_other)
{
    *out_other = NULL;
    switch (one->kind) {
    case YK_CASE_SEND:
        return channel_put(one->channel, one->item, out_other);
    case YK_CASE_RECEIVE:
        return channel_take(one->channel, one->item, out_other);
    default:
        atomic_fetch_or(&task_state(one->task)->flags, TASK_JOINED);
        return yk_task_finished(one->task) ? 0 : -EAGAIN;
    }
}

/* Whether the case can be done now, with its lock held; does nothing. */
static bool case_ready(const yk_case *one)
{
    switch (one->kind) {
    case YK_CASE_SEND:
        return one->channel->closed || one->channel->count < one->channel->capacity;
    case YK_CASE_RECEIVE:
        return one->channel->closed || one->channel->count > 0;
    default:
        return false; /* a join needs its line: case_do() decides */
    }
}

/* Does the case if it can be done, else stands in its line.  Returns true if it was done, or
 * another case is chosen. */
static bool try_or_stand(struct selection *selection, size_t index)
{
    yk_case *one = &selection->cases[index];
    struct wait *other = NULL;
    bool done = false;
    lock_take(case_lock(one));
    if (case_ready(one) && !wait_claim(&selection->wait)) {
        lock_give(case_lock(one));
        return true; /* somebody has chosen a case in whose line we stand already */
    }
    int r = case_do(one, &other);
    if (r != -EAGAIN && one->kind == YK_CASE_JOIN)
        done = wait_claim(&selection->wait);
    else
        done = r != -EAGAIN;
    if (done) {
        selection->wait.result = r;
        selection->wait.chosen = (uint32_t)index;
        atomic_store(&selection->wait.state, WAIT_FIRED); /* claimed by ourselves */
    } else if (r == -EAGAIN) {
        selection->nodes[index] =
            (struct wait_node){.wait = &selection->wait,
                               .index = (uint32_t)index,
                               .item = one->kind == YK_CASE_JOIN ? NULL : one->item};
        wait_line_add(case_line(one), &selection->nodes[index]);
    }
    lock_give(case_lock(one));
    if (other)
        wait_fire(other);
    return done || r != -EAGAIN;
}

static void leave_lines(struct selection *selection)
{
    for (size_t i = 0; i < selection->count; i++) {
        if (!selection->nodes[i].wait)
            continue;
        lock_take(case_lock(&selection->cases[i]));
        wait_line_remove(case_line(&selection->cases[i]), &selection->nodes[i]);
        lock_give(case_lock(&selection->cases[i]));
    }
}

/* Waits for a claim.  Returns 0 if a case was chosen. */
static int park_shared(struct selection *selection, int64_t deadline)
{
    int r = wait_for_claim(selection->self, &selection->wait, deadline);
    return r < 0 && wait_withdraw(&selection->wait) ? r : 0;
}

/* Waits for a claim, and for a descriptor beside it.  Returns 0 if a case was chosen. */
static int park_beside_fd(struct selection *selection, size_t fd_index, int64_t deadline)
{
    yk_task *self = selection->self;
    yk_case *one = &selection->cases[fd_index];
    struct wait *wait = &selection->wait;
    deadline = task_deadline(self, deadline);
    for (;;) {
        if (atomic_load_explicit(&wait->state, memory_order_acquire) != WAIT_WAITING) {
            (void)wait_withdraw(wait); /* waits until it is fired */
            return 0;
        }
        uint32_t ready = 0;
        int r = task_is_canceled(self)
                    ? -ECANCELED
                    : self->ops->io_wait(self, one->fd->io, one->events, deadline, &ready);
        if (r == -EINTR)
            continue;
        if (!wait_withdraw(wait))
            return 0;
        if (r < 0 && r != -EBADF)
            return r;
        wait->chosen = (uint32_t)fd_index;
        wait->result = r < 0 ? r : (int)ready;
        return 0;
    }
}

/* The index of the descriptor's case, `count` if there is none, -EINVAL if the cases are not
 * well-formed. */
static int find_fd_case(const yk_case *cases, size_t count)
{
    int found = (int)count;
    for (size_t i = 0; i < count; i++) {
        if (cases[i].kind == YK_CASE_FD && found != (int)count)
            return -EINVAL;
        if (cases[i].kind == YK_CASE_FD)
            found = (int)i;
        else if (cases[i].kind != YK_CASE_SEND && cases[i].kind != YK_CASE_RECEIVE &&
                 cases[i].kind != YK_CASE_JOIN)
            return -EINVAL;
    }
    return found;
}

int yk_select(yk_task *self, yk_case *cases, size_t count, int64_t deadline)
{
    if (count == 0 || count > YK_CASES_MAX)
        return -EINVAL;
    int fd_index = find_fd_case(cases, count);
    if (fd_index < 0)
        return fd_index;
    int refused = task_refusal(self);
    if (refused < 0)
        return refused;
    struct selection selection = {.self = self, .cases = cases, .count = count};
    wait_init(&selection.wait, self);
    selection.wait.shared = true;

    /* Each case has its turn to be looked at first. */
    size_t start = task_state(self)->select_turn++ % count;
    bool done = false;
    for (size_t i = 0; i < count && !done; i++) {
        size_t index = (start + i) % count;
        if (cases[index].kind != YK_CASE_FD)
            done = try_or_stand(&selection, index);
    }
    task_waits_for(self, "one of several things");
    int r = fd_index == (int)count || done ? park_shared(&selection, deadline)
                                           : park_beside_fd(&selection, (size_t)fd_index, deadline);
    task_waits_for(self, NULL);
    leave_lines(&selection);
    if (r < 0)
        return r;
    yk_case *chosen = &cases[selection.wait.chosen];
    chosen->result =
        chosen->kind == YK_CASE_JOIN ? task_state(chosen->task)->result : selection.wait.result;
    return (int)selection.wait.chosen;
}

/* SPDX-License-Identifier: MIT
 * timers.c - see timers.h. */
#include "plugins/kit/timers.h"

/* Makes the later of two roots the first child of the other. */
static struct kit_timer *meld(struct kit_timer *a, struct kit_timer *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (b->deadline < a->deadline) {
        struct kit_timer *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    b->prev = a;
    a->child = b;
    a->next = NULL;
    return a;
}

/* Melds a list of siblings into one: in pairs from the left, then those from the right. */
static struct kit_timer *meld_siblings(struct kit_timer *first)
{
    struct kit_timer *pairs = NULL; /* linked by next, last pair first */
    while (first) {
        struct kit_timer *a = first, *b = first->next;
        first = b ? b->next : NULL;
        a->next = NULL;
        if (b)
            b->next = NULL;
        struct kit_timer *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct kit_timer *root = NULL;
    while (pairs) {
        struct kit_timer *next = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void kit_timers_add(struct kit_timers *timers, struct kit_timer *timer, int64_t deadline)
{
    timer->deadline = deadline;
    timer->child = NULL;
    timer->next = NULL;
    timers->root = meld(timers->root, timer);
    timers->root->prev = timers->root;
}

void kit_timers_remove(struct kit_timers *timers, struct kit_timer *timer)
{
    struct kit_timer *children = meld_siblings(timer->child);
    if (timer == timers->root) {
        timers->root = children;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next)
            timer->next->prev = timer->prev;
        timers->root = meld(timers->root, children);
    }
    if (timers->root)
        timers->root->prev = timers->root;
    timer->prev = NULL;
}

/* SPDX-License-Identifier: MIT
 * list.h - a doubly linked list whose links live inside its members.
 *
 * Layer: core/base.  Threads: none of its own; the owner locks.  Allocates nothing, cannot fail. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next; /* of a head: the first; of a head of an empty list: itself */
    struct list *prev;
};

#define LIST_MEMBER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Walks the links of `head`; `link` may be removed meanwhile, its successor may not. */
#define LIST_EACH(link, head)                                                                      \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);              \
         link = link##_next, link##_next = link->next)

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_add_last(struct list *head, struct list *link)
{
    link->next = head;
    link->prev = head->prev;
    head->prev->next = link;
    head->prev = link;
}

/* Takes `link` out of the list it is in; it is an empty list of its own then, so that a second
 * removal is harmless. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Takes the first link out, or returns NULL. */
static inline struct list *list_take_first(struct list *head)
{
    struct list *first = head->next;
    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

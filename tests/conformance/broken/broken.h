/* SPDX-License-Identifier: MIT
 * broken.h - a runtime that forwards everything to a good one, and breaks one promise.
 *
 * Layer: tests/conformance/broken.  Start at broken.c; each way to break is a few lines in
 * break_*.c.
 *
 * YOKE_BROKEN_INNER names the good plugin's file, YOKE_BROKEN_BY the way to break it; without the
 * latter nothing is broken, and the kit must find nothing. */
#pragma once

#include <stdbool.h>

#include <yoke/spawner.h>

/* What is NULL is left as it is. */
struct break_way {
    const char *name;
    void (*break_entry)(yk_entry *entry);      /* once, when the file is loaded */
    void (*break_config)(yk_config *config);   /* what the good one is asked for */
    void (*break_host)(yk_host *host);         /* what the good one is lent */
    void (*break_ops)(yk_ops *ops);            /* when a spawner is made */
    void (*break_create)(const yk_host *host); /* what create does besides */
    void (*break_destroyed)(void);             /* what is done after destroy */
};

/* The ways, each list until one without a name. */
extern const struct break_way break_process_ways[];
extern const struct break_way break_task_ways[];
extern const struct break_way break_io_ways[];

/* The good one. */
extern const yk_entry *good_entry;
extern yk_ops good;

/* Whether the calling thread is the one that loaded the plugin, which makes and drives the spawners
 * of most behaviours. */
bool break_is_owner_thread(void);

/* CLOCK_MONOTONIC, and a deadline that comes too early. */
int64_t break_now_ns(void);
int64_t break_earlier(int64_t deadline);

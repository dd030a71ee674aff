/* SPDX-License-Identifier: MIT
 * watchdog.h - names a task that holds its loop.
 *
 * Layer: plugins/kit.  Threads: one of its own, made only if the option watchdog_ms is set.
 *
 * While some loop is busy the thread looks every half limit whether each has switched tasks since;
 * while all sleep it sleeps too, without a tick, until a loop that wakes up calls it. */
#pragma once

#include <stdint.h>

#include <yoke/spawner.h>

struct kit;
struct kit_watchdog;

#define KIT_WATCHDOG_MS_MIN 10
#define KIT_WATCHDOG_MS_MAX 3600000

/* Starts the thread.  limit_ms: how long a task may hold its loop unnamed.  Returns 0, -ENOMEM,
 * -EAGAIN. */
int kit_watchdog_start(struct kit *kit, int64_t limit_ms, struct kit_watchdog **out_watchdog);

/* A loop has something to do again; any thread.  Costs a load unless the watchdog sleeps. */
void kit_watchdog_stir(struct kit_watchdog *watchdog);

/* Ends and joins the thread, frees.  NULL is fine. */
void kit_watchdog_stop(struct kit_watchdog *watchdog);

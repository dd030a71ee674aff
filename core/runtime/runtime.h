/* SPDX-License-Identifier: MIT
 * runtime.h - a spawner of a loaded runtime: made with the host's table and the configuration, and
 * taken apart.
 *
 * Layer: core/runtime.  Threads: as said; never on a task.  Start at runtime_open_configured(). */
#pragma once

#include "core/base/error.h"
#include "core/base/own.h"
#include "core/config/runtimes_conf.h"
#include "core/runtime/spawner.h"

/* Makes a spawner: calls the plugin's create() and gives the spawner its head (spawner.h, V5).
 *
 * entry        of loader_open()
 * config       size and extra_bytes are filled in here, the rest is the caller's; NULL: everything
 *              as the runtime wants
 * out_spawner  caller owns, and gives it back by runtime_close() on this thread; written only on
 *              success
 * Returns 0; what create() returns; -EPROTO (the plugin breaks the
 * contract: the text says how); -ENOMEM. */
MUST_USE int runtime_open(const yk_entry *entry, const yk_config *config, yk_spawner **out_spawner,
                          struct error *err);

/* Loads and opens the runtime that the configuration names for a server.
 *
 * section      "default", "up" ...
 * out_spawner  as runtime_open()
 * Returns as runtimes_conf_settings(), loader_open() and runtime_open(). */
MUST_USE int runtime_open_configured(const struct runtimes_conf *conf, const char *section,
                                     yk_spawner **out_spawner, struct error *err);

/* As runtime_open_configured(), for settings that were worked out already; the plugin is loaded.
 *
 * conf  where the keys of [runtime NAME] are; a key that the plugin refuses is told with its
 *       line */
MUST_USE int runtime_open_settings(const struct runtimes_conf *conf,
                                   const struct runtimes_settings *settings, const yk_entry *entry,
                                   yk_spawner **out_spawner, struct error *err);

/* Takes a spawner apart, on the thread that opened it, not on a task.
 * Returns 0, and the spawner is gone; -EBUSY (a task, a handle or a descriptor is left) or
 * -EDEADLK, and nothing was done. */
MUST_USE int runtime_close(yk_spawner *spawner);

/* The entry of the plugin that a spawner belongs to: id, version, build, caps.  [any] */
const yk_entry *runtime_entry(const yk_spawner *spawner);

/* What a bit of caps is called, "workers"; NULL for one that this host does not know.  Static. */
const char *runtime_cap_name(unsigned bit);

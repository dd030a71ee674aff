/* SPDX-License-Identifier: MIT
 * runtimes_parser.h - the bytes of runtimes.conf become a struct runtimes_conf, whose fields are
 * here.
 *
 * Layer: core/config, and private to it.  Threads: none of its own.  Start at
 * runtimes_parser_run(). */
#pragma once

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/own.h"
#include "core/config/runtimes_conf.h"

#define RUNTIMES_SERVER_COUNT     7
#define RUNTIMES_QUOTED_BYTES_MAX 80 /* of a wrong value, in a message */

struct server_section {
    int line; /* 0: no such section in the file */
    struct runtimes_value values[RUNTIMES_KEY_COUNT];
};

struct plugin_section {
    const char *name;
    int line;
    size_t options_count;
    struct runtimes_option *options; /* RUNTIMES_CONF_OPTIONS_MAX of them */
};

struct runtimes_conf {
    struct arena *arena; /* owned; holds every text below */
    const char *path;    /* NULL: no file */
    const char *why;
    struct runtimes_value runtime_asked; /* by --runtime or YOKE_RUNTIME; text NULL: by neither */
    struct server_section servers[RUNTIMES_SERVER_COUNT];
    size_t plugins_count;
    struct plugin_section plugins[RUNTIMES_CONF_PLUGINS_MAX];
};

/* Adds what the bytes say to an empty `conf`, which after a mistake is good for nothing but to be
 * freed. Returns 0, -EINVAL or -ENOMEM. */
MUST_USE int runtimes_parser_run(struct runtimes_conf *conf, const char *file_name,
                                 const char *bytes, size_t len, struct error *err);

/* The place of a server in servers[], -1 if there is no such server. */
int runtimes_server_index(const char *name);

/* The section [runtime NAME], NULL if there is none. */
const struct plugin_section *runtimes_plugin_find(const struct runtimes_conf *conf,
                                                  const char *name);

/* Refuses a section: says what there is and what may have been meant.  `where` comes first in the
 * text. */
int runtimes_section_refuse(const char *where, const char *name, struct error *err);

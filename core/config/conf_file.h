/* SPDX-License-Identifier: MIT
 * conf_file.h - where runtimes.conf is found, and its bytes.
 *
 * Layer: core/config.  Threads: none of its own.  Start at conf_file_open(). */
#pragma once

#include <stddef.h>

#include "core/base/error.h"
#include "core/base/own.h"

/* The places, in the order in which they are looked at; NULL or "": not there. */
struct conf_places {
    const char *option;          /* --runtimes FILE: must exist */
    const char *variable;        /* YOKE_RUNTIMES: must exist */
    const char *xdg_config_home; /* XDG_CONFIG_HOME; counts only if it is absolute */
    const char *home;            /* HOME; its .config counts if xdg_config_home does not */
    const char *system_folder;   /* SYSCONFDIR/yoke */
};

struct conf_file {
    char *path;  /* owned; NULL: there is none, and the rest is empty */
    char *why;   /* owned; a clause for people: why it is this one */
    char *bytes; /* owned */
    size_t len;
};

/* The places of this process: `option`, the environment (but see runtimes_conf.h) and what was
 * compiled in. */
struct conf_places conf_places_of_process(const char *option);

/* Finds the file and reads it.  The current folder is never looked at, but for a relative `option`
 * or `variable`.
 *
 * out_file  caller owns; written only on success
 * Returns 0; -ENOENT, -EACCES ... (of a file that was asked for, or that is there and cannot be
 * read), -EFBIG, -ENOMEM. */
MUST_USE int conf_file_open(const struct conf_places *places, size_t bytes_max,
                            struct conf_file **out_file, struct error *err);

/* Frees at once; NULL is fine. */
void conf_file_free(struct conf_file *take_file);
DEFINE_DROP(conf_file, struct conf_file)

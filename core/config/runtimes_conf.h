/* SPDX-License-Identifier: MIT
 * runtimes_conf.h - runtimes.conf: which runtime a server gets, and with what limits.
 *
 * Layer: core/config.  Threads: none of its own; a loaded one is only read.  Man page:
 * runtimes.conf(5). Start at runtimes_conf_load(), then runtimes_conf_settings().
 *
 * A section for each server inherits key by key from [default]; [runtime NAME] holds keys that only
 * the plugin NAME understands.  Which runtime: --runtime, then YOKE_RUNTIME, then the file, then
 * the first that was built of uv, ev, threads.  Everything that is not understood is an error that
 * names file, line, value and what is allowed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/own.h"
#include "core/config/runtimes_key.h"

#define RUNTIMES_CONF_BYTES_MAX ((size_t)64 * 1024)
#define RUNTIMES_CONF_LINE_BYTES_MAX                                                               \
    1024 /* as far as the installed inih can be told so; else what it has */
#define RUNTIMES_CONF_PLUGINS_MAX 16 /* sections [runtime NAME] */
#define RUNTIMES_CONF_OPTIONS_MAX 64 /* keys in one of them */

struct runtimes_conf; /* opaque: the fields live in runtimes_conf.c */

/* One key as it holds for a server. */
struct runtimes_value {
    const char *text; /* as written; NULL: not set anywhere */
    uint64_t number;  /* of a number or of bytes; 0 if not set, but for workers: 1 */
    int line;         /* of the file; 0: it does not come from the file */
    const char *from; /* "--runtime", "YOKE_RUNTIME", "built in" where line is 0, else NULL */
};

struct runtimes_settings {
    const char *section; /* the server */
    struct runtimes_value values[RUNTIMES_KEY_COUNT];
};

/* A key of [runtime NAME], for the plugin to judge. */
struct runtimes_option {
    const char *key;
    const char *value;
    int line;
};

/* What the command line says about runtimes; NULL: nothing. */
struct runtimes_request {
    const char *file;    /* --runtimes */
    const char *runtime; /* --runtime */
};

/* Finds and reads the file that counts: request->file, YOKE_RUNTIMES, yoke/runtimes.conf in the XDG
 * configuration folder, then in the system's; never in the current folder.  That there is none is
 * fine.  Environment variables are not looked at in a program that runs with other rights than its
 * caller's.
 *
 * request   borrowed for the call; NULL: nothing was asked for
 * out_conf  caller owns; written only on success
 * Returns 0; -EINVAL (a mistake in the file), -ENOENT, -EACCES ... (a file that was asked for),
 * -ENOMEM. */
MUST_USE int runtimes_conf_load(const struct runtimes_request *request,
                                struct runtimes_conf **out_conf, struct error *err);

/* As runtimes_conf_load(), from bytes: no file and no environment is looked at.
 *
 * file_name  for messages
 * Returns 0, -EINVAL or -ENOMEM. */
MUST_USE int runtimes_conf_parse(const char *file_name, const char *bytes, size_t len,
                                 struct runtimes_conf **out_conf, struct error *err);

/* Frees at once; NULL is fine. */
void runtimes_conf_free(struct runtimes_conf *take_conf);
DEFINE_DROP(runtimes_conf, struct runtimes_conf)

/* The file that counts, NULL if there is none; why it is that one, a clause for people. */
const char *runtimes_conf_path(const struct runtimes_conf *conf);
const char *runtimes_conf_why(const struct runtimes_conf *conf);

/* The servers that there are, "default" first; NULL behind the last.  Static. */
const char *runtimes_conf_server(size_t i);

/* The line of [SECTION] in the file; 0: it has none, so that everything is as in [default]. */
int runtimes_conf_section_line(const struct runtimes_conf *conf, const char *section);

/* Works out what holds for a server.
 *
 * section       "default" or a server
 * out_settings  its texts are borrowed from conf; written only on success
 * Returns 0, -EINVAL (no such section), -ENOENT (no runtime was built and none is named). */
MUST_USE int runtimes_conf_settings(const struct runtimes_conf *conf, const char *section,
                                    struct runtimes_settings *out_settings, struct error *err);

/* The sections [runtime NAME], in the file's order: the name of the i-th, or NULL behind the last.
 */
const char *runtimes_conf_plugin(const struct runtimes_conf *conf, size_t i);

/* The keys of [runtime NAME]; *out_options is borrowed.  Returns how many; 0 if there is no such
 * section. */
size_t runtimes_conf_options(const struct runtimes_conf *conf, const char *name,
                             const struct runtimes_option **out_options);

/* The runtimes that this program was built with, words with blanks between, "uv ev threads";
 * whether one of them is `name`.  Static. */
const char *runtimes_built(void);
bool runtimes_built_has(const char *name);

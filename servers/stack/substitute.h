/* SPDX-License-Identifier: MIT
 * substitute.h - ${NAME}, ${NAME:-default} and ${service.ip} inside the values of services.yaml.
 *
 * Layer: servers/stack.  Threads: none of its own.  Pure: the environment is given.  Start at
 * substitute().
 *
 *     ${NAME}             the variable's value; a problem if it is not set
 *     ${NAME:-word}       word if NAME is not set or empty
 *     ${NAME-word}        word if NAME is not set
 *     ${NAME:+word}       word if NAME is set and not empty; else nothing
 *     ${NAME+word}        word if NAME is set; else nothing
 *     ${NAME:?sentence}   a problem with that sentence if NAME is not set or empty
 *     ${NAME?sentence}    a problem with that sentence if NAME is not set
 *     ${service.ip}       also .host and .port
 *     $$                  one $; any other $ stays as it is
 *
 * NAME is [A-Za-z_][A-Za-z0-9_]*.  A word is substituted itself; braces in it must be balanced, and
 * the word ends at the first } that closes nothing in it.  Values are taken as they are: what they
 * contain is not substituted again. `${my-db.ip}` is a service reference, never the variable `my`
 * with a default; `${my:-db.ip}` is the latter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "servers/stack/place.h"
#include "servers/stack/problems.h"

#define SUBSTITUTE_DEPTH_MAX 16 /* words inside words */
/* Of one result: what exec takes as one string. */
#define SUBSTITUTE_BYTES_MAX ((size_t)128 * 1024)

/* What a reference to a service gives; NULL: not known. */
struct scope_service {
    const char *name;
    const char *type; /* for sentences: "docker" */
    const char *ip;
    const char *host;
    const char *port;
};

/* What names mean.  All borrowed. */
struct scope {
    const char *const *env;               /* "NAME=value", ends with NULL */
    const struct scope_service *services; /* sorted by name, as strcmp does */
    size_t service_count;
};

struct substitution {
    const char *text;     /* owned by the arena */
    bool changed;         /* a variable or reference was in it */
    const char *obstacle; /* owned by the arena: a service's value is not known; else NULL */
};

/* Substitutes all that is in `source`.
 *
 * place     where `source` stands, for problems; all of them are told, not only the first
 * Returns 0, -EINVAL (told), -ENOMEM (no memory, or the arena is full). */
MUST_USE int substitute(const char *source, struct place place, const struct scope *scope,
                        struct arena *arena, struct problems *problems, struct substitution *out);

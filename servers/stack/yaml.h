/* SPDX-License-Identifier: MIT
 * yaml.h - one YAML document as a tree, with the place of everything and a limit on everything.
 *
 * Layer: servers/stack; the one place that includes libfyaml.h.  Threads: none of its own.  Pure:
 * no I/O.  Start at yaml_parse().
 *
 * Aliases are pointers to the node that they name, so a node may have several parents; nothing is
 * copied.  Merge keys are done here: a map's pairs are its own, then those of `<<` that it has not
 * itself.
 * Source: YAML 1.2.2; https://yaml.org/type/merge.html */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "servers/stack/place.h"
#include "servers/stack/problems.h"

#define YAML_DEPTH_MAX   32
#define YAML_NODES_MAX   1000000U /* scalars, lists, maps, and pairs that merge keys bring */
#define YAML_ANCHORS_MAX 1000U
#define YAML_ALIASES_MAX 20000U

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_pair {
    const struct yaml_node *key; /* a YAML_SCALAR; keys of a map differ */
    const struct yaml_node *value;
};

struct yaml_node {
    enum yaml_kind kind;
    struct place place;
    bool plain;       /* a scalar without quotes, not a block */
    const char *text; /* of a scalar, and of a null as it is written; no NUL inside */
    size_t count;     /* of items or pairs */
    union {
        const struct yaml_node **items; /* of a list */
        struct yaml_pair *pairs;        /* of a map, in the order of the file */
    };
};

/* Parses the document in `bytes`.
 *
 * arena     owns the tree
 * problems  told what is wrong, with places
 * out_root  NULL if the document is empty; written only on success
 * Returns 0, -EINVAL (told), -ENOMEM (no memory, or the arena is full). */
MUST_USE int yaml_parse(const char *bytes, size_t len, struct arena *arena,
                        struct problems *problems, const struct yaml_node **out_root);

/* What a node is, for sentences: "a list".  Static. */
const char *yaml_kind_name(const struct yaml_node *node);

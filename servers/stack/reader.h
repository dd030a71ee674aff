/* SPDX-License-Identifier: MIT
 * reader.h - from the tree of a file to the fields of a record, by a table of keys.
 *
 * Layer: servers/stack.  Threads: none of its own.  Start at reader_map().
 *
 * Everything here returns 0; -EINVAL: a problem was told, and reading goes on with what comes next,
 * so that all problems are told at once; -ENOMEM: no memory, or the arena is full, and reading
 * stops. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "servers/stack/problems.h"
#include "servers/stack/substitute.h"
#include "servers/stack/yaml.h"

#define READER_NUMBER_MAX 1000000000U

/* Something that parses and that this version cannot run yet. */
struct obstacle {
    struct place place;
    const char *sentence;
    struct obstacle *next;
};

/* All borrowed. */
struct reader {
    struct arena *arena;
    struct problems *problems;
    const struct scope *scope;
    struct obstacle **obstacles; /* of the service that is being read; NULL outside of services */
};

/* Reads one value.  key: what it is called in sentences.  field: where it goes. */
typedef int reader_fn(struct reader *reader, const char *key, const struct yaml_node *node,
                      void *field);

#define READER_KEYS_MAX 32

struct reader_key {
    const char *name; /* NULL ends a table of at most READER_KEYS_MAX keys */
    reader_fn *read;
    size_t offset;   /* of the field in the record */
    unsigned owners; /* kinds of records that have the key, one bit each */
    bool required;
};

#define READER_ANY (~0U)

/* Reads a map.  A key that is not in the table, or not for `owner` (one bit), is a problem; so is a
 * missing one.  A key without a value counts as left out.
 *
 * what  the record in sentences: "service 'db' (type docker)" */
MUST_USE int reader_map(struct reader *reader, const char *what, const struct yaml_node *map,
                        const struct reader_key *keys, unsigned owner, void *record);

/* The value at `name`, or NULL. */
const struct yaml_node *reader_find(const struct yaml_node *map, const char *name);

/* A list or NULL-terminated array of texts, owned by the arena. */
struct texts {
    const char *const *items; /* a NULL follows the last; NULL if the key was left out */
    size_t count;
};

/* The kinds of values, each a reader_fn with its type of field.  Variables are put in first.
 *
 *     reader_text      const char *
 *     reader_texts     struct texts
 *     reader_count     int64_t, 0..READER_NUMBER_MAX
 *     reader_positive  int64_t, 1..READER_NUMBER_MAX
 *     reader_port      uint16_t, 1..65535
 *     reader_bool      bool */
reader_fn reader_text, reader_texts, reader_count, reader_positive, reader_port, reader_bool;

/* Whole decimal digits only.  Returns the number, or -1 if it is none or more than `max`. */
int64_t reader_number(const char *text, int64_t max);

/* Checks that a node is what is needed; told if not. */
MUST_USE int reader_need(struct reader *reader, const char *key, const struct yaml_node *node,
                         enum yaml_kind kind);

/* Checks a name that people gave to a service or network. */
MUST_USE int reader_check_name(struct reader *reader, const char *what,
                               const struct yaml_node *node);
#define READER_NAME_BYTES_MAX 128

/* Notes what this version cannot run. */
MUST_USE int reader_add_obstacle(struct reader *reader, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

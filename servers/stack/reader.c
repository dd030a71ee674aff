/* SPDX-License-Identifier: MIT
 * reader.c - see reader.h. */
#include "servers/stack/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/suggest.h"

/* ---- Maps ---- */

static const struct reader_key *find_key(const struct reader_key *keys, const char *name)
{
    for (const struct reader_key *key = keys; key->name; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

/* out_names: the keys that `owner` has, ended with NULL. */
static void list_keys(const struct reader_key *keys, unsigned owner,
                      const char *out_names[READER_KEYS_MAX + 1])
{
    size_t count = 0;
    for (const struct reader_key *key = keys; key->name && count < READER_KEYS_MAX; key++)
        if (key->owners & owner)
            out_names[count++] = key->name;
    out_names[count] = NULL;
}

static int tell_unknown_key(struct reader *reader, const char *what, const struct yaml_node *key,
                            const struct reader_key *keys, unsigned owner)
{
    const char *names[READER_KEYS_MAX + 1];
    list_keys(keys, owner, names);
    const char *meant = problems_full(reader->problems) ? NULL : suggest(key->text, names);
    if (meant)
        return problems_add(reader->problems, key->place, "%s has no key '%s'; did you mean '%s'?",
                            what, key->text, meant);
    return problems_add(reader->problems, key->place, "%s has no key '%s'", what, key->text);
}

static int read_pair(struct reader *reader, const char *what, const struct yaml_pair *pair,
                     const struct reader_key *keys, unsigned owner, void *record)
{
    const struct reader_key *key = find_key(keys, pair->key->text);
    if (!key || !(key->owners & owner))
        return tell_unknown_key(reader, what, pair->key, keys, owner);
    if (pair->value->kind == YAML_NULL)
        return 0;
    return key->read(reader, key->name, pair->value, (char *)record + key->offset);
}

static void tell_missing_keys(struct reader *reader, const char *what, const struct yaml_node *map,
                              const struct reader_key *keys, unsigned owner)
{
    for (const struct reader_key *key = keys; key->name; key++) {
        if (!key->required || !(key->owners & owner))
            continue;
        const struct yaml_node *value = reader_find(map, key->name);
        if (!value || value->kind == YAML_NULL)
            (void)problems_add(reader->problems, value ? value->place : map->place,
                               "%s needs the key '%s'", what, key->name);
    }
}

int reader_map(struct reader *reader, const char *what, const struct yaml_node *map,
               const struct reader_key *keys, unsigned owner, void *record)
{
    int r = reader_need(reader, what, map, YAML_MAP);
    if (r < 0)
        return r;
    size_t problems_before = problems_count(reader->problems);
    for (size_t i = 0; i < map->count; i++) {
        r = read_pair(reader, what, &map->pairs[i], keys, owner, record);
        if (r == -ENOMEM)
            return r;
    }
    tell_missing_keys(reader, what, map, keys, owner);
    return problems_count(reader->problems) > problems_before ? -EINVAL : 0;
}

const struct yaml_node *reader_find(const struct yaml_node *map, const char *name)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->pairs[i].key->text, name) == 0)
            return map->pairs[i].value;
    return NULL;
}

/* ---- Values ---- */

static const char *kind_needed(enum yaml_kind kind)
{
    return kind == YAML_MAP ? "a map" : kind == YAML_LIST ? "a list" : "a single value";
}

int reader_need(struct reader *reader, const char *key, const struct yaml_node *node,
                enum yaml_kind kind)
{
    if (node->kind == kind)
        return 0;
    /* A key stands in quotes, a record ("service 'db'") does not. */
    const char *quote = strpbrk(key, " '") ? "" : "'";
    return problems_add(reader->problems, node->place, "%s%s%s must be %s, not %s", quote, key,
                        quote, kind_needed(kind), yaml_kind_name(node));
}

/* Puts variables in.  A service's value that is not known yet leaves an empty text and an obstacle.
 */
static int expand(struct reader *reader, const char *key, const struct yaml_node *node,
                  struct substitution *out)
{
    int r = reader_need(reader, key, node, YAML_SCALAR);
    if (r < 0)
        return r;
    r = substitute(node->text, node->place, reader->scope, reader->arena, reader->problems, out);
    if (r < 0 || !out->obstacle)
        return r;
    return reader_add_obstacle(reader, node->place, "%s", out->obstacle);
}

int reader_text(struct reader *reader, const char *key, const struct yaml_node *node, void *field)
{
    struct substitution value;
    int r = expand(reader, key, node, &value);
    if (r >= 0)
        *(const char **)field = value.text;
    return r;
}

int reader_texts(struct reader *reader, const char *key, const struct yaml_node *node, void *field)
{
    int r = reader_need(reader, key, node, YAML_LIST);
    if (r < 0)
        return r;
    const char **items = arena_take_array(reader->arena, node->count + 1, sizeof items[0]);
    if (!items)
        return -ENOMEM;
    int failed = 0;
    for (size_t i = 0; i < node->count; i++) {
        r = reader_text(reader, key, node->items[i], &items[i]);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            failed = r;
    }
    *(struct texts *)field = (struct texts){items, node->count};
    return failed;
}

int64_t reader_number(const char *text, int64_t max)
{
    int64_t number = 0;
    if (*text == '\0')
        return -1;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || number > (max - (*c - '0')) / 10)
            return -1;
        number = number * 10 + (*c - '0');
    }
    return number;
}

static int read_number(struct reader *reader, const char *key, const struct yaml_node *node,
                       int64_t min, int64_t max, int64_t *out_number)
{
    struct substitution value;
    int r = expand(reader, key, node, &value);
    if (r < 0)
        return r;
    if (value.obstacle)
        return 0; /* told as such when the service is to run */
    if (!node->plain && !value.changed)
        return problems_add(reader->problems, node->place,
                            "'%s' must be a number, not the text '%s'", key, value.text);
    int64_t number = reader_number(value.text, max);
    if (number < min)
        return problems_add(reader->problems, node->place,
                            "'%s' must be a number in %lld..%lld, not '%s'", key, (long long)min,
                            (long long)max, value.text);
    *out_number = number;
    return 0;
}

int reader_count(struct reader *reader, const char *key, const struct yaml_node *node, void *field)
{
    return read_number(reader, key, node, 0, READER_NUMBER_MAX, field);
}

int reader_positive(struct reader *reader, const char *key, const struct yaml_node *node,
                    void *field)
{
    return read_number(reader, key, node, 1, READER_NUMBER_MAX, field);
}

int reader_port(struct reader *reader, const char *key, const struct yaml_node *node, void *field)
{
    int64_t port = 0;
    int r = read_number(reader, key, node, 1, UINT16_MAX, &port);
    if (r >= 0)
        *(uint16_t *)field = (uint16_t)port;
    return r;
}

int reader_bool(struct reader *reader, const char *key, const struct yaml_node *node, void *field)
{
    struct substitution value;
    int r = expand(reader, key, node, &value);
    if (r < 0)
        return r;
    bool is_true = strcmp(value.text, "true") == 0;
    if (!is_true && strcmp(value.text, "false") != 0 && !value.obstacle)
        return problems_add(reader->problems, node->place, "'%s' must be true or false, not '%s'",
                            key, value.text);
    *(bool *)field = is_true;
    return 0;
}

/* ---- Names and obstacles ---- */

int reader_check_name(struct reader *reader, const char *what, const struct yaml_node *node)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    const char *name = node->text;
    if (strlen(name) > READER_NAME_BYTES_MAX)
        return problems_add(reader->problems, node->place,
                            "the name of a %s has more than %d characters", what,
                            READER_NAME_BYTES_MAX);
    if (name[0] == '\0' || !strchr(first, name[0]) || name[strspn(name, all)] != '\0')
        return problems_add(reader->problems, node->place,
                            "'%s' cannot be the name of a %s: letters, digits, '_', '-' and '.' "
                            "only, a letter or digit "
                            "first",
                            name, what);
    return 0;
}

int reader_add_obstacle(struct reader *reader, struct place place, const char *format, ...)
{
    char sentence[PROBLEM_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (len < 0)
        return -ENOMEM;
    if (!reader->obstacles)
        return problems_add(reader->problems, place, "%s", sentence);

    struct obstacle *obstacle = arena_take(reader->arena, sizeof *obstacle);
    const char *copy = arena_copy(reader->arena, sentence, strlen(sentence));
    if (!obstacle || !copy)
        return -ENOMEM;
    *obstacle = (struct obstacle){.place = place, .sentence = copy};
    struct obstacle **last = reader->obstacles;
    while (*last)
        last = &(*last)->next;
    *last = obstacle;
    return 0;
}

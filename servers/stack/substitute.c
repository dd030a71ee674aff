/* SPDX-License-Identifier: MIT
 * substitute.c - see substitute.h.
 *
 * Source: POSIX.1-2017, Shell Command Language, 2.6.2, for the operators. */
#include "servers/stack/substitute.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/suggest.h"
#include "core/base/text.h"

#define SHOWN_BYTES_MAX 64  /* of the source in a sentence */
#define CANDIDATES_MAX  256 /* services that are looked at for a suggestion */

struct expansion {
    const struct scope *scope;
    struct place place;
    struct arena *arena;
    struct problems *problems;
    struct substitution *result;
    const char *at; /* the next character of the source */
    int depth;
    bool failed; /* a name has no value: told, and the rest is looked at for more */
    bool wanted; /* false in a word that is not taken: it is only checked */
};

/* "${NAME" operator word "}" */
struct reference {
    const char *start; /* the $ */
    const char *name;
    size_t name_len;
    bool empty_counts; /* the operator begins with a colon: an empty value is as none */
    char kind;         /* the operator: '-', '+', '?', or 0 if there is none */
};

static int expand_word(struct expansion *expansion, bool inside, struct text *out);

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static const char *find_variable(const struct scope *scope, const char *name, size_t len)
{
    for (size_t i = 0; scope->env[i]; i++)
        if (strncmp(scope->env[i], name, len) == 0 && scope->env[i][len] == '=')
            return scope->env[i] + len + 1;
    return NULL;
}

/* How much of the source a sentence shows, from a ${ on. */
static int shown_len(const char *start)
{
    size_t len = strcspn(start, "}\n");
    len += start[len] == '}';
    return (int)(len < SHOWN_BYTES_MAX ? len : SHOWN_BYTES_MAX);
}

/* ---- References to services ---- */

static const struct scope_service *find_service(const struct scope *scope, const char *name,
                                                size_t len)
{
    size_t low = 0, high = scope->service_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = scope->services[middle].name;
        int r = strncmp(name, other, len);
        if (r == 0 && other[len] == '\0')
            return &scope->services[middle];
        if (r > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* "SERVICE.PROPERTY}" as it stands in the source. */
struct dotted {
    const char *name;
    size_t name_len;
    const char *property;
    size_t property_len;
};

/* Reads the characters that such a reference may have; the last dot divides it.  Returns whether it
 * is one. */
static bool read_dotted(const char *at, struct dotted *out_dotted)
{
    size_t len = 0, dot = 0;
    for (; is_name(at[len]) || at[len] == '-' || at[len] == '.'; len++)
        if (at[len] == '.')
            dot = len;
    *out_dotted = (struct dotted){at, dot, at + dot + 1, len - dot - 1};
    return at[len] == '}' && dot > 0 && (is_letter(at[0]) || is_digit(at[0]));
}

static const char *const properties[] = {"ip", "host", "port"};

/* The place in `properties`, or -1. */
static int property_index(const struct dotted *dotted)
{
    for (int i = 0; i < 3; i++)
        if (strlen(properties[i]) == dotted->property_len &&
            strncmp(properties[i], dotted->property, dotted->property_len) == 0)
            return i;
    return -1;
}

/* Whether "${" is followed by what can only be meant as a reference to a service, though it may
 * read as a variable with a default, `${my-db.ip}`: it ends with one of the properties, or there is
 * such a service. */
static bool is_service_reference(const struct scope *scope, const char *at)
{
    struct dotted dotted;
    return read_dotted(at, &dotted) &&
           (property_index(&dotted) >= 0 || find_service(scope, dotted.name, dotted.name_len));
}

static int note_obstacle(struct expansion *expansion, const char *start,
                         const struct scope_service *service, const char *property)
{
    if (expansion->result->obstacle)
        return 0;
    OWNED(text) struct text *sentence = NULL;
    int r = text_new(PROBLEM_BYTES_MAX, &sentence);
    if (r < 0)
        return r;
    text_add_format(sentence,
                    "'%.*s': the %s of service '%s' (type %s) is not known in this version",
                    shown_len(start), start, property, service->name, service->type);
    r = text_check(sentence);
    if (r < 0)
        return r;
    expansion->result->obstacle =
        arena_copy(expansion->arena, text_bytes(sentence), text_len(sentence));
    return expansion->result->obstacle ? 0 : -ENOMEM;
}

static int tell_no_service(struct expansion *expansion, const char *start,
                           const struct dotted *dotted)
{
    const char *candidates[CANDIDATES_MAX + 1] = {0};
    const struct scope *scope = expansion->scope;
    for (size_t i = 0; i < scope->service_count && i < CANDIDATES_MAX; i++)
        candidates[i] = scope->services[i].name;
    const char *name = arena_copy(expansion->arena, dotted->name, dotted->name_len);
    if (!name)
        return -ENOMEM;
    const char *meant = problems_full(expansion->problems) ? NULL : suggest(name, candidates);
    (void)problems_add(expansion->problems, expansion->place,
                       "'%.*s': there is no service '%s'%s%s%s", shown_len(start), start, name,
                       meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
    expansion->failed = true;
    return 0;
}

/* Does "SERVICE.PROPERTY}"; expansion->at is behind "${". */
static int expand_service(struct expansion *expansion, const char *start, struct text *out)
{
    struct dotted dotted;
    if (!read_dotted(expansion->at, &dotted))
        return problems_add(
            expansion->problems, expansion->place,
            "'%.*s' is neither a variable, ${NAME} or ${NAME:-default}, nor ${SERVICE.ip}; "
            "write $$ for a plain $",
            shown_len(start), start);
    expansion->at = dotted.property + dotted.property_len + 1;
    const struct scope_service *service =
        find_service(expansion->scope, dotted.name, dotted.name_len);
    if (!service)
        return tell_no_service(expansion, start, &dotted);
    int property = property_index(&dotted);
    if (property < 0)
        return problems_add(expansion->problems, expansion->place,
                            "'%.*s': a service has ip, host and port, not '%.*s'", shown_len(start),
                            start, (int)dotted.property_len, dotted.property);
    if (!expansion->wanted)
        return 0;
    const char *const values[] = {service->ip, service->host, service->port};
    if (!values[property])
        return note_obstacle(expansion, start, service, properties[property]);
    text_add_string(out, values[property]);
    return 0;
}

/* ---- Variables ---- */

/* Tells that a variable has no value, unless it has, or nobody wants it. */
static void require(struct expansion *expansion, const struct reference *reference, bool present,
                    const char *sentence)
{
    if (present || !expansion->wanted)
        return;
    expansion->failed = true;
    if (reference->kind == '?' && *sentence)
        (void)problems_add(expansion->problems, expansion->place,
                           "the variable '%.*s' is needed: %s", (int)reference->name_len,
                           reference->name, sentence);
    else if (reference->kind == '?')
        (void)problems_add(expansion->problems, expansion->place,
                           "the variable '%.*s' is not set%s", (int)reference->name_len,
                           reference->name, reference->empty_counts ? ", or empty" : "");
    else
        (void)problems_add(expansion->problems, expansion->place,
                           "the variable '%.*s' is not set; set it, or write ${%.*s:-default}",
                           (int)reference->name_len, reference->name, (int)reference->name_len,
                           reference->name);
}

/* Expands the word of a reference into `out`, or, if it is not wanted, only checks it. */
static int expand_operand(struct expansion *expansion, const struct reference *reference,
                          bool wanted, struct text *out)
{
    if (expansion->depth == SUBSTITUTE_DEPTH_MAX)
        return problems_add(expansion->problems, expansion->place,
                            "more than %d ${...} inside each other", SUBSTITUTE_DEPTH_MAX);
    bool outer_wanted = expansion->wanted;
    expansion->wanted = outer_wanted && wanted;
    expansion->depth++;
    int r = expand_word(expansion, true, out);
    expansion->depth--;
    expansion->wanted = outer_wanted;
    if (r < 0)
        return r;
    if (*expansion->at != '}')
        return problems_add(expansion->problems, expansion->place, "'%.*s' has no closing }",
                            shown_len(reference->start), reference->start);
    expansion->at++;
    return 0;
}

static int expand_required(struct expansion *expansion, const struct reference *reference,
                           bool present)
{
    OWNED(text) struct text *sentence = NULL;
    int r = text_new(PROBLEM_BYTES_MAX, &sentence);
    if (r >= 0)
        r = expand_operand(expansion, reference, !present, sentence);
    if (r >= 0)
        require(expansion, reference, present, text_bytes(sentence));
    return r;
}

static int expand_variable(struct expansion *expansion, const struct reference *reference,
                           struct text *out)
{
    const char *value = find_variable(expansion->scope, reference->name, reference->name_len);
    bool present = value && !(reference->empty_counts && *value == '\0');
    bool use_value = present && reference->kind != '+';
    int r = 0;
    switch (reference->kind) {
    case '-':
        r = expand_operand(expansion, reference, !present, out);
        break;
    case '+':
        r = expand_operand(expansion, reference, present, out);
        break;
    case '?':
        r = expand_required(expansion, reference, present);
        break;
    default:
        require(expansion, reference, present, "");
        break;
    }
    if (r >= 0 && use_value && expansion->wanted)
        text_add_string(out, value);
    return r;
}

/* Reads "NAME" and the operator; expansion->at is behind "${" and moves behind the operator, or the
 * brace if there is
 * none.  Returns whether it is a variable at all. */
static bool read_reference(struct expansion *expansion, struct reference *reference)
{
    const char *at = expansion->at;
    if (!is_letter(*at) && *at != '_')
        return false;
    reference->name = at;
    while (is_name(*at))
        at++;
    reference->name_len = (size_t)(at - reference->name);
    if (*at == '}') {
        expansion->at = at + 1;
        return true;
    }
    reference->empty_counts = *at == ':';
    at += reference->empty_counts;
    if (*at != '-' && *at != '+' && *at != '?')
        return false;
    reference->kind = *at;
    expansion->at = at + 1;
    return true;
}

/* ---- The whole ---- */

/* Does one "${...}"; expansion->at is at the $. */
static int expand_reference(struct expansion *expansion, struct text *out)
{
    struct reference reference = {.start = expansion->at};
    expansion->at += 2;
    expansion->result->changed = true;
    if (!strchr(expansion->at, '}'))
        return problems_add(expansion->problems, expansion->place,
                            "'%.*s' has no closing }; write $$ for a plain $",
                            shown_len(reference.start), reference.start);

    if (!is_service_reference(expansion->scope, expansion->at) &&
        read_reference(expansion, &reference))
        return expand_variable(expansion, &reference, out);
    return expand_service(expansion, reference.start, out);
}

/* Copies what needs nothing done. */
static void copy_plain(struct expansion *expansion, struct text *out)
{
    size_t len = strcspn(expansion->at, "${}");
    if (len == 0)
        len = 1;
    if (expansion->wanted)
        text_add(out, expansion->at, len);
    expansion->at += len;
}

/* Expands up to the end of the source, or, inside a reference, up to the brace that closes it. */
static int expand_word(struct expansion *expansion, bool inside, struct text *out)
{
    size_t braces = 0;
    while (*expansion->at != '\0') {
        char c = expansion->at[0];
        char next = expansion->at[1];
        if (inside && c == '}' && braces == 0)
            return 0;
        if (c == '$' && next == '{') {
            int r = expand_reference(expansion, out);
            if (r < 0)
                return r;
            continue;
        }
        if (c == '$' && next == '$')
            expansion->at++; /* and copies the second */
        braces += c == '{';
        braces -= c == '}' && braces > 0;
        copy_plain(expansion, out);
    }
    return 0;
}

int substitute(const char *source, struct place place, const struct scope *scope,
               struct arena *arena, struct problems *problems, struct substitution *out)
{
    *out = (struct substitution){.text = source};
    if (!strchr(source, '$'))
        return 0;

    OWNED(text) struct text *result = NULL;
    int r = text_new(SUBSTITUTE_BYTES_MAX, &result);
    if (r < 0)
        return r;
    struct expansion expansion = {
        .scope = scope,
        .place = place,
        .arena = arena,
        .problems = problems,
        .result = out,
        .at = source,
        .wanted = true,
    };
    r = expand_word(&expansion, false, result);
    if (r < 0)
        return r;
    if (expansion.failed)
        return -EINVAL;
    r = text_check(result);
    if (r == -E2BIG)
        return problems_add(problems, place,
                            "the value is longer than %zu bytes once its variables are put in",
                            SUBSTITUTE_BYTES_MAX);
    if (r < 0)
        return r;
    out->text = arena_copy(arena, text_bytes(result), text_len(result));
    return out->text ? 0 : -ENOMEM;
}

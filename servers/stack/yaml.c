/* SPDX-License-Identifier: MIT
 * yaml.c - see yaml.h.
 *
 * libfyaml gives events, one at a time; the tree is built from them without recursion, so that
 * depth costs no stack. */
#include "servers/stack/yaml.h"

#include <assert.h>
#include <errno.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"

/* A child that waits for its parent to end; key is NULL in a list. */
struct cell {
    struct cell *next;
    struct yaml_node *key;
    struct yaml_node *value;
};

/* A list or map whose end has not come. */
struct frame {
    struct yaml_node *node;
    struct yaml_node *key; /* of a map: the key that waits for its value, or NULL */
    struct cell *first;
    struct cell *last;
    size_t count;
};

struct anchor {
    const char *name;
    struct yaml_node *node;
};

struct builder {
    struct arena *arena;       /* borrowed */
    struct problems *problems; /* borrowed */
    struct yaml_node *root;
    struct place place; /* of the newest event that has one */
    struct frame frames[YAML_DEPTH_MAX];
    size_t depth;
    struct anchor anchors[YAML_ANCHORS_MAX];
    size_t anchor_count;
    size_t alias_count;
    size_t node_count;
    size_t document_count;
};

static void builder_free(struct builder *builder)
{
    free(builder);
}
DEFINE_DROP(builder, struct builder)

const char *yaml_kind_name(const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_NULL:
        return "nothing";
    case YAML_SCALAR:
        return "a single value";
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    }
    return "nothing";
}

static int count_nodes(struct builder *builder, size_t count)
{
    if (count > YAML_NODES_MAX - builder->node_count)
        return problems_add(builder->problems, builder->place, "more than %u values in one file",
                            YAML_NODES_MAX);
    builder->node_count += count;
    return 0;
}

/* The marks of libfyaml lie behind a quote or asterisk. */
static bool is_marked_late(struct fy_event *event)
{
    struct fy_token *token = fy_event_get_token(event);
    if (event->type != FYET_SCALAR || !token)
        return event->type == FYET_ALIAS;
    enum fy_scalar_style style = fy_token_scalar_style(token);
    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

static void note_place(struct builder *builder, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (!mark)
        return;
    uint32_t column = (uint32_t)mark->column + 1;
    if (column > 1 && is_marked_late(event))
        column--;
    builder->place = (struct place){(uint32_t)mark->line + 1, column};
}

/* ---- Nodes ---- */

static bool is_null_text(const char *text, size_t len)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        if (strlen(nulls[i]) == len && memcmp(nulls[i], text, len) == 0)
            return true;
    return false;
}

/* Checks the tag of an event.  out_string: whether it says that a scalar is a string. */
static int read_tag(struct builder *builder, struct fy_event *event, bool *out_string)
{
    static const char *const known[] = {"map", "seq", "str", "int", "float", "bool", "null"};
    static const char prefix[] = "tag:yaml.org,2002:";
    *out_string = false;
    struct fy_token *token = fy_event_get_tag_token(event);
    if (!token)
        return 0;

    size_t len = 0;
    const char *text = fy_token_get_text(token, &len);
    if (!text)
        return -ENOMEM;
    if (len == 1 && text[0] == '!') {
        *out_string = true;
        return 0;
    }
    size_t prefix_len = sizeof prefix - 1;
    if (len > prefix_len && memcmp(text, prefix, prefix_len) == 0) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strlen(known[i]) == len - prefix_len &&
                memcmp(known[i], text + prefix_len, len - prefix_len) == 0) {
                *out_string = i == 2;
                return 0;
            }
    }
    return problems_add(builder->problems, builder->place, "the tag '%.*s' is not supported",
                        (int)len, text);
}

static int read_anchor(struct builder *builder, struct fy_event *event, struct yaml_node *node)
{
    struct fy_token *token = fy_event_get_anchor_token(event);
    if (!token)
        return 0;
    if (builder->anchor_count == YAML_ANCHORS_MAX)
        return problems_add(builder->problems, builder->place, "more than %u anchors in one file",
                            YAML_ANCHORS_MAX);

    size_t len = 0;
    const char *text = fy_token_get_text(token, &len);
    const char *name = text ? arena_copy(builder->arena, text, len) : NULL;
    if (!name)
        return -ENOMEM;
    builder->anchors[builder->anchor_count++] = (struct anchor){name, node};
    return 0;
}

static int read_scalar_text(struct builder *builder, struct fy_event *event, struct yaml_node *node)
{
    size_t len = 0;
    const char *text = "";
    struct fy_token *token = fy_event_get_token(event);
    if (token) {
        text = fy_token_get_text(token, &len);
        if (!text)
            return -ENOMEM;
    }
    node->plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    if (memchr(text, '\0', len))
        return problems_add(builder->problems, node->place,
                            "a value may not contain the character \\0");
    node->text = arena_copy(builder->arena, text, len);
    if (!node->text)
        return -ENOMEM;
    if (node->plain && is_null_text(text, len))
        node->kind = YAML_NULL;
    return 0;
}

static int new_node(struct builder *builder, struct fy_event *event, enum yaml_kind kind,
                    struct yaml_node **out_node)
{
    int r = count_nodes(builder, 1);
    if (r < 0)
        return r;
    struct yaml_node *node = arena_take(builder->arena, sizeof *node);
    if (!node)
        return -ENOMEM;
    node->kind = kind;
    node->place = builder->place;

    bool string = false;
    r = read_tag(builder, event, &string);
    if (r >= 0)
        r = read_anchor(builder, event, node);
    if (r >= 0 && kind == YAML_SCALAR)
        r = read_scalar_text(builder, event, node);
    if (r < 0)
        return r;
    if (string && node->kind == YAML_NULL)
        node->kind = YAML_SCALAR;
    if (string)
        node->plain = false;
    *out_node = node;
    return 0;
}

static int find_alias(struct builder *builder, struct fy_event *event, struct yaml_node **out_node)
{
    if (++builder->alias_count > YAML_ALIASES_MAX)
        return problems_add(builder->problems, builder->place, "more than %u aliases in one file",
                            YAML_ALIASES_MAX);
    size_t len = 0;
    const char *name = fy_token_get_text(fy_event_get_token(event), &len);
    if (!name)
        return -ENOMEM;

    for (size_t i = builder->anchor_count; i > 0; i--) {
        const struct anchor *anchor = &builder->anchors[i - 1];
        if (strlen(anchor->name) != len || memcmp(anchor->name, name, len) != 0)
            continue;
        for (size_t level = 0; level < builder->depth; level++)
            if (builder->frames[level].node == anchor->node)
                return problems_add(builder->problems, builder->place,
                                    "the alias '*%.*s' contains itself", (int)len, name);
        *out_node = anchor->node;
        return 0;
    }
    return problems_add(builder->problems, builder->place,
                        "the alias '*%.*s' names no anchor above it", (int)len, name);
}

/* ---- Lists and maps ---- */

/* A finished node goes to the list or map that is open, or becomes the root. */
static int place_node(struct builder *builder, struct yaml_node *node)
{
    if (builder->depth == 0) {
        builder->root = node;
        return 0;
    }
    struct frame *frame = &builder->frames[builder->depth - 1];
    bool in_map = frame->node->kind == YAML_MAP;
    if (in_map && !frame->key) {
        if (node->kind != YAML_SCALAR)
            return problems_add(builder->problems, node->place,
                                "a key must be a single value, not %s", yaml_kind_name(node));
        frame->key = node;
        return 0;
    }

    struct cell *cell = arena_take(builder->arena, sizeof *cell);
    if (!cell)
        return -ENOMEM;
    cell->key = in_map ? frame->key : NULL;
    cell->value = node;
    frame->key = NULL;
    if (frame->last)
        frame->last->next = cell;
    else
        frame->first = cell;
    frame->last = cell;
    frame->count++;
    return 0;
}

static int open_frame(struct builder *builder, struct yaml_node *node)
{
    if (builder->depth == YAML_DEPTH_MAX)
        return problems_add(builder->problems, node->place,
                            "more than %d lists and maps inside each other", YAML_DEPTH_MAX);
    builder->frames[builder->depth++] = (struct frame){.node = node};
    return 0;
}

static int close_list(struct builder *builder, struct frame *frame)
{
    struct yaml_node *list = frame->node;
    list->items = arena_take_array(builder->arena, frame->count, sizeof list->items[0]);
    if (!list->items)
        return -ENOMEM;
    for (const struct cell *cell = frame->first; cell; cell = cell->next)
        list->items[list->count++] = cell->value;
    return 0;
}

/* A pair that a map may have: its own, or one that a merge key brings. */
struct offer {
    struct yaml_pair pair;
    size_t order; /* the map's own come first; the earlier wins */
    bool loses;
};

struct offers {
    struct offer *items; /* owned */
    size_t count;
    size_t own_count;
};

static void free_offers(struct offers *offers)
{
    free(offers->items);
}

static bool is_merge_key(const struct yaml_node *key)
{
    return key->plain && strcmp(key->text, "<<") == 0;
}

/* Checks what stands at `<<` and counts the pairs that it brings. */
static int count_merged(struct builder *builder, const struct yaml_node *value, size_t *count)
{
    size_t sources = value->kind == YAML_LIST ? value->count : 1;
    for (size_t i = 0; i < sources; i++) {
        const struct yaml_node *source = value->kind == YAML_LIST ? value->items[i] : value;
        if (source->kind != YAML_MAP)
            return problems_add(builder->problems, source->place,
                                "the merge key '<<' needs a map or a list of maps, not %s",
                                yaml_kind_name(source));
        int r = count_nodes(builder, source->count);
        if (r < 0)
            return r;
        *count += source->count;
    }
    return 0;
}

static void offer(struct offers *offers, struct yaml_pair pair)
{
    offers->items[offers->count] = (struct offer){.pair = pair, .order = offers->count};
    offers->count++;
}

static void offer_merged(struct offers *offers, const struct yaml_node *value)
{
    size_t sources = value->kind == YAML_LIST ? value->count : 1;
    for (size_t i = 0; i < sources; i++) {
        const struct yaml_node *source = value->kind == YAML_LIST ? value->items[i] : value;
        for (size_t j = 0; j < source->count; j++)
            offer(offers, source->pairs[j]);
    }
}

static int collect_offers(struct builder *builder, const struct frame *frame, struct offers *offers)
{
    size_t count = 0;
    for (const struct cell *cell = frame->first; cell; cell = cell->next) {
        int r = is_merge_key(cell->key) ? count_merged(builder, cell->value, &count) : 0;
        if (r < 0)
            return r;
        count++;
    }
    offers->items = calloc(count ? count : 1, sizeof offers->items[0]);
    if (!offers->items)
        return -ENOMEM;
    for (const struct cell *cell = frame->first; cell; cell = cell->next)
        if (!is_merge_key(cell->key))
            offer(offers, (struct yaml_pair){cell->key, cell->value});
    offers->own_count = offers->count;
    for (const struct cell *cell = frame->first; cell; cell = cell->next)
        if (is_merge_key(cell->key))
            offer_merged(offers, cell->value);
    return 0;
}

static int compare_order(const void *left, const void *right)
{
    const struct offer *a = left, *b = right;
    return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_keys(const void *left, const void *right)
{
    const struct offer *a = left, *b = right;
    int r = strcmp(a->pair.key->text, b->pair.key->text);
    return r != 0 ? r : compare_order(left, right);
}

/* Of pairs with the same key the first wins; two of the map's own are a mistake. */
static int choose_offers(struct builder *builder, struct offers *offers)
{
    int r = 0;
    qsort(offers->items, offers->count, sizeof offers->items[0], compare_keys);
    for (size_t i = 1; i < offers->count; i++) {
        const struct offer *before = &offers->items[i - 1];
        struct offer *item = &offers->items[i];
        if (strcmp(before->pair.key->text, item->pair.key->text) != 0)
            continue;
        item->loses = true;
        if (item->order < offers->own_count)
            r = problems_add(builder->problems, item->pair.key->place,
                             "the key '%s' stands here twice, first at %u:%u", item->pair.key->text,
                             before->pair.key->place.line, before->pair.key->place.column);
    }
    qsort(offers->items, offers->count, sizeof offers->items[0], compare_order);
    return r;
}

static int close_map(struct builder *builder, struct frame *frame)
{
    __attribute__((cleanup(free_offers))) struct offers offers = {0};
    int r = collect_offers(builder, frame, &offers);
    if (r >= 0)
        r = choose_offers(builder, &offers);
    if (r < 0)
        return r;

    struct yaml_node *map = frame->node;
    map->pairs = arena_take_array(builder->arena, offers.count, sizeof map->pairs[0]);
    if (!map->pairs)
        return -ENOMEM;
    for (size_t i = 0; i < offers.count; i++)
        if (!offers.items[i].loses)
            map->pairs[map->count++] = offers.items[i].pair;
    return 0;
}

static int close_frame(struct builder *builder)
{
    assert(builder->depth > 0); /* libfyaml pairs its events */
    struct frame *frame = &builder->frames[builder->depth - 1];
    assert(frame->node);
    int r = frame->node->kind == YAML_MAP ? close_map(builder, frame) : close_list(builder, frame);
    if (r < 0)
        return r;
    builder->depth--;
    return place_node(builder, frame->node);
}

/* ---- Events ---- */

static int take_event(struct builder *builder, struct fy_event *event)
{
    struct yaml_node *node = NULL;
    int r = 0;
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++builder->document_count > 1)
            r = problems_add(builder->problems, builder->place,
                             "a second document: there may be only one in a file");
        return r;
    case FYET_SCALAR:
        r = new_node(builder, event, YAML_SCALAR, &node);
        return r < 0 ? r : place_node(builder, node);
    case FYET_ALIAS:
        r = find_alias(builder, event, &node);
        return r < 0 ? r : place_node(builder, node);
    case FYET_SEQUENCE_START:
        r = new_node(builder, event, YAML_LIST, &node);
        return r < 0 ? r : open_frame(builder, node);
    case FYET_MAPPING_START:
        r = new_node(builder, event, YAML_MAP, &node);
        return r < 0 ? r : open_frame(builder, node);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        return close_frame(builder);
    default:
        return 0;
    }
}

static int read_events(struct builder *builder, struct fy_parser *parser)
{
    for (;;) {
        struct fy_event *event = fy_parser_parse(parser);
        if (!event)
            return 0; /* the end, or an error that the diagnostics hold */
        note_place(builder, event);
        int r = take_event(builder, event);
        fy_parser_event_free(parser, event);
        if (r < 0)
            return r;
    }
}

/* libfyaml's first complaint becomes a problem. */
static int tell_diagnostics(struct builder *builder, struct fy_diag *diagnostics)
{
    void *previous = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diagnostics, &previous);
    if (!error)
        return problems_add(builder->problems, builder->place, "this is not YAML");
    struct place place = {(uint32_t)(error->line > 0 ? error->line : 1),
                          (uint32_t)(error->column > 0 ? error->column : 1)};
    return problems_add(builder->problems, place, "this is not YAML: %s",
                        error->msg ? error->msg : "unknown error");
}

static void diagnostics_free(struct fy_diag *diagnostics)
{
    fy_diag_destroy(diagnostics);
}
DEFINE_DROP(diagnostics, struct fy_diag)

static void parser_free(struct fy_parser *parser)
{
    if (parser)
        fy_parser_destroy(parser);
}
DEFINE_DROP(parser, struct fy_parser)

static int parse_bytes(struct builder *builder, const char *bytes, size_t len)
{
    struct fy_diag_cfg diagnostics_config;
    fy_diag_cfg_default(&diagnostics_config);
    diagnostics_config.fp = NULL; /* not to stderr */
    OWNED(diagnostics) struct fy_diag *diagnostics = fy_diag_create(&diagnostics_config);
    if (!diagnostics)
        return -ENOMEM;
    fy_diag_set_collect_errors(diagnostics, true);

    const struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
        .diag = diagnostics,
    };
    OWNED(parser) struct fy_parser *parser = fy_parser_create(&config);
    if (!parser || fy_parser_set_string(parser, bytes, len) != 0)
        return -ENOMEM;

    int r = read_events(builder, parser);
    if (r >= 0 && fy_parser_get_stream_error(parser))
        r = tell_diagnostics(builder, diagnostics);
    return r;
}

static int check_bytes(const char *bytes, size_t len, struct problems *problems)
{
    size_t valid = utf8_valid_len(bytes, len);
    const char *nul = memchr(bytes, '\0', valid);
    if (!nul && valid == len)
        return 0;

    struct place place = {1, 1};
    for (size_t i = 0; i < (nul ? (size_t)(nul - bytes) : valid); i++) {
        if (bytes[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)bytes[i] & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return problems_add(problems, place, nul ? "a byte 0: this is not text" : "this is not UTF-8");
}

int yaml_parse(const char *bytes, size_t len, struct arena *arena, struct problems *problems,
               const struct yaml_node **out_root)
{
    int r = check_bytes(bytes, len, problems);
    if (r < 0)
        return r;
    OWNED(builder) struct builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return -ENOMEM;
    builder->arena = arena;
    builder->problems = problems;
    builder->place = (struct place){1, 1};

    r = parse_bytes(builder, bytes, len);
    if (r < 0)
        return r;
    if (builder->depth > 0)
        return problems_add(problems, builder->place, "the file ends inside a list or a map");
    *out_root = builder->root;
    return 0;
}

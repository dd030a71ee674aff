/* SPDX-License-Identifier: MIT
 * test_yaml.c - one document as a tree: places, aliases, merge keys, limits. */
#include <errno.h>
#include <stdio.h>

#include "core/base/text.h"
#include "tests/unit/stack_case.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

struct yaml_case {
    int result;
    struct arena *arena;
    struct problems *problems;
    const struct yaml_node *root;
};

static struct yaml_case parse_bytes(const char *bytes, size_t len)
{
    struct yaml_case c = {0};
    ck_assert_int_eq(arena_new(ARENA_BYTES, &c.arena), 0);
    ck_assert_int_eq(problems_new("y", &c.problems), 0);
    c.result = yaml_parse(bytes, len, c.arena, c.problems, &c.root);
    return c;
}

static struct yaml_case parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void yaml_case_done(struct yaml_case *c)
{
    arena_free(c->arena);
    problems_free(c->problems);
}

#define YAML_CASE __attribute__((cleanup(yaml_case_done))) struct yaml_case

static void expect_told(const char *text, const char *lines)
{
    YAML_CASE c = parse(text);
    ck_assert_int_eq(c.result, -EINVAL);
    ck_assert_str_eq(problems_text(c.problems), lines);
}

static const struct yaml_node *at(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *value = reader_find(map, key);
    ck_assert_msg(value != NULL, "no key %s", key);
    return value;
}

START_TEST(every_node_knows_its_place_and_kind)
{
    YAML_CASE c = parse("a: 1\nb:\n  - \"two\"\n  - {t\xc3\xa4: ~, d: x}\ne:\nf: |\n  block\n");
    ck_assert_int_eq(c.result, 0);
    ck_assert_uint_eq(c.root->count, 4);
    ck_assert_str_eq(at(c.root, "a")->text, "1");
    ck_assert(at(c.root, "a")->plain);

    const struct yaml_node *list = at(c.root, "b");
    ck_assert_int_eq(list->kind, YAML_LIST);
    ck_assert_uint_eq(list->items[0]->place.line, 3);
    ck_assert_uint_eq(list->items[0]->place.column, 5);
    ck_assert(!list->items[0]->plain);
    ck_assert_int_eq(at(list->items[1], "t\xc3\xa4")->kind, YAML_NULL);
    ck_assert_uint_eq(at(list->items[1], "d")->place.column, 16); /* in characters, not in bytes */
    ck_assert_int_eq(at(c.root, "e")->kind, YAML_NULL);
    ck_assert_str_eq(at(c.root, "f")->text, "block\n");
}
END_TEST

START_TEST(tags_say_what_is_a_string)
{
    YAML_CASE c = parse("a: !!str ~\nb: ! null\nc: !!int 5\n");
    ck_assert_int_eq(c.result, 0);
    ck_assert_int_eq(at(c.root, "a")->kind, YAML_SCALAR);
    ck_assert_int_eq(at(c.root, "b")->kind, YAML_SCALAR);
    ck_assert_str_eq(at(c.root, "c")->text, "5");
    expect_told("a: !mine x\n", "y:1:10: the tag '!mine' is not supported\n");
}
END_TEST

START_TEST(aliases_share_what_they_name)
{
    YAML_CASE c = parse("a: &x {k: v}\nb: *x\nc: [*x, &x 1, *x]\n");
    ck_assert_int_eq(c.result, 0);
    ck_assert_ptr_eq(at(c.root, "a"), at(c.root, "b"));
    ck_assert_ptr_eq(at(c.root, "c")->items[0], at(c.root, "a"));
    ck_assert_str_eq(at(c.root, "c")->items[2]->text, "1"); /* the newest anchor of a name counts */
    expect_told("a: *x\n", "y:1:4: the alias '*x' names no anchor above it\n");
    expect_told("a: &x [1, {b: *x}]\n", "y:1:15: the alias '*x' contains itself\n");
}
END_TEST

START_TEST(merge_keys_bring_what_a_map_has_not)
{
    YAML_CASE c = parse("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
                        "one:\n  y: own\n  <<: *b\n"
                        "two: {<<: [*m, *b]}\n"
                        "three: {\"<<\": no merge}\n");
    ck_assert_int_eq(c.result, 0);
    const struct yaml_node *one = at(c.root, "one");
    ck_assert_uint_eq(one->count, 2);
    ck_assert_str_eq(at(one, "y")->text, "own");
    ck_assert_str_eq(at(one, "x")->text, "1");
    const struct yaml_node *two = at(c.root, "two");
    ck_assert_uint_eq(two->count, 3);
    ck_assert_str_eq(at(two, "y")->text, "3");
    ck_assert_str_eq(at(c.root, "three")->pairs[0].key->text, "<<");
    expect_told("a: {<<: 5}\n",
                "y:1:9: the merge key '<<' needs a map or a list of maps, not a single value\n");
}
END_TEST

START_TEST(duplicate_keys_are_told_with_both_places)
{
    expect_told("a: 1\nb: {c: 1, d: 2, c: 3}\n",
                "y:2:17: the key 'c' stands here twice, first at 2:5\n");
    expect_told("? [a]\n: 1\n", "y:1:3: a key must be a single value, not a list\n");
}
END_TEST

START_TEST(what_is_not_yaml_is_told_with_its_place)
{
    expect_told("a: [1\nb: {", "y:3:1: this is not YAML: did not find expected node content\n");
    expect_told("a: b: c\n",
                "y:1:5: this is not YAML: invalid nested block mapping on the same line\n");
    expect_told("a: 1\n---\nb: 2\n", "y:2:1: a second document: there may be only one in a file\n");
    expect_told("ab: \"\\0\"\n", "y:1:5: a value may not contain the character \\0\n");
    expect_told("a: 1\nb: \xff\n", "y:2:4: this is not UTF-8\n");
    YAML_CASE c = parse_bytes("a: \0b\n", 6);
    ck_assert_str_eq(problems_text(c.problems), "y:1:4: a byte 0: this is not text\n");
    YAML_CASE empty = parse("# nothing\n");
    ck_assert_int_eq(empty.result, 0);
    ck_assert_ptr_null(empty.root);
}
END_TEST

/* Repeats `piece`, which may have one %zu for the number of the repetition. */
static void add_many(struct text *text, size_t count, const char *piece)
{
    const char *number = strstr(piece, "%zu");
    for (size_t i = 0; i < count; i++) {
        text_add(text, piece, number ? (size_t)(number - piece) : strlen(piece));
        if (number)
            text_add_format(text, "%zu%s", i, number + 3);
    }
}

static struct text *text_of(void)
{
    struct text *text = NULL;
    ck_assert_int_eq(text_new((size_t)64 * 1024 * 1024, &text), 0);
    return text;
}

START_TEST(depth_is_limited)
{
    OWNED(text) struct text *text = text_of();
    add_many(text, YAML_DEPTH_MAX, "[");
    add_many(text, YAML_DEPTH_MAX, "]");
    YAML_CASE fits = parse(text_bytes(text));
    ck_assert_int_eq(fits.result, 0);

    text_clear(text);
    add_many(text, 100000, "[");
    YAML_CASE c = parse(text_bytes(text));
    ck_assert_int_eq(c.result, -EINVAL);
    ck_assert_str_eq(problems_text(c.problems),
                     "y:1:33: more than 32 lists and maps inside each other\n");
}
END_TEST

START_TEST(an_alias_bomb_stays_small)
{
    OWNED(text) struct text *text = text_of();
    text_add_string(text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) /* 10 to the 30th leaves, if anybody copied them */
        text_add_format(text,
                        "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
                        i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    YAML_CASE c = parse(text_bytes(text));
    ck_assert_int_eq(c.result, 0);
    ck_assert_uint_lt(arena_used(c.arena), 200000);
}
END_TEST

START_TEST(a_merge_bomb_is_refused)
{
    OWNED(text) struct text *text = text_of();
    text_add_string(text, "big: &big {");
    add_many(text, 1000, "k%zu: 1, ");
    text_add_string(text, "}\n");
    add_many(text, 2000, "m%zu: {<<: *big}\n");
    YAML_CASE c = parse(text_bytes(text));
    ck_assert_int_eq(c.result, -EINVAL);
    ck_assert_ptr_nonnull(
        strstr(problems_text(c.problems), "more than 1000000 values in one file\n"));
}
END_TEST

START_TEST(counts_are_limited)
{
    OWNED(text) struct text *text = text_of();
    add_many(text, YAML_ANCHORS_MAX + 1, "- &a%zu x\n");
    YAML_CASE anchors = parse(text_bytes(text));
    ck_assert_str_eq(problems_text(anchors.problems),
                     "y:1001:10: more than 1000 anchors in one file\n");

    text_clear(text);
    text_add_string(text, "- &a x\n");
    add_many(text, YAML_ALIASES_MAX + 1, "- *a\n");
    YAML_CASE aliases = parse(text_bytes(text));
    ck_assert_str_eq(problems_text(aliases.problems),
                     "y:20002:3: more than 20000 aliases in one file\n");

    text_clear(text);
    add_many(text, YAML_NODES_MAX, "- x\n"); /* the list is one more */
    YAML_CASE nodes = parse(text_bytes(text));
    ck_assert_str_eq(problems_text(nodes.problems),
                     "y:1000000:3: more than 1000000 values in one file\n");
}
END_TEST

START_TEST(a_full_arena_is_an_error)
{
    struct arena *arena = NULL;
    struct problems *problems = NULL;
    ck_assert_int_eq(arena_new(200, &arena), 0);
    ck_assert_int_eq(problems_new("y", &problems), 0);
    const struct yaml_node *root = NULL;
    ck_assert_int_eq(yaml_parse("[1, 2, 3, 4]", 12, arena, problems, &root), -ENOMEM);
    problems_free(problems);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml");
    suite_add(suite, every_node_knows_its_place_and_kind);
    suite_add(suite, tags_say_what_is_a_string);
    suite_add(suite, aliases_share_what_they_name);
    suite_add(suite, merge_keys_bring_what_a_map_has_not);
    suite_add(suite, duplicate_keys_are_told_with_both_places);
    suite_add(suite, what_is_not_yaml_is_told_with_its_place);
    suite_add(suite, depth_is_limited);
    suite_add(suite, an_alias_bomb_stays_small);
    suite_add(suite, a_merge_bomb_is_refused);
    suite_add(suite, counts_are_limited);
    suite_add(suite, a_full_arena_is_an_error);
    return support_main(suite);
}

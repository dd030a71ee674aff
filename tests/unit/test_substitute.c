/* SPDX-License-Identifier: MIT
 * test_substitute.c - ${NAME} and its operators, service references, what is told and what is
 * bounded. */
#include <errno.h>

#include "core/base/text.h"
#include "tests/unit/stack_case.h"

static const char *const env[] = {
    "A=apple", "EMPTY=", "NESTED=${A} $$ }", "lower_1=l", "_=u", "AB=longer", "my=mine", NULL,
};
static const struct scope_service services[] = {
    {"db", "docker", NULL, NULL, NULL},
    {"my-web", "process", "127.0.0.1", "localhost", NULL},
    {"v1.0", "process", "127.0.0.1", "localhost", NULL},
};
static const struct scope scope = {env, services, sizeof services / sizeof services[0]};

struct outcome {
    int result;
    struct arena *arena;
    struct problems *problems;
    struct substitution value;
};

static void outcome_done(struct outcome *outcome)
{
    arena_free(outcome->arena);
    problems_free(outcome->problems);
}

#define OUTCOME __attribute__((cleanup(outcome_done))) struct outcome

static struct outcome run(const char *source)
{
    struct outcome outcome = {0};
    ck_assert_int_eq(arena_new((size_t)16 * 1024 * 1024, &outcome.arena), 0);
    ck_assert_int_eq(problems_new("f", &outcome.problems), 0);
    outcome.result = substitute(source, (struct place){3, 7}, &scope, outcome.arena,
                                outcome.problems, &outcome.value);
    return outcome;
}

static void expect(const char *source, const char *wanted)
{
    OUTCOME outcome = run(source);
    ck_assert_msg(outcome.result == 0, "%s: %s", source, problems_text(outcome.problems));
    ck_assert_msg(strcmp(outcome.value.text, wanted) == 0, "%s: '%s', not '%s'", source,
                  outcome.value.text, wanted);
    ck_assert_ptr_null(outcome.value.obstacle);
}

static void expect_told(const char *source, const char *lines)
{
    OUTCOME outcome = run(source);
    ck_assert_str_eq(problems_text(outcome.problems), lines);
    ck_assert_int_eq(outcome.result, -EINVAL);
}

START_TEST(values_are_put_in_as_they_are)
{
    expect("", "");
    expect("plain text {} }", "plain text {} }");
    expect("${A}", "apple");
    expect("<${A}${A}>", "<appleapple>");
    expect("${EMPTY}", "");
    expect("${lower_1}${_}", "lu");
    expect("${NESTED}", "${A} $$ }"); /* a value is not substituted again */
    expect("${AB}", "longer");
}
END_TEST

START_TEST(dollars_stay_unless_doubled)
{
    expect("$", "$");
    expect("$A $1 $(date) $", "$A $1 $(date) $");
    expect("$$", "$");
    expect("$$$$", "$$");
    expect("$${A}", "${A}");
    expect("$$${A}", "$apple");
    expect("${A}$", "apple$");
}
END_TEST

START_TEST(operators_do_as_the_shell_does)
{
    expect("${NO:-d}${EMPTY:-d}${A:-d}", "ddapple");
    expect("${NO-d}${EMPTY-d}${A-d}", "dapple");
    expect("${NO:+d}${EMPTY:+d}${A:+d}", "d");
    expect("${NO+d}${EMPTY+d}${A+d}", "dd");
    expect("${A:?e}${A?e}${EMPTY?e}", "appleapple");
    expect("${NO:-}${NO-}|", "|");
    expect_told("${NO:?set it to ${A}}", "f:3:7: the variable 'NO' is needed: set it to apple\n");
    expect_told("${EMPTY:?}", "f:3:7: the variable 'EMPTY' is not set, or empty\n");
    expect_told("${NO?}", "f:3:7: the variable 'NO' is not set\n");
}
END_TEST

START_TEST(a_default_may_contain_anything_balanced)
{
    expect("${API_HOST:-0.0.0.0}", "0.0.0.0");
    expect("${URL:-http://x.y:80/?a-b+c:-d}", "http://x.y:80/?a-b+c:-d");
    expect("${JSON:-{\"a\":{\"b\":1}}}!", "{\"a\":{\"b\":1}}!");
    expect("${NO:-${NONE:-${A}.x}}/", "apple.x/");
    expect("${NO:-$$x}", "$x");
    expect("${NO:-a b\nc}", "a b\nc");
    expect("${A:-${NOT_LOOKED_AT}}", "apple"); /* a word that is not taken needs no value */
    expect("${NO:+${NOT_LOOKED_AT}}", "");
}
END_TEST

START_TEST(all_that_is_missing_is_told_at_once)
{
    expect_told("${X} ${A} ${Y} ${Z:-${W}${V}}",
                "f:3:7: the variable 'X' is not set; set it, or write ${X:-default}\n"
                "f:3:7: the variable 'Y' is not set; set it, or write ${Y:-default}\n"
                "f:3:7: the variable 'W' is not set; set it, or write ${W:-default}\n"
                "f:3:7: the variable 'V' is not set; set it, or write ${V:-default}\n");
}
END_TEST

START_TEST(bad_syntax_is_told)
{
    static const char hint[] =
        "' is neither a variable, ${NAME} or ${NAME:-default}, nor ${SERVICE.ip}; write "
        "$$ for a plain $\n";
    static const char *const bad[] = {"${}",   "${1A}", "${A }",  "${A:}", "${A:=x}",
                                      "${A!}", "${-x}", "${.ip}", "${A{}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        OUTCOME outcome = run(bad[i]);
        ck_assert_int_eq(outcome.result, -EINVAL);
        const char *text = problems_text(outcome.problems);
        ck_assert_msg(strstr(text, bad[i]) && strstr(text, hint), "%s: %s", bad[i], text);
    }
    expect_told("x ${A", "f:3:7: '${A' has no closing }; write $$ for a plain $\n");
    expect_told("${A:-{}", "f:3:7: '${A:-{}' has no closing }\n");
    expect_told("${A:-${B}", "f:3:7: '${A:-${B}' has no closing }\n");
}
END_TEST

START_TEST(services_are_referred_to)
{
    expect("${my-web.ip}:${my-web.host}", "127.0.0.1:localhost");
    expect("${v1.0.ip}", "127.0.0.1");
    expect("${my:-web.ip}", "mine"); /* with a colon it is the variable */
    expect("${my-web}", "mine");     /* no property: a variable with a default */
    expect_told("${my-wib.ip}",
                "f:3:7: '${my-wib.ip}': there is no service 'my-wib'; did you mean 'my-web'?\n");
    expect_told("${my-web.url}",
                "f:3:7: '${my-web.url}': a service has ip, host and port, not 'url'\n");
    expect_told("${A:-${nobody.port}}", "f:3:7: '${nobody.port}': there is no service 'nobody'\n");
}
END_TEST

START_TEST(what_a_service_does_not_tell_is_an_obstacle)
{
    OUTCOME outcome = run("x${db.port}y${my-web.port}");
    ck_assert_int_eq(outcome.result, 0);
    ck_assert_str_eq(
        outcome.value.obstacle,
        "'${db.port}': the port of service 'db' (type docker) is not known in this version");
    OUTCOME untaken = run("${A:-${db.port}}");
    ck_assert_int_eq(untaken.result, 0);
    ck_assert_ptr_null(untaken.value.obstacle);
}
END_TEST

START_TEST(depth_and_length_are_limited)
{
    OWNED(text) struct text *text = NULL;
    ck_assert_int_eq(text_new((size_t)4 * 1024 * 1024, &text), 0);
    for (int depth = 0; depth < SUBSTITUTE_DEPTH_MAX; depth++)
        text_add_string(text, "${NO:-");
    text_add_string(text, "deep");
    for (int depth = 0; depth < SUBSTITUTE_DEPTH_MAX; depth++)
        text_add_string(text, "}");
    expect(text_bytes(text), "deep");

    OWNED(text) struct text *deeper = NULL;
    ck_assert_int_eq(text_new((size_t)4 * 1024 * 1024, &deeper), 0);
    text_add_format(deeper, "${NO:-%s}", text_bytes(text));
    expect_told(text_bytes(deeper), "f:3:7: more than 16 ${...} inside each other\n");

    text_clear(text);
    for (size_t len = 0; len <= SUBSTITUTE_BYTES_MAX; len += 5)
        text_add_string(text, "${A}");
    expect_told(text_bytes(text),
                "f:3:7: the value is longer than 131072 bytes once its variables are put in\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("substitute");
    suite_add(suite, values_are_put_in_as_they_are);
    suite_add(suite, dollars_stay_unless_doubled);
    suite_add(suite, operators_do_as_the_shell_does);
    suite_add(suite, a_default_may_contain_anything_balanced);
    suite_add(suite, all_that_is_missing_is_told_at_once);
    suite_add(suite, bad_syntax_is_told);
    suite_add(suite, services_are_referred_to);
    suite_add(suite, what_a_service_does_not_tell_is_an_obstacle);
    suite_add(suite, depth_and_length_are_limited);
    return support_main(suite);
}

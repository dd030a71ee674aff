/* SPDX-License-Identifier: MIT
 * test_error.c - a code and one sentence.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <string.h>

#include "core/base/error.h"

START_TEST(fail_returns_the_code_and_keeps_code_and_text)
{
    struct error err = {.code = 0};
    ck_assert_int_eq(fail(&err, -ENOENT, "%s:%d: no such runtime '%s'", "runtimes.conf", 7, "uw"),
                     -ENOENT);
    ck_assert_int_eq(err.code, -ENOENT);
    ck_assert_str_eq(err.text, "runtimes.conf:7: no such runtime 'uw'");
}
END_TEST

START_TEST(fail_without_a_place_for_the_text_returns_the_code)
{
    ck_assert_int_eq(fail(NULL, -ENOMEM, "no memory for %d things", 3), -ENOMEM);
}
END_TEST

START_TEST(the_longest_text_that_fits_is_whole)
{
    char text[ERROR_TEXT_BYTES];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct error err;
    ck_assert_int_eq(fail(&err, -EINVAL, "%s", text), -EINVAL);
    ck_assert_str_eq(err.text, text);
}
END_TEST

START_TEST(a_text_that_is_too_long_ends_in_three_dots)
{
    char text[ERROR_TEXT_BYTES + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct error err;
    ck_assert_int_eq(fail(&err, -EINVAL, "%s", text), -EINVAL);
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_BYTES - 1);
    ck_assert_str_eq(err.text + ERROR_TEXT_BYTES - 5, "x...");
}
END_TEST

START_TEST(an_error_has_a_name_and_words)
{
    ck_assert_str_eq(error_name(-ENOMEM), "ENOMEM");
    ck_assert_str_eq(error_name(-ECANCELED), "ECANCELED");
    ck_assert_str_eq(error_words(-ENOENT), "No such file or directory");
}
END_TEST

START_TEST(an_unknown_code_has_a_name_and_words_too)
{
    ck_assert_str_eq(error_name(-99999), "E?");
    ck_assert_str_eq(error_words(-99999), "unknown error");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    suite_add(suite, fail_returns_the_code_and_keeps_code_and_text);
    suite_add(suite, fail_without_a_place_for_the_text_returns_the_code);
    suite_add(suite, the_longest_text_that_fits_is_whole);
    suite_add(suite, a_text_that_is_too_long_ends_in_three_dots);
    suite_add(suite, an_error_has_a_name_and_words);
    suite_add(suite, an_unknown_code_has_a_name_and_words_too);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_suggest.c - the known word that a mistyped one was meant to be. */
#include "core/base/suggest.h"

#include "tests/support/support.h"

static const char *const words[] = {"binary", "args", "env", "dependencies", "ip", NULL};

START_TEST(mistakes_are_counted)
{
    ck_assert_uint_eq(suggest_distance("abc", "abc"), 0);
    ck_assert_uint_eq(suggest_distance("abc", "abcd"), 1);
    ck_assert_uint_eq(suggest_distance("abc", "ac"), 1);
    ck_assert_uint_eq(suggest_distance("abc", "axc"), 1);
    ck_assert_uint_eq(suggest_distance("abc", "bac"), 1);
    ck_assert_uint_eq(suggest_distance("ABC", "abc"), 0);
    ck_assert_uint_eq(suggest_distance("", "abc"), 3);
    ck_assert_uint_eq(suggest_distance("kitten", "sitting"), 3);
}
END_TEST

START_TEST(a_close_word_is_found)
{
    ck_assert_str_eq(suggest("binray", words), "binary");
    ck_assert_str_eq(suggest("arg", words), "args");
    ck_assert_str_eq(suggest("dependancies", words), "dependencies");
    ck_assert_str_eq(suggest("ENV", words), "env");
}
END_TEST

START_TEST(a_distant_word_is_not)
{
    ck_assert_ptr_null(suggest("image", words));
    ck_assert_ptr_null(suggest("", words));
    ck_assert_ptr_null(suggest("zz", words)); /* two mistakes in two letters */
    static const char long_word[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    ck_assert_ptr_null(suggest(long_word, words));
    static const char *const nothing[] = {NULL};
    ck_assert_ptr_null(suggest("binary", nothing));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suggest");
    suite_add(suite, mistakes_are_counted);
    suite_add(suite, a_close_word_is_found);
    suite_add(suite, a_distant_word_is_not);
    return support_main(suite);
}

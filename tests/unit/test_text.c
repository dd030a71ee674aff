/* SPDX-License-Identifier: MIT
 * test_text.c - bytes that grow at their end, and what of them is UTF-8. */
#include "core/base/text.h"

#include <errno.h>
#include <string.h>

#include "core/base/utf8.h"
#include "tests/support/support.h"

START_TEST(what_is_added_stands_in_order)
{
    OWNED(text) struct text *text = NULL;
    ck_assert_int_eq(text_new(1000, &text), 0);
    ck_assert_str_eq(text_bytes(text), "");
    text_add_string(text, "one");
    text_add(text, ",two", 4);
    text_add_format(text, ",%d,%s", 3, "four");
    ck_assert_str_eq(text_bytes(text), "one,two,3,four");
    ck_assert_uint_eq(text_len(text), 14);
    text_add(text, "\0x", 2);
    ck_assert_uint_eq(text_len(text), 16);
    ck_assert_int_eq(memcmp(text_bytes(text) + 13, "r\0x\0", 4), 0);
    for (int i = 0; i < 900; i++)
        text_add(text, "y", 1);
    ck_assert_uint_eq(text_len(text), 916);
    ck_assert_int_eq(text_check(text), 0);
}
END_TEST

START_TEST(an_error_sticks_until_the_text_is_cleared)
{
    OWNED(text) struct text *text = NULL;
    ck_assert_int_eq(text_new(5, &text), 0);
    text_add_string(text, "12345");
    ck_assert_int_eq(text_check(text), 0);
    text_add_string(text, "");
    ck_assert_int_eq(text_check(text), 0);
    text_add_format(text, "%d", 6);
    ck_assert_int_eq(text_check(text), -E2BIG);
    ck_assert_str_eq(text_bytes(text), "12345"); /* left out whole */
    text_clear(text);
    ck_assert_int_eq(text_check(text), 0);
    ck_assert_str_eq(text_bytes(text), "");
    text_add_string(text, "123456");
    text_add_string(text, "1");
    ck_assert_str_eq(text_bytes(text), "");
}
END_TEST

START_TEST(utf8_is_told_from_bytes)
{
    static const char *const good[] = {
        "",
        "ascii",
        "\xc3\xa4",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xf4\x8f\xbf\xbf",
        "\xed\x9f\xbf",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert(utf8_is_valid(good[i], strlen(good[i])));
    /* Alone, cut, overlong, surrogate, too high, no second byte. */
    static const char *const bad[] = {
        "\x80",         "\xc3",         "\xe2\x82",      "\xc0\x80",         "\xc1\xbf",
        "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf",  "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "\xc3(",        "\xf0\x9f(\x80",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_uint_eq(utf8_valid_len(bad[i], strlen(bad[i])), 0);
    ck_assert_uint_eq(utf8_valid_len("ab\xc3\xa4\xff", 5), 4);
    ck_assert(utf8_is_valid("a\0b", 3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    suite_add(suite, what_is_added_stands_in_order);
    suite_add(suite, an_error_sticks_until_the_text_is_cleared);
    suite_add(suite, utf8_is_told_from_bytes);
    return support_main(suite);
}

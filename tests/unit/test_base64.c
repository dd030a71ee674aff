/* SPDX-License-Identifier: MIT
 * test_base64.c - bytes as text; the time as text. */
#include "core/base/base64.h"

#include <string.h>

#include "core/base/clock.h"
#include "tests/support/support.h"

START_TEST(the_vectors_of_the_rfc_hold)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd\xfc", "//79/A=="},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[32];
        base64_encode(pairs[i][0], strlen(pairs[i][0]), text);
        ck_assert_str_eq(text, pairs[i][1]);
        ck_assert_uint_eq(BASE64_LEN(strlen(pairs[i][0])), strlen(text));
    }
}
END_TEST

START_TEST(times_are_told_with_milliseconds)
{
    char text[CLOCK_TEXT_BYTES];
    clock_text(INT64_C(1763837006042), text);
    ck_assert_str_eq(text, "2025-11-22T18:43:26.042Z");
    ck_assert_int_gt(clock_wall_ms(), INT64_C(1700000000000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64");
    suite_add(suite, the_vectors_of_the_rfc_hold);
    suite_add(suite, times_are_told_with_milliseconds);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_arena.c - memory given back at once, within a limit. */
#include "core/base/arena.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/support.h"

START_TEST(memory_is_zeroed_aligned_and_apart)
{
    OWNED(arena) struct arena *arena = NULL;
    ck_assert_int_eq(arena_new(1 << 20, &arena), 0);
    char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        size_t bytes = i * 37 % 6000;
        pieces[i] = arena_take(arena, bytes);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < bytes; j++)
            ck_assert_int_eq(pieces[i][j], 0);
        memset(pieces[i], (int)i + 1, bytes);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < i * 37 % 6000; j++)
            ck_assert_int_eq((unsigned char)pieces[i][j], (int)i + 1);
}
END_TEST

START_TEST(the_limit_holds_to_the_byte)
{
    OWNED(arena) struct arena *arena = NULL;
    ck_assert_int_eq(arena_new(64, &arena), 0);
    ck_assert_ptr_null(arena_take(arena, 65));
    ck_assert_ptr_nonnull(arena_take(arena, 48));
    ck_assert_ptr_null(arena_take(arena, 17));
    ck_assert_ptr_nonnull(arena_take(arena, 16));
    ck_assert_ptr_null(arena_take(arena, 0));
    ck_assert_uint_eq(arena_used(arena), 64);
    ck_assert_ptr_null(arena_take(arena, SIZE_MAX));
    ck_assert_ptr_null(arena_take_array(arena, SIZE_MAX / 2, 16));
    ck_assert_ptr_null(arena_copy(arena, "", SIZE_MAX));
}
END_TEST

START_TEST(a_copy_ends_with_nul)
{
    OWNED(arena) struct arena *arena = NULL;
    ck_assert_int_eq(arena_new(1024, &arena), 0);
    ck_assert_str_eq(arena_copy(arena, "hello, world", 5), "hello");
    ck_assert_str_eq(arena_copy(arena, "x", 0), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    suite_add(suite, memory_is_zeroed_aligned_and_apart);
    suite_add(suite, the_limit_holds_to_the_byte);
    suite_add(suite, a_copy_ends_with_nul);
    return support_main(suite);
}

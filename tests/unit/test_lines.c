/* SPDX-License-Identifier: MIT
 * test_lines.c - from bytes to lines, whatever the pieces they come in. */
#include "servers/orchestrator/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

/* Adds all of the bytes, at most `step` at a time, and takes the lines in between. */
struct feed {
    struct lines *lines;
    size_t step;
    size_t count;     /* of pieces */
    size_t ended;     /* of those that a newline ended */
    size_t len;       /* of all */
    struct line last; /* its bytes are not valid any more */
    char joined[64];  /* pieces so far, ">" before a continued one, "|" behind an ended one */
};

static void take_all(struct feed *feed)
{
    struct line line;
    while (lines_next(feed->lines, &line)) {
        feed->count++;
        feed->ended += line.ended;
        feed->len += line.len;
        feed->last = line;
        size_t len = strlen(feed->joined);
        if (line.len < sizeof feed->joined - len - 2)
            (void)snprintf(feed->joined + len, sizeof feed->joined - len, "%s%.*s%s",
                           line.continued ? ">" : "", (int)line.len, line.bytes,
                           line.ended ? "|" : "");
    }
}

static void feed_bytes(struct feed *feed, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t room = 0;
        char *at = lines_room(feed->lines, &room);
        ck_assert_ptr_nonnull(at);
        size_t n = room < len ? room : len;
        if (feed->step > 0 && n > feed->step)
            n = feed->step;
        memcpy(at, bytes, n);
        lines_added(feed->lines, n);
        take_all(feed);
        bytes += n;
        len -= n;
    }
}

static void feed_end(struct feed *feed)
{
    lines_end(feed->lines);
    take_all(feed);
}

static void feed_start(struct feed *feed, size_t step)
{
    *feed = (struct feed){.step = step};
    ck_assert_int_eq(lines_new(&feed->lines), 0);
}

START_TEST(lines_are_the_same_in_pieces_of_any_size)
{
    static const char text[] = "one\n\ntwo\r\nthree\n\n\nfour";
    for (size_t step = 1; step < sizeof text; step++) {
        struct feed feed;
        feed_start(&feed, step);
        feed_bytes(&feed, text, sizeof text - 1);
        ck_assert_str_eq(feed.joined, "one||two\r|three|||");
        feed_end(&feed);
        ck_assert_str_eq(feed.joined, "one||two\r|three|||four");
        ck_assert(!feed.last.ended && !feed.last.continued);
        lines_free(feed.lines);
    }
}
END_TEST

START_TEST(nothing_comes_of_nothing)
{
    struct feed feed;
    feed_start(&feed, 0);
    feed_end(&feed);
    ck_assert_uint_eq(feed.count, 0);
    lines_free(feed.lines);
    feed_start(&feed, 0);
    feed_bytes(&feed, "x\n", 2);
    feed_end(&feed);
    ck_assert_uint_eq(feed.count, 1); /* no empty line behind the last newline */
    lines_free(feed.lines);
}
END_TEST

START_TEST(bytes_zero_are_bytes)
{
    struct feed feed;
    feed_start(&feed, 0);
    feed_bytes(&feed, "a\0b\n\0\n", 6);
    ck_assert_uint_eq(feed.count, 2);
    ck_assert_uint_eq(feed.len, 4);
    lines_free(feed.lines);
}
END_TEST

static char *letters(size_t len)
{
    char *bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', len);
    bytes[len] = '\n';
    return bytes;
}

START_TEST(a_line_of_the_limit_comes_whole)
{
    char *bytes = letters(LINE_BYTES_MAX);
    struct feed feed;
    feed_start(&feed, 0);
    feed_bytes(&feed, bytes, LINE_BYTES_MAX);
    ck_assert_uint_eq(feed.count, 0); /* the newline may be next */
    feed_bytes(&feed, "\n", 1);
    ck_assert_uint_eq(feed.count, 1);
    ck_assert(feed.last.ended && !feed.last.continued && feed.last.len == LINE_BYTES_MAX);
    feed_bytes(&feed, bytes, LINE_BYTES_MAX);
    feed_end(&feed);
    ck_assert_uint_eq(feed.count, 2);
    ck_assert(!feed.last.ended && !feed.last.continued && feed.last.len == LINE_BYTES_MAX);
    lines_free(feed.lines);
    free(bytes);
}
END_TEST

START_TEST(a_longer_line_comes_in_flagged_pieces)
{
    size_t len = 3 * LINE_BYTES_MAX + 5;
    char *bytes = letters(len);
    struct feed feed;
    feed_start(&feed, 7777);
    feed_bytes(&feed, bytes, len + 1);
    ck_assert_uint_eq(feed.count, 4);
    ck_assert_uint_eq(feed.ended, 1);
    ck_assert_uint_eq(feed.len, len);
    ck_assert(feed.last.ended && feed.last.continued && feed.last.len == 5);
    feed_bytes(&feed, "next\n", 5);
    ck_assert(feed.last.ended && !feed.last.continued);
    lines_free(feed.lines);
    free(bytes);
}
END_TEST

START_TEST(room_grows_with_what_comes_and_shrinks_after)
{
    struct feed feed;
    feed_start(&feed, 0);
    size_t room = 0;
    ck_assert_ptr_nonnull(lines_room(feed.lines, &room));
    ck_assert_uint_le(room, 4096);
    char *bytes = letters(LINE_BYTES_MAX);
    feed_bytes(&feed, bytes, LINE_BYTES_MAX + 1);
    ck_assert_ptr_nonnull(lines_room(feed.lines, &room));
    ck_assert_uint_eq(room, 65536);
    lines_free(feed.lines);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    suite_add(suite, lines_are_the_same_in_pieces_of_any_size);
    suite_add(suite, nothing_comes_of_nothing);
    suite_add(suite, bytes_zero_are_bytes);
    suite_add(suite, a_line_of_the_limit_comes_whole);
    suite_add(suite, a_longer_line_comes_in_flagged_pieces);
    suite_add(suite, room_grows_with_what_comes_and_shrinks_after);
    return support_main(suite);
}

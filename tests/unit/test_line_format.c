/* SPDX-License-Identifier: MIT
 * test_line_format.c - how lines look, and what a terminal is spared. */
#include "servers/orchestrator/line_format.h"

#include <string.h>

#include "tests/support/support.h"

static const struct line_format to_file = {.width = 5};
static const struct line_format to_terminal = {.terminal = true, .width = 5};
static const struct line_format in_colour = {.terminal = true, .colours = true, .width = 5};

static void expect_line(const struct line_format *format, const char *name, struct line line,
                        const char *wanted, size_t wanted_len)
{
    OWNED(text) struct text *out = NULL;
    ck_assert_int_eq(text_new(1000, &out), 0);
    line_format_add(format, name, 0, &line, out);
    ck_assert_int_eq(text_check(out), 0);
    ck_assert_msg(text_len(out) == wanted_len && memcmp(text_bytes(out), wanted, wanted_len) == 0,
                  "%s, not %s", text_bytes(out), wanted);
}

/* Of bytes that may contain NUL. */
#define EXPECT(format, content, wanted)                                                            \
    expect_line(format, "web", (struct line){content, sizeof(content) - 1, false, true}, wanted,   \
                sizeof(wanted) - 1)

START_TEST(names_stand_in_one_column)
{
    EXPECT(&to_file, "hello", "web   | hello\n");
    EXPECT(&to_file, "", "web   | \n");
    expect_line(&to_file, "longer-name", (struct line){"x", 1, false, true}, "longer-name | x\n",
                16);
    expect_line(&to_file, "web", (struct line){"rest", 4, true, true}, "web   |+rest\n", 13);
}
END_TEST

START_TEST(bytes_pass_unharmed_where_nobody_looks)
{
    EXPECT(&to_file, "\0\x1b[31m\r\x80\xff\t\x07", "web   | \0\x1b[31m\r\x80\xff\t\x07\n");
}
END_TEST

START_TEST(control_characters_are_shown_on_a_terminal)
{
    EXPECT(&to_terminal, "a\tb", "web   | a\tb\n");
    EXPECT(&to_terminal, "\0\x07\x1b]0;title\x07\x7f", "web   | ^@^G^[]0;title^G^?\n");
    EXPECT(&to_terminal, "over\rwrite\r", "web   | over^Mwrite\n"); /* the last is of CR LF */
    EXPECT(&to_terminal, "\x1b[2J\x1b[1;1H", "web   | ^[[2J^[[1;1H\n");
    EXPECT(&to_terminal, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
           "web   | \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\n");
    EXPECT(&to_terminal,
           "\xc2\x9b"
           "31m",
           "web   | \\xc2\\x9b31m\n"); /* CSI as one character */
    EXPECT(&to_terminal, "\x9b\xff\xc3", "web   | \\x9b\\xff\\xc3\n");
}
END_TEST

START_TEST(colours_of_a_service_pass_and_end_with_the_line)
{
    EXPECT(&in_colour, "plain", "\033[36mweb   |\033[0m plain\n");
    EXPECT(&in_colour, "\033[1;38:2:1:2:3mred",
           "\033[36mweb   |\033[0m \033[1;38:2:1:2:3mred\033[0m\n");
    EXPECT(&in_colour, "\033[31", "\033[36mweb   |\033[0m ^[[31\n");
    EXPECT(&in_colour, "\033[?25l\033[3Am", "\033[36mweb   |\033[0m ^[[?25l^[[3Am\n");
    EXPECT(&to_terminal, "\033[31mred\033[0m", "web   | red\n"); /* nobody wants colours */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("line_format");
    suite_add(suite, names_stand_in_one_column);
    suite_add(suite, bytes_pass_unharmed_where_nobody_looks);
    suite_add(suite, control_characters_are_shown_on_a_terminal);
    suite_add(suite, colours_of_a_service_pass_and_end_with_the_line);
    return support_main(suite);
}

/* SPDX-License-Identifier: MIT
 * test_runtimes_conf.c - runtimes.conf: what it may say, and the sentence for each mistake.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/config/runtimes_conf.h"

/* --- what helps ------------------------------------------------------------------------------ */

static struct runtimes_conf *parse_bytes(const char *bytes, size_t len)
{
    struct error err = {0};
    struct runtimes_conf *conf = NULL;
    int r = runtimes_conf_parse("r.conf", bytes, len, &conf, &err);
    ck_assert_msg(r == 0, "%d: %s", r, err.text);
    return conf;
}

static struct runtimes_conf *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static struct runtimes_settings settings_of(const struct runtimes_conf *conf, const char *section)
{
    struct error err = {0};
    struct runtimes_settings settings;
    int r = runtimes_conf_settings(conf, section, &settings, &err);
    ck_assert_msg(r == 0, "%d: %s", r, err.text);
    return settings;
}

static void expect_bytes(const char *bytes, size_t len, const char *sentence)
{
    struct error err = {0};
    struct runtimes_conf *conf = NULL;
    int r = runtimes_conf_parse("r.conf", bytes, len, &conf, &err);
    ck_assert_msg(r == -EINVAL, "'%s' gives %d, not -EINVAL", bytes, r);
    ck_assert_ptr_null(conf);
    ck_assert_int_eq(err.code, -EINVAL);
    ck_assert_str_eq(err.text, sentence);
}

static void expect(const char *text, const char *sentence)
{
    expect_bytes(text, strlen(text), sentence);
}

/* Writes `head`, then `count` times `c`, then `tail`. */
static char *with_many(const char *head, char c, size_t count, const char *tail)
{
    size_t head_len = strlen(head), tail_len = strlen(tail);
    char *text = malloc(head_len + count + tail_len + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, head, head_len);
    memset(text + head_len, c, count);
    memcpy(text + head_len + count, tail, tail_len + 1);
    return text;
}

/* --- what holds ------------------------------------------------------------------------------ */

START_TEST(an_empty_file_leaves_everything_as_it_is_built_in)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = parse("");
    struct runtimes_settings settings = settings_of(conf, "up");
    ck_assert_str_eq(settings.section, "up");
    ck_assert_str_eq(settings.values[RUNTIMES_RUNTIME].from, "built in");
    ck_assert_uint_eq(settings.values[RUNTIMES_WORKERS].number, 1);
    for (enum runtimes_key key = RUNTIMES_STACK_SIZE; key < RUNTIMES_KEY_COUNT; key++) {
        ck_assert_ptr_null(settings.values[key].text);
        ck_assert_uint_eq(settings.values[key].number, 0);
        ck_assert_int_eq(settings.values[key].line, 0);
    }
}
END_TEST

START_TEST(the_built_in_runtime_is_the_first_that_was_built)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = parse("");
    const char *first = runtimes_built_has("uv")   ? "uv"
                        : runtimes_built_has("ev") ? "ev"
                                                   : "threads";
    struct runtimes_settings settings;
    int r = runtimes_conf_settings(conf, "default", &settings, NULL);
    if (runtimes_built()[0] == '\0') {
        ck_assert_int_eq(r, -ENOENT);
        return;
    }
    ck_assert_int_eq(r, 0);
    ck_assert_str_eq(settings.values[RUNTIMES_RUNTIME].text, first);
}
END_TEST

START_TEST(every_key_is_taken_with_its_line)
{
    OWNED(runtimes_conf)
    struct runtimes_conf *conf = parse("# a comment\n"
                                       "[default]\n"
                                       "runtime = ev\n"
                                       "workers=256\n"
                                       "\tstack_size =  64K \r\n"
                                       "; another\n"
                                       "tasks_max = 0\n"
                                       "stack_memory_max = 2G\n"
                                       "offload_threads = 1024\n"
                                       "plugin_dir = /opt/a b/yoke");
    const struct runtimes_settings settings = settings_of(conf, "default");
    const struct runtimes_value *values = settings.values;
    ck_assert_str_eq(values[RUNTIMES_RUNTIME].text, "ev");
    ck_assert_int_eq(values[RUNTIMES_RUNTIME].line, 3);
    ck_assert_ptr_null(values[RUNTIMES_RUNTIME].from);
    ck_assert_uint_eq(values[RUNTIMES_WORKERS].number, 256);
    ck_assert_uint_eq(values[RUNTIMES_STACK_SIZE].number, 65536);
    ck_assert_str_eq(values[RUNTIMES_STACK_SIZE].text, "64K");
    ck_assert_int_eq(values[RUNTIMES_STACK_SIZE].line, 5);
    ck_assert_uint_eq(values[RUNTIMES_TASKS_MAX].number, 0);
    ck_assert_int_eq(values[RUNTIMES_TASKS_MAX].line, 7);
    ck_assert_uint_eq(values[RUNTIMES_STACK_MEMORY_MAX].number, UINT64_C(2) << 30);
    ck_assert_uint_eq(values[RUNTIMES_OFFLOAD_THREADS].number, 1024);
    ck_assert_str_eq(values[RUNTIMES_PLUGIN_DIR].text, "/opt/a b/yoke");
    ck_assert_int_eq(values[RUNTIMES_PLUGIN_DIR].line, 10);
}
END_TEST

START_TEST(a_server_inherits_key_by_key)
{
    OWNED(runtimes_conf)
    struct runtimes_conf *conf = parse("[up]\n"
                                       "workers = 4\n"
                                       "[default]\n"
                                       "runtime = threads\n"
                                       "workers = 2\n"
                                       "tasks_max = 100\n"
                                       "[echo]\n"
                                       "tasks_max = 0\n");
    struct runtimes_settings up = settings_of(conf, "up");
    ck_assert_str_eq(up.values[RUNTIMES_RUNTIME].text, "threads");
    ck_assert_uint_eq(up.values[RUNTIMES_WORKERS].number, 4);
    ck_assert_uint_eq(up.values[RUNTIMES_TASKS_MAX].number, 100);
    struct runtimes_settings echo = settings_of(conf, "echo");
    ck_assert_uint_eq(echo.values[RUNTIMES_WORKERS].number, 2);
    ck_assert_uint_eq(echo.values[RUNTIMES_TASKS_MAX].number, 0);
    ck_assert_int_eq(echo.values[RUNTIMES_TASKS_MAX].line, 8);
    ck_assert_int_eq(runtimes_conf_section_line(conf, "up"), 1);
    ck_assert_int_eq(runtimes_conf_section_line(conf, "default"), 3);
    ck_assert_int_eq(runtimes_conf_section_line(conf, "keeper"), 0);
}
END_TEST

START_TEST(keys_of_a_plugin_are_kept_for_it_in_order)
{
    OWNED(runtimes_conf)
    struct runtimes_conf *conf = parse("[runtime ev]\n"
                                       "backend = epoll;x=1:2\n"
                                       "b.c-D_9 = #7\n"
                                       "[runtime my-own_1]\n");
    const struct runtimes_option *options = NULL;
    ck_assert_uint_eq(runtimes_conf_options(conf, "ev", &options), 2);
    ck_assert_str_eq(options[0].key, "backend");
    ck_assert_str_eq(options[0].value, "epoll;x=1:2");
    ck_assert_int_eq(options[0].line, 2);
    ck_assert_str_eq(options[1].key, "b.c-D_9");
    ck_assert_str_eq(options[1].value, "#7");
    ck_assert_uint_eq(runtimes_conf_options(conf, "my-own_1", &options), 0);
    ck_assert_uint_eq(runtimes_conf_options(conf, "uv", &options), 0);
    ck_assert_str_eq(runtimes_conf_plugin(conf, 0), "ev");
    ck_assert_str_eq(runtimes_conf_plugin(conf, 1), "my-own_1");
    ck_assert_ptr_null(runtimes_conf_plugin(conf, 2));
}
END_TEST

START_TEST(a_byte_order_mark_and_a_missing_last_newline_are_fine)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = parse("\xef\xbb\xbf[default]\nworkers = 3");
    ck_assert_uint_eq(settings_of(conf, "default").values[RUNTIMES_WORKERS].number, 3);
}
END_TEST

START_TEST(an_absolute_path_is_a_runtime)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = parse("[up]\nruntime = /opt/runtime_my.so\n");
    struct runtimes_settings up = settings_of(conf, "up");
    ck_assert_str_eq(up.values[RUNTIMES_RUNTIME].text, "/opt/runtime_my.so");
}
END_TEST

START_TEST(the_limits_of_numbers_belong_to_them)
{
    OWNED(runtimes_conf)
    struct runtimes_conf *conf =
        parse("[default]\nworkers=1\nstack_size=16384\ntasks_max=16777216\nstack_memory_max=1M\n"
              "offload_threads=1\n[up]\nstack_size=64M\nstack_memory_max=16384G\n");
    ck_assert_uint_eq(settings_of(conf, "up").values[RUNTIMES_STACK_SIZE].number, 64U << 20);
    ck_assert_uint_eq(settings_of(conf, "up").values[RUNTIMES_STACK_MEMORY_MAX].number, UINT64_C(1)
                                                                                            << 44);
}
END_TEST

/* --- mistakes -------------------------------------------------------------------------------- */

#define KEYS                                                                                       \
    "runtime, workers, stack_size, tasks_max, stack_memory_max, offload_threads, plugin_dir"
#define SECTIONS "default, up, daemon, registry, graph, echo, keeper, runtime NAME"

START_TEST(an_unknown_key_is_named_with_what_may_have_been_meant)
{
    expect("[default]\nruntime = uv\nworker = 2\n",
           "r.conf:3: unknown key 'worker' (did you mean 'workers'?); allowed are: " KEYS);
    expect("[up]\nRuntime = uv\n",
           "r.conf:2: unknown key 'Runtime' (did you mean 'runtime'?); allowed are: " KEYS);
    expect("[up]\ncolour = red\n", "r.conf:2: unknown key 'colour'; allowed are: " KEYS);
}
END_TEST

START_TEST(an_unknown_section_is_named_with_what_there_is)
{
    expect("[regisrty]\n",
           "r.conf:1: unknown section [regisrty] (did you mean [registry]?); there are: " SECTIONS);
    expect("\n\n[http]\nworkers=1", "r.conf:3: unknown section [http]; there are: " SECTIONS);
    expect("[ up]\n", "r.conf:1: unknown section [ up] (did you mean [up]?); there are: " SECTIONS);
    expect("[]\n", "r.conf:1: unknown section []; there are: " SECTIONS);
}
END_TEST

START_TEST(a_wrong_value_is_named_with_what_is_allowed)
{
    static const char *const wrong_numbers[] = {"0",
                                                "257",
                                                "-1",
                                                "+1",
                                                "1.5",
                                                "two",
                                                "0x10",
                                                "1 2",
                                                "4K",
                                                "99999999999999999999999",
                                                "18446744073709551617",
                                                "18446744073709551620"};
    for (size_t i = 0; i < sizeof wrong_numbers / sizeof wrong_numbers[0]; i++) {
        char text[64], sentence[128];
        (void)snprintf(text, sizeof text, "[default]\nworkers = %s\n", wrong_numbers[i]);
        (void)snprintf(
            sentence, sizeof sentence,
            "r.conf:2: workers = '%s' is not allowed; allowed is a whole number, 1 to 256",
            wrong_numbers[i]);
        expect(text, sentence);
    }
    static const char *const wrong_bytes[] = {"0",   "16383", "15K", "1025M",       "2G",
                                              "64k", "64KB",  "K",   "17179869184G"};
    for (size_t i = 0; i < sizeof wrong_bytes / sizeof wrong_bytes[0]; i++) {
        char text[64], sentence[160];
        (void)snprintf(text, sizeof text, "[default]\nstack_size = %s\n", wrong_bytes[i]);
        (void)snprintf(
            sentence, sizeof sentence,
            "r.conf:2: stack_size = '%s' is not allowed; allowed is 16K to 64M, in bytes or "
            "with suffix K, M or G",
            wrong_bytes[i]);
        expect(text, sentence);
    }
    expect(
        "[up]\nruntime = ./runtime_uv.so",
        "r.conf:2: runtime = './runtime_uv.so' is not allowed; allowed is a name made of a-z, 0-9, "
        "_ and -, or the absolute path of a plugin");
    expect("[up]\nplugin_dir = plugins", "r.conf:2: plugin_dir = 'plugins' is not allowed; allowed "
                                         "is the absolute path of a folder");
    expect("[up]\nworkers =\n",
           "r.conf:2: workers has no value; allowed is a whole number, 1 to 256");
}
END_TEST

START_TEST(what_comes_twice_is_refused_with_the_first_place)
{
    expect("[up]\nworkers = 1\n\nworkers = 2\n",
           "r.conf:4: workers is set twice in this section, first on line 2");
    expect("[up]\n[default]\n[up]\n", "r.conf:3: the section [up] comes twice, first on line 1");
    expect("[runtime ev]\na=1\n[runtime ev]\n",
           "r.conf:3: the section [runtime ev] comes twice, first on line 1");
    expect("[runtime ev]\na=1\nA=2\na=1\n",
           "r.conf:4: a is set twice in this section, first on line 2");
}
END_TEST

START_TEST(a_line_that_is_no_line_is_refused)
{
    const char *form = "key = value, [section] or a comment after #";
    char sentence[160];
    (void)snprintf(sentence, sizeof sentence, "r.conf:2: 'workers 4' has no '='; a line is %s",
                   form);
    expect("[up]\nworkers 4\n", sentence);
    (void)snprintf(sentence, sizeof sentence,
                   "r.conf:2: 'workers: 4' has no '=' before its ':'; a line is %s", form);
    expect("[up]\nworkers: 4\n", sentence);
    (void)snprintf(sentence, sizeof sentence,
                   "r.conf:2: 'a:b = 1' has no '=' before its ':'; a line is %s", form);
    expect("[runtime ev]\na:b = 1\n", sentence);
    expect("[up]\n= 4\n", "r.conf:2: there is no key before '='");
    expect("workers = 4\n",
           "r.conf:1: 'workers' stands before the first section; begin with [default]");
    expect("[up\nworkers = 4\n", "r.conf:1: the section has no ']' at its end");
    expect("[up] # mine\n", "r.conf:1: there is something behind the section's ']'");
    expect("[up]]\n", "r.conf:1: there is something behind the section's ']'");
    expect("[up]\nworkers = 4 ; four\n",
           "r.conf:2: a comment stands on a line of its own, not behind a value");
    expect("[up]\nworkers = 4 # four\n",
           "r.conf:2: workers = '4 # four' is not allowed; allowed is "
           "a whole number, 1 to 256");
}
END_TEST

START_TEST(a_continued_line_is_no_continuation)
{
    expect("[up]\nplugin_dir = /opt\n  /yoke\n",
           "r.conf:3: '/yoke' has no '='; a line is key = value, [section] or a comment after #");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
    expect_bytes("[up]\nworkers = 1\0002\n", 18,
                 "r.conf:2: the byte 0x00 has no place in a line of text");
    expect("[up]\nworkers = \0331\n", "r.conf:2: the byte 0x1b has no place in a line of text");
    expect("[up]\rworkers = 1\n", "r.conf:1: the byte 0x0d has no place in a line of text");
}
END_TEST

START_TEST(a_plugins_section_and_keys_have_rules_too)
{
    expect("[runtime Ev]\n",
           "r.conf:1: [runtime Ev]: a runtime's name is made of a-z, 0-9, _ and -, "
           "at most 31 of them");
    expect("[runtime ]\n", "r.conf:1: [runtime ]: a runtime's name is made of a-z, 0-9, _ and -, "
                           "at most 31 of them");
    expect("[runtime a23456789012345678901234567890b2]\n",
           "r.conf:1: [runtime a23456789012345678901234567890b2]: a runtime's name is made of a-z, "
           "0-9, _ and -, at most 31 of them");
    expect("[runtime ev]\na b = 1\n",
           "r.conf:2: the key 'a b' is not made of letters, digits, '_', "
           "'-' and '.', at most 63 of them");
    expect("[runtime ev]\nbackend =\n", "r.conf:2: backend has no value");
}
END_TEST

START_TEST(the_longest_line_is_taken_and_a_longer_one_is_refused)
{
    const char *head = "[up]\nplugin_dir = /";
    size_t head_len = strlen("plugin_dir = /");
    char *longest = with_many(head, 'x', RUNTIMES_CONF_LINE_BYTES_MAX - head_len, "\n");
    OWNED(runtimes_conf) struct runtimes_conf *conf = parse(longest);
    ck_assert_uint_eq(strlen(settings_of(conf, "up").values[RUNTIMES_PLUGIN_DIR].text),
                      RUNTIMES_CONF_LINE_BYTES_MAX - strlen("plugin_dir = "));
    free(longest);
    char *longer =
        with_many(head, 'x', RUNTIMES_CONF_LINE_BYTES_MAX - head_len + 1, "\nworkers = 1\n");
    expect(longer, "r.conf:2: the line has 1025 bytes, allowed are 1024");
    free(longer);
}
END_TEST

START_TEST(there_are_limits_on_sections_keys_and_the_whole)
{
    char text[RUNTIMES_CONF_PLUGINS_MAX * 32 + 64] = "";
    size_t len = 0;
    for (int i = 0; i <= RUNTIMES_CONF_PLUGINS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "[runtime r%d]\n", i);
    expect(text, "r.conf:17: there are more than 16 sections [runtime NAME]");

    char keys[RUNTIMES_CONF_OPTIONS_MAX * 16 + 64] = "[runtime ev]\n";
    len = strlen(keys);
    for (int i = 0; i <= RUNTIMES_CONF_OPTIONS_MAX; i++)
        len += (size_t)snprintf(keys + len, sizeof keys - len, "k%d = 1\n", i);
    expect(keys, "r.conf:66: the section [runtime ev] has more than 64 keys");

    char *large = with_many("", '\n', RUNTIMES_CONF_BYTES_MAX, "");
    OWNED(runtimes_conf) struct runtimes_conf *conf = parse(large);
    free(large);
    large = with_many("", '\n', RUNTIMES_CONF_BYTES_MAX + 1, "");
    expect(large, "r.conf is longer than 65536 bytes");
    free(large);
}
END_TEST

START_TEST(a_long_wrong_value_is_cut_and_the_sentence_stays_whole)
{
    char *text = with_many("[up]\nworkers = ", '7', 500, "\n");
    char *shown = with_many("r.conf:2: workers = '", '7', 80,
                            "' is not allowed; allowed is a whole number, 1 to 256");
    expect(text, shown);
    free(text);
    free(shown);
}
END_TEST

START_TEST(settings_of_an_unknown_section_are_refused)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = parse("");
    struct runtimes_settings settings;
    struct error err = {0};
    ck_assert_int_eq(runtimes_conf_settings(conf, "ecko", &settings, &err), -EINVAL);
    ck_assert_str_eq(err.text,
                     "runtimes.conf: unknown section [ecko] (did you mean [echo]?); there "
                     "are: " SECTIONS);
}
END_TEST

/* --- no memory ------------------------------------------------------------------------------- */

START_TEST(no_memory_at_any_allocation_is_enomem_and_leaks_nothing)
{
    static const char text[] = "[default]\nruntime = ev\nplugin_dir = /opt\n[runtime ev]\na = b\n";
    for (uint64_t n = 1;; n++) {
        struct runtimes_conf *conf = NULL;
        struct error err = {0};
        support_fail_nth_alloc(n);
        int r = runtimes_conf_parse("r.conf", text, strlen(text), &conf, &err);
        if (!support_fail_nth_done()) {
            ck_assert_int_eq(r, 0);
            ck_assert_uint_gt(n, 2);
            runtimes_conf_free(conf);
            return;
        }
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_ptr_null(conf);
        ck_assert_ptr_nonnull(strstr(err.text, "out of memory"));
    }
}
END_TEST

/* --- precedence ------------------------------------------------------------------------------ */

static const char *runtime_from(const struct runtimes_request *request, const char **out_text)
{
    static char text[RUNTIMES_NAME_BYTES_MAX + 1];
    struct error err = {0};
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    int r = runtimes_conf_load(request, &conf, &err);
    ck_assert_msg(r == 0, "%d: %s", r, err.text);
    struct runtimes_settings up = settings_of(conf, "up");
    (void)snprintf(text, sizeof text, "%s", up.values[RUNTIMES_RUNTIME].text);
    *out_text = text;
    return up.values[RUNTIMES_RUNTIME].from;
}

START_TEST(the_option_wins_over_the_variable_over_the_file)
{
    char path[] = "/tmp/yoke-test-conf.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "[default]\nruntime = in-default\n[up]\nruntime = in-up\n"), 0);
    close(fd);
    ck_assert_int_eq(setenv("YOKE_RUNTIME", "in-variable", 1), 0);
    const char *text = NULL;
    struct runtimes_request request = {.file = path, .runtime = "in-option"};
    ck_assert_str_eq(runtime_from(&request, &text), "--runtime");
    ck_assert_str_eq(text, "in-option");
    request.runtime = NULL;
    ck_assert_str_eq(runtime_from(&request, &text), "YOKE_RUNTIME");
    ck_assert_str_eq(text, "in-variable");
    ck_assert_int_eq(setenv("YOKE_RUNTIME", "", 1), 0);
    ck_assert_ptr_null(runtime_from(&request, &text));
    ck_assert_str_eq(text, "in-up");
    unlink(path);
}
END_TEST

START_TEST(a_wrong_option_or_variable_is_named)
{
    struct runtimes_conf *conf = NULL;
    struct error err = {0};
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", "/nonexistent", 1), 0);
    ck_assert_int_eq(
        runtimes_conf_load(&(struct runtimes_request){.runtime = "../uv"}, &conf, &err), -EINVAL);
    ck_assert_str_eq(err.text, "--runtime: '../uv' is not allowed; allowed is a name made of a-z, "
                               "0-9, _ and -, or the absolute path of a plugin");
    ck_assert_int_eq(setenv("YOKE_RUNTIME", "U V", 1), 0);
    ck_assert_int_eq(runtimes_conf_load(NULL, &conf, &err), -EINVAL);
    ck_assert_str_eq(err.text, "YOKE_RUNTIME: 'U V' is not allowed; allowed is a name made of a-z, "
                               "0-9, _ and -, or the absolute path of a plugin");
    ck_assert_ptr_null(conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runtimes_conf");
    suite_add(suite, an_empty_file_leaves_everything_as_it_is_built_in);
    suite_add(suite, the_built_in_runtime_is_the_first_that_was_built);
    suite_add(suite, every_key_is_taken_with_its_line);
    suite_add(suite, a_server_inherits_key_by_key);
    suite_add(suite, keys_of_a_plugin_are_kept_for_it_in_order);
    suite_add(suite, a_byte_order_mark_and_a_missing_last_newline_are_fine);
    suite_add(suite, an_absolute_path_is_a_runtime);
    suite_add(suite, the_limits_of_numbers_belong_to_them);
    suite_add(suite, an_unknown_key_is_named_with_what_may_have_been_meant);
    suite_add(suite, an_unknown_section_is_named_with_what_there_is);
    suite_add(suite, a_wrong_value_is_named_with_what_is_allowed);
    suite_add(suite, what_comes_twice_is_refused_with_the_first_place);
    suite_add(suite, a_line_that_is_no_line_is_refused);
    suite_add(suite, a_continued_line_is_no_continuation);
    suite_add(suite, bytes_that_are_no_text_are_refused);
    suite_add(suite, a_plugins_section_and_keys_have_rules_too);
    suite_add(suite, the_longest_line_is_taken_and_a_longer_one_is_refused);
    suite_add(suite, there_are_limits_on_sections_keys_and_the_whole);
    suite_add(suite, a_long_wrong_value_is_cut_and_the_sentence_stays_whole);
    suite_add(suite, settings_of_an_unknown_section_are_refused);
    suite_add(suite, no_memory_at_any_allocation_is_enomem_and_leaks_nothing);
    suite_add(suite, the_option_wins_over_the_variable_over_the_file);
    suite_add(suite, a_wrong_option_or_variable_is_named);
    return support_main(suite);
}

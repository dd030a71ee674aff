/* SPDX-License-Identifier: MIT
 * test_plugin_path.c - in which folders runtimes are looked for, and what is said of none.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/runtime/plugin_path.h"

/* Two folders with files that are looked at by name only; each test has a process of its own. */
static char top[64], first[80], second[80];

static void touch(const char *folder, const char *name)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
}

static void begin(void)
{
    (void)snprintf(top, sizeof top, "/tmp/yoke-test-path.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    (void)snprintf(first, sizeof first, "%s/first", top);
    (void)snprintf(second, sizeof second, "%s/second", top);
    ck_assert_int_eq(mkdir(first, 0755), 0);
    ck_assert_int_eq(mkdir(second, 0755), 0);
    ck_assert_int_eq(unsetenv("YOKE_PLUGIN_PATH"), 0);
}

static void end(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", top);
    ck_assert_int_eq(system(command), 0);
}

static struct plugin_path *path_of(const char *plugin_dir, const char *variable)
{
    if (variable)
        ck_assert_int_eq(setenv("YOKE_PLUGIN_PATH", variable, 1), 0);
    struct error err = {0};
    struct plugin_path *path = NULL;
    int r = plugin_path_new(plugin_dir, &path, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    return path;
}

START_TEST(the_compiled_in_folder_comes_first_then_plugin_dir_then_the_variable)
{
    OWNED(plugin_path) struct plugin_path *path = path_of("/opt/one", "/opt/two::/opt/three:");
    ck_assert_str_eq(plugin_path_folder(path, 0), YOKE_PLUGIN_DIR);
    ck_assert_str_eq(plugin_path_folder(path, 1), "/opt/one");
    ck_assert_str_eq(plugin_path_folder(path, 2), "/opt/two");
    ck_assert_str_eq(plugin_path_folder(path, 3), "/opt/three");
    ck_assert_ptr_null(plugin_path_folder(path, 4));
}
END_TEST

START_TEST(the_first_folder_that_has_the_file_counts)
{
    begin();
    char variable[240], expected[120];
    (void)snprintf(variable, sizeof variable, "%s/gone:%s:%s", top, first, second);
    touch(first, "runtime_a.so");
    touch(second, "runtime_a.so");
    touch(second, "runtime_b.so");
    OWNED(plugin_path) struct plugin_path *path = path_of(NULL, variable);
    struct error err = {0};
    char *file = NULL;
    ck_assert_int_eq(plugin_path_find(path, "a", &file, &err), 0);
    (void)snprintf(expected, sizeof expected, "%s/runtime_a.so", first);
    ck_assert_str_eq(file, expected);
    free(file);
    ck_assert_int_eq(plugin_path_find(path, "b", &file, &err), 0);
    (void)snprintf(expected, sizeof expected, "%s/runtime_b.so", second);
    ck_assert_str_eq(file, expected);
    free(file);
    end();
}
END_TEST

START_TEST(the_list_is_by_name_and_says_what_is_hidden)
{
    begin();
    char variable[240];
    (void)snprintf(variable, sizeof variable, "%s:%s", first, second);
    touch(first, "runtime_uv.so");
    touch(first, "runtime_.so");
    touch(first, "runtime_UV.so");
    touch(first, "runtime_a.so.1");
    touch(first, "libruntime_a.so");
    touch(first, "readme");
    touch(second, "runtime_uv.so");
    touch(second, "runtime_ev.so");
    OWNED(plugin_path) struct plugin_path *path = path_of(NULL, variable);
    struct error err = {0};
    OWNED(plugin_list) struct plugin_list *list = NULL;
    ck_assert_int_eq(plugin_path_list(path, &list, &err), 0);
    ck_assert_uint_eq(list->count, 3);
    ck_assert_str_eq(list->files[0].name, "ev");
    ck_assert(!list->files[0].hidden);
    ck_assert_str_eq(list->files[1].name, "uv");
    ck_assert(!list->files[1].hidden);
    ck_assert_ptr_nonnull(strstr(list->files[1].file, "/first/runtime_uv.so"));
    ck_assert_str_eq(list->files[2].name, "uv");
    ck_assert(list->files[2].hidden);
    end();
}
END_TEST

START_TEST(an_unknown_runtime_is_named_with_what_there_is)
{
    begin();
    touch(first, "runtime_uv.so");
    touch(second, "runtime_threads.so");
    OWNED(plugin_path) struct plugin_path *path = path_of(first, second);
    struct error err = {0};
    char *file = NULL;
    ck_assert_int_eq(plugin_path_find(path, "thraeds", &file, &err), -ENOENT);
    ck_assert_ptr_null(file);
    char sentence[400];
    (void)snprintf(sentence, sizeof sentence,
                   "there is no runtime 'thraeds' (did you mean 'threads'?): no file "
                   "runtime_thraeds.so in %s, %s, %s; there are: threads, uv",
                   YOKE_PLUGIN_DIR, first, second);
    ck_assert_str_eq(err.text, sentence);
    end();
}
END_TEST

START_TEST(where_there_is_none_that_is_said)
{
    begin();
    OWNED(plugin_path) struct plugin_path *path = path_of(first, NULL);
    struct error err = {0};
    char *file = NULL;
    ck_assert_int_eq(plugin_path_find(path, "uv", &file, &err), -ENOENT);
    char sentence[300];
    (void)snprintf(
        sentence, sizeof sentence,
        "there is no runtime 'uv': no file runtime_uv.so in %s, %s; there are no runtimes",
        YOKE_PLUGIN_DIR, first);
    ck_assert_str_eq(err.text, sentence);
    end();
}
END_TEST

START_TEST(what_cannot_be_a_name_is_not_looked_for)
{
    OWNED(plugin_path) struct plugin_path *path = path_of(NULL, "");
    static const char *const names[] = {"",    "../uv", "UV",
                                        "u v", "uv.so", "a23456789012345678901234567890b2"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error err = {0};
        char *file = NULL;
        ck_assert_int_eq(plugin_path_find(path, names[i], &file, &err), -EINVAL);
        char sentence[200];
        (void)snprintf(
            sentence, sizeof sentence,
            "'%s' cannot be a runtime: wanted is a name made of a-z, 0-9, _ and -, or the "
            "absolute path of a plugin",
            names[i]);
        ck_assert_str_eq(err.text, sentence);
    }
}
END_TEST

START_TEST(folders_must_be_absolute_and_are_counted)
{
    struct error err = {0};
    struct plugin_path *path = NULL;
    ck_assert_int_eq(setenv("YOKE_PLUGIN_PATH", "/opt:plugins", 1), 0);
    ck_assert_int_eq(plugin_path_new(NULL, &path, &err), -EINVAL);
    ck_assert_str_eq(err.text, "YOKE_PLUGIN_PATH: the folder 'plugins' is not an absolute path");
    ck_assert_int_eq(setenv("YOKE_PLUGIN_PATH", "/a:/b:/c:/d:/e:/f:/g:/h:/i:/j:/k:/l:/m:/n:/o", 1),
                     0);
    ck_assert_int_eq(plugin_path_new(NULL, &path, &err), 0);
    plugin_path_free(path);
    path = NULL;
    ck_assert_int_eq(plugin_path_new("/p", &path, &err), -EINVAL);
    ck_assert_str_eq(err.text, "YOKE_PLUGIN_PATH: there are more than 16 folders with plugins");
    ck_assert_ptr_null(path);
}
END_TEST

START_TEST(more_runtimes_than_can_be_listed_is_an_error)
{
    begin();
    for (int i = 0; i < PLUGIN_LIST_FILES_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "runtime_r%d.so", i);
        touch(first, name);
    }
    OWNED(plugin_path) struct plugin_path *path = path_of(first, NULL);
    struct error err = {0};
    OWNED(plugin_list) struct plugin_list *list = NULL;
    ck_assert_int_eq(plugin_path_list(path, &list, &err), 0);
    ck_assert_uint_eq(list->count, PLUGIN_LIST_FILES_MAX);
    touch(first, "runtime_one-more.so");
    struct plugin_list *longer = NULL;
    ck_assert_int_eq(plugin_path_list(path, &longer, &err), -E2BIG);
    ck_assert_str_eq(err.text, "there are more than 256 runtimes in the folders with plugins");
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugin_path");
    suite_add(suite, the_compiled_in_folder_comes_first_then_plugin_dir_then_the_variable);
    suite_add(suite, the_first_folder_that_has_the_file_counts);
    suite_add(suite, the_list_is_by_name_and_says_what_is_hidden);
    suite_add(suite, an_unknown_runtime_is_named_with_what_there_is);
    suite_add(suite, where_there_is_none_that_is_said);
    suite_add(suite, what_cannot_be_a_name_is_not_looked_for);
    suite_add(suite, folders_must_be_absolute_and_are_counted);
    suite_add(suite, more_runtimes_than_can_be_listed_is_an_error);
    return support_main(suite);
}
